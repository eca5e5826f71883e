"""Outlines in the plane: signed distances, and the curves that the catalogue draws them with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quality.arrays import Floats

Loop = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Polygon:
    """Line segments `begin` to `end`, (n, 2) each: the border of what lies an odd number of them away."""

    begin: Floats
    end: Floats

    @staticmethod
    def closed(*loops: Loop) -> "Polygon":
        """The area within the loops; one within another is a hole."""
        corners = [np.array(loop, np.float64) for loop in loops]
        return Polygon(
            np.concatenate(corners), np.concatenate([np.roll(loop, -1, axis=0) for loop in corners])
        )

    @staticmethod
    def profile(path: Loop) -> "Polygon":
        """Half the section of a solid of revolution: a path (r, y) from the axis to the axis.

        The axis itself is not part of its border.
        """
        points = np.array(path, np.float64)
        return Polygon(points[:-1], points[1:])

    def distance(self, x: Floats, y: Floats) -> Floats:
        """Signed distances of points, negative inside."""
        nearest2 = np.full(len(x), np.inf)
        inside = np.zeros(len(x), np.bool_)
        for (ax, ay), (bx, by) in zip(self.begin.tolist(), self.end.tolist(), strict=True):
            ex, ey = bx - ax, by - ay
            px, py = x - ax, y - ay
            length2 = ex * ex + ey * ey
            if length2 == 0:
                continue
            along = np.clip((px * ex + py * ey) * (1 / length2), 0, 1)
            dx, dy = px - ex * along, py - ey * along
            np.minimum(nearest2, dx * dx + dy * dy, out=nearest2)
            if ey != 0:
                # Does the ray towards +x cross this edge?
                between = (ay > y) != (by > y)
                inside ^= between & (px * ey < py * ex if ey > 0 else px * ey > py * ex)
        away = np.sqrt(nearest2)
        signed: Floats = np.where(inside, -away, away)
        return signed

    def support(self, dx: float, dy: float) -> float:
        """The largest dx x + dy y of its points."""
        corners = np.concatenate([self.begin, self.end])
        return float((corners[:, 0] * dx + corners[:, 1] * dy).max())


def smooth(path: Loop, steps: int = 14) -> list[tuple[float, float]]:
    """A Catmull-Rom curve through the points of an open path, x kept from becoming negative."""
    p = np.array(path, np.float64)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    curve = [_catmull_rom(p[i : i + 4], t) for i in range(len(p) - 3) for t in np.arange(steps) / steps]
    curve.append(p[-2])
    return [(max(float(x), 0.0), float(y)) for x, y in curve]


def smooth_loop(loop: Loop, steps: int = 8) -> list[tuple[float, float]]:
    """A closed Catmull-Rom curve through the points of a loop."""
    p = np.array(loop, np.float64)
    n = len(p)
    return [
        (float(x), float(y))
        for i in range(n)
        for x, y in (_catmull_rom(p[np.arange(i - 1, i + 3) % n], t) for t in np.arange(steps) / steps)
    ]


def _catmull_rom(p: Floats, t: float) -> Floats:
    point: Floats = 0.5 * (
        2 * p[1]
        + (p[2] - p[0]) * t
        + (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]) * t * t
        + (3 * p[1] - p[0] - 3 * p[2] + p[3]) * t**3
    )
    return point


def circle(
    radius: float, centre: tuple[float, float] = (0, 0), corners: int = 48
) -> list[tuple[float, float]]:
    """A regular polygon."""
    return arc(radius, 0, 2 * np.pi * (1 - 1 / corners), centre, corners)


def arc(
    radius: float, begin: float, end: float, centre: tuple[float, float] = (0, 0), corners: int = 16
) -> list[tuple[float, float]]:
    """Points of a circle from angle `begin` to angle `end`, radians, both included."""
    angles = np.linspace(begin, end, corners)
    return [(centre[0] + radius * float(np.cos(a)), centre[1] + radius * float(np.sin(a))) for a in angles]


def star(outer: float, inner: float, points: int) -> list[tuple[float, float]]:
    """A star, one point up."""
    return [
        (
            (outer, inner)[k % 2] * float(np.sin(np.pi * k / points)),
            (outer, inner)[k % 2] * float(np.cos(np.pi * k / points)),
        )
        for k in range(2 * points)
    ]


def gear(outer: float, root: float, teeth: int) -> list[tuple[float, float]]:
    """A gear wheel's outline with straight flanks."""
    pitch = 2 * np.pi / teeth
    corners = ((root, -0.32), (outer, -0.18), (outer, 0.18), (root, 0.32))
    return [
        (radius * float(np.sin((k + at) * pitch)), radius * float(np.cos((k + at) * pitch)))
        for k in range(teeth)
        for radius, at in corners
    ]


def heart(size: float, corners: int = 64) -> list[tuple[float, float]]:
    """The usual heart curve, about 2·size wide."""
    t = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [(size * float(a) / 16, size * float(b) / 16) for a, b in zip(x, y, strict=True)]
