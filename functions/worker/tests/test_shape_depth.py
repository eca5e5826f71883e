"""Depth from pictures of solids that are known, lit as a photographer would."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from worker.engines.silhouette import depth
from worker.engines.silhouette.arrays import Bytes, Field
from worker.engines.silhouette.relief import Relief
from worker.engines.silhouette.sheet import sample

SIDE = 400
Y, X = np.mgrid[0:SIDE, 0:SIDE]
X, Y = (X - (SIDE - 1) / 2) / 150, -(Y - (SIDE - 1) / 2) / 150
LIGHT = np.array([-0.4, 0.5, 0.77])


@dataclass(frozen=True)
class Solid:
    """A solid seen from +z: half its thickness at each pixel, symmetric front to back."""

    half: Field
    """NaN where it is not."""

    def picture(self, colour: tuple[int, int, int] = (200, 150, 90)) -> Bytes:
        """Lambert's shading with some light from all around, cut out."""
        z = np.nan_to_num(self.half)
        step = 1 / 150
        down, right = np.gradient(z, step)
        normals = np.dstack([-right, down, np.ones_like(z)])
        normals /= np.linalg.norm(normals, axis=2, keepdims=True)
        shade = 0.35 + 0.65 * np.clip(normals @ LIGHT, 0, 1)
        rgb = shade[..., None] * np.array(colour)
        return np.dstack([rgb, 255.0 * ~np.isnan(self.half)]).round().astype(np.uint8)

    def iou(self, relief: Relief) -> float:
        """The volume that the relief shares with it, both scaled to the same outline."""
        to_grid = np.stack([np.indices((SIDE, SIDE))[k].ravel() for k in (1, 0)], 1).astype(np.float64)
        at = ((to_grid - np.array(relief.grid.origin)) / relief.grid.cell)[:, ::-1]
        within = ((at >= 0) & (at <= len(relief.outline) - 1)).all(axis=1)
        at = at.clip(0, len(relief.outline) - 1)
        inside = within & (sample(relief.outline, at) > 0)
        unit = relief.grid.cell / 150
        h = np.where(inside, np.sqrt(np.maximum(sample(relief.squared, at), 0)), 0) * unit
        middle = np.where(inside, sample(relief.middle, at), 0) * unit
        middle -= (middle[inside].max() + middle[inside].min()) / 2
        truth = np.nan_to_num(self.half.ravel())
        shared = np.minimum(middle + h, truth) - np.maximum(middle - h, -truth)
        shared = np.where(inside & (truth > 0), np.maximum(shared, 0), 0).sum()
        return float(shared / (2 * truth.sum() + 2 * h.sum() - shared))


def where(inside: Field, half: Field | float) -> Solid:
    return Solid(np.where(inside, half, np.nan))


def root(squared: Field) -> Field:
    return np.sqrt(np.maximum(squared, 0))


def swept(radius: Callable[[Field], Field], low: float, high: float, turn: float = 0.0) -> Solid:
    """A solid of revolution of the radius at each height along its axis, turned by degrees."""
    angle = np.radians(turn)
    u, v = np.cos(angle) * X + np.sin(angle) * Y, np.cos(angle) * Y - np.sin(angle) * X
    r = radius(v)
    return where((v > low) & (v < high) & (abs(u) < r), root(r**2 - u**2))


def rod(radius: float = 0.35, half: float = 0.6) -> Solid:
    squared = radius**2 - Y**2 - np.maximum(abs(X) - half, 0) ** 2
    return where(squared > 0, root(squared))


def ring() -> Solid:
    squared = 0.3**2 - (np.hypot(X, Y) - 0.7) ** 2
    return where(squared > 0, root(squared))


def star() -> Solid:
    angle = np.arctan2(X, Y)
    fold = abs((angle * 5 / (2 * np.pi) + 0.5) % 1 - 0.5) * 2
    return where(np.hypot(X, Y) < 1 - 0.55 * fold, 0.1)


SOLIDS: dict[str, tuple[Solid, str, float]] = {
    # name: the solid, the profile that it should be taken for, the least IoU
    "ball": (where(np.hypot(X, Y) < 1, root(1 - X**2 - Y**2)), "round", 0.97),
    "capsule": (rod(), "round", 0.97),
    "torus": (ring(), "round", 0.97),
    "standing cylinder": (swept(lambda v: 0 * v + 0.6, -0.9, 0.9), "revolution", 0.95),
    "leaning cylinder": (swept(lambda v: 0 * v + 0.4, -0.9, 0.9, 30), "revolution", 0.95),
    "cone": (swept(lambda v: 0.4 * (0.9 - v), -0.9, 0.9), "revolution", 0.95),
    "hour-glass": (swept(lambda v: 0.15 + 0.5 * v**2, -0.9, 0.9), "revolution", 0.95),
    "box face-on": (where((abs(X) < 0.7) & (abs(Y) < 0.9), 0.55), "flat", 0.8),
    "star": (star(), "flat", 0.7),
}


def estimated(picture: Bytes) -> Relief:
    matte = (picture[..., 3] / 255).astype(np.float32)
    return depth.estimate(picture, matte, lambda: None)


@pytest.mark.parametrize("name", SOLIDS)
def test_solids_seen_face_on(name: str) -> None:
    solid, profile, least = SOLIDS[name]
    relief = estimated(solid.picture())
    assert relief.profile == profile
    assert solid.iou(relief) > least
