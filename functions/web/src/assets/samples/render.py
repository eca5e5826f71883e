"""Renders the sample pictures: toys of a few smooth solids each, lit softly, cut out.

    cd functions/web/src/assets/samples
    PYTHONPATH=../../../../../infra/bench ../../../../worker/.venv/bin/python render.py [name …]

They are the project's own and free to use as anything else in it.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from quality.rays import Camera, cast
from quality.sdf import Part
from quality.solids import build as make

SIZE = 640
SUPERSAMPLED = 2
KEY = np.array([-0.55, 0.75, 0.62]) / np.linalg.norm([-0.55, 0.75, 0.62])
RIM = np.array([0.8, 0.35, -0.45]) / np.linalg.norm([0.8, 0.35, -0.45])


class Material(NamedTuple):
    """Parts of one colour, melted into each other over `melt`."""

    colour: str
    gloss: float
    melt: float
    parts: Sequence[Part]

    def distance(self, p: np.ndarray) -> np.ndarray:
        out = self.parts[0].distance(p)
        for part in self.parts[1:]:
            other = part.distance(p)
            h = np.maximum(self.melt - np.abs(out - other), 0)
            out = np.minimum(out, other) - h * h / (4 * self.melt)
        return out


class Toy(NamedTuple):
    """What is seen from `azimuth` and `elevation`, in degrees; `scale` makes it fit between ±1, after `centre` is moved to 0."""

    azimuth: float
    elevation: float
    scale: float
    centre: tuple[float, float, float]
    materials: Sequence[Material]


def curve(*points: tuple[float, ...]) -> list[tuple[float, ...]]:
    """A smooth path through the points (Catmull-Rom), level where it begins and ends."""
    path = np.array(points, np.float64)
    mirror = np.array([-1.0, *[1.0] * (path.shape[1] - 1)])  # over the axis, where a lathe's profile meets it
    path = np.vstack([path[1] * mirror, path, path[-2] * mirror])
    t = np.linspace(0, 1, 5, endpoint=False)[:, None]
    pieces = [
        ((2 * b) + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3) / 2
        for a, b, c, d in zip(path, path[1:], path[2:], path[3:], strict=False)
    ]
    return [tuple(point) for point in np.vstack([*pieces, path[-2:-1]])]


def mirrored(x: float) -> tuple[float, float]:
    return (-x, x)


TOYS = {
    "duck": Toy(-32, 12, 0.98, (0, 0.06, 0.05), [
        Material("#ffc52e", 0.55, 0.16, [
            make.ellipsoid((0, -0.38, -0.1), (0.56, 0.44, 0.72)),
            make.ellipsoid((0, -0.16, -0.72), (0.3, 0.2, 0.24), (-35, 0, 0)),
            make.ball((0, 0.42, 0.3), 0.42),
            *(make.ellipsoid((x, -0.3, -0.2), (0.12, 0.24, 0.42), (0, 0, 12 * np.sign(x))) for x in mirrored(0.53)),
        ]),
        Material("#f4702a", 0.5, 0.06, [
            make.ellipsoid((0, 0.36, 0.72), (0.2, 0.06, 0.2), (8, 0, 0)),
            make.ellipsoid((0, 0.29, 0.69), (0.16, 0.05, 0.16), (-6, 0, 0)),
        ]),
        Material("#ffffff", 0.6, 0.01, [make.ball((x, 0.54, 0.6), 0.1) for x in mirrored(0.2)]),
        Material("#211d1b", 0.95, 0.01, [make.ball((x * 1.02, 0.545, 0.642), 0.072) for x in mirrored(0.2)]),
    ]),
    "toadstool": Toy(-18, 14, 0.92, (0, 0.02, 0), [
        Material("#d8392b", 0.6, 0.05, [
            make.lathe(curve((0, 0.95), (0.3, 0.9), (0.58, 0.75), (0.78, 0.52), (0.87, 0.28), (0.85, 0.14), (0.74, 0.1), (0.4, 0.16), (0, 0.2))),
        ]),
        Material("#f6e7cf", 0.2, 0.16, [
            make.lathe(curve((0, 0.3), (0.24, 0.24), (0.23, 0), (0.26, -0.35), (0.36, -0.62), (0.4, -0.78), (0.33, -0.89), (0, -0.92))),
            make.ring((0, -0.02, 0), 0.29, 0.05),
        ]),
        Material("#fff8ec", 0.3, 0.01, [
            make.ellipsoid((0.78 * np.cos(a) * r, y, 0.78 * np.sin(a) * r), (s, s, s))
            for a, r, y, s in [(1.5, 0.62, 0.76, 0.15), (0.45, 0.84, 0.56, 0.12), (2.5, 0.86, 0.54, 0.13), (1.15, 1.02, 0.36, 0.1),
                               (1.95, 1.0, 0.38, 0.09), (3.3, 0.6, 0.78, 0.12), (0.0, 0.3, 0.9, 0.1), (-0.1, 1.04, 0.3, 0.09), (3.0, 1.06, 0.28, 0.08)]
        ]),
    ]),
    "rocket": Toy(28, 8, 0.87, (0, 0, 0), [
        Material("#f5f1e8", 0.7, 0.03, [
            make.lathe(curve((0, 0.6), (0.21, 0.52), (0.32, 0.3), (0.37, 0.0), (0.345, -0.35), (0.25, -0.64), (0, -0.68))),
        ]),
        Material("#e4552e", 0.7, 0.03, [
            make.lathe([*curve((0, 1.0), (0.045, 0.975), (0.13, 0.8), (0.24, 0.53))[:-2], (0.248, 0.5), (0, 0.5)]),
            make.ring((0, -0.42, 0), 0.32, 0.035),
            *(make.ellipsoid((0.46 * np.sin(a), -0.66, 0.46 * np.cos(a)), (0.055, 0.36, 0.2), (-28, np.degrees(a), 0))
              for a in np.radians([0, 90, 180, 270]) + 0.5),
        ]),
        Material("#2f6f8f", 0.95, 0.01, [make.ellipsoid((0, 0.2, 0.335), (0.135, 0.135, 0.06), (-8, 0, 0))]),
        Material("#f2b632", 0.6, 0.01, [make.ring((0, 0.2, 0.335), 0.15, 0.038, (82, 0, 0))]),
        Material("#4b4a52", 0.6, 0.02, [make.lathe([(0, -0.6), (0.16, -0.64), (0.24, -0.86), (0.2, -0.88), (0, -0.8)])]),
    ]),
    "teapot": Toy(-14, 18, 0.86, (0, 0.03, 0), [
        Material("#2c8c86", 0.85, 0.1, [
            make.ellipsoid((0, -0.1, 0), (0.68, 0.54, 0.68)),
            make.lathe([(0, -0.55), (0.42, -0.55), (0.44, -0.63), (0, -0.64)]),
            *make.rods(0.12, (0.5, -0.2, 0), (0.78, -0.02, 0)),
            make.rod((0.78, -0.02, 0), (1.0, 0.36, 0), 0.12, 0.075),
            *make.rods(0.07, *curve((-0.42, 0.26, 0), (-0.72, 0.38, 0), (-0.98, 0.24, 0), (-1.0, -0.04, 0), (-0.82, -0.26, 0), (-0.55, -0.3, 0))),
        ]),
        Material("#f4ead8", 0.7, 0.04, [
            make.lathe(curve((0, 0.52), (0.2, 0.49), (0.36, 0.41), (0.42, 0.33), (0.36, 0.29), (0, 0.3))),
        ]),
        Material("#e08a3c", 0.8, 0.04, [make.ball((0, 0.6, 0), 0.12), make.ring((0, 0.31, 0), 0.43, 0.03)]),
    ]),
}


def picture(toy: Toy) -> Image.Image:
    """RGBA, SIZE pixels square."""
    azimuth, elevation = np.radians([toy.azimuth, toy.elevation])
    c, s = np.cos(azimuth), np.sin(azimuth)
    around = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = np.cos(elevation), np.sin(elevation)
    turned = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ around

    def distances(p: np.ndarray) -> np.ndarray:
        own = turned.T @ p / toy.scale + np.array(toy.centre)[:, None]
        return np.stack([material.distance(own) * toy.scale for material in toy.materials])

    def field(p: np.ndarray) -> np.ndarray:
        chunks = [distances(p[:, i : i + (1 << 15)]).min(axis=0) for i in range(0, p.shape[1], 1 << 15)]
        return np.concatenate(chunks) if chunks else np.empty(0)

    side = SIZE * SUPERSAMPLED
    hits = cast(field, Camera(side, side, 2.06 / side, perspective=0.14))
    p = hits.points
    steps = 0.012 * np.eye(3)  # wide enough to smooth the facets of a lathe
    normals = np.stack([field(p + step[:, None]) - field(p - step[:, None]) for step in steps])
    normals /= np.linalg.norm(normals, axis=0)
    colours = np.array([linear(material.colour) for material in toy.materials])
    gloss = np.array([material.gloss for material in toy.materials])
    which = distances(p).argmin(axis=0)

    lit = np.clip(KEY @ normals, 0, 1) * shadow(field, p + normals * 0.01)
    sky = 0.5 + 0.5 * normals[1]
    ambient = occlusion(field, p, normals)[:, None] * (sky[:, None] * [0.62, 0.66, 0.72] + (1 - sky)[:, None] * [0.36, 0.3, 0.26])
    seen = colours[which] * (ambient + lit[:, None] * [1.5, 1.42, 1.28] + np.clip(RIM @ normals, 0, 1)[:, None] * 0.35)
    half = KEY + [0, 0, 1]
    shine = np.clip(half / np.linalg.norm(half) @ normals, 0, 1)
    fresnel = 0.04 + 0.5 * (1 - np.clip(normals[2], 0, 1)) ** 4
    seen += (gloss[which] * ((0.2 + 0.8 * lit) * (0.5 * shine**90 + 0.12 * shine**14)) + gloss[which] * fresnel * sky * 0.5)[:, None]
    seen = seen * 0.86 / (1 + np.maximum(seen * 0.86 - 0.75, 0) * 0.7)  # a soft shoulder, so that nothing is clipped

    image = np.zeros((side, side, 4))
    image[hits.mask] = np.concatenate([np.clip(seen, 0, 1), np.ones((len(seen), 1))], axis=1)
    image = image.reshape(SIZE, SUPERSAMPLED, SIZE, SUPERSAMPLED, 4).mean(axis=(1, 3))
    rgb = image[..., :3] / np.maximum(image[..., 3:], 1e-6)
    return Image.fromarray(np.rint(np.dstack([encoded(np.clip(rgb, 0, 1)), image[..., 3]]) * 255).astype(np.uint8))


def shadow(field, p: np.ndarray) -> np.ndarray:
    """How much of a wide light is seen from each point (Quílez, "Soft shadows in raymarched SDFs")."""
    free, way = np.ones(p.shape[1]), np.full(p.shape[1], 0.02)
    for _ in range(28):
        distance = field(p + KEY[:, None] * way)
        free = np.minimum(free, 7 * np.maximum(distance, 0) / way)
        way += np.clip(distance, 0.02, 0.15)
    return free * free * (3 - 2 * free)


def occlusion(field, p: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """How open the surroundings are, 0 to 1."""
    closed = sum((step - field(p + normals * step)) * 0.62**i for i, step in enumerate((0.03, 0.08, 0.15, 0.24, 0.36)))
    return np.clip(1 - 1.1 * closed, 0.12, 1)


def linear(colour: str) -> list[float]:
    return [((int(colour[i : i + 2], 16) / 255 + 0.055) / 1.055) ** 2.4 for i in (1, 3, 5)]


def encoded(light: np.ndarray) -> np.ndarray:
    return np.where(light < 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


for name in sys.argv[1:] or TOYS:
    picture(TOYS[name]).save(Path(__file__).with_name(f"{name}.webp"), quality=88, method=6)
