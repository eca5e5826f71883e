"""Things with thin parts: legs, rods, branches."""

import numpy as np

from quality.solids.build import Solid, ball, box, cone, cylinder, ellipsoid, lathe, ring, rod, rods, solid


def furniture() -> list[Solid]:
    """What stands on legs."""

    def legs(
        x: float, z: float, top: float, bottom: float, half: float = 0.05
    ) -> list[tuple[tuple[float, float, float], tuple[float, float, float]]]:
        return [
            ((sx * x, (top + bottom) / 2, sz * z), (half, (top - bottom) / 2, half))
            for sx in (-1, 1)
            for sz in (-1, 1)
        ]

    return [
        solid(
            "chair",
            "thin",
            box((0, 0, 0), (0.45, 0.05, 0.45)),
            *[box(*leg) for leg in legs(0.4, 0.4, 0, -0.8)],
            *[box((x, 0.5, -0.4), (0.05, 0.5, 0.05)) for x in (-0.4, 0.4)],
            *[box((0, y, -0.4), (0.4, 0.07, 0.03)) for y in (0.45, 0.75)],
            face_on=True,
        ),
        solid(
            "table",
            "thin",
            box((0, 0.5, 0), (1, 0.05, 0.6)),
            *[box(*leg) for leg in legs(0.9, 0.5, 0.5, -0.4)],
        ),
        solid(
            "stool",
            "thin",
            cylinder((0, 0.6, 0), 0.45, 0.06),
            *[
                rod((0.3 * x, 0.55, 0.3 * z), (0.45 * x, -0.6, 0.45 * z), 0.05)
                for x in (-1, 1)
                for z in (-1, 1)
            ],
            ring((0, -0.2, 0), 0.55, 0.03),
        ),
        solid(
            "lamp",
            "thin",
            cylinder((0, -0.95, 0), 0.4, 0.05),
            cylinder((0, -0.2, 0), 0.04, 0.75),
            cone((0, 0.7, 0), 0.5, 0.3, 0.3),
            face_on=True,
        ),
        solid(
            "shelf",
            "thin",
            *[box((x, 0, 0), (0.04, 0.9, 0.25)) for x in (-0.6, 0.6)],
            *[box((0, y, 0), (0.6, 0.04, 0.25)) for y in (-0.85, -0.3, 0.3, 0.85)],
        ),
        solid(
            "ladder",
            "thin",
            *[box((x, 0, 0), (0.05, 1, 0.05)) for x in (-0.35, 0.35)],
            *[rod((-0.35, y, 0), (0.35, y, 0), 0.04) for y in np.linspace(-0.8, 0.8, 6).tolist()],
        ),
    ]


def made() -> list[Solid]:
    """Of rods and wires."""
    corners = [(x, y, z) for x in (-0.7, 0.7) for y in (-0.7, 0.7) for z in (-0.7, 0.7)]
    edges = [
        (a, b)
        for a in corners
        for b in corners
        if a < b and sum(p != q for p, q in zip(a, b, strict=True)) == 1
    ]
    bent = (90.0, 0.0, 0.0)
    return [
        solid(
            "bicycle",
            "thin",
            *[ring((x, -0.3, 0), 0.42, 0.04, turn=bent) for x in (-0.65, 0.65)],
            *rods(
                0.035, (-0.65, -0.3, 0), (-0.1, -0.3, 0), (0.45, 0.25, 0), (-0.25, 0.25, 0), (-0.1, -0.3, 0)
            ),
            *rods(0.035, (-0.65, -0.3, 0), (-0.25, 0.25, 0), (-0.3, 0.4, 0)),
            *rods(0.035, (0.65, -0.3, 0), (0.42, 0.5, 0)),
            rod((0.42, 0.5, -0.25), (0.42, 0.5, 0.25), 0.03),
            ellipsoid((-0.32, 0.43, 0), (0.18, 0.04, 0.1)),
            face_on=True,
        ),
        solid(
            "tripod",
            "thin",
            ball((0, 0.7, 0), 0.15),
            *[
                rod((0, 0.6, 0), (0.6 * float(np.cos(a)), -0.9, 0.6 * float(np.sin(a))), 0.05, 0.035)
                for a in np.arange(3) * 2.0944 + 0.5
            ],
        ),
        solid("wire-cube", "thin", *[rod(a, b, 0.06) for a, b in edges]),
        solid(
            "glasses",
            "thin",
            *[ring((x, 0, 0), 0.35, 0.04, turn=bent) for x in (-0.45, 0.45)],
            rod((-0.1, 0.05, 0), (0.1, 0.05, 0), 0.04),
            *[rod((x, 0.1, 0), (x, 0.05, -0.9), 0.03) for x in (-0.8, 0.8)],
        ),
        solid(
            "umbrella",
            "thin",
            lathe(
                [
                    (0, 0.62),
                    *[(0.9 * t, 0.62 - 0.42 * t * t) for t in np.linspace(0.1, 1, 12).tolist()],
                    *[(0.9 * t, 0.68 - 0.44 * t * t) for t in np.linspace(1, 0.1, 12).tolist()],
                    (0, 0.68),
                ]
            ),
            rod((0, 0.75, 0), (0, -0.7, 0), 0.035),
            *rods(0.035, (0, -0.7, 0), (0.08, -0.82, 0), (0.2, -0.75, 0)),
        ),
        solid(
            "candlestick",
            "thin",
            cylinder((0, -0.75, 0), 0.35, 0.05),
            rod((0, -0.7, 0), (0, 0.3, 0), 0.05),
            *rods(0.05, (-0.5, 0.45, 0), (-0.5, 0.1, 0), (0.5, 0.1, 0), (0.5, 0.45, 0)),
            *[cylinder((x, 0.5, 0), 0.09, 0.2) for x in (-0.5, 0, 0.5)],
            face_on=True,
        ),
        solid(
            "swing",
            "thin",
            *[rod((x, -0.8, z), (x, 0.8, 0), 0.05) for x in (-0.7, 0.7) for z in (-0.5, 0.5)],
            rod((-0.7, 0.8, 0), (0.7, 0.8, 0), 0.05),
            *[rod((x, 0.8, 0), (x, -0.4, 0.1), 0.02) for x in (-0.25, 0.25)],
            box((0, -0.42, 0.1), (0.32, 0.03, 0.12)),
        ),
    ]


