"""The metrics and the baselines, on solids whose figures are known."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

import quality
from quality import baselines, maps, metrics, samples, voxels
from quality.arrays import Bytes, Floats, Indices, Voxels
from quality.case import Case
from quality.pose import posed
from quality.solids.build import ball, box, ring, solid


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """The sphere, face-on."""
    return next(case for case in quality.cases(out=tmp_path) if case.name == "sphere/face")


def sphere() -> tuple[Floats, Indices]:
    mesh = trimesh.creation.icosphere(subdivisions=5)
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def cube(half: float) -> tuple[Floats, Indices]:
    mesh = trimesh.creation.box(extents=[2 * half] * 3)
    return np.asarray(mesh.vertices), np.asarray(mesh.faces)


def disc(radius: float = 200) -> Bytes:
    y, x = np.mgrid[0:480, 0:500]
    away = np.hypot(x - 250.3, y - 240.2)
    alpha: Bytes = np.rint(np.clip(radius + 0.5 - away, 0, 1) * 255).astype(np.uint8)
    return alpha


def exact(solid_: object) -> Voxels:
    return voxels.of_solid(posed(solid("any", "round", solid_).surface, 0, 0))  # type: ignore[arg-type]


def test_a_sphere_is_itself(case: Case) -> None:
    scores = metrics.of_mesh(*sphere(), case, metrics.SHARED)
    assert scores["iou"] > 0.995
    # Two sets of that many points on one surface lie so far apart: 1 / (2 √density) on the average.
    assert scores["chamfer"] == pytest.approx(0.5 / np.sqrt(samples.COUNT / (4 * np.pi)), rel=0.1)
    assert scores["f_score"] == 1
    assert scores["map"] < 0.005


def test_a_cube_within_the_sphere(case: Case) -> None:
    scores = metrics.of_mesh(*cube(0.5), case, ("iou", "chamfer", "f_score"))
    assert scores["iou"] == pytest.approx(1 / (4 / 3 * np.pi), rel=0.005)
    assert scores["f_score"] == 0
    # From the sphere's points to the cube it is farther than the other way, and corners are nearest.
    assert 1 - np.sqrt(3) / 2 < scores["chamfer"] < 0.5
    assert quality.volume_iou(*cube(0.5), case) == scores["iou"]


def test_voxels_of_a_mesh_are_those_of_the_solid() -> None:
    torus = trimesh.creation.torus(0.7, 0.3, major_sections=256, minor_sections=128)
    mine = voxels.of_mesh(np.asarray(torus.vertices), np.asarray(torus.faces))
    assert voxels.iou(mine, exact(ring((0, 0, 0), 0.7, 0.3, (90, 0, 0)))) > 0.99


def test_voxels_of_a_box_with_faces_between_the_centres_are_exact() -> None:
    vertices, faces = cube(1.0)
    assert voxels.of_mesh(vertices, faces).all()
    half = voxels.of_mesh(vertices * 0.5, faces)
    assert half.sum() == (voxels.SIDE // 2) ** 3
    assert half[24:72, 24:72, 24:72].all()


def test_parts_that_overlap_count_once() -> None:
    vertices, faces = cube(0.5)
    both = np.concatenate([vertices, vertices + 0.25])
    solid_ = voxels.of_mesh(both, np.concatenate([faces, faces + len(vertices)]))
    one, other = voxels.of_mesh(vertices, faces), voxels.of_mesh(vertices + 0.25, faces)
    assert (solid_ == (one | other)).all()


def test_the_mirrored_oracle() -> None:
    whole = exact(box((0, 0, 0), (1, 1, 1)))
    assert voxels.mirrored(whole) == 1
    front = whole.copy()
    front[..., : voxels.SIDE // 2] = False
    assert voxels.mirrored(front) == 0.5


def test_maps_of_a_mesh_are_those_of_the_solid() -> None:
    """A solid without any symmetry, so that each view and each axis has to be right."""
    parts = [((0.3, -0.4, 0.5), 0.3), ((-0.2, 0.5, -0.3), 0.4), ((-0.5, -0.3, 0.1), 0.25)]
    seen = posed(solid("any", "round", *(ball(at, radius) for at, radius in parts)).surface, 0, 0)
    spheres = []
    for at, radius in parts:
        mesh = trimesh.creation.icosphere(subdivisions=5, radius=radius)
        spheres.append((np.asarray(mesh.vertices) + at - seen.centre) / seen.scale)
    faces = np.concatenate([np.asarray(mesh.faces) + number * len(spheres[0]) for number in range(3)])
    mine, true = maps.of_mesh(np.concatenate(spheres), faces), maps.of_solid(seen)
    assert true.shape == (256, 1536, 3)
    assert maps.error(mine, true) < 0.006
    assert maps.error(np.roll(mine, 256, axis=1), true) > 0.1


def test_points_lie_on_the_surface_evenly() -> None:
    seen = posed(solid("any", "boxy", box((0, 0, 0), (1, 0.5, 0.25))).surface, 0, 0)
    points = samples.of_solid(seen, np.random.default_rng(3))
    assert np.abs(seen.distance(points.T)).max() < 1e-3
    areas = {0: 0.5 * 0.25, 1: 1 * 0.25, 2: 1 * 0.5}
    for axis, area in areas.items():
        share = float((np.abs(np.abs(points[:, axis]) - seen.half[axis]) < 1e-3).mean())
        assert share == pytest.approx(area / sum(areas.values()), rel=0.06)


@pytest.mark.parametrize("name", ["poisson", "balls"])
def test_baselines_make_a_sphere_of_a_disc(name: str) -> None:
    assert voxels.iou(baselines.solids(disc())[name], exact(ball((0, 0, 0), 1))) > 0.98


def test_balls_make_a_torus_of_a_ring() -> None:
    y, x = np.mgrid[0:600, 0:600]
    away = np.hypot(x - 300, y - 300)
    alpha = np.rint(np.clip(np.minimum(280.5 - away, away - 111.5), 0, 1) * 255).astype(np.uint8)
    true = exact(ring((0, 0, 0), 0.7, 0.3, (90, 0, 0)))
    assert voxels.iou(baselines.solids(alpha)["balls"], true) > 0.97


def test_balls_are_their_definition() -> None:
    rng = np.random.default_rng(4)
    coverage = np.pad(rng.uniform(size=(24, 31)) ** 0.3, 1)
    shape = baselines.Outline(coverage)
    squared = shape.squared_radius
    centres = np.argwhere(shape.inside)
    for row, column in centres[::17]:
        away = ((centres - (row, column)) ** 2).sum(axis=1)
        best = max(0, (squared[shape.inside] - away).max())
        assert baselines.balls(shape)[row, column] == pytest.approx(best, abs=1e-4)


def test_a_slab_is_as_thick_as_it_says() -> None:
    alpha = np.zeros((200, 300), np.uint8)
    alpha[50:150, 50:250] = 255
    slab = baselines.solid(baselines.slab(baselines.outline(alpha), 0.25))
    extent = [np.ptp(np.nonzero(slab)[axis]) + 1 for axis in range(3)]
    assert extent == [96, 48, 24]


@pytest.mark.parametrize("name", baselines.NAMES)
def test_a_baseline_as_a_mesh_is_the_same_solid(name: str) -> None:
    alpha = disc()
    alpha[:, 300:340] = 0
    vertices, faces = baselines.surface(baselines.heights(alpha)[name])
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    assert mesh.is_watertight
    assert mesh.volume > 0
    assert voxels.iou(voxels.of_mesh(vertices, faces), baselines.solids(alpha)[name]) > 0.95


def test_silhouettes_are_compared_in_the_picture() -> None:
    alpha = disc()
    vertices, faces = sphere()
    picture = vertices[:, :2] * 200 * np.array([1, -1]) + np.array([250.3, 240.2])
    assert metrics.silhouette(picture, faces, alpha.shape, alpha) > 0.995
    assert metrics.silhouette(picture + 100, faces, alpha.shape, alpha) < 0.6
