"""Gives the silhouette depth: the union of the maximal balls that fit in it.

With r(c) the distance from c to the outline, the front surface over x is at h(x), where
h²(x) = max over c of r²(c) - |x-c|²: a dilation of r² by a parabola, separable into rows and
columns (van den Boomgaard & Smeulders 1994). Outside it is continued by reflection, negative, so
that it crosses zero straight on the outline: the solid is {(x, z): z² <= h²(x)} and its rim needs no
special case. It is exact for spheres, and for capsules and tori seen face-on.
"""

from collections.abc import Callable

import cv2
import numpy as np

from worker.engine import ImageRejected
from worker.engines.silhouette.arrays import Field, Mask
from worker.engines.silhouette.grid import CELLS, MARGIN
from worker.engines.silhouette.matte import NO_FOREGROUND
from worker.engines.silhouette.morphology import disk

FLATNESS, ROUNDING = 0.75, 0.6
"""Half a soft box's depth, and how far its edges are rounded, in the radius of the balls there."""

THIN, THICK = 0.08, 0.14
"""Parts of a radius below the first share of the object's size are round, above the second they are boxes."""

NEARLY = 0.9
"""Balls of this share of another's radius are nearly as large."""

BLEND = 14.0
"""Standard deviation, in cells, of the blur over the boundary between parts."""

SMOOTHING = 1.6
"""Standard deviation, in cells, of the blur that takes the pixels' stairs off the surface."""


def balls(coverage: Field, check: Callable[[], None]) -> Field:
    """h² in cells² for what a matte sampled on the grid (0..1) covers; negative outside, and far outside -1.

    `check` is called between steps and may raise. Raises ImageRejected where nothing is covered.
    """
    soft = cv2.GaussianBlur(coverage, (0, 0), 0.6)
    inside = soft > 0.5
    if not inside.any():
        raise ImageRejected(NO_FOREGROUND)
    radius = _radius(soft, inside)
    check()
    squared = _dilate(np.where(inside, radius * radius, -np.inf).astype(np.float32), check)
    squared = _reflect(squared, inside)
    squared = cv2.GaussianBlur(squared, (0, 0), SMOOTHING)
    # Blurring lowers a parabola by its Laplacian times σ²/2, which is put back.
    squared = squared - SMOOTHING**2 / 2 * cv2.Laplacian(squared, cv2.CV_32F, ksize=1)
    squared[_far(inside)] = -1
    if squared.max() <= 0:
        raise ImageRejected(NO_FOREGROUND)
    return squared.astype(np.float32)


def outline(squared: Field) -> Field:
    """The signed distance to the outline, of the balls' h²: positive and within each ball exact inside,
    right to first order outside.

    It is r - ρ = h² / (r + ρ), with ρ the distance from the centre of the ball of radius r.
    """
    rho = _from_centre(squared)
    distance: Field = squared / (np.sqrt(np.abs(squared) + rho * rho) + rho + np.float32(1e-6))
    return distance


def sameness(squared: Field) -> float:
    """The share of the outline's area that lies under balls nearly as large as the largest: 1 for what has
    the same thickness all over, a ball, a sausage or a ring.
    """
    radius = squared + _from_centre(squared) ** 2
    return float((radius[squared > 0] > NEARLY**2 * squared.max()).mean())


def soft_boxes(squared: Field) -> Field:
    """H² of the balls pressed into boxes with rounded edges; thin parts, as legs and handles, stay round."""
    inside = squared > 0
    radius = np.sqrt(np.maximum(squared + _from_centre(squared) ** 2, 1))
    radius = cv2.GaussianBlur(radius, (0, 0), BLEND)
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) - 0.5
    from_face = 1 - np.minimum(depth / (ROUNDING * radius), 1)
    boxes = (FLATNESS * radius) ** 2 * (1 - from_face**2)
    size = max(int(inside.any(axis=axis).sum()) for axis in (0, 1))
    thick = np.clip((radius / size - THIN) / (THICK - THIN), 0, 1)
    return np.where(inside, squared + thick * (boxes - squared), squared).astype(np.float32)


def _from_centre(squared: Field) -> Field:
    """How far each point is from the centre of the ball over it: h² is r² - ρ² and its gradient 2ρ."""
    rho: Field = np.hypot(*np.gradient(squared)) / 2
    return rho


def _radius(soft: Field, inside: Mask) -> Field:
    """How far each point inside is from the outline, where the matte passes through a half."""
    mask = inside.astype(np.uint8)
    to_outside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    _, labels = cv2.distanceTransformWithLabels(
        mask, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # The nearest outer point lies beyond the outline by what its matte is short of a half.
    beyond = np.clip((0.5 - soft) / np.maximum(np.hypot(*np.gradient(soft)), 0.1), 0, 1)
    short = np.zeros(int(labels.max()) + 1, np.float32)
    short[labels[~inside]] = beyond[~inside]
    distance: Field = np.maximum(to_outside - short[labels], 0.1) * inside
    return distance


def _dilate(field: Field, check: Callable[[], None]) -> Field:
    """Max over c of field(c) - |x-c|²."""
    for _ in range(2):
        check()
        field = np.ascontiguousarray(_dilate_down(field).T)
    return field


def _dilate_down(field: Field) -> Field:
    """The dilation along columns, a shift at a time: no ball reaches farther than the largest radius."""
    out = field.copy()
    reach = int(np.sqrt(float(field.max()))) + 1
    size = len(field)
    for shift in range(1, min(reach, size - 1) + 1):
        lowered = field - np.float32(shift * shift)
        np.maximum(out[shift:], lowered[:-shift], out=out[shift:])
        np.maximum(out[:-shift], lowered[shift:], out=out[:-shift])
    return out


def _reflect(squared: Field, inside: Mask) -> Field:
    """Continues each ball's field beyond the outline, by what lies as far within it."""
    distance, labels = cv2.distanceTransformWithLabels(
        (~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros((labels.max() + 1, 2), np.float32)
    rows, columns = np.nonzero(inside)
    nearest[labels[rows, columns]] = np.stack([columns, rows], 1)
    rows, columns = np.nonzero(~inside & (distance <= MARGIN))
    outer = np.stack([columns, rows], 1).astype(np.float32)
    inner = nearest[labels[rows, columns]]
    away = np.linalg.norm(outer - inner, axis=1, keepdims=True)
    # The outline lies half a cell outside of the nearest inner point.
    mirrored = np.rint(outer + (inner - outer) * (2 - 1 / away)).astype(np.intp)
    mirrored = np.clip(mirrored, 0, CELLS)
    out = np.where(inside, squared, np.float32(-(MARGIN**2)))
    # At a depth t below the outline a ball has 2rt - t², at as much above it -2rt - t².
    height = away[:, 0] - 0.5
    out[rows, columns] = -np.maximum(squared[mirrored[:, 1], mirrored[:, 0]], 0) - 2 * height**2
    continued: Field = np.maximum(out, -np.abs(squared[inside]).max())
    return continued


def _far(inside: Mask) -> Mask:
    """What lies so far out that the blur can't have reached it from the object."""
    far: Mask = cv2.dilate(inside.astype(np.uint8), disk(MARGIN // 2)) == 0
    return far
