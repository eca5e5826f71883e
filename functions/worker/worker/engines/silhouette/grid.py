"""The square grid on which the object gets its depth, and where it lies in the matte and the picture."""

from dataclasses import dataclass

import cv2
import numpy as np

from worker.engine import ImageRejected
from worker.engines.silhouette.arrays import Bytes, Field, Floats
from worker.engines.silhouette.matte import NO_FOREGROUND

LEVELS = 9
CELLS = 2**LEVELS
"""The grid has CELLS + 1 points a side, as the mesh's bisection needs it."""

MARGIN = 10
"""Empty cells kept around the object."""


@dataclass(frozen=True)
class Grid:
    """(CELLS + 1)² points, row by row, the object in the middle with MARGIN cells around it.

    Grid points are (x, y) = (column, row) in cells; depths are in cells too, towards the viewer.
    """

    origin: tuple[float, float]
    """Matte coordinates (x, y) of the grid point (0, 0); pixel centres are at integers."""

    cell: float
    """Side of a cell in matte pixels."""

    @property
    def shape(self) -> tuple[int, int]:
        """That of the arrays over the grid."""
        return CELLS + 1, CELLS + 1

    @classmethod
    def around(cls, matte: Field) -> "Grid":
        """The grid around what of the matte (0..1) is above a half. Raises ImageRejected where nothing is."""
        covered = matte > 0.5
        rows, columns = np.nonzero(covered.any(axis=1))[0], np.nonzero(covered.any(axis=0))[0]
        if len(rows) == 0:
            raise ImageRejected(NO_FOREGROUND)
        top, bottom, left, right = rows[0] - 0.5, rows[-1] + 0.5, columns[0] - 0.5, columns[-1] + 0.5
        cell = float(max(bottom - top, right - left)) / (CELLS - 2 * MARGIN)
        origin = float(left + right - CELLS * cell) / 2, float(top + bottom - CELLS * cell) / 2
        return cls(origin=origin, cell=cell)

    def to_matte(self, points: Floats) -> Floats:
        """Matte coordinates of grid points (x, y), shape (n, 2)."""
        at: Floats = points * self.cell + np.array(self.origin)
        return at

    def sample_matte(self, matte: Field) -> Field:
        """The matte at the grid points, bilinear, float32; 0 outside of it."""
        to_matte = np.array([[self.cell, 0, self.origin[0]], [0, self.cell, self.origin[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(matte, to_matte, self.shape, flags=flags, borderMode=cv2.BORDER_CONSTANT)

    def sample_picture(self, picture: Bytes, matte: Field) -> Bytes:
        """The picture (h, w, channels) that the matte was cut from, at the grid points; its edge continued
        outside. A finer picture is averaged over about a cell.
        """
        density = self.cell * picture.shape[1] / matte.shape[1]
        if density > 1:
            picture = cv2.resize(picture, None, fx=1 / density, fy=1 / density, interpolation=cv2.INTER_AREA)
        scale = np.array(picture.shape[1::-1]) / np.array(matte.shape[1::-1])
        offset = (np.array(self.origin) + 0.5) * scale - 0.5
        to_picture = np.array([[self.cell * scale[0], 0, offset[0]], [0, self.cell * scale[1], offset[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(picture, to_picture, self.shape, flags=flags, borderMode=cv2.BORDER_REPLICATE)
