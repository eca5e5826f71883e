"""Pictures of a solid: Lambert shading from a seeded light, seeded colours, antialiased alpha."""

from dataclasses import dataclass

import numpy as np

from quality.arrays import Bytes, Floats, Mask, Points
from quality.pose import Posed
from quality.rays import Camera, cast, march

SUBPIXELS = 4
"""Pixels on an edge are averages of so many rays a side."""

AMBIENT = 0.35

SIZES = ((512, 512), (640, 512), (512, 640), (640, 640), (768, 576), (768, 768))
"""Width and height of the pictures."""

PATTERNS = ("plain", "plain", "stripes", "cloudy")


@dataclass(frozen=True)
class Paint:
    """A procedural colour and the light on it."""

    first: Floats
    second: Floats
    """(3,) colours in 0..1."""

    pattern: str
    waves: Floats
    """(5, 3): directions and frequencies of the pattern in the solid's own frame."""

    light: Floats
    """(3,): unit vector towards the light, in the viewer's frame."""

    def lit(self, solid: Posed, points: Points) -> Floats:
        """Colours (n, 3) in 0..1 at points of the surface."""
        normals = solid.normals(points)
        shade = AMBIENT + (1 - AMBIENT) * np.clip(self.light @ normals, 0, 1)
        seen: Floats = self._albedo(solid.own(points) / solid.scale) * shade[:, None]
        return seen

    def _albedo(self, p: Points) -> Floats:
        if self.pattern == "plain":
            share = np.zeros(p.shape[1])
        elif self.pattern == "stripes":
            share = (np.sin(self.waves[0] @ p) > 0.3).astype(np.float64)
        else:
            share = 0.5 + 0.5 * np.tanh(np.sin(self.waves @ p).sum(axis=0))
        mixed: Floats = self.first + (self.second - self.first) * share[:, None]
        return mixed


def paint(rng: np.random.Generator) -> Paint:
    """Colours, a pattern, and a light from above, left or right."""
    hue, value = rng.uniform(0, 1), rng.uniform(0.55, 0.95)
    first = _colour(hue, rng.uniform(0.1, 0.75), value)
    second = _colour(hue + rng.normal(0, 0.12), rng.uniform(0.1, 0.75), value * rng.uniform(0.6, 1.0))
    pattern = PATTERNS[rng.integers(len(PATTERNS))]
    waves = rng.normal(0, 6 if pattern == "cloudy" else 9, (5, 3))
    side, height = rng.uniform(-0.9, 0.9), rng.uniform(0.25, 0.9)
    light = np.array([side, height, 0.8])
    return Paint(first, second, pattern, waves, light / np.linalg.norm(light))


def camera(solid: Posed, rng: np.random.Generator, perspective: float = 0.0) -> Camera:
    """A picture of seeded size and margin, the object nearly in its middle."""
    width, height = SIZES[rng.integers(len(SIZES))]
    filled = rng.uniform(0.7, 0.86)
    # What is nearer than the middle looks larger.
    swell = 1 + perspective * float(solid.half[2])
    pixel = 2 * swell / filled * max(float(solid.half[0]) / width, float(solid.half[1]) / height)
    shift = rng.uniform(-0.04, 0.04, 2) * min(width, height)
    return Camera(width, height, pixel, (float(shift[0]), float(shift[1])), perspective)


def cut_out(solid: Posed, camera: Camera, paint: Paint) -> Bytes:
    """The solid alone, RGBA of shape (h, w, 4), alpha not multiplied in, black where there is nothing."""
    hits = cast(solid.distance, camera)
    colour = np.zeros((camera.height, camera.width, 3))
    alpha = hits.mask.astype(np.float64)
    colour[hits.mask] = paint.lit(solid, hits.points)

    rows, columns = np.nonzero(_edges(hits.mask, colour) & np.isfinite(hits.near))
    offsets = (np.arange(SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    x = (columns[:, None, None] + offsets[None, None, :] + 0 * offsets[None, :, None]).ravel()
    y = (rows[:, None, None] + offsets[None, :, None] + 0 * offsets[None, None, :]).ravel()
    origins, towards = camera.rays(x, y)
    depth = march(solid.distance, origins, towards, np.repeat(hits.near[rows, columns], SUBPIXELS**2), 0.0)
    hit = np.isfinite(depth)
    samples = np.zeros((len(x), 3))
    samples[hit] = paint.lit(solid, origins[:, hit] + towards[:, hit] * depth[hit])
    count = hit.reshape(-1, SUBPIXELS**2).sum(axis=1)
    alpha[rows, columns] = count / SUBPIXELS**2
    total = samples.reshape(-1, SUBPIXELS**2, 3).sum(axis=1)
    colour[rows, columns] = total / np.maximum(count, 1)[:, None]
    rgba: Bytes = np.rint(np.dstack([colour, alpha]) * 255).astype(np.uint8)
    return rgba


def _edges(mask: Mask, colour: Floats) -> Mask:
    """Pixels whose neighbours show something else: the outline, inner edges, edges of the pattern."""
    shown = np.dstack([colour, 2.0 * mask])
    edges = np.zeros_like(mask)
    for axis in (0, 1):
        step = np.abs(np.diff(shown, axis=axis)).max(axis=2) > 0.06
        first, second = [slice(None)] * 2, [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        edges[tuple(first)] |= step
        edges[tuple(second)] |= step
    return edges


def _colour(hue: float, saturation: float, value: float) -> Floats:
    """RGB from HSV, all in 0..1, the hue cyclic."""
    k = (np.array([5.0, 3.0, 1.0]) + 6 * hue) % 6
    rgb: Floats = value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1)
    return rgb
