"""What stands out from a backdrop whose colours are known, less its shadows."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Mask
from worker.engines.silhouette.morphology import disk, sides

FAINT = 4.5
"""What differs less than this from the backdrop may be backdrop (CIE Lab units)."""

SMALLEST_HOLE = 0.002
"""Smaller ones, relative to the picture, may be parts of the object that look like the backdrop."""

EVEN = 1.5
"""What shows the backdrop changes from pixel to pixel at most so much more than the backdrop elsewhere."""

SHADOW_STEP = 3.0
"""The most that a shadow's edge changes from pixel to pixel (CIE Lab units)."""

CONTACT_STEP = 4.5
"""As SHADOW_STEP, where the object may stand on the ground."""

MOST_SHADOW = 0.8
"""The most of what stands out that may be shadow."""

GROUND = 0.6
"""It may stand on the ground below this share of its height."""


def stands_out(lab: Field, backdrop: Field, sigma: float) -> tuple[Mask, Mask]:
    """(the object, what shows the backdrop unshadowed): colour distance with hysteresis, less shadows and the
    backdrop seen through holes.

    `backdrop` is like `lab`, (h, w, 3); `sigma` is the picture's spread about it.
    """
    delta = lab - backdrop
    distance = np.linalg.norm(delta, axis=-1)
    low = max(FAINT, 3.0 * sigma)
    smooth = cv2.GaussianBlur(distance, (0, 0), 0.8)
    mask = _hysteresis(smooth > low, smooth > 2.2 * low)
    lit = ~mask
    step = _steepness(lab)
    seen_through = _seen_through(mask, smooth, step, low)
    shadow = _shadow(mask, lab, backdrop, step, low, seen_through)
    mask &= ~shadow

    # A blurred edge belongs to the object only up to half of the contrast that it ends at.
    inner = cv2.erode(mask.astype(np.uint8), disk(3), borderType=cv2.BORDER_REPLICATE) > 0
    contrast = cv2.dilate(np.where(mask, distance, 0), disk(2))
    mask &= inner | (distance > 0.5 * contrast)
    shown = np.where(shadow, 0, smooth)
    mask = _filled(mask, lambda hollow: _seen_through(hollow, shown, step, low))
    return mask, lit & ~mask


def _steepness(lab: Field) -> Field:
    """The most that the colour changes a pixel, (h, w), in CIE Lab units."""
    soft = cv2.GaussianBlur(lab, (0, 0), 1.0)
    across, down = (cv2.Sobel(soft, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1)))
    steepness: Field = np.sqrt((across**2 + down**2).sum(axis=-1))
    return steepness


def _seen_through(mask: Mask, distance: Field, step: Field, low: float) -> Mask:
    """Parts that the mask encloses and that show the backdrop: large, of its colour and as even."""
    shown = np.zeros_like(mask)
    even_step = max(0.4, EVEN * float(np.median(step[~mask]))) if not mask.all() else 0.0
    for at, hole in _holes(mask):
        if hole.sum() < SMALLEST_HOLE * mask.size:
            continue
        # JPEG's blocks carry the colours of thin parts a few pixels far.
        core = cv2.erode(np.pad(hole, 1).astype(np.uint8), disk(3), borderValue=0)[1:-1, 1:-1] > 0
        core = core if core.any() else hole
        even = np.median(step[at][core]) < even_step
        if np.median(distance[at][core]) < (0.8 if even else 0.45) * low:
            shown[at] |= hole
    return shown


def _filled(mask: Mask, seen_through: Callable[[Mask], Mask]) -> Mask:
    """Fills what the mask encloses, but for where one sees the backdrop through it.

    Bays with a narrow mouth count as enclosed: parts of an object that look like the backdrop open to
    it somewhere.
    """
    radius = max(2, max(mask.shape) // 40)
    padded = np.pad(mask.astype(np.uint8), radius)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disk(radius))[radius:-radius, radius:-radius] > 0
    open_bays = seen_through(closed)
    bays = _enclosed(closed) & ~open_bays
    mouths = closed & (cv2.dilate(bays.astype(np.uint8), disk(radius)) > 0)
    mask = mask | bays | (mouths & ~open_bays)
    return mask | (_enclosed(mask) & ~seen_through(mask))


def _enclosed(mask: Mask) -> Mask:
    """The mask's holes."""
    enclosed = np.zeros_like(mask)
    for at, hole in _holes(mask):
        enclosed[at] |= hole
    return enclosed


def _holes(mask: Mask) -> Iterator[tuple[tuple[slice, slice], Mask]]:
    """Each connected part that the mask encloses: its window (rows, columns), and itself in there."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    outside = {int(label) for side in sides(labels) for label in np.unique(side)}
    for label in sorted(set(range(1, len(stats))) - outside):
        x, y, w, h, _ = stats[label]
        at = slice(y, y + h), slice(x, x + w)
        yield at, labels[at] == label


def _hysteresis(weak: Mask, strong: Mask) -> Mask:
    """The connected parts of `weak` that hold something of `strong`."""
    count, labels = cv2.connectedComponents(weak.astype(np.uint8), connectivity=8)
    held = np.zeros(count, np.bool_)
    held[np.unique(labels[strong & weak])] = True
    held[0] = False
    parts: Mask = held[labels]
    return parts


def _shadow(mask: Mask, lab: Field, backdrop: Field, step: Field, low: float, seen_through: Mask) -> Mask:
    """What of the mask the backdrop runs into without an edge: cast shadows, lamps' pools.

    CIE Lab is cubic roots of light: a shadow scales (L + 16, a, b) by one factor.
    """
    lightness = lab[..., 0] - backdrop[..., 0]
    shade = (lab[..., :1] + 16) / (backdrop[..., :1] + 16)
    tint = np.linalg.norm(lab[..., 1:] - np.minimum(shade, 1) * backdrop[..., 1:], axis=-1)
    alike = tint < low + 2
    soft = step < np.where(_low(mask), CONTACT_STEP, SHADOW_STEP)
    dim = alike & soft & (lightness < 0) & (lightness > -55)
    pool = alike & (lightness < 25) & (step < SHADOW_STEP / 2)
    # A way that is a few pixels wide is a weak spot in the object's edge, not a shadow.
    open_shade = cv2.morphologyEx((dim | ~mask).astype(np.uint8), cv2.MORPH_OPEN, disk(3)) > 0
    shadow = mask & (_reached(open_shade, ~mask, seen_through) | _reached(pool & mask, mask, seen_through))
    # The step at the object's own edge is as wide as the blur: the shadow goes on up to it.
    shadow = mask & (cv2.dilate(shadow.astype(np.uint8), disk(1)) > 0)
    # An object that melts into the backdrop is no shadow.
    return shadow if shadow.sum() < MOST_SHADOW * mask.sum() else np.zeros_like(mask)


def _low(mask: Mask) -> Mask:
    """The rows where the object may stand on the ground, (h, 1)."""
    rows = np.flatnonzero(mask.any(axis=1))
    low = np.zeros((len(mask), 1), np.bool_)
    if len(rows):
        low[rows[0] + round(GROUND * (rows[-1] - rows[0])) :] = True
    return low


def _reached(passable: Mask, starts: Mask, inner: Mask) -> Mask:
    """The connected parts of `passable` that begin at the picture's border in `starts`, or in `inner`."""
    _, labels = cv2.connectedComponents(passable.astype(np.uint8), connectivity=4)
    first = [edge[at] for edge, at in zip(sides(labels), sides(starts), strict=True)]
    return np.isin(labels, np.setdiff1d(np.concatenate([*first, labels[inner]]), [0]))
