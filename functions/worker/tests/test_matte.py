"""What is cut out, and how well, on pictures whose matte is known."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from tests import scenes, shapes
from worker.engine import ImageRejected, JobCancelled
from worker.engines.silhouette.matte import Matte, NoForeground, cut_out

HELD_OUT = range(1, 14, 2)
SIDE = 256


def opaque(rgb: shapes.Picture) -> shapes.Picture:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255)]).astype(np.uint8)


def go_on() -> None:
    pass


def iou(matte: Matte, coverage: shapes.Picture) -> float:
    found, expected = matte.alpha > 0.5, coverage > 0.5
    return float((found & expected).sum() / (found | expected).sum())


def score(background: str) -> float:
    """The mean over the held-out scenes."""
    made = (scenes.scene(seed, background, SIDE) for seed in HELD_OUT)
    return float(np.mean([iou(cut_out(opaque(scene.rgb), go_on), scene.coverage) for scene in made]))


def test_a_plain_background_costs_next_to_nothing() -> None:
    assert score("plain") > 0.97


def test_gradients_and_shadows_cost_little() -> None:
    assert score("graded") > 0.94


@pytest.mark.parametrize(
    ("background", "least"),
    [("stripes", 0.8), ("noise", 0.8), ("bricks", 0.8), ("room", 0.65), ("blobs", 0.6), ("tiles", 0.55)],
)
def test_clutter_costs_some(background: str, least: float) -> None:
    assert score(background) > least


def test_a_shadow_is_not_the_object() -> None:
    coverage = shapes.ball(90, (200, 180))
    fallen = np.zeros((shapes.SIDE, shapes.SIDE), np.float32)
    cv2.ellipse(fallen, (215, 275), (110, 22), 0, 0, 360, 1, -1)
    light = 1 - 0.6 * cv2.GaussianBlur(fallen, (0, 0), 8)
    ground = np.array([200, 170, 120]) * light[..., None]
    picture = ground * (1 - coverage[..., None]) + np.array([40, 90, 200]) * coverage[..., None]
    matte = cut_out(opaque(picture), go_on)
    assert matte.source == "backdrop"
    assert iou(matte, coverage) > 0.98


def test_the_backdrop_shows_through_holes_and_between_thin_parts() -> None:
    x = np.arange(shapes.SIDE)
    bars = shapes.box(150, 120) * ((x % 60 < 8) | (x < 54) | (x > 346))
    frame = np.maximum(shapes.box(150, 120) - shapes.box(142, 112), bars)
    picture = opaque(shapes.on_colour(frame, (225, 228, 230)))
    assert iou(cut_out(picture, go_on), frame) > 0.97


def test_a_part_of_the_backdrops_colour_amid_the_object_is_the_objects() -> None:
    label = shapes.ball(8, (200, 200))
    picture = opaque(shapes.on_colour(shapes.ball() - label, (255, 255, 255)))
    assert iou(cut_out(picture, go_on), shapes.ball()) > 0.99


def test_an_object_may_touch_a_side() -> None:
    bust = np.maximum(shapes.ball(70, (200, 130)), np.roll(shapes.box(110, 100), 100, axis=0))
    assert iou(cut_out(opaque(shapes.on_colour(bust, (235, 235, 230))), go_on), bust) > 0.98


def test_alpha_decides_where_it_cuts_something_out() -> None:
    coverage = shapes.torus()
    matte = cut_out(shapes.rgba(coverage), go_on)
    assert matte.source == "alpha"
    assert abs(matte.alpha - coverage).max() < 0.01
    assert matte.coverage == pytest.approx((coverage > 0.5).mean(), abs=0.002)


def test_alpha_that_is_opaque_everywhere_decides_nothing() -> None:
    picture = opaque(shapes.on_colour(shapes.ball(), (255, 255, 255)))
    matte = cut_out(picture, go_on)
    assert matte.source == "backdrop"
    assert iou(matte, shapes.ball()) > 0.99


def test_the_longer_side_is_at_most_512() -> None:
    picture = cv2.resize(shapes.rgba(shapes.ball()), (1500, 1000))
    assert cut_out(picture, go_on).alpha.shape == (341, 512)


@pytest.mark.parametrize("background", ["plain", "room"])
def test_the_same_picture_gives_the_same_matte(background: str) -> None:
    picture = opaque(scenes.scene(2, background, SIDE).rgb)
    first = cut_out(picture, go_on).alpha
    cv2.setRNGSeed(1234)
    assert np.array_equal(first, cut_out(picture, go_on).alpha)


def test_it_can_be_stopped_between_any_two_rounds() -> None:
    picture = opaque(scenes.scene(2, "noise", SIDE).rgb)
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1

    cut_out(picture, count)
    assert asked > 4

    def stop_at(number: int) -> Iterator[None]:
        yield from [None] * number
        raise JobCancelled

    for number in range(asked):
        steps = stop_at(number)
        with pytest.raises(JobCancelled):
            cut_out(picture, lambda steps=steps: next(steps))  # type: ignore[misc]


def _square(inner: int, outer: int, value: int) -> shapes.Picture:
    clear = np.zeros((outer, outer, 4), np.uint8)
    first = (outer - inner) // 2
    clear[first : first + inner, first : first + inner] = value
    return clear


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        pytest.param(np.zeros((100, 100, 4), np.uint8), "fully transparent", id="transparent"),
        pytest.param(_square(2, 300, 255), "too small in the picture", id="tiny by alpha"),
        pytest.param(opaque(np.full((1, 1, 3), 9)), "too small to show", id="1x1"),
        pytest.param(opaque(np.full((2, 3000, 3), 9)), "too small to show", id="thin as a line"),
        pytest.param(opaque(np.full((200, 200, 3), 255)), "nothing stands out", id="white"),
        pytest.param(opaque(np.zeros((200, 200, 3))), "nothing stands out", id="black"),
        pytest.param(
            opaque(np.tile(np.linspace(0, 255, 300)[:, None, None], (1, 300, 3))),
            "nothing stands out",
            id="gradient",
        ),
        pytest.param(
            opaque(shapes.on_colour(shapes.ball(3), (255, 255, 255))), "too small in the picture", id="dot"
        ),
    ],
)
def test_no_foreground_says_why_and_what_to_do(picture: shapes.Picture, why: str) -> None:
    with pytest.raises(NoForeground) as caught:
        cut_out(picture, go_on)
    text = str(caught.value)
    assert text.startswith("No foreground: ")
    assert why in text
    assert "Use " in text
    assert caught.value.reason == "no_foreground"
    assert isinstance(caught.value, ImageRejected)


@pytest.mark.parametrize(
    "size", [(300, 300), (4, 4), (5, 300), (12, 600), (2000, 40), (3000, 60)], ids=lambda size: f"{size}"
)
def test_noise_of_any_shape_ends_in_a_matte_or_a_rejection(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (*size, 3))
    try:
        matte = cut_out(opaque(noise), go_on)
    except NoForeground:
        return
    assert matte.alpha.dtype == np.float32
    assert matte.alpha.min() >= 0
    assert matte.alpha.max() <= 1
    assert matte.coverage > 0
