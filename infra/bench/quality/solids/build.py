"""What the catalogue is written with: parts in a few words, and the entry that they make.

Every solid has a frame of its own, right-handed, Y up, Z towards whoever sees it face-on; its size is
free. Angles are degrees, `turn` is about x, then y, then z.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from quality.arrays import Floats
from quality.polygon import Loop, Polygon
from quality.sdf import Box, Ellipsoid, Lathe, Part, Prism, Rod, Torus, Union

Kind = Literal["round", "boxy", "flat", "thin"]

At = tuple[float, float, float]

ORIGIN: At = (0, 0, 0)


@dataclass(frozen=True)
class Solid:
    """An entry of the catalogue."""

    name: str
    kind: Kind
    surface: Union
    face_on: bool
    """Whether it is shown face-on too, beside the view at an angle that every solid has."""


def solid(name: str, kind: Kind, *parts: Part, face_on: bool = False) -> Solid:
    """The union of the parts."""
    return Solid(name, kind, Union(parts), face_on)


def ball(at: At, radius: float) -> Part:
    """A sphere."""
    return _part(Ellipsoid((radius, radius, radius)), at, ORIGIN)


def ellipsoid(at: At, radii: At, turn: At = ORIGIN) -> Part:
    """An ellipsoid of these half-axes."""
    return _part(Ellipsoid(radii), at, turn)


def box(at: At, half: At, radius: float = 0.0, turn: At = ORIGIN) -> Part:
    """A cuboid of these half-sides, its edges rounded by `radius`."""
    return _part(Box(half, radius), at, turn)


def rod(a: At, b: At, radius: float, end: float | None = None) -> Part:
    """A round-ended rod from a to b, tapering to the radius `end`."""
    return _part(Rod(a, b, radius, radius if end is None else end), ORIGIN, ORIGIN)


def rods(radius: float, *path: At) -> list[Part]:
    """Rods along a path."""
    return [rod(a, b, radius) for a, b in pairwise(path)]


def ring(at: At, radius: float, tube: float, turn: At = ORIGIN) -> Part:
    """A torus around the y axis, before it is turned."""
    return _part(Torus(radius, tube), at, turn)


def lathe(path: Loop, at: At = ORIGIN, turn: At = ORIGIN) -> Part:
    """What a path (r, y) from axis to axis sweeps around the y axis."""
    return _part(Lathe(Polygon.profile(path)), at, turn)


def cylinder(at: At, radius: float, half: float, turn: At = ORIGIN) -> Part:
    """A cylinder along the y axis."""
    return cone(at, radius, radius, half, turn)


def cone(at: At, bottom: float, top: float, half: float, turn: At = ORIGIN) -> Part:
    """A frustum along the y axis of these radii."""
    return lathe([(0, -half), (bottom, -half), (top, half), (0, half)], at, turn)


def prism(half: float, *loops: Loop, at: At = ORIGIN, radius: float = 0.0, turn: At = ORIGIN) -> Part:
    """The area within the loops, extruded to ±`half` along z."""
    return _part(Prism(Polygon.closed(*loops), half, radius), at, turn)


def rotation(turn: At) -> Floats:
    """The matrix that turns about x, then y, then z, by degrees."""
    x, y, z = np.radians(turn)
    cx, sx, cy, sy, cz, sz = np.cos(x), np.sin(x), np.cos(y), np.sin(y), np.cos(z), np.sin(z)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    matrix: Floats = about_z @ about_y @ about_x
    return matrix


def _part(shape: Ellipsoid | Box | Rod | Torus | Lathe | Prism, at: At, turn: At) -> Part:
    return Part(shape, np.array(at, np.float64), rotation(turn))
