"""Cuts out what stands on a plain backdrop: a smooth colour that the picture's border shows."""

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Mask
from worker.engines.silhouette.morphology import disk, sides

PLAIN_SIGMA = 7.0
"""A backdrop is plain where its border's spread about a smooth colour is below this (CIE Lab units)."""

SHADOW_STEP = 3.0
"""The most that a shadow's edge changes from pixel to pixel (CIE Lab units)."""


def against_backdrop(lab: Field) -> Mask | None:
    """What differs from a smooth backdrop, or None where the border shows that there is none.

    The backdrop is a quadratic surface in each Lab channel, fitted to the border without its
    outliers (objects may touch it) and then once more to all that was found to be backdrop.
    """
    height, width = lab.shape[:2]
    ring = np.ones((height, width), np.bool_)
    edge = max(2, round(0.03 * min(height, width)))
    ring[edge:-edge, edge:-edge] = False

    basis = _quadratic(height, width)
    backdrop, sigma, inliers = _fit(lab, basis, ring)
    if sigma > PLAIN_SIGMA or inliers < 0.6:
        return None
    mask = _stands_out(lab, backdrop, sigma)
    if mask.mean() < 0.9:
        far = cv2.dilate(mask.astype(np.uint8), disk(4)) == 0
        if far.sum() > ring.sum() // 2:
            backdrop, sigma, _ = _fit(lab, basis, far)
            mask = _stands_out(lab, backdrop, sigma)
    return mask


def _quadratic(height: int, width: int) -> Field:
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).astype(np.float32)


def _fit(lab: Field, basis: Field, where: Mask) -> tuple[Field, float, float]:
    """A trimmed least-squares fit: (backdrop like `lab`, robust spread, share of inliers)."""
    samples, colours = basis[where], lab[where]
    # The first guess is the median colour: one fit through everything would bend towards an object.
    residual = np.linalg.norm(colours - np.median(colours, axis=0), axis=1)
    keep = residual <= max(3 * float(np.median(residual)), 6.0)
    for _ in range(4):
        weights, *_rest = np.linalg.lstsq(samples[keep], colours[keep], rcond=None)
        residual = np.linalg.norm(colours - samples @ weights, axis=1)
        sigma = 1.2 * float(np.median(residual))
        keep = residual <= max(3 * sigma, 4.0)
    return basis @ weights, sigma, float(keep.mean())


def _stands_out(lab: Field, backdrop: Field, sigma: float) -> Mask:
    """Foreground by colour distance with hysteresis, less shadows and the backdrop seen through holes."""
    delta = lab - backdrop
    chroma = np.linalg.norm(delta[..., 1:], axis=-1)
    distance = np.hypot(delta[..., 0], chroma)
    low = max(4.5, 3.0 * sigma)
    smooth = cv2.GaussianBlur(distance, (0, 0), 0.8)
    mask = _hysteresis(smooth > low, smooth > 2.2 * low)
    mask = _without_shadow(mask, lab, delta[..., 0], chroma, low)

    # A blurred edge belongs to the object only up to half of the contrast that it ends at.
    inner = cv2.erode(mask.astype(np.uint8), disk(3), borderType=cv2.BORDER_REPLICATE) > 0
    contrast = cv2.dilate(np.where(mask, distance, 0), disk(2))
    mask &= inner | (distance > 0.5 * contrast)

    return _filled(mask, smooth, same=0.35 * low)


def _filled(mask: Mask, distance: Field, same: float) -> Mask:
    """Fills what the mask encloses, but for large areas that have the backdrop's very colour.

    Bays with a narrow mouth count as enclosed: parts of an object that look like the backdrop open to
    it somewhere.
    """
    radius = max(2, max(mask.shape) // 40)
    padded = np.pad(mask.astype(np.uint8), radius)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disk(radius))[radius:-radius, radius:-radius] > 0
    bays = _holes(closed, distance, same)
    mouths = closed & (cv2.dilate(bays.astype(np.uint8), disk(radius)) > 0)
    mask = mask | bays | mouths
    return mask | _holes(mask, distance, same)


def _holes(mask: Mask, distance: Field, same: float) -> Mask:
    """What the mask encloses and one can't see the backdrop through."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    outside = {int(label) for side in sides(labels) for label in np.unique(side)}
    holes = np.zeros_like(mask)
    for label in set(range(1, len(stats))) - outside:
        x, y, w, h, area = stats[label]
        hole = labels[y : y + h, x : x + w] == label
        see_through = np.median(distance[y : y + h, x : x + w][hole]) < same
        if not (see_through and area > 0.002 * mask.size):
            holes[y : y + h, x : x + w] |= hole
    return holes


def _hysteresis(weak: Mask, strong: Mask) -> Mask:
    """The connected parts of `weak` that hold something of `strong`."""
    count, labels = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
    held = np.zeros(count, np.bool_)
    held[np.unique(labels[strong & weak])] = True
    held[0] = False
    parts: Mask = held[labels]
    return parts


def _without_shadow(mask: Mask, lab: Field, lightness: Field, chroma: Field, low: float) -> Mask:
    """Takes from the mask what the backdrop runs into without an edge: cast shadows, lamps' pools."""
    soft = cv2.GaussianBlur(lab, (0, 0), 1.0)
    across, down = (cv2.Sobel(soft, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    step = np.sqrt((across**2 + down**2).sum(axis=-1))
    alike = chroma < low + 2
    shade = alike & (lightness < 0) & (lightness > -55) & (step < SHADOW_STEP)
    pool = alike & (lightness < 25) & (step < SHADOW_STEP / 2)
    # A way that is a few pixels wide is a weak spot in the object's edge, not a shadow.
    open_shade = cv2.morphologyEx((shade | ~mask).astype(np.uint8), cv2.MORPH_OPEN, disk(3)) > 0
    shadow = mask & (_from_border(open_shade, ~mask) | _from_border(pool & mask, mask))
    # The step at the object's own edge is as wide as the blur: the shadow goes on up to it.
    shadow = mask & (cv2.dilate(shadow.astype(np.uint8), disk(1)) > 0)
    left: Mask = mask & ~shadow
    # An object that melts into the backdrop is no shadow.
    return left if left.sum() > 0.4 * mask.sum() else mask


def _from_border(passable: Mask, starts: Mask) -> Mask:
    """The connected parts of `passable` that begin at a picture's border pixel of `starts`."""
    _, labels = cv2.connectedComponents(passable.astype(np.uint8), connectivity=4)
    first = np.concatenate([edge[at] for edge, at in zip(sides(labels), sides(starts), strict=True)])
    return np.isin(labels, np.setdiff1d(first, [0]))
