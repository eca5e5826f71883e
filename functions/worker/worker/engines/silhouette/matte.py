"""Cuts the object out: a soft matte in 0..1 from the alpha channel, a plain backdrop, or GrabCut."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

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

MAX_COVERAGE = 0.97
"""An object that covers more than this was not told from a background."""

NO_FOREGROUND = (
    "No foreground: nothing stands out from the background. "
    "Use a picture of one object on a plain background, or one that is cut out (PNG with transparency)."
)
TRANSPARENT = "No foreground: the picture is fully transparent. Use one that shows the object."
TOO_SMALL = "No foreground: the picture is too small to show an object. Use one of at least 64 pixels."
TINY = "No foreground: the object is too small in the picture. Use one that it fills."
FILLS = (
    "No foreground: the object fills the whole picture, so that its outline can't be seen. "
    "Use a picture with some background on all sides."
)


class NoForeground(ImageRejected):
    """The picture shows no object that can be cut out; the text says why."""

    reason = "no_foreground"


@dataclass(frozen=True)
class Matte:
    """What of a picture is the object."""

    alpha: Field
    """float32 in 0..1, (h, w), longer side at most WORK_SIDE."""

    source: Literal["alpha", "backdrop", "grabcut"]
    """How it was found."""

    @property
    def coverage(self) -> float:
        """The object's share of the picture."""
        return float((self.alpha > 0.5).mean())


def cut_out(rgba: Bytes, check: Callable[[], None]) -> Matte:
    """The matte of the object in `rgba` (h, w, 4).

    `check` is called between steps and may raise. Raises NoForeground where there is no object to be found.
    """
    scale = min(1.0, WORK_SIDE / max(rgba.shape[:2]))
    # A picture can be so long that nothing of its width is left.
    size = max(1, round(rgba.shape[1] * scale)), max(1, round(rgba.shape[0] * scale))
    small = cv2.resize(rgba, size, interpolation=cv2.INTER_AREA)
    if min(size) < 4:
        raise NoForeground(TOO_SMALL)
    alpha = small[..., 3].astype(np.float32) / 255
    if alpha.max() < 0.1:
        raise NoForeground(TRANSPARENT)
    matte = _by_alpha(alpha) if _meaningful(alpha) else _by_colour(small[..., :3], check)
    if matte.coverage < MIN_COVERAGE:
        raise NoForeground(TINY)
    if matte.coverage > MAX_COVERAGE and matte.source != "alpha":
        raise NoForeground(FILLS)
    return matte


def _meaningful(alpha: Field) -> bool:
    """Whether the alpha channel cuts something out: some of it clear, some of it opaque."""
    return bool((alpha < 0.1).mean() > 0.005 and (alpha > 0.5).any())


def _by_alpha(alpha: Field) -> Matte:
    kept = clean(alpha > 0.5, least=0.002)
    near = cv2.dilate(kept.astype(np.uint8), disk(2)) > 0
    return Matte(np.where(near, alpha, np.float32(0)), "alpha")


def _by_colour(rgb: Bytes, check: Callable[[], None]) -> Matte:
    """By the backdrop where the picture's border shows one, else by GrabCut. Raises NoForeground."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    check()
    source: Literal["backdrop", "grabcut"] = "backdrop"
    mask = against_backdrop(lab)
    if mask is None:
        source, mask = "grabcut", grabcut(rgb, lab, check)
    check()
    if not mask.any():
        raise NoForeground(NO_FOREGROUND)
    return Matte(_soften(clean(mask, least=0.05), lab), source)


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
