"""The colours along a picture's border, and the smooth surfaces that they hold up."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Mask

WIDTH = 0.03
"""The border's width, relative to the picture's shorter side."""

STEP = 8.0
"""A change of colour by so much over 4 pixels interrupts a backdrop (CIE Lab units)."""

MERGED = 4
"""Changes that lie so many pixels apart at most are one."""


@dataclass(frozen=True)
class Border:
    """The four sides' colours, averaged across the border's width: (n, 3), CIE Lab, along each side."""

    ring: Mask
    """The border's pixels, (h, w)."""

    top: Field
    bottom: Field
    left: Field
    right: Field

    @classmethod
    def of(cls, lab: Field) -> Self:
        """The border of a picture of at least 4 by 4 pixels."""
        height, width = lab.shape[:2]
        edge = min(max(2, round(WIDTH * min(height, width))), min(height, width) // 2)
        ring = np.ones((height, width), np.bool_)
        ring[edge : height - edge, edge : width - edge] = False
        return cls(
            ring=ring,
            top=_smooth(lab[:edge].mean(axis=0)),
            bottom=_smooth(lab[-edge:].mean(axis=0)),
            left=_smooth(lab[:, :edge].mean(axis=1)),
            right=_smooth(lab[:, -edge:].mean(axis=1)),
        )

    @property
    def around(self) -> Field:
        """The colours on the way around, clockwise from the top left, (2 (h + w), 3)."""
        return np.concatenate([self.top, self.right, self.bottom[::-1], self.left[::-1]])

    def interruptions(self) -> tuple[int, float]:
        """How often the colour changes all of a sudden on the way around, and the share of the way that holds
        all of these places.
        """
        loop = self.around
        sudden = np.linalg.norm(np.roll(loop, -2, axis=0) - np.roll(loop, 2, axis=0), axis=1) > STEP
        at = np.flatnonzero(sudden)
        if len(at) == 0:
            return 0, 0.0
        gaps = np.diff(at, append=at[0] + len(loop))
        return int((gaps > MERGED).sum()), float(1 - (gaps.max() - 1) / len(loop))

    def waviness(self) -> float:
        """How far the colour swings more than four times on the way around (rms, CIE Lab units)."""
        waves = np.fft.rfft(self.around, axis=0)[5:] / len(self.around)
        return float(np.sqrt(2 * (np.abs(waves) ** 2).sum()))

    def spanned(self) -> Field:
        """The surface between the four sides, (h, w, 3): a Coons patch (Coons 1967).

        Exact for whatever is a sum of a function of the row and one of the column: linear and quadratic
        gradients at any angle, walls that run into floors.
        """
        down = np.linspace(0, 1, len(self.left), dtype=np.float32)[:, None, None]
        along = np.linspace(0, 1, len(self.top), dtype=np.float32)[None, :, None]
        upright = (1 - down) * self.top[None] + down * self.bottom[None]
        across = (1 - along) * self.left[:, None] + along * self.right[:, None]
        top = (1 - along) * self.top[:1, None] + along * self.top[-1:, None]
        bottom = (1 - along) * self.bottom[:1, None] + along * self.bottom[-1:, None]
        surface: Field = upright + across - ((1 - down) * top + down * bottom)
        return surface


def _smooth(side: Field) -> Field:
    return cv2.GaussianBlur(side, (1, 0), sigmaX=0.1, sigmaY=1.5, borderType=cv2.BORDER_REPLICATE)
