"""Cuts the object out: a soft matte in 0..1 from the alpha channel, a plain backdrop, or GrabCut."""

from collections.abc import Callable

import cv2
import numpy as np

from worker.engine import ImageRejected
from worker.engines.silhouette.arrays import Bytes, Field, Mask
from worker.engines.silhouette.backdrop import against_backdrop
from worker.engines.silhouette.grabcut import grabcut
from worker.engines.silhouette.morphology import clean, disk

WORK_SIDE = 512
"""Longer side, in pixels, at which the object is cut out."""

MIN_COVERAGE = 0.001
"""Less of the picture than this is no object."""

NO_FOREGROUND = (
    "No object stands out from the background. "
    "Use a picture of one object on a plain background, or one that is cut out (PNG with transparency)."
)


def cut_out(rgba: Bytes, check: Callable[[], None]) -> Field:
    """The matte of the object in `rgba` (h, w, 4), float32 in 0..1, longer side at most WORK_SIDE.

    `check` is called between steps and may raise. Raises ImageRejected where nothing stands out.
    """
    scale = min(1.0, WORK_SIDE / max(rgba.shape[:2]))
    small = cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    if min(height, width) < 4:
        raise ImageRejected("The picture is too small to show an object. Use one of at least 64 pixels.")

    alpha = small[..., 3].astype(np.float32) / 255
    if _meaningful(alpha):
        kept = clean(alpha > 0.5, least=0.002)
        matte: Field = np.where(cv2.dilate(kept.astype(np.uint8), disk(2)) > 0, alpha, 0)
    else:
        lab = cv2.cvtColor(small[..., :3].astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
        check()
        mask = against_backdrop(lab)
        if mask is None:
            mask = grabcut(small[..., :3], check)
        if mask is None:
            raise ImageRejected(NO_FOREGROUND)
        check()
        kept = clean(mask, least=0.05)
        matte = _soften(kept, lab)
    if kept.mean() < MIN_COVERAGE:
        raise ImageRejected(NO_FOREGROUND)
    return matte


def _meaningful(alpha: Field) -> bool:
    """Whether the alpha channel cuts something out: some of it clear, some of it opaque."""
    return bool((alpha < 0.1).mean() > 0.005 and (alpha > 0.5).mean() >= MIN_COVERAGE)


def _soften(mask: Mask, lab: Field) -> Field:
    """The mask with its edge drawn to the picture's, by a guided filter (He et al. 2013) on lightness."""
    guide, target = lab[..., 0] / 100, mask.astype(np.float32)
    size, eps = (9, 9), 1e-3

    def mean(field: Field) -> Field:
        return cv2.blur(field, size, borderType=cv2.BORDER_REFLECT)

    mean_guide, mean_target = mean(guide), mean(target)
    slope = (mean(guide * target) - mean_guide * mean_target) / (mean(guide * guide) - mean_guide**2 + eps)
    offset = mean_target - slope * mean_guide
    soft = mean(slope) * guide + mean(offset)
    # Only the edge is in question.
    inner = cv2.erode(target, disk(4), borderType=cv2.BORDER_REFLECT)
    outer = cv2.dilate(target, disk(4))
    return np.clip(np.clip(soft, inner, outer), 0, 1).astype(np.float32)
