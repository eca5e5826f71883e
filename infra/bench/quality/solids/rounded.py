"""Round things: primitives, what a lathe turns, unions of swellings, animals."""

import numpy as np

from quality.polygon import arc, smooth
from quality.solids.build import Solid, ball, box, cone, cylinder, ellipsoid, lathe, ring, rod, rods, solid


def primitives() -> list[Solid]:
    """The sphere and its kin."""
    return [
        solid("sphere", "round", ball((0, 0, 0), 1), face_on=True),
        solid("capsule", "round", rod((-0.6, -0.3, 0), (0.6, 0.3, 0), 0.4), face_on=True),
        solid("torus", "round", ring((0, 0, 0), 0.7, 0.3, turn=(90, 0, 0)), face_on=True),
        solid("ellipsoid-long", "round", ellipsoid((0, 0, 0), (1, 0.55, 0.55)), face_on=True),
        solid("ellipsoid-flat", "round", ellipsoid((0, 0, 0), (1, 0.45, 0.8))),
        solid("cylinder", "round", cylinder((0, 0, 0), 0.6, 0.8), face_on=True),
        solid("cylinder-lying", "round", cylinder((0, 0, 0), 0.35, 1, turn=(0, 0, 90))),
        solid("cone", "round", cone((0, 0, 0), 0.7, 0, 0.9), face_on=True),
        solid("frustum", "round", cone((0, 0, 0), 0.5, 0.8, 0.5)),
        solid("hemisphere", "round", lathe([(0, 0), *arc(1, 0, np.pi / 2, corners=32)])),
    ]


def turned() -> list[Solid]:
    """Solids of revolution, some hollow."""
    bowl = [*arc(1, -np.pi / 2, 0, corners=28), *arc(0.9, 0, -np.pi / 2, corners=28)]
    return [
        solid(
            "vase",
            "round",
            lathe([(0, -1), *smooth([(0.35, -1), (0.55, -0.5), (0.5, 0.1), (0.2, 0.6), (0.32, 1)]), (0, 1)]),
            face_on=True,
        ),
        solid(
            "bottle",
            "round",
            lathe(
                [
                    (0, -1),
                    (0.32, -1),
                    (0.34, -0.95),
                    *smooth([(0.34, 0.1), (0.26, 0.4), (0.12, 0.55)]),
                    (0.12, 1),
                    (0, 1),
                ]
            ),
            face_on=True,
        ),
        solid("bowl", "round", lathe(bowl)),
        solid(
            "goblet",
            "round",
            lathe(
                [
                    (0, -1),
                    (0.5, -1),
                    (0.48, -0.94),
                    *smooth([(0.1, -0.85), (0.08, -0.3), (0.15, -0.05), (0.5, 0.3), (0.5, 1)]),
                    *smooth([(0.44, 1), (0.44, 0.35), (0.12, 0.05), (0, 0.04)]),
                ]
            ),
        ),
        solid(
            "hourglass",
            "round",
            lathe([(0, -1), (0.6, -1), *smooth([(0.6, -0.9), (0.12, 0), (0.6, 0.9)]), (0.6, 1), (0, 1)]),
            face_on=True,
        ),
        solid(
            "spinning-top",
            "round",
            lathe(
                [(0, -0.9), *smooth([(0.05, -0.8), (0.7, 0), (0.6, 0.25), (0.1, 0.4)]), (0.1, 0.9), (0, 0.9)]
            ),
        ),
        solid(
            "mushroom",
            "round",
            lathe(
                [
                    (0, -0.8),
                    *smooth([(0.3, -0.8), (0.22, -0.3), (0.25, 0.1)]),
                    *smooth([(0.85, 0.05), (0.75, 0.5), (0.4, 0.75), (0, 0.8)]),
                ]
            ),
        ),
        solid(
            "egg",
            "round",
            lathe(smooth([(0, -0.9), (0.45, -0.7), (0.68, -0.2), (0.52, 0.45), (0.25, 0.85), (0, 1)])),
        ),
        solid(
            "pear",
            "round",
            lathe(smooth([(0, -0.85), (0.4, -0.75), (0.66, -0.3), (0.4, 0.3), (0.28, 0.7), (0, 0.95)])),
            rod((0, 0.9, 0), (0.1, 1.2, 0), 0.05),
        ),
        solid(
            "pawn",
            "round",
            cone((0, -0.9, 0), 0.6, 0.5, 0.12),
            cone((0, -0.25, 0), 0.4, 0.18, 0.55),
            cylinder((0, 0.32, 0), 0.36, 0.06),
            ball((0, 0.65, 0), 0.33),
        ),
    ]


