"""How thick something flat is that faces the viewer: nobody can see it, so what such things mostly are."""

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field

UPRIGHT = 0.02
"""A side stands upright where the outline keeps within this share of the width from it."""

BUILT = 0.5
"""What stands upright for more than this share of its height, on both sides on average, is built of boxes."""

BLOCK, FRAME = 0.9, 0.5
"""Half the depth of what is built, in half the shorter side of its outline: massive, or with openings."""

MASSIVE = 0.9
"""The share of its convex hull that the outline of something massive fills."""

SHEET = 0.1
"""Half the thickness of anything else, in half the longer side of its outline."""


def squared(outline: Field) -> Field:
    """h² in cells² of a slab with the outline, given by its signed distance: the same everywhere."""
    inside = outline > 0
    rows = np.nonzero(inside.any(axis=1))[0]
    first = inside[rows].argmax(axis=1)
    last = inside.shape[1] - 1 - inside[rows, ::-1].argmax(axis=1)
    height, width = len(rows), int(last.max() - first.min()) + 1
    slack = 1 + UPRIGHT * width
    upright = ((first - first.min() < slack).mean() + (last.max() - last < slack).mean()) / 2
    if upright > BUILT:
        depth = (BLOCK if _solidity(inside) > MASSIVE else FRAME) * min(height, width)
    else:
        depth = SHEET * max(height, width)
    return np.full_like(outline, (depth / 2) ** 2)


def _solidity(inside: Field) -> float:
    """The share of its convex hull that a mask fills."""
    points = cv2.findNonZero(inside.astype(np.uint8))
    return float(inside.sum() / max(cv2.contourArea(cv2.convexHull(points)), 1.0))
