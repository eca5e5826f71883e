"""Solids with analytic surfaces: signed distances, and support functions for exact bounding boxes.

A solid's `distance` is negative inside, zero exactly on the surface, and outside never more than the way
to it (but for ellipsoids, where that holds to first order), as sphere tracing needs. The formulas are
the known ones (Hart 1996, "Sphere tracing"; Quílez, "Distance functions").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from quality.arrays import Floats, Points
from quality.polygon import Polygon

CHUNK = 1 << 15
"""Points that are looked at in one go: the arrays between stay in the processor's cache."""


class Shape(Protocol):
    """A primitive around the origin."""

    def distance(self, p: Points) -> Floats:
        """Signed distances of points (3, n), (n,)."""

    def support(self, d: Floats) -> float:
        """How far it reaches in the unit direction `d` (3,): the largest d·p of its points p."""


@dataclass(frozen=True)
class Ellipsoid:
    """Half-axes `radii` along x, y, z."""

    radii: tuple[float, float, float]

    def distance(self, p: Points) -> Floats:
        a, b, c = self.radii
        distance: Floats
        if a == b == c:
            distance = np.sqrt((p * p).sum(axis=0)) - a
            return distance
        q = p / np.array([[a], [b], [c]])
        scaled = np.sqrt((q * q).sum(axis=0))
        q /= np.array([[a], [b], [c]])
        slope = np.sqrt((q * q).sum(axis=0))
        distance = np.where(slope > 1e-9, scaled * (scaled - 1) / np.maximum(slope, 1e-9), -min(a, b, c))
        return distance

    def support(self, d: Floats) -> float:
        return float(np.linalg.norm(d * np.array(self.radii)))


@dataclass(frozen=True)
class Box:
    """A cuboid of half-sides `half`, its edges rounded by `radius` (within the half-sides)."""

    half: tuple[float, float, float]
    radius: float = 0.0

    def distance(self, p: Points) -> Floats:
        q = np.abs(p) - (np.array(self.half) - self.radius)[:, None]
        outside = np.maximum(q, 0)
        distance: Floats = (
            np.sqrt((outside * outside).sum(axis=0)) + np.minimum(q.max(axis=0), 0) - self.radius
        )
        return distance

    def support(self, d: Floats) -> float:
        return float(np.abs(d) @ (np.array(self.half) - self.radius) + self.radius)


@dataclass(frozen=True)
class Rod:
    """A capsule from `a` to `b` whose radius goes evenly from `radius_a` to `radius_b`."""

    a: tuple[float, float, float]
    b: tuple[float, float, float]
    radius_a: float
    radius_b: float

    def distance(self, p: Points) -> Floats:
        a, axis = np.array(self.a), np.array(self.b) - np.array(self.a)
        q = p - a[:, None]
        length2 = float(axis @ axis)
        along = np.clip((axis @ q) / length2, 0, 1)
        away = q - axis[:, None] * along
        taper = self.radius_b - self.radius_a
        radial = np.sqrt((away * away).sum(axis=0)) - (self.radius_a + taper * along)
        distance: Floats = radial * float(np.sqrt(length2 / (length2 + taper * taper)))
        return distance

    def support(self, d: Floats) -> float:
        return max(float(d @ self.a) + self.radius_a, float(d @ self.b) + self.radius_b)


@dataclass(frozen=True)
class Torus:
    """A tube of radius `tube` around the circle of radius `ring` in the plane y = 0."""

    ring: float
    tube: float

    def distance(self, p: Points) -> Floats:
        distance: Floats = np.hypot(np.hypot(p[0], p[2]) - self.ring, p[1]) - self.tube
        return distance

    def support(self, d: Floats) -> float:
        return float(self.ring * np.hypot(d[0], d[2]) + self.tube)


@dataclass(frozen=True)
class Lathe:
    """What a profile in (r, y), r >= 0, sweeps around the y axis.

    The profile is a closed loop, or runs from a point on the axis to another one.
    """

    profile: Polygon

    def distance(self, p: Points) -> Floats:
        return self.profile.distance(np.hypot(p[0], p[2]), p[1])

    def support(self, d: Floats) -> float:
        return self.profile.support(float(np.hypot(d[0], d[2])), float(d[1]))


@dataclass(frozen=True)
class Prism:
    """An outline in (x, y), extruded to ±`half` along z, then grown by `radius` all around."""

    outline: Polygon
    half: float
    radius: float = 0.0

    def distance(self, p: Points) -> Floats:
        across, along = self.outline.distance(p[0], p[1]), np.abs(p[2]) - self.half
        outside = np.hypot(np.maximum(across, 0), np.maximum(along, 0))
        distance: Floats = outside + np.minimum(np.maximum(across, along), 0) - self.radius
        return distance

    def support(self, d: Floats) -> float:
        return self.outline.support(float(d[0]), float(d[1])) + abs(float(d[2])) * self.half + self.radius


@dataclass(frozen=True)
class Part:
    """A shape turned by `rotation` (3, 3), then moved to `centre` (3,)."""

    shape: Shape
    centre: Floats
    rotation: Floats

    def distance(self, p: Points) -> Floats:
        return self.shape.distance(self.rotation.T @ (p - self.centre[:, None]))

    def support(self, d: Floats) -> float:
        return float(d @ self.centre) + self.shape.support(self.rotation.T @ d)


class Union:
    """The union of parts."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        self._bounds = [_bounding_sphere(part) for part in parts]

    def distance(self, p: Points) -> Floats:
        """Signed distances of points (3, n), (n,)."""
        out = np.empty(p.shape[1])
        for begin in range(0, p.shape[1], CHUNK):
            out[begin : begin + CHUNK] = self._near(p[:, begin : begin + CHUNK])
        return out

    def support(self, d: Floats) -> float:
        """How far it reaches in the unit direction `d` (3,)."""
        return max(part.support(d) for part in self._parts)

    def _near(self, p: Points) -> Floats:
        """Looks only at those parts for each point whose bounding sphere is nearer than what is known."""
        out = self._parts[0].distance(p)
        for part, (centre, radius) in zip(self._parts[1:], self._bounds[1:], strict=True):
            away = p - centre[:, None]
            sphere = np.sqrt((away * away).sum(axis=0)) - radius
            # Inside a sphere nothing is known but that the part may be there.
            asked = np.nonzero((sphere <= 0) | (sphere < out))[0]
            if len(asked):
                out[asked] = np.minimum(out[asked], part.distance(p[:, asked]))
        return out


def _bounding_sphere(part: Part) -> tuple[Floats, float]:
    """A sphere around the part's bounding box."""
    axes = np.eye(3)
    high = np.array([part.support(axis) for axis in axes])
    low = -np.array([part.support(-axis) for axis in axes])
    return (low + high) / 2, float(np.linalg.norm(high - low) / 2)
