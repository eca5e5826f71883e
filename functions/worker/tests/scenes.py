"""Pictures whose matte is known: shaded objects on plain, graded and cluttered backgrounds, all from seeds.

An even seed is for tuning, an odd one is held out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[Any]
Rng = np.random.Generator

SUPER = 3
"""Masks are drawn this much larger and averaged: their edges are antialiased."""

PLAIN, GRADED = ("plain",), ("graded",)
CLUTTERED = ("tiles", "stripes", "noise", "blobs", "bricks", "room")


@dataclass(frozen=True)
class Scene:
    """A picture and the truth about it."""

    rgb: Picture
    """uint8, (h, w, 3)."""

    coverage: Picture
    """float32 in 0..1, (h, w): the object's share of each pixel."""

    name: str


def scene(seed: int, background: str, side: int = 384) -> Scene:
    """The scene of this seed: the same object whatever the background."""
    rng = np.random.default_rng(seed)
    name = sorted(OUTLINES)[(seed // 2) % len(OUTLINES)]
    height, width = side, round(side * rng.uniform(0.8, 1.25))
    coverage = _drawn(OUTLINES[name], rng, height, width)
    paint = _painted(coverage, rng)
    behind = np.random.default_rng([seed, sorted(BACKGROUNDS).index(background)])
    ground = BACKGROUNDS[background](behind, height, width)
    if background != "plain":
        ground = ground * (1 - _shadow(coverage, behind))[..., None]
        bounce = cv2.GaussianBlur(coverage, (0, 0), side / 30)[..., None] * behind.uniform(0, 0.08)
        ground = ground * (1 - bounce) + bounce * paint[coverage > 0.5].mean(axis=0)
    opacity = coverage[..., None]
    rgb = ground * (1 - opacity) + paint * opacity
    rgb = cv2.GaussianBlur(rgb, (0, 0), behind.uniform(0.3, 0.8)) + behind.normal(0, 0.006, rgb.shape)
    shown = (np.clip(rgb, 0, 1) * 255).round().astype(np.uint8)
    return Scene(_compressed(shown, behind), coverage, f"{name}-{background}-{seed}")


def _compressed(rgb: Picture, rng: Rng) -> Picture:
    quality = int(rng.integers(70, 97))
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(decoded[..., ::-1])


# -- objects: outlines in a square of -1..1, y downwards ------------------------------------------------

Pen = Callable[[list[tuple[float, float]], float, int], None]
"""Draws a polyline (x, y) of a thickness, or fills the polygon where that is 0, with 1 or 0."""


def _drawn(outline: Callable[[Pen, Rng], None], rng: Rng, height: int, width: int) -> Picture:
    canvas = np.zeros((height * SUPER, width * SUPER), np.uint8)
    scale = min(height, width) * SUPER / 2 * rng.uniform(0.62, 0.9)
    slack = np.array([width, height]) * SUPER / 2 - scale
    centre = np.array([width, height]) * SUPER / 2 + slack * rng.uniform(-0.6, 0.6, 2)
    mirror = rng.choice([-1, 1])

    def pen(points: list[tuple[float, float]], thickness: float, value: int) -> None:
        at = np.rint(np.array(points) * [mirror, 1] * scale + centre).astype(np.int32)
        if thickness:
            cv2.polylines(canvas, [at], False, value, max(SUPER, round(thickness * scale)))
            for end in at:
                cv2.circle(canvas, end.tolist(), max(1, round(thickness * scale / 2)), value, -1)
        else:
            cv2.fillPoly(canvas, [at], value)

    outline(pen, rng)
    return cv2.resize(canvas.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)


def _round(x: float, y: float, a: float, b: float) -> list[tuple[float, float]]:
    turn = np.linspace(0, 2 * np.pi, 90)
    return list(zip(x + a * np.cos(turn), y + b * np.sin(turn), strict=True))


def _ball(pen: Pen, rng: Rng) -> None:
    pen(_round(0, 0, 0.95, rng.uniform(0.7, 0.95)), 0, 1)


def _ring(pen: Pen, rng: Rng) -> None:
    squash = rng.uniform(0.6, 1)
    pen(_round(0, 0, 0.95, 0.95 * squash), 0, 1)
    pen(_round(0, 0, 0.5, 0.5 * squash), 0, 0)


def _vase(pen: Pen, rng: Rng) -> None:
    y = np.linspace(-0.95, 0.95, 60)
    phase, waves = rng.uniform(0, 3), rng.uniform(2, 4)
    r = 0.38 + 0.2 * np.cos(waves * y + phase)
    pen([*zip(r, y, strict=True), *zip(-r[::-1], y[::-1], strict=True)], 0, 1)


def _mug(pen: Pen, rng: Rng) -> None:
    pen(_round(0.5, 0, 0.38, rng.uniform(0.35, 0.5)), 0.13, 1)
    pen([(-0.7, -0.75), (0.45, -0.75), (0.4, 0.8), (-0.65, 0.8)], 0, 1)
    pen(_round(-0.125, -0.75, 0.575, 0.15), 0, 1)


def _chair(pen: Pen, rng: Rng) -> None:
    leg = rng.uniform(0.06, 0.1)
    for x, top, bottom in ((-0.5, -0.95, 0.95), (0.5, -0.95, 0.95), (-0.3, 0.1, 0.75), (0.32, 0.1, 0.75)):
        pen([(x, top), (x, bottom)], leg, 1)
    for y in (-0.9, -0.6, -0.3):
        pen([(-0.5, y), (0.5, y)], leg * 1.2, 1)
    pen([(-0.62, 0.15), (0.62, 0.15), (0.5, -0.05), (-0.5, -0.05)], 0, 1)


def _table(pen: Pen, rng: Rng) -> None:
    pen([(-0.95, -0.3), (0.95, -0.3), (0.7, -0.6), (-0.7, -0.6)], 0, 1)
    pen([(-0.95, -0.3), (0.95, -0.3), (0.95, -0.18), (-0.95, -0.18)], 0, 1)
    leg = rng.uniform(0.07, 0.14)
    for x, bottom in ((-0.85, 0.75), (0.85, 0.75), (-0.6, 0.5), (0.6, 0.5)):
        pen([(x, -0.2), (x, bottom)], leg, 1)


def _animal(pen: Pen, rng: Rng) -> None:
    pen(_round(-0.05, 0, 0.62, 0.33), 0, 1)
    pen(_round(0.65, -0.42, 0.27, 0.22), 0, 1)
    pen([(0.35, -0.1), (0.6, -0.4)], 0.26, 1)
    for x in (-0.5, -0.3, 0.25, 0.42):
        pen([(x, 0.15), (x + rng.uniform(-0.08, 0.08), 0.85)], 0.14, 1)
    pen([(-0.62, -0.1), (-0.85, -0.3), (-0.92, -0.6)], 0.08, 1)
    pen([(0.5, -0.55), (0.52, -0.85), (0.68, -0.6)], 0, 1)


def _box(pen: Pen, rng: Rng) -> None:
    dx, dy = rng.uniform(0.25, 0.45), rng.uniform(0.2, 0.4)
    pen(
        [(-0.9, dy - 0.8), (-0.9 + dx, -0.8), (0.9, -0.8), (0.9, 0.8 - dy), (0.9 - dx, 0.8), (-0.9, 0.8)],
        0,
        1,
    )


def _tree(pen: Pen, rng: Rng) -> None:
    pen([(0, 0.95), (0.02, 0)], 0.16, 1)
    for _ in range(14):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.5)
        pen(_round(far * np.cos(angle), -0.3 + far * np.sin(angle), 0.22, 0.2), 0, 1)


def _star(pen: Pen, rng: Rng) -> None:
    turn = np.arange(10) * np.pi / 5 + rng.uniform(0, 1)
    r = np.where(np.arange(10) % 2, rng.uniform(0.35, 0.6), 0.95)
    pen(list(zip(r * np.cos(turn), r * np.sin(turn), strict=True)), 0, 1)


def _lamp(pen: Pen, rng: Rng) -> None:
    pen([(-0.5, -0.2), (0.5, -0.2), (0.28, -0.9), (-0.28, -0.9)], 0, 1)
    pen([(0, -0.2), (0, 0.85)], rng.uniform(0.06, 0.12), 1)
    pen(_round(0, 0.85, 0.4, 0.1), 0, 1)


OUTLINES: dict[str, Callable[[Pen, Rng], None]] = {
    "ball": _ball,
    "ring": _ring,
    "vase": _vase,
    "mug": _mug,
    "chair": _chair,
    "table": _table,
    "animal": _animal,
    "box": _box,
    "tree": _tree,
    "star": _star,
    "lamp": _lamp,
}


def _painted(coverage: Picture, rng: Rng) -> Picture:
    """The object's colours, in 0..1: an albedo of one or two colours, lit from above."""
    height, width = coverage.shape
    side = max(height, width)
    inside = np.pad((coverage > 0.5).astype(np.uint8), 1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    swell = cv2.GaussianBlur(np.sqrt(depth / side), (0, 0), side / 90)
    slope_y, slope_x = np.gradient(swell * side / 6)
    normal = np.stack([-slope_x, -slope_y, np.full_like(slope_x, 0.35)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.array([rng.uniform(-0.6, 0.6), -0.6, rng.uniform(0.5, 1)])
    light /= np.linalg.norm(light)
    lambert = np.clip(normal @ light, 0, 1)
    one, other = _colour(rng), _colour(rng)
    kind = rng.choice(["one", "bands", "spots", "grain"])
    if kind == "one":
        share = np.zeros((height, width))
    elif kind == "bands":
        share = (_waves(rng, height, width, side / rng.uniform(4, 9)) > 0).astype(np.float64)
    elif kind == "spots":
        share = (_value_noise(rng, height, width, side / 12) > 0.6).astype(np.float64)
    else:
        share = 0.5 * _value_noise(rng, height, width, side / 60)
    albedo = one + (other - one) * cv2.GaussianBlur(share, (0, 0), 0.7)[..., None]
    shine = rng.uniform(0, 0.4) * lambert[..., None] ** 30
    return np.clip(albedo * (0.3 + 0.75 * lambert[..., None]) + shine, 0, 1)


def _colour(rng: Rng) -> Picture:
    hsv = np.array([[[rng.uniform(0, 360), rng.uniform(0.05, 0.9), rng.uniform(0.25, 0.95)]]], np.float32)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float64)


def _shadow(coverage: Picture, rng: Rng) -> Picture:
    """How much light a soft shadow on the ground below takes, in 0..1."""
    height, width = coverage.shape
    side = max(height, width)
    rows, columns = np.nonzero(coverage > 0.5)
    middle, half = columns.mean(), (columns.max() - columns.min()) / 2
    shade = np.zeros((height, width), np.float32)
    centre = (round(middle + half * rng.uniform(-0.3, 0.3)), int(rows.max()) - 2)
    cv2.ellipse(
        shade, centre, (round(half * rng.uniform(0.7, 1.1)), round(half * 0.16) + 2), 0, 0, 360, 1, -1
    )
    contact = cv2.GaussianBlur(shade, (0, 0), side / 80) * rng.uniform(0, 0.35)
    cast = cv2.GaussianBlur(shade, (0, 0), side * rng.uniform(0.02, 0.05)) * rng.uniform(0.2, 0.6)
    return np.clip(contact + cast, 0, 0.85)


# -- backgrounds: rng, height, width -> (height, width, 3) in 0..1 --------------------------------------


def _plain(rng: Rng, height: int, width: int) -> Picture:
    colour = [np.ones(3), np.full(3, 0.5), np.zeros(3), _colour(rng)][rng.integers(4)]
    return np.broadcast_to(colour, (height, width, 3)).copy()


def _graded(rng: Rng, height: int, width: int) -> Picture:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    one = _colour(rng) * 0.4 + 0.55 * rng.uniform(0.4, 1)
    other = one * rng.uniform(0.55, 0.9) + rng.normal(0, 0.02, 3)
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    kind = rng.choice(["linear", "vignette", "sweep"])
    if kind == "linear":
        share = (along + 1.4) / 2.8
    elif kind == "vignette":
        share = np.clip(np.hypot(x - rng.uniform(-0.3, 0.3), y) / 1.4, 0, 1) ** 2
    else:  # a wall that runs into a floor
        share = 1 / (1 + np.exp(-(y - rng.uniform(0, 0.4)) * rng.uniform(4, 12)))
    return np.clip(one + (other - one) * share[..., None], 0, 1)


def _value_noise(rng: Rng, height: int, width: int, cell: float) -> Picture:
    grid = rng.random((max(2, int(height / cell)), max(2, int(width / cell))))
    return np.clip(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)


def _waves(rng: Rng, height: int, width: int, period: float) -> Picture:
    y, x = np.mgrid[0:height, 0:width]
    angle = rng.uniform(0, np.pi)
    return np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)


def _tiles(rng: Rng, height: int, width: int) -> Picture:
    cells = int(rng.integers(6, 16))
    size = max(height, width) / cells
    colours = np.stack([_colour(rng) for _ in range(cells * cells)])
    y, x = np.mgrid[0:height, 0:width]
    ground = colours[(y // size).astype(int) * cells + (x // size).astype(int)]
    grout = (np.minimum(y % size, x % size) < size * 0.06)[..., None]
    return np.where(grout, 0.8, ground) if rng.random() < 0.5 else ground


def _stripes(rng: Rng, height: int, width: int) -> Picture:
    share = _waves(rng, height, width, max(height, width) / rng.uniform(5, 20))[..., None] > 0
    return np.where(share, _colour(rng), _colour(rng))


def _noise(rng: Rng, height: int, width: int) -> Picture:
    ground = np.zeros((height, width, 3))
    for octave in (3, 6, 12, 24, 48):
        weight = rng.uniform(0, 1)
        ground += weight * np.stack(
            [_value_noise(rng, height, width, max(height, width) / octave) for _ in range(3)], axis=-1
        )
    ground = (ground - ground.mean()) / ground.std()
    return np.clip(_colour(rng) + ground * rng.uniform(0.08, 0.22), 0, 1)


def _blobs(rng: Rng, height: int, width: int) -> Picture:
    ground = np.broadcast_to(_colour(rng), (height, width, 3)).copy()
    for _ in range(int(rng.integers(15, 60))):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        radius = int(rng.uniform(0.02, 0.13) * max(height, width))
        cv2.circle(ground, centre, radius, _colour(rng).tolist(), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(ground, (0, 0), rng.uniform(0.3, 4))


def _bricks(rng: Rng, height: int, width: int) -> Picture:
    size = max(height, width) / rng.uniform(8, 18)
    y, x = np.mgrid[0:height, 0:width]
    row = (y // size).astype(int)
    column = ((x + (row % 2) * size) // (2 * size)).astype(int)
    tone = rng.normal(0, 0.06, (40, 40))[row, column][..., None]
    mortar = (np.minimum(y % size, (x + (row % 2) * size) % (2 * size)) < size * 0.12)[..., None]
    ground = np.where(mortar, _colour(rng) * 0.3 + 0.5, _colour(rng) + tone)
    grain = _value_noise(rng, height, width, 2.0)[..., None] - 0.5
    return np.clip(ground + 0.12 * grain, 0, 1)


def _room(rng: Rng, height: int, width: int) -> Picture:
    """A wall, a table of another colour, and things that are cut by the frame."""
    ground = _graded(rng, height, width)
    edge = int(height * rng.uniform(0.55, 0.8))
    wood = _waves(rng, height, width, 9) * 0.5 + _value_noise(rng, height, width, 6)
    ground[edge:] = np.clip(_colour(rng) + 0.08 * wood[edge:, :, None], 0, 1)
    for _ in range(int(rng.integers(3, 8))):
        w, h = rng.uniform(0.1, 0.35, 2) * (width, height)
        at = rng.uniform(-0.1, 0.9) * width, rng.choice([-0.05, 0.3, 0.85]) * height
        corners = [round(v) for v in (*at, at[0] + w, at[1] + h)]
        cv2.rectangle(ground, corners[:2], corners[2:], _colour(rng).tolist(), -1)
    return cv2.GaussianBlur(ground, (0, 0), rng.uniform(0.3, 3))


BACKGROUNDS: dict[str, Callable[[Rng, int, int], Picture]] = {
    "plain": _plain,
    "graded": _graded,
    "tiles": _tiles,
    "stripes": _stripes,
    "noise": _noise,
    "blobs": _blobs,
    "bricks": _bricks,
    "room": _room,
}
