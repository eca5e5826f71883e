"""What an outline says of the kind of thing: how tall it is, how straight, how upright, on what it stands."""

from functools import cached_property

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Mask

UPRIGHT = 0.02
"""A side stands upright where the outline keeps within this share of the width from it."""

FOOT = 0.012
"""Where the outline comes as near to its lowest point as this share of its size, it stands."""

STRAIGHT, LONG = 0.008, 0.2
"""An edge may stray by the first share of the size to be straight, and is long from the second on."""


class Contour:
    """The outline given by its signed distance on the grid, positive inside; `height`, `width` in cells."""

    def __init__(self, outline: Field) -> None:
        self._inside: Mask = outline > 0
        rows, columns = (np.nonzero(self._inside.any(axis=axis))[0] for axis in (1, 0))
        self._cropped: Mask = self._inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        self.height: int = self._cropped.shape[0]
        self.width: int = self._cropped.shape[1]

    @cached_property
    def proportion(self) -> float:
        """Height by width."""
        return self.height / self.width

    @cached_property
    def uprightness(self) -> float:
        """For what share of the height it stands upright, its left and its right side on average."""
        covered = self._cropped[self._cropped.any(axis=1)]
        left, right = covered.argmax(axis=1), covered[:, ::-1].argmax(axis=1)
        slack = 1 + UPRIGHT * self.width
        return float(np.mean([(side < slack).mean() for side in (left, right)]))

    @cached_property
    def stance(self) -> float:
        """How far apart its outermost feet are that are at one height, as a share of the width."""
        covered = self._cropped[:, self._cropped.any(axis=0)]
        above_ground = covered[::-1].argmax(axis=0)
        feet = np.nonzero(above_ground <= FOOT * max(self.height, self.width))[0]
        return float(feet[-1] - feet[0] + 1) / self.width

    @cached_property
    def solidity(self) -> float:
        """The share of its convex hull that it fills."""
        points = cv2.findNonZero(self._cropped.astype(np.uint8))
        return float(self._cropped.sum() / max(cv2.contourArea(cv2.convexHull(points)), 1.0))

    @cached_property
    def straightness(self) -> float:
        """The share of its length, holes' edges included, that is in long straight edges."""
        size = max(self.height, self.width)
        padded = np.pad(self._cropped.astype(np.uint8), 1)
        curves, _ = cv2.findContours(padded, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        straight = whole = 0.0
        for curve in curves:
            corners = cv2.approxPolyDP(curve, STRAIGHT * size, True)[:, 0].astype(np.float64)
            edges = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1)
            whole += float(edges.sum())
            straight += float(edges[edges > LONG * size].sum())
        return straight / max(whole, 1.0)
