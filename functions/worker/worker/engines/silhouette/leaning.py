"""How things lean and how deep they are, on average, by the proportions of their outline.

Who takes a picture mostly looks down a little. What stands then leans towards the viewer with its
top, and what lies leans away; tall outlines are mostly of what stands, wide ones of what lies. Only
what is seen from its own height leans nowhere: it shows by all its feet, or all of its base, being at
one height in the picture.
"""

from dataclasses import dataclass

import numpy as np

from worker.engines.silhouette.arrays import Field
from worker.engines.silhouette.contour import Contour

PROPORTIONS = (0.5, 0.7, 0.9, 1.1, 1.4, 2.0)
"""Heights of outlines by their widths, for which the next two are given. Those, and the constants below them,
have the highest mean volume IoU on the quality bench's tuning half.
"""

TILTS = (-20.0, -20.0, -20.0, 5.0, 18.0, 20.0)
DEPTHS = (1.6, 1.3, 1.1, 1.3, 1.45, 1.5)

WIDE, EVEN = 0.65, 0.63
"""What is no higher than the first share of its width, and over the second share equally bright, is a sheet
that lies on the ground.
"""

ROUND_PLAN = 0.95
"""Lying sheets are about as long as wide: foreshortening tells their tilt, nearly, and"""

LYING_DEPTH = 1.0
"""their depth, in that of the maximal balls."""

LEVEL = 0.4
"""What has feet at one height that are this share of its width apart is seen from its own height."""

LEVEL_DEPTH = 1.4


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


def lies(contour: Contour, evenness: float) -> bool:
    """Whether an outline is that of a sheet on the ground. `evenness` is the shading's of what is in it."""
    return contour.proportion < WIDE and evenness > EVEN and contour.stance <= LEVEL


def expected(contour: Contour, evenness: float) -> Leaning:
    """What an outline mostly is of."""
    if contour.stance > LEVEL:
        return Leaning(0.0, LEVEL_DEPTH)
    if lies(contour, evenness):
        return Leaning(-ROUND_PLAN * float(np.degrees(np.arccos(contour.proportion))), LYING_DEPTH)
    at, known = np.log(contour.proportion), np.log(PROPORTIONS)
    return Leaning(float(np.interp(at, known, TILTS)), float(np.interp(at, known, DEPTHS)))
