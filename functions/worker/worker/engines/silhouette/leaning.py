"""How things lean and how deep they are, on average, by the proportions of their outline.

Who takes a picture mostly looks down a little. What stands then leans towards the viewer with its
top, and what lies flat away from it; tall outlines are mostly of what stands, wide ones of what lies.
"""

import numpy as np

from worker.engines.silhouette.arrays import Field

PROPORTIONS = (0.35, 0.5, 0.65, 0.8, 1.0, 1.3, 2.0)
"""Height by width of an outline."""

TILTS = (-65.0, -55.0, -40.0, -20.0, 0.0, 5.0, 20.0)
"""The middle's slope upwards there, in degrees, towards the viewer; and"""

DEPTHS = (0.9, 1.0, 1.3, 1.1, 1.1, 1.15, 1.35)
"""the depth there, in that of the maximal balls: those with the highest mean volume IoU on the quality
bench's tuning half.
"""


def expected(outline: Field) -> tuple[Field, float]:
    """The middle, in cells, and by how much deeper than maximal balls something is that has this outline."""
    inside = outline > 0
    rows, columns = np.nonzero(inside.any(axis=1))[0], np.nonzero(inside.any(axis=0))[0]
    proportion = np.log(len(rows) / len(columns))
    tilt = np.interp(proportion, np.log(PROPORTIONS), TILTS)
    depth = float(np.interp(proportion, np.log(PROPORTIONS), DEPTHS))
    up = -np.arange(len(outline), dtype=np.float32)[:, None]
    return np.broadcast_to(up * np.float32(np.tan(np.radians(tilt))), outline.shape).copy(), depth
