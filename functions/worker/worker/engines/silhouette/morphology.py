"""Small operations on masks that the mattes share."""

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Bytes, Mask


def clean(mask: Mask, least: float) -> Mask:
    """The connected parts of at least `least` of the largest one's area, without pinholes."""
    side = max(mask.shape)
    bits = mask.astype(np.uint8)
    opened = cv2.morphologyEx(bits, cv2.MORPH_OPEN, disk(1))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count == 1:
        return np.zeros_like(mask)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    kept = (areas >= max(least * areas.max(), 12))[labels]
    # Opening ate thin parts; what hangs on the kept parts comes back.
    near = cv2.dilate(kept.astype(np.uint8), disk(max(2, side // 100)))
    kept = kept | (mask & (near > 0))
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~kept).astype(np.uint8), connectivity=4)
    pinholes = stats[:, cv2.CC_STAT_AREA] < max(12, 3e-4 * mask.size)
    pinholes[0] = False
    cleaned: Mask = kept | pinholes[labels]
    return cleaned


def sides(plane: Mask) -> list[Mask]:
    """The first and last row and the first and last column."""
    return [plane[0], plane[-1], plane[:, 0], plane[:, -1]]


def disk(radius: int) -> Bytes:
    """A round structuring element."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
