"""A z-buffer rasteriser: which face shows at each pixel of a view, and where in it."""

from dataclasses import dataclass

import numpy as np

from worker.engines.silhouette.arrays import Field, Floats, Indices

EDGE_ON = 1e-9
"""Faces of less than this area, in pixels, are seen edge-on: they cover no pixel's centre."""

DEPTHS = 2**30
"""How many depths the z-buffer tells apart. A key of it is a depth, shifted, and a fragment's number."""


@dataclass(frozen=True)
class Fragments:
    """What is seen, one entry a covered pixel, in the pixels' order."""

    pixels: Indices
    """(k,) row * size + column."""

    faces: Indices
    """(k,) the face that shows there."""

    weights: Field
    """(k, 3) its barycentric coordinates at the pixel's centre."""

    def interpolate(self, values: Floats, faces: Indices) -> Floats:
        """Per-vertex `values` (n, c) at the fragments, (k, c); `faces` (m, 3) index the values."""
        corners, weights = np.ascontiguousarray(faces[self.faces].T), self.weights.T
        # A column at a time: rows of a few numbers are slow to work on.
        out = np.empty((values.shape[1], len(self.faces)), values.dtype)
        for column, of_vertices in zip(out, np.ascontiguousarray(values.T), strict=True):
            column[:] = sum(weights[k] * of_vertices[corners[k]] for k in range(3))
        return out.T


def rasterise(points: Floats, faces: Indices, size: int) -> Fragments:
    """Draws faces (m, 3) of points (n, 3) in view space: x right and y up in -1..1 over the square
    picture of `size` pixels, z towards the viewer. Faces turned away or on edge are skipped.

    A pixel whose centre lies on an edge that two faces share belongs to exactly one of them.
    """
    x = (points[:, 0] + 1) * size / 2 - 0.5
    y = (1 - points[:, 1]) * size / 2 - 0.5
    corners_x, corners_y = x[faces], y[faces]
    ax, bx, cx = corners_x.T
    ay, by, cy = corners_y.T
    # Rows run down, so a face towards the viewer turns clockwise: its area here is negative.
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    shown = np.nonzero(area < -EDGE_ON)[0]

    owner, row, left, right = _spans(corners_x[shown], corners_y[shown], size)
    face = shown[owner]
    # Barycentric coordinates and depth change along a span by the same step from pixel to pixel.
    inverse = 1 / area[face]
    of_a = ((bx[face] - left) * (cy[face] - row) - (by[face] - row) * (cx[face] - left)) * inverse
    of_b = ((cx[face] - left) * (ay[face] - row) - (cy[face] - row) * (ax[face] - left)) * inverse
    step_a, step_b = (by[face] - cy[face]) * inverse, (cy[face] - ay[face]) * inverse

    counts = right - left
    span = np.repeat(np.arange(len(counts)), counts)
    along = np.arange(len(span)) - np.repeat(np.cumsum(counts) - counts, counts)
    wa, wb = of_a[span] + step_a[span] * along, of_b[span] + step_b[span] * along
    za, zb, zc = points[:, 2][faces[face]].T
    depth = zc[span] + wa * (za - zc)[span] + wb * (zb - zc)[span]

    seen = _nearest((row * size + left)[span] + along, depth, size * size)
    pixels = np.nonzero(seen >= 0)[0]
    chosen = seen[pixels]
    wa, wb = wa[chosen], wb[chosen]
    weights = np.stack([wa, wb, 1 - wa - wb]).astype(np.float32)
    return Fragments(pixels=pixels, faces=face[span[chosen]], weights=weights.T)


def _spans(x: Floats, y: Floats, size: int) -> tuple[Indices, Indices, Indices, Indices]:
    """The rows of pixel centres in triangles with corners x, y (k, 3): the triangle of each, its row, its
    first column and the one after its last.
    """
    order = np.argsort(y, axis=1)
    (x0, x1, x2), (y0, y1, y2) = (np.take_along_axis(corners, order, axis=1).T for corners in (x, y))
    # An edge is always walked downwards, so that both its triangles find the same crossings.
    with np.errstate(divide="ignore", invalid="ignore"):  # a level edge is crossed by no row
        upper, lower, whole = (x1 - x0) / (y1 - y0), (x2 - x1) / (y2 - y1), (x2 - x0) / (y2 - y0)
    first = np.clip(np.ceil(y0), 0, size).astype(np.int64)
    counts = np.maximum(np.clip(np.ceil(y2), 0, size).astype(np.int64) - first, 0)
    owner = np.repeat(np.arange(len(x)), counts)
    row = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts - first, counts)

    one = x0[owner] + (row - y0[owner]) * whole[owner]
    above = row < y1[owner]
    with np.errstate(invalid="ignore"):
        other = np.where(
            above,
            x0[owner] + (row - y0[owner]) * upper[owner],
            x1[owner] + (row - y1[owner]) * lower[owner],
        )
    left = np.clip(np.ceil(np.minimum(one, other)), 0, size).astype(np.int64)
    right = np.clip(np.ceil(np.maximum(one, other)), 0, size).astype(np.int64)
    filled = right > left
    return owner[filled], row[filled], left[filled], right[filled]


def _nearest(pixels: Indices, depth: Floats, count: int) -> Indices:
    """For each of `count` pixels the number of its fragment of the greatest depth, -1 where it has none."""
    nearest = np.full(count, -1, np.int64)
    if len(depth):
        low = depth.min()
        scale = (DEPTHS - 1) / max(depth.max() - low, 1e-9)
        keys = ((depth - low) * scale).astype(np.int64) << 32 | np.arange(len(depth))
        np.maximum.at(nearest, pixels, keys)
        nearest[nearest >= 0] &= 0xFFFFFFFF
    return nearest
