"""Solids fitted to pictures of known ones, and what must not be fitted."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests import traced
from tests.traced import box, capsule, ellipsoid, lathe, plate, torus, union, view
from worker import picture
from worker.engine import JobCancelled
from worker.engines.silhouette import fit, matte
from worker.engines.silhouette.fit import Fit
from worker.engines.silhouette.grid import Grid

SAMPLES = Path(__file__).parents[4] / "shared" / "samples"

CAN = lathe((0, -0.8), (0.5, -0.8), (0.5, 0.8), (0, 0.8))
COIN = lathe((0, -0.06), (0.9, -0.06), (0.9, 0.06), (0, 0.06))
CONE = lathe((0, -0.8), (0.7, -0.8), (0, 0.9))
BOTTLE = lathe((0, -1), (0.4, -1), (0.4, 0.2), (0.25, 0.5), (0.15, 0.6), (0.13, 1), (0, 1))
HOURGLASS = lathe((0, -0.9), (0.6, -0.9), (0.25, 0), (0.6, 0.9), (0, 0.9))
GOBLET = lathe(
    (0, -1),
    (0.5, -1),
    (0.45, -0.92),
    (0.08, -0.85),
    (0.08, -0.2),
    (0.4, 0),
    (0.5, 0.4),
    (0.45, 0.9),
    (0, 0.9),
)
BOWL = lathe(
    *((0.95 * np.cos(turn), 0.3 + 0.95 * np.sin(turn)) for turn in np.linspace(-np.pi / 2, 0, 9)),
    *((0.82 * np.cos(turn), 0.3 + 0.82 * np.sin(turn)) for turn in np.linspace(0, -np.pi / 2, 9)),
)
STEPS = plate(
    1.0,
    (-0.9, -0.8),
    (0.9, -0.8),
    (0.9, -0.3),
    (0.3, -0.3),
    (0.3, 0.3),
    (-0.3, 0.3),
    (-0.3, 0.8),
    (-0.9, 0.8),
)
GEAR = plate(
    0.4,
    *(
        (r * np.sin(turn), r * np.cos(turn))
        for r, turn in zip(4 * (1, 1, 0.75, 0.75), np.arange(16) * np.pi / 8, strict=True)
    ),
)
FRAME = union(
    *((box(0.2, 1.4, 0.2), (x, 0, 0)) for x in (-0.6, 0.6)),
    *((box(1.4, 0.2, 0.2), (0, y, 0)) for y in (-0.6, 0.6)),
)
DOG = union(
    (ellipsoid(0.6, 0.28, 0.25), (0, 0, 0)),
    (ellipsoid(0.25, 0.25, 0.25), (0.6, 0.35, 0)),
    *((capsule(0.6, 0.09), (x, -0.4, z)) for x in (-0.4, 0.4) for z in (-0.15, 0.15)),
)
SNOWMAN = union(
    (ellipsoid(0.5, 0.5, 0.5), (0, -0.5, 0)),
    (ellipsoid(0.35, 0.35, 0.35), (0, 0.2, 0)),
    (ellipsoid(0.25, 0.25, 0.25), (0, 0.7, 0)),
)


def fitted(seen: traced.View) -> Fit | None:
    return fit.solid(seen.rgba, seen.matte, Grid.around(seen.matte), _go_on)


def _go_on() -> None:
    pass


@pytest.mark.parametrize(
    ("solid", "angles", "name", "least"),
    [
        pytest.param(CAN, {}, "revolution", 0.94, id="can"),
        pytest.param(CAN, {"roll": 70}, "revolution", 0.92, id="can lying"),
        pytest.param(COIN, {"elevation": 30}, "revolution", 0.8, id="coin"),
        pytest.param(CONE, {"elevation": 35}, "revolution", 0.92, id="cone"),
        pytest.param(BOTTLE, {"elevation": 20}, "revolution", 0.9, id="bottle"),
        pytest.param(HOURGLASS, {"elevation": 20}, "revolution", 0.85, id="hourglass"),
        pytest.param(GOBLET, {"elevation": 15}, "revolution", 0.88, id="goblet"),
        pytest.param(GOBLET, {"roll": -40}, "revolution", 0.85, id="goblet tipping over"),
        pytest.param(BOWL, {"elevation": 35}, "vessel", 0.4, id="bowl"),
        pytest.param(box(1.2, 1.2, 1.2), {"azimuth": 35}, "box", 0.93, id="cube"),
        pytest.param(box(1.2, 1.5, 0.25), {"azimuth": 50}, "box", 0.9, id="book"),
        pytest.param(box(1.4, 0.5, 0.8), {"azimuth": 20, "stripes": True}, "box", 0.9, id="striped box"),
        pytest.param(box(1.4, 0.7, 0.9), {"elevation": -25, "azimuth": 30}, "box", 0.9, id="box from below"),
        pytest.param(box(1.2, 0.8, 1), {"azimuth": 35, "lit": False}, "box", 0.9, id="box without shades"),
        pytest.param(FRAME, {"azimuth": 35}, "openwork", 0.6, id="frame"),
        pytest.param(torus(0.7, 0.25), {"elevation": 40}, "torus", 0.9, id="torus"),
        pytest.param(torus(0.7, 0.22), {"elevation": 30, "roll": 50}, "torus", 0.85, id="torus leaning"),
        pytest.param(STEPS, {"azimuth": 30}, "prism", 0.85, id="steps"),
        pytest.param(GEAR, {"azimuth": 45}, "prism", 0.75, id="gear"),
    ],
)
def test_a_tilted_solid_is_found(
    solid: traced.Solid, angles: dict[str, float], name: str, least: float
) -> None:
    seen = view(solid, **angles)  # type: ignore[arg-type]  # mypy can't match a dict's items to keywords
    found = fitted(seen)
    assert found is not None
    assert found.name == name
    assert found.iou > 0.96
    assert seen.shared_volume(found) > least


@pytest.mark.parametrize(
    "solid",
    [
        pytest.param(ellipsoid(0.9, 0.9, 0.9), id="sphere"),
        pytest.param(ellipsoid(0.9, 0.6, 0.5), id="ellipsoid"),
        pytest.param(ellipsoid(0.9, 0.35, 0.9), id="lens"),
        pytest.param(capsule(1, 0.4), id="capsule"),
        pytest.param(SNOWMAN, id="snowman"),
        pytest.param(DOG, id="dog"),
    ],
)
@pytest.mark.parametrize("elevation", [0, 30])
def test_what_is_round_is_left_to_be_inflated(solid: traced.Solid, elevation: float) -> None:
    assert fitted(view(solid, elevation=elevation, azimuth=40)) is None


def test_what_is_seen_face_on_is_not_tilted() -> None:
    for solid in (box(1.4, 1, 0.6), CAN, torus(0.7, 0.25)):
        assert fitted(view(solid, elevation=0)) is None


@pytest.mark.parametrize(
    "name", ["apple.jpg", "bird.jpg", "cake.jpg", "chair.png", "poly_fox.png", "teapot.png"]
)
def test_no_simple_solid_is_seen_in_photographs_of_other_things(name: str) -> None:
    if not (SAMPLES / name).exists():
        pytest.skip("The sample pictures are not beside the checkout.")
    rgba = picture.read(SAMPLES / name, 1024)
    alpha = matte.cut_out(rgba, _go_on).alpha
    assert fit.solid(rgba, alpha, Grid.around(alpha), _go_on) is None


def test_depths_are_known_on_the_whole_grid_and_equal_beyond_the_rim() -> None:
    for seen in (
        view(CAN),
        view(box(1.2, 0.8, 1), azimuth=35),
        view(STEPS, azimuth=30),
        view(torus(0.7, 0.25), 40),
    ):
        found, grid = fitted(seen), Grid.around(seen.matte)
        assert found is not None
        assert found.front.shape == found.back.shape == grid.shape
        assert found.front.dtype == found.back.dtype == np.float32
        assert np.isfinite(found.front).all()
        assert np.isfinite(found.back).all()
        assert (found.front >= found.back - 1e-3).all()
        far = cv2.dilate((grid.sample_matte(seen.matte) > 0.5).astype(np.uint8), np.ones((17, 17))) == 0
        assert np.abs(found.front - found.back)[far].max() < 1e-3


def test_the_same_picture_gives_the_same_fit() -> None:
    seen = view(box(1.2, 0.8, 1), azimuth=35)
    first, second = fitted(seen), fitted(seen)
    assert first is not None
    assert second is not None
    assert (first.front == second.front).all()


@pytest.mark.parametrize("seed", range(6))
def test_any_outline_is_borne(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(size=(200, 260)), (0, 0), float(rng.uniform(1, 30)))
    alpha = (noise > np.quantile(noise, rng.uniform(0.3, 0.98))).astype(np.float32)
    rgba = rng.integers(0, 256, (200, 260, 4), np.uint8)
    found = fit.solid(rgba, alpha, Grid.around(alpha), _go_on)
    assert found is None or found.iou > 0.96


@pytest.mark.parametrize(
    ("top", "left", "bottom", "right"),
    [(50, 50, 51, 51), (0, 0, 100, 100), (50, 0, 51, 100), (10, 40, 90, 42), (50, 50, 53, 53)],
    ids=["a point", "all", "a hairline", "a pole", "a dot"],
)
def test_outlines_that_are_hardly_any_are_borne(top: int, left: int, bottom: int, right: int) -> None:
    alpha = np.zeros((100, 100), np.float32)
    alpha[top:bottom, left:right] = 1
    rgba = np.full((100, 100, 4), 200, np.uint8)
    assert fit.solid(rgba, alpha, Grid.around(alpha), _go_on) is None


def test_a_cancelled_job_stops() -> None:
    seen = view(CAN)

    def cancelled() -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        fit.solid(seen.rgba, seen.matte, Grid.around(seen.matte), cancelled)