def living() -> list[Solid]:
    """Long-legged or branching."""
    return [
        solid(
            "spider",
            "thin",
            ellipsoid((-0.15, 0, 0), (0.35, 0.25, 0.28)),
            ball((0.25, 0, 0), 0.16),
            *[
                part
                for k in range(4)
                for z in (-1, 1)
                for part in rods(
                    0.035,
                    (0.2 - 0.1 * k, 0, 0.15 * z),
                    (0.35 - 0.25 * k, 0.35, 0.5 * z),
                    (0.6 - 0.45 * k, -0.35, 0.85 * z),
                )
            ],
        ),
        solid(
            "tree",
            "thin",
            rod((0, -1, 0), (0, 0.2, 0), 0.12, 0.07),
            *[
                rod(
                    (0, -0.1 + 0.1 * k, 0),
                    (0.55 * float(np.cos(2.4 * k)), 0.45 + 0.1 * k, 0.55 * float(np.sin(2.4 * k))),
                    0.06,
                    0.03,
                )
                for k in range(5)
            ],
            *[
                ball((0.55 * float(np.cos(2.4 * k)), 0.45 + 0.1 * k, 0.55 * float(np.sin(2.4 * k))), 0.2)
                for k in range(5)
            ],
        ),
        solid(
            "giraffe",
            "thin",
            ellipsoid((0, 0, 0), (0.45, 0.22, 0.2)),
            rod((0.35, 0.1, 0), (0.7, 0.95, 0), 0.12, 0.08),
            ellipsoid((0.82, 0.98, 0), (0.2, 0.09, 0.09), turn=(0, 0, -20)),
            *[rod((x, -0.05, z), (x, -0.95, z), 0.07, 0.05) for x in (-0.33, 0.33) for z in (-0.12, 0.12)],
            rod((-0.42, 0.05, 0), (-0.6, -0.3, 0), 0.03),
            face_on=True,
        ),
        solid(
            "stick-man",
            "thin",
            ball((0, 0.8, 0), 0.2),
            rod((0, 0.6, 0), (0, -0.1, 0), 0.09),
            *rods(0.06, (-0.55, 0.1, 0.1), (-0.3, 0.45, 0), (0, 0.5, 0), (0.3, 0.45, 0), (0.5, 0.8, 0.1)),
            *rods(
                0.07, (-0.35, -0.95, 0), (-0.2, -0.5, 0.1), (0, -0.1, 0), (0.2, -0.5, 0.1), (0.3, -0.95, -0.1)
            ),
            face_on=True,
        ),
        solid(
            "cactus",
            "thin",
            rod((0, -0.9, 0), (0, 0.8, 0), 0.17),
            *rods(0.11, (0, -0.1, 0), (0.5, 0, 0), (0.5, 0.45, 0)),
            *rods(0.1, (0, -0.3, 0), (-0.45, -0.2, 0.1), (-0.45, 0.2, 0.1)),
        ),
    ]
