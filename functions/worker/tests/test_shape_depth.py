"""Depth from pictures of solids that are known, lit as a photographer would."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import trimesh

from worker.engine import ImageRejected
from worker.engines.silhouette import depth, inflate, mesh
from worker.engines.silhouette.arrays import Bytes, Field
from worker.engines.silhouette.grid import Grid
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
    "box face-on": (where((abs(X) < 0.8) & (abs(Y) < 0.7), 0.65), "flat", 0.8),
    "book face-on": (where((abs(X) < 0.7) & (abs(Y) < 0.95), 0.2), "flat", 0.6),
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


def odd_mattes() -> dict[str, Field]:
    rng = np.random.default_rng(5)
    blank = np.zeros((200, 200), np.float32)
    dots, hair, cross, edges = blank.copy(), blank.copy(), blank.copy(), blank.copy()
    dots[rng.integers(5, 195, 40), rng.integers(5, 195, 40)] = 1
    hair[20:180, 100] = 1
    cross[99:101, 10:190] = cross[10:190, 99:101] = 1
    edges[:], edges[1:-1, 1:-1] = 1, rng.random((198, 198)) < 0.6
    return {
        "one pixel": np.pad(np.ones((1, 1), np.float32), 30),
        "dots": dots,
        "hairline": hair,
        "cross": cross,
        "all of it": np.ones((64, 64), np.float32),
        "noise to every edge": edges,
        "checkerboard": np.kron(np.indices((20, 20)).sum(axis=0) % 2, np.ones((10, 10))).astype(np.float32),
        "1:50": np.ones((10, 500), np.float32),
        "50:1, soft": np.full((500, 10), 0.6, np.float32),
        "nothing": blank,
    }


@pytest.mark.parametrize("name", odd_mattes())
@pytest.mark.parametrize("busy", [False, True])
def test_odd_outlines_end_in_a_closed_mesh_or_a_rejection(name: str, busy: bool) -> None:
    matte = odd_mattes()[name]
    noise = np.random.default_rng(6).integers(0, 256, (*matte.shape, 4), np.uint8)
    picture = noise if busy else np.full_like(noise, 128)
    try:
        relief = depth.estimate(picture, matte, lambda: None)
    except ImageRejected as error:
        assert "Use" in str(error)
        return
    for field in (relief.outline, relief.middle, relief.squared):
        assert np.isfinite(field).all()
    model = mesh.build(relief, 20_000, lambda: None)
    solid = trimesh.Trimesh(model.vertices, model.faces, process=False)
    assert solid.is_watertight
    assert solid.is_winding_consistent
    assert solid.area_faces.min() > 0
    assert len(model.faces) <= 20_000


def test_soft_boxes_have_flat_faces_and_thin_legs() -> None:
    table = (abs(X) < 0.9) & (abs(Y - 0.4) < 0.5) | (abs(abs(X) - 0.7) < 0.06) & (Y < 0) & (Y > -1)
    matte = table.astype(np.float32)
    grid = Grid.around(matte)
    balls = inflate.balls(grid.sample_matte(matte), lambda: None)
    h = np.sqrt(np.maximum(inflate.soft_boxes(balls), 0)) * grid.cell / 150

    def at(x: float, y: float) -> float:
        pixel = np.array([x * 150, -y * 150]) + (SIDE - 1) / 2
        column, row = np.rint((pixel - np.array(grid.origin)) / grid.cell).astype(int)
        return float(h[row, column])

    top = [at(x, 0.4) for x in (-0.5, -0.2, 0, 0.2, 0.5)]
    assert max(top) < 1.05 * min(top)
    assert min(top) > 0.3
    assert at(0.7, -0.6) == pytest.approx(0.06, abs=0.01)


@pytest.mark.parametrize("name", ["ball", "capsule", "torus"])
@pytest.mark.parametrize("light", ["dark", "painted"])
def test_what_is_as_thick_all_over_is_round_however_it_is_shaded(name: str, light: str) -> None:
    solid = SOLIDS[name][0]
    picture = solid.picture()
    ramp = np.clip(np.dstack([X, Y, -X]) * 80 + 128, 0, 255)
    picture[..., :3] = 0 if light == "dark" else ramp
    relief = estimated(picture)
    assert relief.profile == "round"
    assert solid.iou(relief) > 0.97
