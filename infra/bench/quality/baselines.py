"""What a picture's alpha channel gives without any thought: three plain ways to give an outline depth.

Each is a height field over the outline and its mirror image: {(x, y, z): z² <= h²(x, y)}.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage, sparse  # type: ignore[import-untyped]
from scipy.sparse.linalg import spsolve  # type: ignore[import-untyped]
from scipy.spatial import KDTree  # type: ignore[import-untyped]

from quality import voxels
from quality.arrays import Bytes, Floats, Indices, Mask, Voxels

CELLS = 480
"""Of the outline's longer side: the balls' centres are cells, and those of thin parts have to be found."""

POISSON_CELLS = 240
"""It is smooth, and a sparse solver's time grows faster than the number of cells."""

MESH_CELLS = 160
"""Of the longer side of the mesh that distances are measured on."""

SLAB = 0.45
"""The slab's half-thickness, in half the outline's longer side: the tuning half's best of 0.05, 0.1, …"""

NAMES = ("slab", "poisson", "balls")


@dataclass(frozen=True)
class Outline:
    """An alpha channel on a grid of its own: y up, its bounding box in the middle, one empty cell around."""

    coverage: Floats
    """(h, w) in 0..1."""

    @property
    def inside(self) -> Mask:
        """The cells whose centres are within."""
        return self.coverage > 0.5

    @property
    def squared_radius(self) -> Floats:
        """The square of the distance to the outline, in cells², within it; -inf outside.

        The outline is taken where coverage crosses a half between neighbouring cells.
        """
        crossings = []
        for axis in (0, 1):
            field = np.moveaxis(self.coverage, axis, 0) - 0.5
            row, column = np.nonzero((field[:-1] > 0) != (field[1:] > 0))
            before, after = field[row, column], field[row + 1, column]
            at = (row + before / (before - after), column)
            crossings.append(np.stack(at if axis == 0 else at[::-1], 1))
        radius, _ = KDTree(np.concatenate(crossings)).query(np.argwhere(self.inside))
        squared = np.full(self.coverage.shape, -np.inf)
        squared[self.inside] = radius**2
        return squared


