"""Convex outlines as polygons of a few sides."""

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Floats

NEAR = 3.0
"""Cells from a side within which the contour belongs to it."""


def enclosing(contour: Floats, sides: int) -> Floats | None:
    """The polygon of so many `sides` around a contour's convex hull, (sides, 2) corners in its order.

    The hull's sides are given up one by one, each time the one whose neighbours, prolonged, enclose
    the least area more; then each that is left is drawn straight through its part of the contour
    (n, 2). None where the hull has fewer sides.
    """
    hull = cv2.convexHull(contour.astype(np.float32))[:, 0].astype(np.float64)
    hull = cv2.approxPolyDP(hull.astype(np.float32), 0.3, True)[:, 0].astype(np.float64)
    if len(hull) < sides:
        return None
    while len(hull) > sides:
        before, after = np.roll(hull, 1, 0), np.roll(hull, -2, 0)
        tips = _crossing(before, hull, np.roll(hull, -1, 0), after)
        added = np.abs(_cross(tips - hull, np.roll(hull, -1, 0) - hull)) / 2
        # The neighbours must meet beyond the side, not behind it.
        ahead = ((tips - hull) * (hull - before)).sum(axis=1) > 0
        added[~ahead] = np.inf
        least = int(added.argmin())
        if not np.isfinite(added[least]):
            return None
        hull[least] = tips[least]
        hull = np.delete(hull, (least + 1) % len(hull), axis=0)
    return _straightened(hull, contour)


def _straightened(corners: Floats, contour: Floats) -> Floats:
    """Each side moved onto the contour's points along it, by least squares."""
    starts, ends = corners.copy(), np.roll(corners, -1, 0)
    for number, (start, end) in enumerate(zip(corners, np.roll(corners, -1, 0), strict=True)):
        along = end - start
        length = float(np.hypot(*along))
        along = along / max(length, 1e-9)
        offset = contour - start
        place, away = offset @ along, np.abs(_cross(np.broadcast_to(along, offset.shape), offset))
        margin = min(0.15 * length, 8.0)
        own = contour[(away < NEAR) & (place > margin) & (place < length - margin)]
        if len(own) >= 6:
            middle = own.mean(axis=0)
            along = np.linalg.svd(own - middle, full_matrices=False)[2][0]
            starts[number], ends[number] = middle, middle + along
    moved: Floats = _crossing(np.roll(starts, 1, 0), np.roll(ends, 1, 0), starts, ends)
    return moved


def _crossing(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """Where lines through a and b cross those through c and d, each (n, 2); far away where they don't."""
    along, other = b - a, d - c
    turn = _cross(along, other)
    turn = np.where(np.abs(turn) < 1e-9, 1e-9, turn)
    crossing: Floats = a + along * (_cross(c - a, other) / turn)[:, None]
    return crossing


def _cross(a: Floats, b: Floats) -> Floats:
    product: Floats = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product
