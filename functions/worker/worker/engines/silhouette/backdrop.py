"""Cuts out what stands on a plain backdrop: a smooth colour that the picture's border shows."""

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Mask
from worker.engines.silhouette.border import Border
from worker.engines.silhouette.morphology import disk, sides
from worker.engines.silhouette.standout import FAINT, stands_out

PLAIN_SIGMA = 3.0
"""A backdrop is plain where pixels spread less about a smooth colour (CIE Lab units)."""

MAX_WAVINESS = 7.0
"""Light on a backdrop changes slowly, see `Border.waviness`."""

FITTED_SIGMA = 1.5
"""The most that most of an interrupted border, averaged across its width, may spread about a polynomial."""

MIN_INLIERS = 0.6
"""The share of the border that must show the backdrop."""

MAX_CONTACT = 0.26
"""The most of the picture's border that the object may touch, in one place: a whole side of a square."""

MAX_STRAY = 0.05
"""The most that other things at the border may cover, relative to the object."""


def against_backdrop(lab: Field) -> Mask | None:
    """What differs from a smooth backdrop, or None where the border shows that there is none.

    The backdrop is a surface in each Lab channel: a polynomial fitted to the border without its outliers, for
    objects and shadows may touch it, or where nothing interrupts the border, what is spanned between the four
    sides, whichever explains more of the picture. Then it is draped over all that was found to be backdrop.
    """
    border = Border.of(lab)
    interruptions, contact = border.interruptions()
    if interruptions > 2 or contact > MAX_CONTACT:
        return None
    surfaces = [_fitted(lab, border)]
    if interruptions == 0 and border.waviness() < MAX_WAVINESS:
        surfaces.append(border.spanned())
    candidates = [surface for surface in surfaces if surface is not None]
    if not candidates:
        return None
    backdrop = max(candidates, key=lambda surface: _explained(lab, surface))
    sigma = _spread(lab - backdrop, border.ring)
    if sigma > PLAIN_SIGMA:
        return None
    mask, lit = stands_out(lab, backdrop, sigma)
    for _ in range(2):
        known = cv2.erode(lit.astype(np.uint8), disk(4)) > 0
        if known.sum() < border.ring.sum() // 2:
            break
        backdrop = _draped(lab, backdrop, known)
        mask, lit = stands_out(lab, backdrop, _spread(lab - backdrop, known))
    return mask if _one_thing(mask) else None


def _fitted(lab: Field, border: Border) -> Field | None:
    """A polynomial through most of the border, (h, w, 3), or None where its colours do not follow one."""
    height, width = lab.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    # The monomials up to the fourth degree that can be told apart on the border of a square.
    powers = [(i, j) for i in range(5) for j in range(5) if i + j <= 4 and (i, j) != (2, 2)]
    basis = np.stack([x**i * y**j for i, j in powers], axis=-1).astype(np.float32)
    samples = np.concatenate([basis[0], basis[:, -1], basis[-1, ::-1], basis[::-1, 0]])
    colours = border.around
    # The first guess is the median colour: one fit through everything would bend towards an object.
    residual = np.linalg.norm(colours - np.median(colours, axis=0), axis=1)
    keep = residual <= max(3 * float(np.median(residual)), 6.0)
    for _ in range(4):
        weights, *_rest = np.linalg.lstsq(samples[keep], colours[keep], rcond=None)
        residual = np.linalg.norm(colours - samples @ weights, axis=1)
        sigma = 1.2 * float(np.median(residual))
        keep = residual <= max(3 * sigma, 4.0)
    if sigma > FITTED_SIGMA or keep.mean() < MIN_INLIERS:
        return None
    surface: Field = basis @ weights
    return surface


def _draped(lab: Field, backdrop: Field, known: Mask) -> Field:
    """The backdrop drawn to the colours where it is known, and near there."""
    height, width = known.shape
    size = max(4, width // 4), max(4, height // 4)
    difference = cv2.resize(np.where(known[..., None], lab - backdrop, 0), size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    blur = max(size) / 20
    total, weight = (cv2.GaussianBlur(field, (0, 0), blur) for field in (difference, share))
    # Where little is known, the surface that was assumed before holds.
    draped: Field = backdrop + cv2.resize(total / (weight + 0.03)[..., None], (width, height))
    return draped


def _explained(lab: Field, backdrop: Field) -> float:
    """The share of the picture that the backdrop explains."""
    return float((np.linalg.norm(lab - backdrop, axis=-1) < FAINT).mean())


def _spread(difference: Field, where: Mask) -> float:
    """A robust standard deviation of colours, most of which differ by noise alone."""
    return 1.2 * float(np.median(np.linalg.norm(difference[where], axis=1)))


def _one_thing(mask: Mask) -> bool:
    """Whether the mask is one thing rather than a room full: the picture's frame cuts off little else."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if count == 1:
        return True
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    largest = int(areas.argmax())
    border = np.concatenate(sides(labels))
    cut_off = set(np.unique(border)) - {0, largest}
    stray = sum(int(areas[label]) for label in cut_off)
    return bool(stray < MAX_STRAY * areas[largest] and (border == largest).mean() < MAX_CONTACT)
