"""What a picture's alpha channel gives without any thought: three plain ways to give an outline depth.

Each is a height field over the outline and its mirror image: {(x, y, z): z² <= h²(x, y)}.
"""

import numpy as np
from PIL import Image
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

from quality import voxels
from quality.arrays import Bytes, Floats, Mask, Voxels

CELLS = 240
"""Of the outline's longer side."""

SLAB = 0.2
"""The slab's half-thickness, in half the outline's longer side: the best on the tuning half."""

NAMES = ("slab", "poisson", "balls")


def solids(alpha: Bytes) -> dict[str, Voxels]:
    """The baselines' solids from a picture's alpha (h, w), in the product's frame, by name."""
    inside = _outline(alpha)
    fields = {"slab": slab(inside, SLAB), "poisson": poisson(inside), "balls": balls(inside)}
    return {name: _voxels(squared) for name, squared in fields.items()}


def slab_solid(alpha: Bytes, thickness: float) -> Voxels:
    """A slab of another thickness."""
    return _voxels(slab(_outline(alpha), thickness))


def slab(inside: Mask, thickness: float) -> Floats:
    """h² of a slab, in cells²; its half-thickness in half the outline's longer side."""
    return np.where(inside, (thickness * CELLS / 2) ** 2, 0.0)


def poisson(inside: Mask) -> Floats:
    """h² = u where Δu = -4 in the outline and u = 0 on it: exact for a sphere."""
    number = np.cumsum(inside).reshape(inside.shape) - 1
    count = int(inside.sum())
    rows, columns = [np.arange(count)], [np.arange(count)]
    values = [np.full(count, 4.0)]
    for shift in ((1, 0), (0, 1)):
        here = inside[: -shift[0] or None, : -shift[1] or None] & inside[shift[0] :, shift[1] :]
        a = number[: -shift[0] or None, : -shift[1] or None][here]
        b = number[shift[0] :, shift[1] :][here]
        rows += [a, b]
        columns += [b, a]
        values += [np.full(len(a), -1.0)] * 2
    matrix = sparse.csc_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))))
    out = np.zeros(inside.shape)
    out[inside] = spsolve(matrix, np.full(count, 4.0))
    return out


def balls(inside: Mask) -> Floats:
    """h² of the union of the maximal balls: max over c of r²(c) - |x-c|², r the distance to the outline."""
    radius = ndimage.distance_transform_edt(inside)
    # Distances run from centre to centre; the outline lies half a cell before the next.
    squared = np.where(inside, (radius - 0.5) ** 2, -np.inf)
    for _ in range(2):
        squared = _dilate(squared).T
    return np.where(inside, np.maximum(squared, 0), 0.0)


def _dilate(field: Floats) -> Floats:
    """Max over k of field[k] - (i - k)², along the first axis, by its definition."""
    at = np.arange(len(field), dtype=np.float64)
    lowered = -((at[:, None] - at[None, :]) ** 2)
    return np.stack([(field + row[:, None]).max(axis=0) for row in lowered])


def _outline(alpha: Bytes) -> Mask:
    """The outline on a grid of its own, y up, its bounding box in the middle, one empty cell around."""
    rows, columns = (np.nonzero((alpha > 127).any(axis=axis))[0] for axis in (1, 0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    cell = max(bottom - top, right - left) / CELLS
    size = (max(1, round((right - left) / cell)), max(1, round((bottom - top) / cell)))
    fitted = Image.fromarray(alpha).resize(size, Image.Resampling.BOX, (left, top, right, bottom))
    return np.pad(np.asarray(fitted)[::-1] > 127, 1)


def _voxels(squared: Floats) -> Voxels:
    """The solid {z² <= h²} in the product's frame."""
    height, width = squared.shape
    scale = max(width - 2, height - 2, 2 * float(np.sqrt(squared.max()))) / 2
    axis = voxels.centres()
    y, x = np.meshgrid(axis * scale + (height - 1) / 2, axis * scale + (width - 1) / 2)
    sampled = ndimage.map_coordinates(squared, [y, x], order=1, mode="constant")
    inside = ndimage.map_coordinates((squared > 0).astype(np.float64), [y, x], order=1, mode="constant") > 0.5
    # The grid is indexed [x, y, z]: meshgrid has made x the first axis.
    solid: Voxels = inside[:, :, None] & ((axis * scale) ** 2 <= sampled[:, :, None])
    return solid
