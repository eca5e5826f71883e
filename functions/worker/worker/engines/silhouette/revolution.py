"""Solids of revolution whose axis lies in the picture plane: any outline that is its own mirror image.

Seen across its axis, such a solid has at a height v along it the radius that the outline has there:
h² = R²(v) - u². It equals the union of maximal balls for balls and capsules, and differs for all that
ends in a disc or narrows and widens fast: cylinders, cones, vases, hour-glasses.
"""

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Floats
from worker.engines.silhouette.fit.symmetry import Axis, axes

LEAST_SYMMETRY = 0.965
"""Intersection over union of the outline and its mirror image."""

MOST_AXES = 3

SPLIT = 0.02
"""The share of the rows that may be in more than one piece, as where a handle's or a leaf's tip is."""

RIPPLES = 2.5
"""Standard deviation, in rows, of the blur of R²."""

ENDS = 12
"""Rows from which R² is continued beyond the ends: it falls to 0 on a rounded end and not on a flat one."""


def revolutions(outline: Field) -> list[Field]:
    """h² in cells² of the solids that `outline`, a signed distance on the grid, is the side view of; the
    most symmetric axis first, none where there is no such axis.
    """
    cover = np.clip(outline + 0.5, 0, 1).astype(np.float32)
    solids = (_turned(axis, outline) for axis in axes(cover, least=LEAST_SYMMETRY, most=MOST_AXES))
    return [solid for solid in solids if solid is not None]


def _turned(axis: Axis, outline: Field) -> Field | None:
    """h² of what the outline sweeps about one axis, None where it is not single-valued about it."""
    upright = axis.upright(outline - outline.min()) + outline.min()
    inside = upright > 0
    rows = np.nonzero(inside.any(axis=1))[0]
    starts = (np.diff(inside.astype(np.int8), axis=1) > 0).sum(axis=1)[rows]
    if (starts != 1).mean() > SPLIT or len(rows) < ENDS:
        return None
    rows = rows[starts == 1]

    # Where the signed distance passes through zero, between the last point outside and the first inside.
    first = inside[rows].argmax(axis=1)
    last = inside.shape[1] - 1 - inside[rows, ::-1].argmax(axis=1)
    left = first - _share(upright[rows, first], upright[rows, first - 1])
    right = last + _share(upright[rows, last], upright[rows, last + 1])

    side = len(outline)
    middle = (len(upright) - 1) / 2
    columns, lines = np.meshgrid(np.arange(side) - axis.centre[0], np.arange(side) - axis.centre[1])
    cos, sin = np.cos(axis.angle), np.sin(axis.angle)
    u = cos * columns + sin * lines + middle
    v = cos * lines - sin * columns + middle
    centre = np.interp(v, rows, (left + right) / 2)
    swept: Field = _continued(v, rows, _smooth(((right - left) / 2) ** 2)) - (u - centre) ** 2
    return swept.astype(np.float32, copy=False)


def _share(inner: Floats, outer: Floats) -> Floats:
    """Where between an inner point, 0, and an outer one, 1, a signed distance passes through zero."""
    share: Floats = np.clip(inner / np.maximum(inner - outer, 1e-6), 0, 1)
    return share


def _smooth(values: Floats) -> Floats:
    """Without the ripples of the grid; a straight line stays one up to its ends."""
    ends = np.pad(values, ENDS, mode="reflect", reflect_type="odd")
    smooth: Floats = cv2.GaussianBlur(ends[:, None], (1, 4 * round(RIPPLES) + 1), sigmaX=1, sigmaY=RIPPLES)[
        ENDS:-ENDS, 0
    ]
    return smooth


def _continued(at: Floats, rows: Floats, values: Floats) -> Floats:
    """Interpolates `values` at `rows`; falls on beyond the ends as it does before them, never rises."""
    inner: Floats = np.interp(at, rows, values)
    for end, inward in ((0, slice(0, ENDS)), (-1, slice(-ENDS, None))):
        slope = np.polyfit(rows[inward], values[inward], 1)[0]
        beyond = rows[end] - at if end == 0 else at - rows[end]
        inner -= max(slope if end == 0 else -slope, 0) * np.maximum(beyond, 0)
    return inner
