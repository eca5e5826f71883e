"""Boxy things: primitives with flat faces, and what is built of boxes."""

from quality.polygon import arc
from quality.solids.build import Solid, ball, box, cylinder, prism, rod, solid


def primitives() -> list[Solid]:
    """Cubes, cuboids, wedges."""
    roof = [(-0.7, -0.5), (0.7, -0.5), (0, 0.6)]
    return [
        solid("cube", "boxy", box((0, 0, 0), (0.7, 0.7, 0.7)), face_on=True),
        solid("cube-rounded", "boxy", box((0, 0, 0), (0.7, 0.7, 0.7), 0.18)),
        solid("cuboid-long", "boxy", box((0, 0, 0), (1, 0.35, 0.4)), face_on=True),
        solid("cuboid-tall", "boxy", box((0, 0, 0), (0.4, 1, 0.3), 0.04)),
        solid("cuboid-low", "boxy", box((0, 0, 0), (0.9, 0.3, 0.65))),
        solid("prism", "boxy", prism(0.9, roof), face_on=True),
        solid("wedge", "boxy", prism(0.5, [(-0.8, -0.4), (0.8, -0.4), (-0.8, 0.5)])),
        solid(
            "hexagonal-prism",
            "boxy",
            prism(
                0.5,
                [(0.8, 0), (0.4, 0.69), (-0.4, 0.69), (-0.8, 0), (-0.4, -0.69), (0.4, -0.69)],
                turn=(90, 0, 0),
            ),
        ),
    ]


def buildings() -> list[Solid]:
    """What stands."""
    stair = [
        (-0.9, -0.6),
        (0.9, -0.6),
        (0.9, 0.6),
        (0.3, 0.6),
        (0.3, 0.2),
        (-0.3, 0.2),
        (-0.3, -0.2),
        (-0.9, -0.2),
    ]
    arch = [
        (-0.8, -0.7),
        (-0.45, -0.7),
        *arc(0.45, 3.1416, 0, (0, 0), 20),
        (0.45, -0.7),
        (0.8, -0.7),
        (0.8, 0.75),
        (-0.8, 0.75),
    ]
    gable = [(-0.6, -0.6), (0.6, -0.6), (0.6, 0.15), (0, 0.65), (-0.6, 0.15)]
    return [
        solid("house", "boxy", prism(0.8, gable), box((0.3, 0.5, 0.3), (0.1, 0.25, 0.1)), face_on=True),
        solid(
            "building",
            "boxy",
            box((0, -0.1, 0), (0.45, 0.9, 0.4)),
            box((0.65, -0.5, 0), (0.3, 0.5, 0.35)),
            box((0, 0.85, 0), (0.2, 0.1, 0.2)),
        ),
        solid("stairs", "boxy", prism(0.5, stair)),
        solid("arch", "boxy", prism(0.3, arch), face_on=True),
        solid(
            "castle",
            "boxy",
            box((0, -0.2, 0), (0.7, 0.4, 0.5)),
            *[box((x, 0, z), (0.2, 0.65, 0.2)) for x in (-0.7, 0.7) for z in (-0.5, 0.5)],
        ),
        solid(
            "stacked-boxes",
            "boxy",
            box((0, -0.6, 0), (0.6, 0.3, 0.5)),
            box((0.1, -0.05, 0.05), (0.4, 0.25, 0.4), 0, (0, 25, 0)),
            box((0, 0.4, 0), (0.25, 0.2, 0.25), 0, (0, 50, 0)),
        ),
    ]


def made() -> list[Solid]:
    """What is made: beams, vehicles, furniture without legs."""
    ell = [(-0.8, -0.8), (0.8, -0.8), (0.8, -0.4), (-0.4, -0.4), (-0.4, 0.8), (-0.8, 0.8)]
    cabin = [(-0.6, 0), (0.5, 0), (0.3, 0.38), (-0.45, 0.38)]
    wheel = (90.0, 0.0, 0.0)
    return [
        solid("l-beam", "boxy", prism(0.4, ell), face_on=True),
        solid(
            "t-beam",
            "boxy",
            prism(
                0.8,
                [
                    (-0.6, 0.5),
                    (-0.6, 0.2),
                    (-0.15, 0.2),
                    (-0.15, -0.7),
                    (0.15, -0.7),
                    (0.15, 0.2),
                    (0.6, 0.2),
                    (0.6, 0.5),
                ],
            ),
        ),
        solid(
            "car",
            "boxy",
            box((0, -0.1, 0), (1, 0.2, 0.42), 0.08),
            prism(0.36, cabin, at=(0, 0.05, 0)),
            *[cylinder((x, -0.3, z), 0.2, 0.08, turn=wheel) for x in (-0.6, 0.6) for z in (-0.38, 0.38)],
            face_on=True,
        ),
        solid(
            "truck",
            "boxy",
            box((-0.3, 0.15, 0), (0.7, 0.45, 0.38)),
            box((0.7, 0, 0), (0.25, 0.3, 0.36), 0.05),
            *[cylinder((x, -0.35, z), 0.19, 0.08, turn=wheel) for x in (-0.6, 0.1, 0.7) for z in (-0.3, 0.3)],
        ),
        solid(
            "sofa",
            "boxy",
            box((0, -0.2, 0), (0.9, 0.25, 0.4), 0.05),
            box((0, 0.2, -0.32), (0.9, 0.45, 0.12), 0.05),
            *[box((x, 0, 0), (0.12, 0.35, 0.4), 0.05) for x in (-0.85, 0.85)],
        ),
        solid(
            "cupboard",
            "boxy",
            box((0, 0, 0), (0.5, 0.85, 0.3)),
            ball((-0.08, 0, 0.33), 0.05),
            ball((0.08, 0, 0.33), 0.05),
        ),
        solid(
            "bed",
            "boxy",
            box((0, -0.2, 0), (1, 0.16, 0.6), 0.05),
            box((-1, 0.1, 0), (0.05, 0.5, 0.6)),
            box((-0.75, 0.02, 0), (0.2, 0.1, 0.45), 0.08),
            *[box((x, -0.45, z), (0.06, 0.15, 0.06)) for x in (-0.9, 0.9) for z in (-0.5, 0.5)],
        ),
        solid(
            "radio",
            "boxy",
            box((0, 0, 0), (0.8, 0.45, 0.25), 0.05),
            cylinder((0.4, 0, 0.25), 0.25, 0.05, turn=wheel),
            rod((-0.6, 0.4, 0), (-0.2, 1, 0), 0.03),
        ),
        solid(
            "robot",
            "boxy",
            box((0, 0, 0), (0.4, 0.45, 0.28)),
            box((0, 0.68, 0), (0.25, 0.2, 0.22)),
            *[box((x, 0, 0), (0.1, 0.4, 0.12)) for x in (-0.55, 0.55)],
            *[box((x, -0.72, 0), (0.13, 0.3, 0.15)) for x in (-0.22, 0.22)],
        ),
        solid(
            "hammer",
            "boxy",
            box((0, 0.75, 0), (0.45, 0.15, 0.15), 0.02),
            box((0, -0.15, 0), (0.08, 0.8, 0.06), 0.03),
        ),
    ]
