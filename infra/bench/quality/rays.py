"""Casts rays at a solid by sphere tracing (Hart 1996), coarse blocks of pixels first.

A block of pixels is followed as one cone, until the solid may be inside of it; its pixels go on from
there (cone marching). So most rays are done after a few steps near the surface, and what no cone met
is never looked at again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quality.arrays import Floats, Mask, Points

BLOCKS = (16, 4)
"""Sides of the blocks, in pixels, coarse to fine."""

NEAR = 1e-4
"""A ray that comes so near has hit."""

STEPS = 400

REACH = 1.8
"""The solid lies within this distance of the origin: a little more than √3."""

Field = Callable[[Points], Floats]


@dataclass(frozen=True)
class Camera:
    """Looks along -Z at the origin, in the middle of a picture of `width` x `height` pixels."""

    width: int
    height: int
    pixel: float
    """Side of a pixel at the origin's depth."""

    at: tuple[float, float] = (0.0, 0.0)
    """Where the origin appears, in pixels right of and below the picture's middle."""

    perspective: float = 0.0
    """One over the viewer's distance; 0 is an orthographic view."""

    def rays(self, x: Floats, y: Floats) -> tuple[Points, Points]:
        """Origins and unit directions through pixel coordinates; pixel centres are at integers."""
        right = (x - (self.width - 1) / 2 - self.at[0]) * self.pixel
        up = -(y - (self.height - 1) / 2 - self.at[1]) * self.pixel
        if self.perspective == 0:
            flat = np.zeros_like(right)
            return np.stack([right, up, flat + REACH]), np.stack([flat, flat, flat - 1])
        eye = 1 / self.perspective
        towards = np.stack([right, up, np.full_like(right, -eye)])
        towards /= np.linalg.norm(towards, axis=0)
        # Rays start on the sphere's near side, where their cones are as wide as it says below.
        start = (eye - REACH) / -towards[2]
        return np.array([[0.0], [0.0], [eye]]) + towards * start, towards


@dataclass(frozen=True)
class Hits:
    """What a picture of the solid shows."""

    mask: Mask
    """(h, w), where the ray through the pixel's centre hits."""

    points: Points
    """(3, n), where, in the order of the mask's pixels."""

    near: Floats
    """(h, w): every ray through the pixel is free up to here; inf where all of them miss."""


def cast(field: Field, camera: Camera) -> Hits:
    """The solid seen through the centres of all pixels."""
    height, width = camera.height, camera.width
    near = np.zeros((1, 1))
    side = max(height, width)
    for finer in BLOCKS:
        near = np.repeat(np.repeat(near, -(-side // finer), axis=0), -(-side // finer), axis=1)
        side = finer
        near = near[: -(-height // side), : -(-width // side)].copy()
        rows, columns = np.nonzero(np.isfinite(near))
        middle = (side - 1) / 2
        # A block's cone is as wide as its diagonal; in perspective it widens behind the origin.
        radius = side * camera.pixel * np.sqrt(0.5) * (1 + REACH * camera.perspective)
        origins, towards = camera.rays(columns * side + middle, rows * side + middle)
        near[rows, columns] = march(field, origins, towards, near[rows, columns], radius)
    near = np.repeat(np.repeat(near, side, axis=0), side, axis=1)[:height, :width].copy()
    rows, columns = np.nonzero(np.isfinite(near))
    origins, towards = camera.rays(columns.astype(np.float64), rows.astype(np.float64))
    depth = march(field, origins, towards, near[rows, columns], 0.0)
    hit = np.isfinite(depth)
    mask = np.zeros((height, width), np.bool_)
    mask[rows[hit], columns[hit]] = True
    return Hits(mask, origins[:, hit] + towards[:, hit] * depth[hit], near)


def march(field: Field, origins: Points, towards: Points, begin: Floats, radius: float) -> Floats:
    """How far along each ray its cone of this radius is free of the solid; inf where it misses."""
    depth = begin.copy()
    going = np.arange(len(depth))
    for _ in range(STEPS):
        if len(going) == 0:
            return depth
        points = origins[:, going] + towards[:, going] * depth[going]
        room = field(points) - radius
        beyond = points[2] < -REACH
        depth[going[beyond]] = np.inf
        onwards = (room > NEAR) & ~beyond
        going, room = going[onwards], room[onwards]
        depth[going] += room
    # What crawls along the surface for so long grazes it; a cone is passed on, a ray is let go.
    if radius == 0:
        depth[going] = np.inf
    return depth
