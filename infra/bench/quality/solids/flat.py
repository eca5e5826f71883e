"""Flat things: much thinner than wide, standing towards the viewer or lying."""

import numpy as np

from quality.polygon import arc, circle, gear, heart, smooth_loop, star
from quality.solids.build import Solid, box, cylinder, lathe, prism, solid

LYING = (-90.0, 0.0, 0.0)


def standing() -> list[Solid]:
    """Cut out of a sheet, facing the viewer."""
    leaf = smooth_loop(
        [(-1, 0), (-0.6, 0.35), (0, 0.45), (0.6, 0.25), (1, 0), (0.6, -0.25), (0, -0.45), (-0.6, -0.35)]
    )
    crescent = [*arc(0.9, 0.9, 5.4, corners=28), *arc(0.72, 5.1, 1.2, (0.3, 0), 24)]
    spanner = [
        *arc(0.3, -2.6, 2.6, (-0.75, 0), 18),
        (-0.75, 0.1),
        (-0.75, -0.1),
    ]
    guitar = smooth_loop(
        [
            (-0.9, 0),
            (-0.8, 0.4),
            (-0.35, 0.42),
            (-0.1, 0.24),
            (0.2, 0.32),
            (0.4, 0.15),
            (0.45, 0),
            (0.4, -0.15),
            (0.2, -0.32),
            (-0.1, -0.24),
            (-0.35, -0.42),
            (-0.8, -0.4),
        ],
        4,
    )
    return [
        solid("coin", "flat", cylinder((0, 0, 0), 1, 0.08, turn=(90, 0, 0)), face_on=True),
        solid("star", "flat", prism(0.1, star(1, 0.42, 5), radius=0.02), face_on=True),
        solid("heart", "flat", prism(0.12, heart(0.9), radius=0.05), face_on=True),
        solid(
            "key",
            "flat",
            prism(0.05, circle(0.35, (-0.6, 0)), circle(0.2, (-0.6, 0))),
            box((0.3, 0, 0), (0.6, 0.08, 0.05)),
            box((0.75, -0.15, 0), (0.06, 0.14, 0.05)),
            box((0.52, -0.13, 0), (0.06, 0.12, 0.05)),
        ),
        solid("leaf", "flat", prism(0.03, leaf), box((-1.15, 0, 0), (0.25, 0.03, 0.03)), face_on=True),
        solid("gear", "flat", prism(0.12, gear(1, 0.8, 12), circle(0.3)), face_on=True),
        solid("crescent", "flat", prism(0.08, crescent)),
        solid(
            "spanner",
            "flat",
            prism(0.06, spanner),
            box((0.15, 0, 0), (0.7, 0.11, 0.06)),
            prism(0.06, circle(0.24, (0.85, 0)), circle(0.13, (0.85, 0))),
        ),
        solid(
            "guitar",
            "flat",
            prism(0.1, guitar),
            box((0.85, 0, 0.06), (0.5, 0.05, 0.05)),
            box((1.4, 0, 0.05), (0.12, 0.09, 0.03)),
        ),
        solid(
            "picture-frame",
            "flat",
            prism(
                0.06,
                [(-0.8, -0.6), (0.8, -0.6), (0.8, 0.6), (-0.8, 0.6)],
                [(-0.6, -0.4), (0.6, -0.4), (0.6, 0.4), (-0.6, 0.4)],
            ),
        ),
    ]


def lying() -> list[Solid]:
    """On a table, or held in a hand."""
    plate = [(0, -0.06), (0.6, -0.06), (1, 0.09), (1, 0.13), (0.58, 0), (0, 0)]
    return [
        solid("plate", "flat", lathe(plate)),
        solid("book", "flat", box((0, 0, 0), (0.65, 0.9, 0.12)), face_on=True),
        solid("phone", "flat", box((0, 0, 0), (0.45, 0.95, 0.06), 0.05)),
        solid(
            "cheese-board",
            "flat",
            prism(
                0.05,
                [
                    (-0.8, -0.45),
                    (0.5, -0.45),
                    (0.5, -0.1),
                    (0.95, -0.1),
                    (0.95, 0.1),
                    (0.5, 0.1),
                    (0.5, 0.45),
                    (-0.8, 0.45),
                ],
                turn=LYING,
            ),
        ),
        solid(
            "paddle", "flat", prism(0.06, circle(0.55, (0, 0.3))), box((0, -0.5, 0), (0.1, 0.4, 0.06), 0.03)
        ),
        solid(
            "horseshoe",
            "flat",
            prism(
                0.07,
                [
                    *arc(0.8, -0.25 * np.pi, 1.25 * np.pi, corners=28),
                    *arc(0.5, 1.25 * np.pi, -0.25 * np.pi, corners=28),
                ],
                turn=LYING,
            ),
        ),
    ]
