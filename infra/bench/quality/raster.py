"""Where the faces of a mesh meet the lines of sight through the points of a grid."""

from dataclasses import dataclass

import numpy as np

from quality.arrays import Floats, Indices, Mask

SLIP = (1.7e-6, 2.9e-6)
"""The grid is moved by this much in x and y, so that no line runs through an edge of round coordinates."""


@dataclass(frozen=True)
class Meetings:
    """One entry for each face and line that meet, k in all."""

    column: Indices
    row: Indices
    """(k,) the line's place in the grid, x and y."""

    face: Indices
    """(k,)."""

    corners: Indices
    """(k, 3) the face's vertices."""

    weights: Floats
    """(k, 3) its barycentric coordinates where they meet."""

    facing: Mask
    """(k,) whether the face looks towards +z, that is, turns counter-clockwise in x and y."""

    def interpolate(self, values: Floats) -> Floats:
        """Values (n,) or (n, c) of the vertices where they meet, (k,) or (k, c)."""
        here: Floats = np.einsum("kc,kc...->k...", self.weights, values[self.corners])
        return here


def meetings(x: Floats, y: Floats, faces: Indices, width: int, height: int) -> Meetings:
    """The lines go along z through x = 0 … width - 1, y = 0 … height - 1; faces seen on edge meet none.

    x and y (n,) are the vertices' coordinates, faces (m, 3).
    """
    ax, bx, cx = (x - SLIP[0])[faces].T
    ay, by, cy = (y - SLIP[1])[faces].T
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    left = np.maximum(np.ceil(np.minimum(np.minimum(ax, bx), cx)), 0).astype(np.int64)
    right = np.minimum(np.floor(np.maximum(np.maximum(ax, bx), cx)), width - 1).astype(np.int64)
    low = np.maximum(np.ceil(np.minimum(np.minimum(ay, by), cy)), 0).astype(np.int64)
    high = np.minimum(np.floor(np.maximum(np.maximum(ay, by), cy)), height - 1).astype(np.int64)
    shown = np.nonzero((area != 0) & (right >= left) & (high >= low))[0]

    # One candidate for each grid point in each face's bounding box.
    wide = right[shown] - left[shown] + 1
    counts = wide * (high[shown] - low[shown] + 1)
    owner = np.repeat(np.arange(len(shown)), counts)
    row, column = np.divmod(
        np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts), wide[owner]
    )
    face = shown[owner]
    column, row = column + left[face], row + low[face]
    wa = ((bx[face] - column) * (cy[face] - row) - (by[face] - row) * (cx[face] - column)) / area[face]
    wb = ((cx[face] - column) * (ay[face] - row) - (cy[face] - row) * (ax[face] - column)) / area[face]
    wc = 1 - wa - wb
    met = (wa >= 0) & (wb >= 0) & (wc >= 0)
    face = face[met]
    weights = np.stack([wa[met], wb[met], wc[met]], 1)
    return Meetings(column[met], row[met], face, faces[face], weights, area[face] > 0)


def nearest(met: Meetings, depth: Floats, width: int) -> Indices:
    """Which of the meetings is seen from +z, one for each line that meets any; `depth` (k,) is their z."""
    order = np.lexsort((-depth, met.row * width + met.column))
    line = (met.row * width + met.column)[order]
    first: Indices = order[np.diff(line, prepend=-1) > 0]
    return first
