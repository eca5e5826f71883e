"""What stands behind the object: one colour, a lit sweep with a shadow, or clutter of several kinds."""

import cv2
import numpy as np

from quality.arrays import Bytes, Floats

KINDS = ("clean", "graded", "cluttered")

NOISE = 0.008
"""Standard deviation of the sensor's noise, in 0..1, on all but the clean background."""

Random = np.random.Generator


def put_before(rgba: Bytes, kind: str, light: Floats, rng: Random) -> Bytes:
    """An opaque picture, RGBA (h, w, 4), of what is cut out in `rgba` before a background of this kind.

    `light` is the direction that the object is lit from. Raises ValueError for a kind that there is not.
    """
    shape = rgba.shape[:2]
    alpha = rgba[..., 3:].astype(np.float64) / 255
    colour = rgba[..., :3].astype(np.float64) / 255
    typical = (colour * alpha).sum(axis=(0, 1)) / alpha.sum()
    match kind:
        case "clean":
            behind = np.broadcast_to(_unlike(typical, rng), (*shape, 3))
        case "graded":
            behind = _graded(shape, _unlike(typical, rng), rng) * _shadow(alpha[..., 0], light)[..., None]
        case "cluttered":
            clutter = CLUTTER[rng.integers(len(CLUTTER))]
            behind = clutter(shape, rng) * _shadow(alpha[..., 0], light)[..., None]
        case _:
            raise ValueError(f"no background is called {kind!r}")
    picture = colour * alpha + behind * (1 - alpha)
    if kind != "clean":
        picture = picture + rng.normal(0, NOISE, picture.shape)
    opaque = np.full((*shape, 1), 255.0)
    put: Bytes = np.rint(np.dstack([np.clip(picture, 0, 1) * 255, opaque])).astype(np.uint8)
    return put


def _unlike(typical: Floats, rng: Random) -> Floats:
    """A colour that nobody would mistake for the object's: light more often than dark."""
    while True:
        grey = rng.uniform(0.75, 1.0) if rng.random() < 0.7 else rng.uniform(0.05, 0.5)
        colour: Floats = np.clip(grey + rng.normal(0, 0.06, 3), 0, 1)
        if np.linalg.norm(colour - typical) > 0.35:
            return colour


def _graded(shape: tuple[int, int], colour: Floats, rng: Random) -> Floats:
    """A studio's sweep: one colour, lighter to one side, darker towards the corners."""
    x, y = _plane(shape)
    angle = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0.08, 0.22)
    gradient = 1 + slope * (np.cos(angle) * x + np.sin(angle) * y)
    vignette = 1 - rng.uniform(0.1, 0.3) * (x * x + y * y) / 2
    tint = 1 + 0.06 * rng.normal(size=3) * y[..., None]
    behind: Floats = np.clip(colour * (gradient * vignette)[..., None] * tint, 0, 1)
    return behind


