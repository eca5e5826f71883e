"""Points spread evenly over surfaces."""

import numpy as np

from quality.arrays import Floats, Indices
from quality.pose import Posed

COUNT = 30_000

SHELL = 0.01
"""Points so near to a solid's surface are drawn onto it: on curved surfaces hardly unevenly."""

BLOCKS = 48
"""Blocks a side, only some of which the surface runs through."""


def of_solid(solid: Posed, rng: np.random.Generator) -> Floats:
    """COUNT points of the surface, (COUNT, 3)."""
    # The shell reaches beyond the bounding box.
    half = (1 + SHELL) / BLOCKS
    middle = (2 * np.arange(BLOCKS) + 1 - BLOCKS) * half
    blocks = np.stack([axis.ravel() for axis in np.meshgrid(middle, middle, middle)])
    blocks = blocks[:, np.abs(solid.distance(blocks)) < np.sqrt(3) * half + SHELL]
    found: list[Floats] = []
    while sum(points.shape[1] for points in found) < COUNT:
        chosen = blocks[:, rng.integers(blocks.shape[1], size=2 * COUNT)]
        points = chosen + rng.uniform(-half, half, chosen.shape)
        points = points[:, np.abs(solid.distance(points)) < SHELL]
        for _ in range(2):
            points = points - solid.distance(points) * solid.normals(points)
        found.append(points)
    surface: Floats = np.concatenate(found, axis=1)[:, :COUNT].T
    return surface


def of_mesh(vertices: Floats, faces: Indices, rng: np.random.Generator) -> Floats:
    """COUNT points of the mesh, (COUNT, 3)."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = rng.choice(len(faces), COUNT, p=area / area.sum())
    u, v = rng.uniform(size=(2, COUNT, 1))
    root = np.sqrt(u)
    points: Floats = (1 - root) * a[chosen] + root * (1 - v) * b[chosen] + root * v * c[chosen]
    return points
