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
    height, width = (int(inside.any(axis=axis).sum()) for axis in (1, 0))
    if uprightness(outline) > BUILT:
        depth = (BLOCK if _solidity(inside) > MASSIVE else FRAME) * min(height, width)
    else:
        depth = SHEET * max(height, width)
    return np.full_like(outline, (depth / 2) ** 2)


def uprightness(outline: Field) -> float:
    """For what share of its height an outline stands upright, its left and its right side on average."""
    inside = outline > 0
    inside = inside[inside.any(axis=1)]
    left, right = inside.argmax(axis=1), inside[:, ::-1].argmax(axis=1)
    slack = 1 + UPRIGHT * int(inside.any(axis=0).sum())
    return float(np.mean([(side - side.min() < slack).mean() for side in (left, right)]))


def _solidity(inside: Field) -> float:
    """The share of its convex hull that a mask fills."""
    points = cv2.findNonZero(inside.astype(np.uint8))
    return float(inside.sum() / max(cv2.contourArea(cv2.convexHull(points)), 1.0))
