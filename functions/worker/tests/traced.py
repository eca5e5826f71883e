"""Solids given by their signed distance, pictured from an angle, with their true depths."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from worker.engines.silhouette.fit import Fit
from worker.engines.silhouette.grid import Grid

Floats = npt.NDArray[Any]
Solid = Callable[[Floats], Floats]
"""Distances of points (n, 3), x right, y up, z towards the viewer who looks straight on."""

SIDE = 240
SAMPLES = 64
"""Lines of sight a side, and points along each, by which volumes are compared."""


def box(width: float, height: float, depth: float) -> Solid:
    half = np.array([width, height, depth]) / 2

    def distance(points: Floats) -> Floats:
        beyond = np.abs(points) - half
        return np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(axis=1), 0)

    return distance


def ellipsoid(x: float, y: float, z: float) -> Solid:
    half = np.array([x, y, z])

    def distance(points: Floats) -> Floats:
        near = np.linalg.norm(points / half, axis=1)
        return near * (near - 1) / np.maximum(np.linalg.norm(points / half**2, axis=1), 1e-6)

    return distance


def capsule(length: float, radius: float) -> Solid:
    def distance(points: Floats) -> Floats:
        along = np.clip(points[:, 1], -length / 2, length / 2)
        return np.linalg.norm(points - np.outer(along, [0, 1, 0]), axis=1) - radius

    return distance


def torus(ring: float, tube: float) -> Solid:
    return lambda points: np.hypot(np.hypot(points[:, 0], points[:, 2]) - ring, points[:, 1]) - tube


def lathe(*outline: tuple[float, float]) -> Solid:
    """What the polygon of (radius, height) sweeps about the y axis."""
    corners = np.array(outline)
    return lambda points: _polygon(np.stack([np.hypot(points[:, 0], points[:, 2]), points[:, 1]], 1), corners)


def plate(thickness: float, *outline: tuple[float, float]) -> Solid:
    """The polygon of (x, y), so thick along z."""
    corners = np.array(outline)

    def distance(points: Floats) -> Floats:
        beyond = np.stack([_polygon(points[:, :2], corners), np.abs(points[:, 2]) - thickness / 2], 1)
        return np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(axis=1), 0)

    return distance


def union(*parts: tuple[Solid, tuple[float, float, float]]) -> Solid:
    return lambda points: np.minimum.reduce([part(points - np.array(at)) for part, at in parts])


def _polygon(points: Floats, corners: Floats) -> Floats:
    """Signed distances of points (n, 2) to a polygon."""
    nearest = np.full(len(points), np.inf)
    sign = np.ones(len(points))
    for a, b in zip(corners, np.roll(corners, 1, 0), strict=True):
        edge, offset = b - a, points - a
        along = np.clip(offset @ edge / (edge @ edge), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(offset - along[:, None] * edge, axis=1))
        above, below = points[:, 1] >= a[1], points[:, 1] < b[1]
        left = edge[0] * offset[:, 1] > edge[1] * offset[:, 0]
        sign = np.where((above & below & left) | ~(above | below | left), -sign, sign)
    return sign * nearest


@dataclass(frozen=True)
class View:
    """A picture of a solid, as wide as 2.4, lit from the upper left."""

    solid: Solid
    axes: Floats
    """Rows: what points right, up and towards the viewer."""

    rgba: Floats
    """uint8, (SIDE, SIDE, 4)."""

    @property
    def matte(self) -> Floats:
        return (self.rgba[..., 3] / 255).astype(np.float32)

    def shared_volume(self, fit: Fit) -> float:
        """Intersection over union of the solid and the fit, moved along z so that their middles agree."""
        grid = Grid.around(self.matte)
        step = (grid.shape[0] - 1) // SAMPLES
        at = np.mgrid[0 : grid.shape[0] : step, 0 : grid.shape[0] : step].reshape(2, -1)
        matte = grid.to_matte(at[::-1].T.astype(np.float64))
        cell = 2.4 / SIDE * grid.cell
        x, y = (matte[:, 0] + 0.5) * 2.4 / SIDE - 1.2, 1.2 - (matte[:, 1] + 0.5) * 2.4 / SIDE
        depth = np.linspace(-2, 2, 4 * SAMPLES)
        points = np.stack([np.repeat(x, len(depth)), np.repeat(y, len(depth)), np.tile(depth, len(x))], 1)
        truth = (self.solid(points @ self.axes) < 0).reshape(len(x), len(depth))
        front, back = (field[at[0], at[1]] * cell for field in (fit.front, fit.back))
        inside = (grid.sample_matte(self.matte)[at[0], at[1]] > 0.5) & (front > back)
        seen = depth[truth.any(axis=0)]
        move = (seen[0] + seen[-1] - front[inside].max() - back[inside].min()) / 2
        fitted = (depth >= (back + move)[:, None]) & (depth <= (front + move)[:, None]) & inside[:, None]
        return float((truth & fitted).sum() / (truth | fitted).sum())


def view(
    solid: Solid,
    elevation: float = 25,
    azimuth: float = 0,
    roll: float = 0,
    stripes: bool = False,
    lit: bool = True,
) -> View:
    """Pictures the solid from so many degrees above and to the right, the viewer's head turned by `roll`."""
    up, aside, turn = np.radians([elevation, azimuth, roll])
    axes = np.array(
        [
            [np.cos(aside), 0, -np.sin(aside)],
            [-np.sin(aside) * np.sin(up), np.cos(up), -np.cos(aside) * np.sin(up)],
            [np.sin(aside) * np.cos(up), np.sin(up), np.cos(aside) * np.cos(up)],
        ]
    )
    cos, sin = np.cos(turn), np.sin(turn)
    axes = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ axes

    fine = 2 * SIDE  # four lines of sight a pixel
    at = (np.arange(fine) + 0.5) * 2.4 / fine - 1.2
    x, y = np.meshgrid(at, -at)
    points = np.stack([x.ravel(), y.ravel(), np.full(x.size, 1.8)], 1)
    live, hit = np.arange(len(points)), np.zeros(len(points), np.bool_)
    for _ in range(200):
        distance = solid(points[live] @ axes)
        hit[live[distance < 1e-3]] = True
        points[live, 2] -= np.maximum(0.9 * distance, 5e-4)
        live = live[(distance >= 1e-3) & (points[live, 2] > -1.8)]
    seen = points[hit]
    slope = [solid((seen + step) @ axes) - solid((seen - step) @ axes) for step in 1e-3 * np.eye(3)]
    normals = np.stack(slope, 1) / np.maximum(np.linalg.norm(slope, axis=0), 1e-9)[:, None]
    light = np.array([-0.4, 0.7, 0.6]) / np.linalg.norm([0.4, 0.7, 0.6])
    shade = 0.3 + 0.7 * np.clip(normals @ light, 0, 1) if lit else np.full(len(seen), 0.7)
    if stripes:
        shade *= np.where((seen @ axes @ np.array([1, 1, 1]) * 4).astype(np.int64) % 2, 1, 0.7)
    picture = np.zeros((fine * fine, 4))
    picture[hit] = np.column_stack([np.outer(shade, [210, 140, 90]), np.full(len(seen), 255)])
    blocks = picture.reshape(SIDE, 2, SIDE, 2, 4)
    cover = blocks[..., 3].mean(axis=(1, 3))
    colour = blocks[..., :3].sum(axis=(1, 3)) / np.maximum(cover[..., None] * 4 / 255, 1e-9)
    return View(solid, axes, np.dstack([colour, cover]).round().astype(np.uint8))