def outline(alpha: Bytes, cells: int = CELLS) -> Outline:
    """The outline in a picture's alpha (h, w), its longer side `cells`."""
    rows, columns = (np.nonzero((alpha > 127).any(axis=axis))[0] for axis in (1, 0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    cell = max(bottom - top, right - left) / cells
    size = (max(1, round((right - left) / cell)), max(1, round((bottom - top) / cell)))
    fitted = Image.fromarray(alpha).resize(size, Image.Resampling.BOX, (left, top, right, bottom))
    return Outline(np.pad(np.asarray(fitted, np.float64)[::-1] / 255, 1))


def solids(alpha: Bytes) -> dict[str, Voxels]:
    """The baselines' solids from a picture's alpha (h, w), in the product's frame, by name."""
    return {name: solid(squared) for name, squared in heights(alpha).items()}


def heights(alpha: Bytes) -> dict[str, Floats]:
    """h² of each baseline in cells², (h, w), 0 outside, by name."""
    fine, coarse = outline(alpha), outline(alpha, POISSON_CELLS)
    return {"slab": slab(fine, SLAB), "poisson": poisson(coarse), "balls": balls(fine)}


def slab(shape: Outline, thickness: float) -> Floats:
    """A slab; its half-thickness in half the outline's longer side."""
    return np.where(shape.inside, (thickness * (max(shape.coverage.shape) - 2) / 2) ** 2, 0.0)


def poisson(shape: Outline) -> Floats:
    """h² = u where Δu = -4 in the outline and u = 0 on it: exact for a sphere."""
    inside = shape.inside
    count = int(inside.sum())
    number = np.zeros(inside.shape, np.int64)
    number[inside] = np.arange(count)
    pairs = [
        (number[:-1][inside[:-1] & inside[1:]], number[1:][inside[:-1] & inside[1:]]),
        (number[:, :-1][inside[:, :-1] & inside[:, 1:]], number[:, 1:][inside[:, :-1] & inside[:, 1:]]),
    ]
    a = np.concatenate([first for first, _ in pairs])
    b = np.concatenate([second for _, second in pairs])
    links = sparse.coo_matrix((np.ones(len(a)), (a, b)), shape=(count, count))
    matrix = (4 * sparse.identity(count) - links - links.T).tocsc()
    out = np.zeros(inside.shape)
    out[inside] = spsolve(matrix, np.full(count, 4.0))
    return out


def balls(shape: Outline) -> Floats:
    """The union of the maximal balls: h²(x) = max over c of r²(c) - |x-c|², r the distance to the outline."""
    squared = shape.squared_radius.astype(np.float32)
    for _ in range(2):
        squared = np.ascontiguousarray(_dilate(squared).T)
    return np.where(shape.inside, np.maximum(squared, 0), 0.0)


def solid(squared: Floats) -> Voxels:
    """The solid {z² <= h²} in the product's frame."""
    height, width = squared.shape
    scale = max(width - 2, height - 2, 2 * float(np.sqrt(squared.max()))) / 2
    axis = voxels.centres()
    y, x = np.meshgrid(axis * scale + (height - 1) / 2, axis * scale + (width - 1) / 2)
    # Fields end at the outline, where it falls into a cell: its nearest cell says what is there.
    sampled = ndimage.map_coordinates(squared, [y, x], order=0, mode="constant")
    # The grid is indexed [x, y, z]: meshgrid has made x the first axis.
    inside: Voxels = (sampled > 0)[:, :, None] & ((axis * scale) ** 2 <= sampled[:, :, None])
    return inside


def surface(squared: Floats) -> tuple[Floats, Indices]:
    """The solid as a mesh in the product's frame, vertices (n, 3) and faces (m, 3): cells and walls.

    Closed, outward, but not everywhere a manifold: corners at which two cells touch are shared.
    """
    shrink = max(1, round(max(squared.shape) / MESH_CELLS))
    squared = np.pad(squared, [(0, -size % shrink) for size in squared.shape])
    blocks = squared.reshape(squared.shape[0] // shrink, shrink, squared.shape[1] // shrink, shrink)
    inside = (blocks > 0).mean(axis=(1, 3)) > 0.5
    inside = np.pad(inside, 1)
    mean = np.pad(blocks.sum(axis=(1, 3)) / np.maximum((blocks > 0).sum(axis=(1, 3)), 1), 1) * inside

    # Corner (i, j) lies before cell (i, j); its height is the mean of those of its cells that are inside.
    def around(field: Floats) -> Floats:
        total: Floats = field[:-1, :-1] + field[1:, :-1] + field[:-1, 1:] + field[1:, 1:]
        return total

    height = np.sqrt(around(mean) / np.maximum(around(inside.astype(np.float64)), 1)) / shrink
    rows, columns = height.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    front = np.stack([x, y, height], 2).reshape(-1, 3)
    vertices = np.concatenate([front, front * np.array([1, 1, -1])])
    at = np.arange(rows * columns).reshape(rows, columns)
    back = at + rows * columns

    cells = inside[1:-1, 1:-1]
    south_west, south_east = at[:-1, :-1][cells], at[:-1, 1:][cells]
    north_west, north_east = at[1:, :-1][cells], at[1:, 1:][cells]
    sheet = _quads(south_west, south_east, north_east, north_west)
    walls = []
    # Along each side that has a cell on its left and none on its right, seen in its direction.
    for left, right, begin, end in (
        (inside[1:-1, 1:-1], inside[:-2, 1:-1], at[:-1, :-1], at[:-1, 1:]),
        (inside[1:-1, 1:-1], inside[2:, 1:-1], at[1:, 1:], at[1:, :-1]),
        (inside[1:-1, 1:-1], inside[1:-1, :-2], at[1:, :-1], at[:-1, :-1]),
        (inside[1:-1, 1:-1], inside[1:-1, 2:], at[:-1, 1:], at[1:, 1:]),
    ):
        rim = left & ~right
        walls.append(_quads(begin[rim], begin[rim] + back[0, 0], end[rim] + back[0, 0], end[rim]))
    faces = np.concatenate([sheet, sheet[:, ::-1] + back[0, 0], *walls])
    used, faces = np.unique(faces, return_inverse=True)
    vertices = vertices[used]
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return (vertices - (low + high) / 2) / ((high - low).max() / 2), faces.reshape(-1, 3)


def _quads(a: Indices, b: Indices, c: Indices, d: Indices) -> Indices:
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def _dilate(field: Floats) -> Floats:
    """Max over k of field[k] - (i - k)², along the first axis; no ball reaches farther than its radius."""
    out = field.copy()
    reach = int(np.sqrt(field.max())) + 1
    for shift in range(1, min(reach, len(field) - 1) + 1):
        lowered = field - np.float32(shift * shift)
        np.maximum(out[shift:], lowered[:-shift], out=out[shift:])
        np.maximum(out[:-shift], lowered[shift:], out=out[:-shift])
    return out
