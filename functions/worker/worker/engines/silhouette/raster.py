"""A small z-buffer rasteriser: which face shows at each pixel of an orthographic view, and where in it."""

from dataclasses import dataclass

import numpy as np

from worker.engines.silhouette.arrays import Floats, Indices


@dataclass(frozen=True)
class Fragments:
    """What is seen, one entry a covered pixel."""

    pixels: Indices
    """(k,) row * size + column."""

    faces: Indices
    """(k,) the face that shows there."""

    weights: Floats
    """(k, 3) its barycentric coordinates at the pixel's centre."""

    def interpolate(self, values: Floats, faces: Indices) -> Floats:
        """Per-vertex `values` (n, c) at the fragments, (k, c); `faces` (m, 3) index the values."""
        out: Floats = np.einsum("kc,kcd->kd", self.weights, values[faces[self.faces]])
        return out


def rasterise(points: Floats, faces: Indices, size: int) -> Fragments:
    """Draws faces (m, 3) of points (n, 3) in view space: x right and y up in -1..1 over the square
    picture of `size` pixels, z towards the viewer. Faces turned away or on edge are skipped.
    """
    x = (points[:, 0] + 1) * size / 2 - 0.5
    y = (1 - points[:, 1]) * size / 2 - 0.5
    ax, bx, cx = x[faces].T
    ay, by, cy = y[faces].T
    # Rows run down, so a face towards the viewer turns clockwise: its area here is negative.
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    left = np.maximum(np.ceil(np.minimum(np.minimum(ax, bx), cx) - 1e-9), 0).astype(np.int64)
    right = np.minimum(np.floor(np.maximum(np.maximum(ax, bx), cx) + 1e-9), size - 1).astype(np.int64)
    top = np.maximum(np.ceil(np.minimum(np.minimum(ay, by), cy) - 1e-9), 0).astype(np.int64)
    bottom = np.minimum(np.floor(np.maximum(np.maximum(ay, by), cy) + 1e-9), size - 1).astype(np.int64)
    shown = np.nonzero((area < -1e-12) & (right >= left) & (bottom >= top))[0]

    # One candidate for each pixel of each face's bounding box.
    columns = right[shown] - left[shown] + 1
    counts = columns * (bottom[shown] - top[shown] + 1)
    owner = np.repeat(np.arange(len(shown)), counts)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(offset, columns[owner])
    face = shown[owner]
    row += top[face]
    column += left[face]

    inverse = 1 / area[face]
    wa = ((bx[face] - column) * (cy[face] - row) - (by[face] - row) * (cx[face] - column)) * inverse
    wb = ((cx[face] - column) * (ay[face] - row) - (cy[face] - row) * (ax[face] - column)) * inverse
    wc = 1 - wa - wb
    hit = (wa >= -1e-9) & (wb >= -1e-9) & (wc >= -1e-9)
    face, pixel = face[hit], (row * size + column)[hit]
    weights = np.stack([wa[hit], wb[hit], wc[hit]], 1)

    depth = np.einsum("kc,kc->k", weights, points[:, 2][faces[face]])
    nearest = np.full(size * size, -np.inf)
    np.maximum.at(nearest, pixel, depth)
    seen = np.nonzero(depth == nearest[pixel])[0]
    _, first = np.unique(pixel[seen], return_index=True)  # two faces may share an edge through a centre
    seen = seen[first]
    return Fragments(pixels=pixel[seen], faces=face[seen], weights=weights[seen])
