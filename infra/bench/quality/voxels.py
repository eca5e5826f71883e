"""Solids as voxels, and the volume that two of them share.

The grid is n³ cells over [-1, 1]³ of the product's frame; a cell belongs to the solid that its centre is in.
"""

import numpy as np

from quality.arrays import Floats, Indices, Voxels
from quality.pose import Posed

SIDE = 96

SLIP = 1e-7
"""Columns are moved by this much, so that none runs along an edge of a mesh with round coordinates."""


def centres(side: int = SIDE) -> Floats:
    """Coordinates of the cells' centres along each axis, (side,)."""
    return (np.arange(side) + 0.5) * (2 / side) - 1


def of_solid(solid: Posed, side: int = SIDE) -> Voxels:
    """The solid itself. Blocks that are too far from it are left out."""
    block = 8
    coarse = centres(side // block)
    reach = np.sqrt(3) * block / side
    far = solid.distance(
        np.stack([axis.ravel() for axis in np.meshgrid(coarse, coarse, coarse, indexing="ij")])
    )
    out = np.zeros((side, side, side), np.bool_)
    fine = centres(side)
    for number in np.nonzero(far < reach)[0]:
        i, j, k = (int(at) * block for at in np.unravel_index(number, (side // block,) * 3))
        cell = np.s_[i : i + block, j : j + block, k : k + block]
        axes = np.meshgrid(fine[cell[0]], fine[cell[1]], fine[cell[2]], indexing="ij")
        out[cell] = (solid.distance(np.stack([axis.ravel() for axis in axes])) < 0).reshape(
            block, block, block
        )
    return out


def of_mesh(vertices: Floats, faces: Indices, side: int = SIDE) -> Voxels:
    """A closed mesh: along each column in z, every face that it meets turns inside to outside and back.

    Vertices (n, 3), faces (m, 3). Where the surface overlaps itself the winding number decides: a union
    of closed parts facing outward is their union.
    """
    low = -1 + SLIP
    x, y = ((vertices[:, axis] - low) * (side / 2) - 0.5 for axis in (0, 1))
    z = (vertices[:, 2] + 1) * (side / 2) - 0.5
    ax, bx, cx = x[faces].T
    ay, by, cy = y[faces].T
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    left = np.maximum(np.ceil(np.minimum(np.minimum(ax, bx), cx)), 0).astype(np.int64)
    right = np.minimum(np.floor(np.maximum(np.maximum(ax, bx), cx)), side - 1).astype(np.int64)
    bottom = np.maximum(np.ceil(np.minimum(np.minimum(ay, by), cy)), 0).astype(np.int64)
    top = np.minimum(np.floor(np.maximum(np.maximum(ay, by), cy)), side - 1).astype(np.int64)
    shown = np.nonzero((area != 0) & (right >= left) & (top >= bottom))[0]

    # One candidate for each column in each face's bounding box.
    wide = right[shown] - left[shown] + 1
    counts = wide * (top[shown] - bottom[shown] + 1)
    owner = np.repeat(np.arange(len(shown)), counts)
    row, column = np.divmod(
        np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts), wide[owner]
    )
    face = shown[owner]
    i, j = column + left[face], row + bottom[face]
    wa = ((bx[face] - i) * (cy[face] - j) - (by[face] - j) * (cx[face] - i)) / area[face]
    wb = ((cx[face] - i) * (ay[face] - j) - (cy[face] - j) * (ax[face] - i)) / area[face]
    wc = 1 - wa - wb
    met = (wa >= 0) & (wb >= 0) & (wc >= 0)
    face, i, j = face[met], i[met], j[met]
    corners = faces[face]
    height = wa[met] * z[corners[:, 0]] + wb[met] * z[corners[:, 1]] + wc[met] * z[corners[:, 2]]

    # Coming from below, a face that looks down is an entrance: it counts from the next centre on.
    turns = np.zeros((side, side, side + 1), np.int32)
    entered = np.clip(np.ceil(height), 0, side).astype(np.int64)
    np.add.at(turns, (i, j, entered), np.where(area[face] < 0, 1, -1))
    inside: Voxels = np.cumsum(turns, axis=2)[..., :side] > 0
    return inside


def iou(a: Voxels, b: Voxels) -> float:
    """Intersection over union; 1 where both are empty."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 1.0


def mirrored(solid: Voxels) -> float:
    """The IoU of the best shape that is its own mirror image about z = 0.

    That is the solid's union with its own mirror image: of each pair of mirrored cells a shape has both
    or none, and a pair of which the solid has one is worth having: it adds as much to the shared volume
    as to the joint one.
    """
    return iou(solid, solid | solid[:, :, ::-1])
