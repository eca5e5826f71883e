"""Solids as voxels, and the volume that two of them share.

The grid is n³ cells over [-1, 1]³ of the product's frame; a cell belongs to the solid that its centre is in.
"""

import numpy as np

from quality import raster
from quality.arrays import Floats, Indices, Voxels
from quality.pose import Posed

SIDE = 96


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
    """A closed mesh: along each column in z, every face that it meets leads in or out.

    Vertices (n, 3), faces (m, 3). Where the surface overlaps itself the winding number decides: a union
    of closed parts facing outward is their union.
    """
    x, y, z = ((vertices[:, axis] + 1) * (side / 2) - 0.5 for axis in range(3))
    met = raster.meetings(x, y, faces, side, side)
    # A face that looks down is an entrance: it counts from the next centre on.
    change = np.zeros((side, side, side + 1), np.int32)
    height = np.clip(np.ceil(met.interpolate(z)), 0, side).astype(np.int64)
    np.add.at(change, (met.column, met.row, height), np.where(met.facing, -1, 1))
    inside: Voxels = np.cumsum(change, axis=2)[..., :side] > 0
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