def unions() -> list[Solid]:
    """Swellings grown together, and vessels with handles."""
    cup = lathe([(0, -0.6), (0.5, -0.6), (0.5, 0.6), (0.43, 0.6), (0.43, -0.5), (0, -0.5)])
    handle = rods(0.07, (0.48, 0.35, 0), (0.75, 0.32, 0), (0.87, 0.1, 0), (0.8, -0.2, 0), (0.48, -0.35, 0))
    return [
        solid(
            "snowman",
            "round",
            ball((0, -0.5, 0), 0.5),
            ball((0, 0.2, 0), 0.36),
            ball((0, 0.7, 0), 0.24),
            rod((0, 0.7, 0.2), (0, 0.68, 0.42), 0.05, 0.02),
        ),
        solid(
            "dumbbell",
            "round",
            ball((-0.7, 0, 0), 0.35),
            ball((0.7, 0, 0), 0.35),
            rod((-0.7, 0, 0), (0.7, 0, 0), 0.12),
            face_on=True,
        ),
        solid("mug", "round", cup, *handle),
        solid(
            "teapot",
            "round",
            ellipsoid((0, 0, 0), (0.7, 0.55, 0.7)),
            ball((0, 0.6, 0), 0.11),
            rod((0.55, -0.1, 0), (1.1, 0.4, 0), 0.17, 0.08),
            *rods(0.07, (-0.6, 0.25, 0), (-0.95, 0.3, 0), (-1.05, 0, 0), (-0.65, -0.2, 0)),
        ),
        solid(
            "rocket",
            "round",
            lathe([(0, -0.8), (0.25, -0.8), *smooth([(0.3, -0.4), (0.3, 0.2), (0.2, 0.7), (0, 1.1)])]),
            *[
                box(
                    (0.38 * float(np.cos(a)), -0.7, 0.38 * float(np.sin(a))),
                    (0.18, 0.22, 0.03),
                    0,
                    (0, -float(np.degrees(a)), 0),
                )
                for a in np.arange(3) * 2.0944
            ],
        ),
        solid(
            "apple",
            "round",
            lathe(smooth([(0, -0.62), (0.3, -0.7), (0.75, -0.2), (0.72, 0.35), (0.35, 0.62), (0, 0.45)])),
            rod((0, 0.4, 0), (0.08, 0.85, 0), 0.04),
        ),
        solid(
            "grapes",
            "round",
            *[
                ball((0.36 * (k - (n - 1) / 2), -0.55 * n * 0.6, 0.12 * (-1) ** (k + n)), 0.26)
                for n in range(1, 5)
                for k in range(n)
            ],
        ),
    ]


def animals() -> list[Solid]:
    """Bodies, heads and limbs, walking along x."""
    return [
        solid(
            "dog",
            "round",
            rod((-0.5, 0, 0), (0.45, 0.05, 0), 0.25, 0.28),
            rod((0.5, 0.2, 0), (0.7, 0.5, 0), 0.17),
            ellipsoid((0.82, 0.55, 0), (0.26, 0.18, 0.17)),
            ellipsoid((1.05, 0.5, 0), (0.15, 0.09, 0.1)),
            *[rod((x, 0, z), (x, -0.7, z), 0.09, 0.07) for x in (-0.48, 0.45) for z in (-0.14, 0.14)],
            *[rod((0.72, 0.65, z), (0.64, 0.85, z * 1.3), 0.06, 0.03) for z in (-0.12, 0.12)],
            rod((-0.7, 0.1, 0), (-1.0, 0.5, 0), 0.06, 0.03),
        ),
        solid(
            "cat",
            "round",
            ellipsoid((0, -0.3, 0), (0.42, 0.55, 0.38)),
            ball((0, 0.45, 0.05), 0.33),
            *[cone((x, 0.78, 0.05), 0.11, 0, 0.13) for x in (-0.2, 0.2)],
            *[rod((x, -0.4, 0.3), (x, -0.82, 0.36), 0.1) for x in (-0.18, 0.18)],
            *rods(0.06, (0.3, -0.75, -0.2), (0.65, -0.7, -0.2), (0.75, -0.4, -0.2)),
            face_on=True,
        ),
        solid(
            "fish",
            "round",
            ellipsoid((0, 0, 0), (0.8, 0.38, 0.2)),
            ellipsoid((-0.88, 0.16, 0), (0.28, 0.1, 0.04), turn=(0, 0, -40)),
            ellipsoid((-0.88, -0.16, 0), (0.28, 0.1, 0.04), turn=(0, 0, 40)),
            ellipsoid((0, 0.38, 0), (0.3, 0.13, 0.03)),
        ),
        solid(
            "bird",
            "round",
            ellipsoid((0, 0, 0), (0.6, 0.38, 0.36), turn=(0, 0, 25)),
            ball((0.5, 0.45, 0), 0.24),
            cone((0.78, 0.45, 0), 0.08, 0, 0.14, turn=(0, 0, -90)),
            ellipsoid((-0.7, -0.3, 0), (0.38, 0.06, 0.16), turn=(0, 0, 25)),
            *[ellipsoid((-0.1, 0.05, z), (0.45, 0.2, 0.06), turn=(0, 0, 25)) for z in (-0.36, 0.36)],
            *[rod((0.05, -0.3, z), (0.08, -0.75, z), 0.035) for z in (-0.12, 0.12)],
        ),
        solid(
            "duck",
            "round",
            ellipsoid((0, -0.2, 0), (0.75, 0.42, 0.5)),
            rod((0.4, 0, 0), (0.5, 0.45, 0), 0.2, 0.16),
            ball((0.55, 0.55, 0), 0.27),
            ellipsoid((0.85, 0.5, 0), (0.2, 0.06, 0.13)),
            cone((-0.75, 0.08, 0), 0.2, 0, 0.2, turn=(0, 0, 50)),
            face_on=True,
        ),
        solid(
            "pig",
            "round",
            ellipsoid((0, 0, 0), (0.7, 0.45, 0.45)),
            ball((0.65, 0.15, 0), 0.3),
            cylinder((0.95, 0.12, 0), 0.13, 0.08, turn=(0, 0, 90)),
            *[cylinder((x, -0.5, z), 0.1, 0.18) for x in (-0.4, 0.4) for z in (-0.22, 0.22)],
            *[ellipsoid((0.6, 0.45, z), (0.06, 0.14, 0.1)) for z in (-0.2, 0.2)],
        ),
        solid(
            "turtle",
            "round",
            ellipsoid((0, 0.05, 0), (0.75, 0.4, 0.62)),
            ellipsoid((0.9, 0.1, 0), (0.25, 0.16, 0.16)),
            *[ellipsoid((x, -0.2, z), (0.22, 0.12, 0.14)) for x in (-0.5, 0.5) for z in (-0.5, 0.5)],
        ),
    ]
