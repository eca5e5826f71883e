"""The axes about which an outline is its own mirror image."""

from dataclasses import dataclass

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Floats

SIDE = 97
"""Grid points a side at which axes are looked for."""

STEP = 3
"""Degrees between the axes that are tried."""


@dataclass(frozen=True)
class Axis:
    """A line in the picture."""

    centre: tuple[float, float]
    """A point of it, (x, y) on the grid."""

    angle: float
    """Radians by which it is turned clockwise from straight up."""

    @classmethod
    def through(cls, point: tuple[float, float], angle: float, side: int) -> "Axis":
        """The line through a point of a grid of `side` points a side.

        Its centre is as near to the grid's as can be, so that all of the grid shows in the turned picture.
        """
        x, y = (side - 1) / 2 - point[0], (side - 1) / 2 - point[1]
        along = x * np.sin(angle) - y * np.cos(angle)
        return cls((point[0] + along * np.sin(angle), point[1] - along * np.cos(angle)), angle)

    def upright(self, field: Field) -> Field:
        """The square field turned so that the axis stands in its middle column, `centre` in the middle.

        It is as large as the turned square needs, its side a multiple of 8 and one more.
        """
        size = (self.span(len(field)),) * 2
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(field, self._to_grid(size[0], 1), size, flags=flags)

    def turned_back(self, upright: Field, side: int, step: int) -> Field:
        """The inverse of `upright` for a field over every `step`-th of its points: over every `step`-th
        point of the square of `side` points a side. What lies outside is continued.
        """
        size = ((side - 1) // step + 1,) * 2
        affine = self._to_grid(len(upright), step)
        return cv2.warpAffine(upright, affine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def span(self, side: int) -> int:
        """The side of the turned square."""
        reach = side * (abs(np.cos(self.angle)) + abs(np.sin(self.angle)))
        return 8 * int(np.ceil((reach - 1) / 8 - 1e-6)) + 1

    def reversed(self) -> "Axis":
        """The same line, its other end up."""
        return Axis(self.centre, self.angle + np.pi)

    def _to_grid(self, side: int, step: int) -> Floats:
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        middle = (side - 1) / 2
        return np.column_stack([turn, np.array(self.centre) / step - turn @ np.array([middle, middle])])


def symmetry(field: Field) -> float:
    """How alike an upright field and its mirror image are: their intersection over their union."""
    mirrored = field[:, ::-1]
    return float(np.minimum(field, mirrored).sum() / max(np.maximum(field, mirrored).sum(), 1e-9))


def axes(cover: Field, least: float, most: int) -> list[Axis]:
    """The at most `most` best axes of a soft mask on the grid, whose symmetry is at least `least`."""
    scale = len(cover) / SIDE
    small = cv2.resize(cover, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    moments = cv2.moments(cover)
    centre = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    low = (centre[0] + 0.5) / scale - 0.5, (centre[1] + 0.5) / scale - 0.5
    angles = np.radians(np.arange(0, 180, STEP))
    values = np.array([symmetry(Axis.through(low, float(angle), SIDE).upright(small)) for angle in angles])
    peaks = (values >= np.roll(values, 1)) & (values > np.roll(values, -1)) & (values > least - 0.06)
    best = sorted(np.nonzero(peaks)[0], key=lambda at: -values[at])[:most]
    refined = [_refined(cover, centre, float(angles[at])) for at in best]
    return [axis for axis, value in refined if value >= least]


def _refined(cover: Field, centre: tuple[float, float], angle: float) -> tuple[Axis, float]:
    """Halves the steps about an angle, at half of the grid's resolution."""
    half = np.ascontiguousarray(cover[::2, ::2])
    at = centre[0] / 2, centre[1] / 2

    def value(angle: float) -> float:
        return symmetry(Axis.through(at, angle, len(half)).upright(half))

    best, step = value(angle), np.radians(STEP) / 2
    while step > np.radians(0.1):
        better = max((value(angle + turn), angle + turn) for turn in (-step, step))
        if better[0] > best:
            best, angle = better
        step /= 2
    return Axis.through(centre, angle, len(cover)), best
