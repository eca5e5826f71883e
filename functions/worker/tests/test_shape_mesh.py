"""Reliefs that are known, meshed: with a smooth rim, with walls, with both, tilted."""

from collections.abc import Callable

import numpy as np
import pytest
import trimesh

from tests import shapes
from worker.engines.silhouette import inflate, mesh
from worker.engines.silhouette.arrays import Field
from worker.engines.silhouette.grid import CELLS, Grid
from worker.engines.silhouette.mesh import Mesh
from worker.engines.silhouette.relief import Relief

FACES = 20_000
HALF = CELLS / 2
ROWS, COLUMNS = np.mgrid[0 : CELLS + 1, 0 : CELLS + 1].astype(np.float32) - HALF
GRID = Grid(origin=(0, 0), cell=1)


def rectangle(width: float, height: float) -> Field:
    """Signed distance, inside positive."""
    x, y = abs(COLUMNS) - width / 2, abs(ROWS) - height / 2
    outside = np.hypot(np.maximum(x, 0), np.maximum(y, 0))
    return -(outside + np.minimum(np.maximum(x, y), 0))


def disc(radius: float) -> Field:
    return radius - np.hypot(COLUMNS, ROWS)


def star(radius: float, points: int = 5) -> Field:
    """Not quite a distance, but a field of slope near 1 with sharp corners inwards and outwards."""
    angle = np.arctan2(COLUMNS, -ROWS)
    fold = abs((angle * points / (2 * np.pi) + 0.5) % 1 - 0.5) * 2
    return (radius * (1 - 0.5 * fold) - np.hypot(COLUMNS, ROWS)) * 0.7


def relief(outline: Field, squared: Field | float, middle: Field | float = 0) -> Relief:
    whole = np.zeros_like(outline)
    return Relief(
        GRID, outline.astype(np.float32), whole + np.float32(middle), whole + np.float32(squared), "test"
    )


def built(solid: Relief, faces: int = FACES) -> Mesh:
    return mesh.build(solid, faces, lambda: None)


def body(model: Mesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(model.vertices, model.faces, process=False)


def cells(model: Mesh) -> float:
    """The model's longest half-extent in cells, from where its vertices lie in the picture."""
    width = np.ptp(model.vertices[:, :2], axis=0).max()
    return float(np.ptp(model.picture, axis=0).max() / width)


RELIEFS: dict[str, Callable[[], Relief]] = {
    "slab": lambda: relief(rectangle(400, 250), 30**2),
    "tilted slab": lambda: relief(rectangle(300, 250), 30**2, 0.5 * COLUMNS - 0.8 * ROWS),
    "coin": lambda: relief(disc(200), 20**2),
    "star": lambda: relief(star(220), 25**2),
    "ball": lambda: relief(disc(200), 200**2 - COLUMNS**2 - ROWS**2),
    "standing cylinder": lambda: relief(rectangle(200, 400), 100**2 - COLUMNS**2),
    "standing cone": lambda: relief(
        np.minimum(100 - 0.5 * ROWS - 100 - abs(COLUMNS), 200 + ROWS) * np.float32(0.9),
        (0.5 * (ROWS - 0)) ** 2 * (ROWS < 0) - COLUMNS**2,
    ),
    "roof": lambda: relief(rectangle(300, 300), (150 - abs(COLUMNS)) ** 2),
    "thin sheet": lambda: relief(rectangle(400, 400), 0.01),
    "ring with a slot": lambda: relief(
        np.minimum(np.minimum(disc(200), -disc(120)), np.maximum(abs(COLUMNS - 3) - 4, -ROWS)),
        40**2,
        0.3 * ROWS,
    ),
}


@pytest.mark.parametrize("faces", [1000, 20_000])
@pytest.mark.parametrize("name", RELIEFS)
def test_every_relief_gives_a_closed_manifold_within_the_budget(name: str, faces: int) -> None:
    model = built(RELIEFS[name](), faces)
    solid = body(model)
    assert len(model.faces) <= faces
    assert solid.is_watertight
    assert solid.is_winding_consistent
    assert solid.volume > 0
    assert solid.area_faces.min() > 0
    assert len(np.unique(model.faces)) == len(model.vertices)
    assert np.linalg.norm(model.normals, axis=1) == pytest.approx(1)
    assert solid.euler_number == 2
    # The front's faces come first and face the viewer, the next as many face away, then the walls.
    up = solid.face_normals[:, 2]
    assert up[: model.front_faces].min() > 0
    assert up[model.front_faces : 2 * model.front_faces].max() < 0


@pytest.mark.parametrize(
    ("name", "volume"),
    [
        ("slab", 400 * 250 * 60),
        ("tilted slab", 300 * 250 * 60),
        ("coin", np.pi * 200**2 * 40),
        ("ball", 4 / 3 * np.pi * 200**3),
        ("standing cylinder", np.pi * 100**2 * 400),
        ("roof", 300 * 300 * 150),
    ],
)
def test_volumes_are_the_solids(name: str, volume: float) -> None:
    model = built(RELIEFS[name]())
    assert body(model).volume * cells(model) ** 3 == pytest.approx(volume, rel=0.01)


def test_a_slab_has_flat_faces_and_upright_walls() -> None:
    model = built(relief(rectangle(400, 250), 30**2))
    solid = body(model)
    assert abs(model.vertices[:, 2]).max() == pytest.approx(30 / 200, abs=0.01)
    normals = solid.face_normals
    axis = abs(normals).max(axis=1)
    # But for the corners, which the grid rounds, all faces are along the axes.
    assert solid.area_faces[axis < 0.999].sum() < 0.02 * solid.area
    # The normals that a viewer sees are the faces', but for the bevel along the edges.
    seen = model.normals[model.faces].mean(axis=1)
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    assert solid.area_faces[(seen * normals).sum(axis=1) < 0.99].sum() < 0.03 * solid.area


def test_a_fine_outline_is_followed_within_a_fraction_of_a_cell() -> None:
    model = built(relief(disc(200), 20**2))
    rim = np.abs(model.normals[:, 2]) < 0.1
    radii = np.linalg.norm(model.vertices[rim, :2], axis=1)
    assert len(radii) > 100
    assert abs(radii - 1).max() < 0.25 / 200


def test_the_outline_of_balls_is_a_distance() -> None:
    coverage = shapes.ball().astype(np.float32)
    grid = Grid.around(coverage)
    outline = inflate.outline(inflate.balls(grid.sample_matte(coverage), lambda: None))
    expected = 150 / grid.cell - np.hypot(COLUMNS, ROWS)
    error = outline - expected
    assert abs(error[expected > 2]).max() < 0.3
    near = abs(expected) < 2
    assert abs(error[near]).max() < 0.7
    assert abs(error[near].mean()) < 0.2