def _shadow(alpha: Floats, light: Floats) -> Floats:
    """What of the light is left: the outline's soft shadow on the ground, away from the light, (h, w)."""
    height, width = alpha.shape
    bottom = float(np.nonzero((alpha > 0.5).any(axis=1))[0][-1])
    squash, shear = 0.22, -0.5 * float(light[0])
    # Where a point of the ground comes from in the outline: up by 1 / squash, aslant.
    back = np.array(
        [[1, shear / squash, -shear / squash * bottom], [0, 1 / squash, bottom * (1 - 1 / squash)]]
    )
    fallen = cv2.warpAffine(alpha, back, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    soft = cv2.GaussianBlur(fallen, (0, 0), 0.018 * max(height, width))
    contact = cv2.GaussianBlur(fallen, (0, 0), 0.006 * max(height, width))
    left: Floats = 1 - 0.45 * np.maximum(soft, 0.6 * contact)
    return left


def _things(shape: tuple[int, int], rng: Random) -> Floats:
    """A desk: boxes, plates and pens of all colours, one over the other."""
    height, width = shape
    picture = np.full((*shape, 3), rng.uniform(0.3, 0.8, 3))
    for _ in range(60):
        colour = rng.uniform(0.05, 0.95, 3).tolist()
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        wide, high = rng.uniform(0.03, 0.16, 2) * max(shape)
        if rng.random() < 0.35:
            axes = (int(wide), int(high))
            cv2.ellipse(picture, (x, y), axes, rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            corners = cv2.boxPoints(((x, y), (wide * 2, high * rng.uniform(0.2, 2)), rng.uniform(0, 180)))
            cv2.fillPoly(picture, [corners.astype(np.int32)], colour, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 2.5))


def _planks(shape: tuple[int, int], rng: Random) -> Floats:
    """A wooden floor before a wall: boards with grain, dark joints."""
    x, y = _plane(shape)
    wood = np.array([0.55, 0.38, 0.24]) * rng.uniform(0.7, 1.5)
    board = np.floor((x + 2) * rng.uniform(3, 6))
    tone = rng.uniform(0.75, 1.15, 64)[board.astype(np.int64)]
    grain = cv2.GaussianBlur(rng.normal(0, 1, shape), (0, 0), sigmaX=1.2, sigmaY=25)
    joint = np.abs(np.diff(board, axis=1, prepend=board[:, :1])) > 0
    picture = wood * (tone + 0.9 * grain)[..., None] * np.where(joint, 0.45, 1.0)[..., None]
    wall = rng.uniform(0.4, 0.9, 3)
    floor = 1 / (1 + np.exp(-(y - rng.uniform(-0.4, 0.1)) * 120))[..., None]
    return np.clip(wall * (1 - floor) + picture * floor, 0, 1)


def _foliage(shape: tuple[int, int], rng: Random) -> Floats:
    """Grass and leaves: noise of several sizes in two or three greens and browns."""
    depth = np.zeros(shape)
    for size in (1.5, 4.0, 12.0, 30.0):
        depth += size**1.6 * cv2.GaussianBlur(rng.normal(0, 1, shape), (0, 0), size)
    share = 0.5 + 0.5 * np.tanh(depth / depth.std())
    light, dark = np.array([0.5, 0.62, 0.25]), np.array([0.12, 0.2, 0.08])
    hue = rng.normal(0, 0.08, 3)
    behind: Floats = np.clip(dark + hue / 2 + (light + hue - dark) * share[..., None], 0, 1)
    return behind


def _bokeh(shape: tuple[int, int], rng: Random) -> Floats:
    """A street at dusk, out of focus: discs of light."""
    height, width = shape
    _, y = _plane(shape)
    picture = rng.uniform(0.1, 0.35, 3) * (1.2 - 0.4 * y[..., None])
    for _ in range(45):
        layer = np.zeros(shape)
        at = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        cv2.circle(layer, at, int(rng.uniform(0.02, 0.07) * max(shape)), 1.0, -1, cv2.LINE_AA)
        picture = picture + layer[..., None] * rng.uniform(0.05, 0.5, 3)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 2.5), 0, 1)


def _tiles(shape: tuple[int, int], rng: Random) -> Floats:
    """A chequered table cloth, aslant."""
    x, y = _plane(shape)
    angle, size = rng.uniform(0, np.pi / 2), rng.uniform(2.5, 6)
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    odd = (np.floor(u * size) + np.floor(v * size)) % 2
    first, second = rng.uniform(0.1, 0.95, 3), rng.uniform(0.1, 0.95, 3)
    picture = np.where(odd[..., None] > 0, first, second) * (1 - 0.15 * x[..., None])
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1.0), 0, 1)


def _room(shape: tuple[int, int], rng: Random) -> Floats:
    """A wall with pictures, a shelf, a table top with an edge."""
    height, width = shape
    x, y = _plane(shape)
    picture = np.broadcast_to(rng.uniform(0.55, 0.9, 3), (*shape, 3)) * (1 + 0.15 * x[..., None])
    picture = np.ascontiguousarray(picture)
    for _ in range(7):
        left, top = int(rng.uniform(-0.1, 0.9) * width), int(rng.uniform(0, 0.5) * height)
        right, bottom = left + int(rng.uniform(0.08, 0.3) * width), top + int(rng.uniform(0.08, 0.3) * height)
        frame, inner = rng.uniform(0.05, 0.5, 3).tolist(), rng.uniform(0.2, 0.95, 3).tolist()
        cv2.rectangle(picture, (left, top), (right, bottom), frame, -1)
        cv2.rectangle(picture, (left + 8, top + 8), (right - 8, bottom - 8), inner, -1)
    edge = int(rng.uniform(0.55, 0.72) * height)
    picture[edge:] = rng.uniform(0.25, 0.7, 3) * (1 - 0.2 * y[edge:, :, None])
    picture[edge : edge + 4] *= 0.6
    return np.clip(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.8, 2.0)), 0, 1)


CLUTTER = (_things, _planks, _foliage, _bokeh, _tiles, _room)


def _plane(shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Where the pixels are: x and y, -1..1 over the picture, y down, (h, w) each."""
    height, width = shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return x, y
