"""The solids, their pictures and the split."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import quality
from quality import rays, split, voxels
from quality.arrays import Floats, Points
from quality.case import Case
from quality.pose import posed
from quality.rays import Camera
from quality.solids import KINDS, catalogue
from quality.solids.build import ball, box, lathe, prism, ring, rod, solid

WHOLE = {solid.name: solid for solid in catalogue()}


@pytest.fixture
def cases(tmp_path: Path) -> dict[str, Case]:
    """Every case by its name, nothing kept from before."""
    return {case.name: case for case in quality.cases(out=tmp_path)}


def test_the_halves_are_balanced_and_fixed() -> None:
    halves = split.halves(list(WHOLE.values()))
    assert len(WHOLE) >= 60
    for kind in KINDS:
        for face_on in (True, False):
            names = [s.name for s in WHOLE.values() if s.kind == kind and s.face_on == face_on]
            count = Counter(halves[name] for name in names)
            assert abs(count["tuning"] - count["held-out"]) <= 1, (kind, face_on)
    assert halves == split.halves(list(WHOLE.values()))


def test_a_quarter_is_seen_face_on_and_none_from_below(cases: dict[str, Case]) -> None:
    face_on = sum(case.face_on for case in cases.values())
    assert 0.2 < face_on / len(cases) < 0.3
    assert all(0 <= case.view.elevation <= split.HIGHEST for case in cases.values())


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_no_solid_leaves_its_bounding_box_and_each_fills_it(name: str) -> None:
    """The support functions and the distances tell of the same solid."""
    seen = posed(WHOLE[name].surface, 30, 20)
    rng = np.random.default_rng(1)
    outside = rng.uniform(-1.3, 1.3, (3, 4000))
    beyond = (np.abs(outside) > seen.half[:, None] + 1e-6).any(axis=0)
    assert (seen.distance(outside)[beyond] > 0).all()
    side = 96
    camera = Camera(side, side, 2.2 / side)
    for right, up, towards in ((0, 1, 2), (2, 0, 1)):
        axes = np.eye(3)[[right, up, towards]]

        def turned(points: Points, axes: Floats = axes) -> Floats:
            return seen.distance(axes.T @ points)

        shown = rays.cast(turned, camera)
        for axis, places in ((right, np.nonzero(shown.mask)[1]), (up, side - 1 - np.nonzero(shown.mask)[0])):
            # A tip can be narrower than a pixel for its last few.
            low, high = (np.array([places.min(), places.max() + 1]) - side / 2) * camera.pixel
            assert low == pytest.approx(-seen.half[axis], abs=2.5 * camera.pixel), axis
            assert high == pytest.approx(seen.half[axis], abs=2.5 * camera.pixel), axis


@pytest.mark.parametrize(
    "part",
    [
        ball((0.1, 0, 0), 0.8),
        box((0, 0.1, 0), (0.7, 0.5, 0.3), 0.1, (20, 30, 0)),
        rod((-0.5, 0, 0), (0.5, 0.2, 0), 0.3, 0.1),
        ring((0, 0, 0), 0.6, 0.2, (50, 0, 10)),
        lathe([(0, -0.5), (0.6, -0.5), (0.3, 0.5), (0, 0.5)]),
        prism(0.2, [(-0.6, -0.4), (0.7, -0.4), (0, 0.6)]),
    ],
)
def test_distances_are_distances(part: object) -> None:
    """Their gradient has length one outside, which sphere tracing lives on."""
    surface = solid("any", "round", part).surface  # type: ignore[arg-type]
    rng = np.random.default_rng(2)
    points = rng.uniform(-1.2, 1.2, (3, 3000))
    points = points[:, surface.distance(points) > 0.05]
    step = rng.normal(size=points.shape)
    step *= 0.02 / np.linalg.norm(step, axis=0)
    change = np.abs(surface.distance(points + step) - surface.distance(points))
    assert change.max() <= 0.02 * (1 + 1e-9)
    assert change.max() > 0.0199


def test_the_picture_shows_the_solid(cases: dict[str, Case]) -> None:
    """The alpha channel is the true volume's projection, where and as large as the camera says."""
    for name in ("teapot/angle", "chair/face", "gear/angle"):
        case = cases[name]
        alpha = case.render()[..., 3]
        centre = voxels.centres()
        x, y = np.meshgrid(centre, centre, indexing="ij")
        camera = case.camera
        column = np.rint(x / camera.pixel + (camera.width - 1) / 2 + camera.at[0]).astype(int)
        row = np.rint(-y / camera.pixel + (camera.height - 1) / 2 + camera.at[1]).astype(int)
        seen = (row >= 0) & (row < camera.height) & (column >= 0) & (column < camera.width)
        shown = np.zeros_like(seen)
        shown[seen] = alpha[row[seen], column[seen]] > 127
        # A column of voxels misses what is thinner than a voxel along it.
        assert voxels.iou(shown, np.asarray(case.truth.any(axis=2))) > 0.93, name


def test_backgrounds_hide_nothing_and_repeat(cases: dict[str, Case]) -> None:
    case = cases["vase/face"]
    whole = case.cut_out[..., 3] == 255
    for background in ("clean", "graded", "cluttered"):
        picture = case.render(background)
        assert (picture[..., 3] == 255).all()
        difference = np.abs(picture[whole][:, :3].astype(int) - case.cut_out[whole][:, :3])
        assert difference.mean() < 3
        assert (picture == case.render(background)).all()


def test_perspective_is_mild_and_keeps_the_solid(cases: dict[str, Case], tmp_path: Path) -> None:
    near = {case.name: case for case in quality.cases(perspective=0.15, out=tmp_path)}["cube/angle"]
    far = cases["cube/angle"]
    assert (near.truth == far.truth).all()
    a, b = near.cut_out[..., 3] > 127, far.cut_out[..., 3] > 127
    assert not (a[0].any() or a[-1].any() or a[:, 0].any() or a[:, -1].any())
    # What is nearer is larger: the outline is another one, though of the same solid.
    assert 0.6 < voxels.iou(np.asarray(a), np.asarray(b)) < 0.97


def test_an_unknown_half_or_background_is_refused(cases: dict[str, Case]) -> None:
    with pytest.raises(ValueError, match="no half"):
        quality.cases("best")
    with pytest.raises(ValueError, match="no background"):
        cases["vase/face"].render("lovely")
