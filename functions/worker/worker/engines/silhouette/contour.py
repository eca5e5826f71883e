"""What an outline says of the kind of thing: how tall it is, how straight and square, on what it stands."""

from functools import cached_property

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Floats, Mask

FOOT = 0.012
"""Where the outline comes as near to its lowest point as this share of its size, it stands."""

STRAIGHT, SHORT, LONG = 0.008, 0.1, 0.2
"""An edge may stray by the first share of the size to be straight; it is short up to the second and long from
the third on.
"""

ASKEW = 0.07
"""The slope that an upright or level edge may have."""


class Contour:
    """The outline given by its signed distance on the grid, positive inside; `height`, `width` in cells."""

    def __init__(self, outline: Field) -> None:
        self._inside: Mask = outline > 0
        rows, columns = (np.nonzero(self._inside.any(axis=axis))[0] for axis in (1, 0))
        self._cropped: Mask = self._inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        self.height: int = self._cropped.shape[0]
        self.width: int = self._cropped.shape[1]
        self._size = max(self.height, self.width)

    @cached_property
    def proportion(self) -> float:
        """Height by width."""
        return self.height / self.width

    @cached_property
    def stance(self) -> float:
        """How far apart its outermost feet are that are at one height, as a share of the width."""
        covered = self._cropped[:, self._cropped.any(axis=0)]
        above_ground = covered[::-1].argmax(axis=0)
        feet = np.nonzero(above_ground <= FOOT * self._size)[0]
        return float(feet[-1] - feet[0] + 1) / self.width

    @cached_property
    def solidity(self) -> float:
        """The share of its convex hull that it fills."""
        points = cv2.findNonZero(self._cropped.astype(np.uint8))
        return float(self._cropped.sum() / max(cv2.contourArea(cv2.convexHull(points)), 1.0))

    @cached_property
    def straightness(self) -> float:
        """The share of its length, holes' edges included, that is in long straight edges."""
        lengths = np.linalg.norm(self._edges, axis=1)
        return float(lengths[lengths > LONG * self._size].sum() / max(lengths.sum(), 1.0))

    @cached_property
    def squareness(self) -> float:
        """The share of its length that is in straight edges which stand upright or lie level."""
        lengths = np.linalg.norm(self._edges, axis=1)
        aside = np.abs(self._edges).min(axis=1)
        square = (lengths > SHORT * self._size) & (aside < ASKEW * lengths)
        return float(lengths[square].sum() / max(lengths.sum(), 1.0))

    @cached_property
    def _edges(self) -> Floats:
        """(n, 2): the edges, as steps (x, y) in cells, of the polygons that the outline nearly is."""
        padded = np.pad(self._cropped.astype(np.uint8), 1)
        curves, _ = cv2.findContours(padded, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        corners = [cv2.approxPolyDP(curve, STRAIGHT * self._size, True)[:, 0] for curve in curves]
        edges: Floats = np.concatenate([np.roll(one, -1, axis=0) - one for one in corners]).astype(np.float64)
        return edges
