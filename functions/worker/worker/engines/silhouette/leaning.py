"""How things lean and how deep they are, on average, by the proportions of their outline.

Who takes a picture mostly looks down a little. What stands then leans towards the viewer with its
top, and what lies leans away; tall outlines are mostly of what stands, wide ones of what lies. Only
what is seen from its own height leans nowhere: it shows by all its feet, or all of its base, being at
one height in the picture.
"""

from dataclasses import dataclass

import numpy as np

from worker.engines.silhouette.arrays import Field

PROPORTIONS = (0.5, 0.7, 0.9, 1.1, 1.4, 2.0)
"""Height by width of an outline."""

TILTS = (-20.0, -20.0, -20.0, 5.0, 18.0, 20.0)
"""The middle's slope upwards there, in degrees, towards the viewer; and"""

DEPTHS = (1.6, 1.3, 1.1, 1.3, 1.45, 1.5)
"""the depth there, in that of the maximal balls: those with the highest mean volume IoU on the quality
bench's tuning half.
"""

EVEN = 0.5
"""What is wide and as bright as this share of it all over is a sheet that lies there,"""

LYING = 0.65
"""if it is no higher than this share of its width;"""

LYING_TILT, LYING_DEPTH = -50.0, 1.2

LEVEL = 0.4
"""Feet that are at one height this share of the width apart, and"""

LEVEL_DEPTH = 1.4

FOOT = 0.012
"""Where the outline comes as near to its lowest point as this share of its size, it stands."""


@dataclass(frozen=True)
class Leaning:
    """How something leans and how deep it is."""

    tilt: float
    """The middle's slope upwards, in degrees, towards the viewer."""

    depth: float
    """In that of the maximal balls."""

    def middle(self, outline: Field) -> Field:
        """Its z in cells, towards the viewer, from any origin, on the outline's grid."""
        up = -np.arange(len(outline), dtype=np.float32)[:, None]
        return np.repeat(up * np.float32(np.tan(np.radians(self.tilt))), outline.shape[1], axis=1)


def expected(outline: Field, evenness: float) -> Leaning:
    """What an outline, given by its signed distance, mostly is of. `evenness` is the shading's."""
    inside = outline > 0
    rows, columns = np.nonzero(inside.any(axis=1))[0], np.nonzero(inside.any(axis=0))[0]
    height, width = len(rows), len(columns)
    lowest = len(inside) - 1 - inside[::-1, columns].argmax(axis=0)
    feet = np.nonzero(lowest >= rows[-1] - FOOT * max(height, width))[0]
    if feet[-1] - feet[0] + 1 > LEVEL * width:
        return Leaning(0.0, LEVEL_DEPTH)
    if height < LYING * width and evenness > EVEN:
        return Leaning(LYING_TILT, LYING_DEPTH)
    at, known = np.log(height / width), np.log(PROPORTIONS)
    return Leaning(float(np.interp(at, known, TILTS)), float(np.interp(at, known, DEPTHS)))
