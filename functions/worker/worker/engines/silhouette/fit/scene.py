"""What there is to explain: the outline on the grid, and the colours inside of it."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Bytes, Field, Floats, Mask
from worker.engines.silhouette.grid import Grid
from worker.engines.silhouette.morphology import disk

STEP = 4
"""Every so many-th grid point of each row and column is looked at for its colour."""

RIM = 6
"""Cells from the outline within which the colours are mixed with the background's."""

LEAST_HOLE = 16
"""Points that a hole's contour has at least; smaller ones are the matte's faults."""


@dataclass(frozen=True)
class Scene:
    """The matte and the picture on the grid's points."""

    cover: Field
    """The soft matte, 0..1."""

    colours: Floats
    """(rows, columns, 3), CIE Lab, at every STEP-th grid point."""

    grain: float
    """Cells that one pixel of the matte takes, at least 1: no outline is known better than by about that."""

    @classmethod
    def on(cls, grid: Grid, rgba: Bytes, matte: Field) -> "Scene":
        """What the grid sees of the picture `rgba` and the matte that was cut from it."""
        picture = grid.sample_picture(rgba[..., :3], matte)
        soft = cv2.GaussianBlur(picture, (0, 0), STEP / 3)[::STEP, ::STEP]
        lab = cv2.cvtColor(soft.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
        return cls(cover=grid.sample_matte(matte), colours=lab, grain=max(1.0, 1 / grid.cell))

    @cached_property
    def inside(self) -> Mask:
        """The outline's inside."""
        mask: Mask = self.cover > 0.5
        return mask

    @cached_property
    def seen(self) -> Mask:
        """Which of `colours` are surely the object's."""
        inner = cv2.erode(self.inside.astype(np.uint8), disk(RIM))
        mask: Mask = inner[::STEP, ::STEP] > 0
        return mask

    @cached_property
    def contour(self) -> Floats:
        """The longest outer contour, (n, 2) grid points (x, y)."""
        contours, _ = cv2.findContours(self.inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        longest: Floats = max(contours, key=len)[:, 0].astype(np.float64)
        return longest

    @cached_property
    def hull(self) -> Field:
        """What the outline's convex hull covers, 0 or 1."""
        hull = cv2.convexHull(np.rint(self.contour).astype(np.int32))
        filled: Field = cv2.fillConvexPoly(np.zeros(self.cover.shape, np.float32), hull, 1.0)
        return filled

    @cached_property
    def holes(self) -> list[Floats]:
        """The contours of what one sees through, each (n, 2) grid points (x, y), the longest first."""
        bits = self.inside.astype(np.uint8)
        contours, tree = cv2.findContours(bits, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        holes = [contour for contour, (*_, parent) in zip(contours, tree[0], strict=True) if parent >= 0]
        large = [hole[:, 0].astype(np.float64) for hole in holes if len(hole) > LEAST_HOLE]
        return sorted(large, key=len, reverse=True)
