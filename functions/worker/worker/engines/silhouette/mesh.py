"""Meshes the solid {z² <= h²(x, y)} into one closed triangle mesh with as many faces as it may have.

The triangles of the network are clipped at the outline. What is left is a sheet whose border crosses
each edge at most once, so two copies of it, at +h and at -h, glued along that border, are a closed
manifold by construction, whatever the outline.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from worker.engines.silhouette import network
from worker.engines.silhouette.arrays import Field, Floats, Indices
from worker.engines.silhouette.inflate import Inflation

FINEST = 0.02
"""Errors below this many cells are not worth a triangle."""

CLEAR = 0.01
"""The least |h²| at a grid point, in cells², so that no vertex lies on the outline by chance."""

OFF_ENDS = 0.05
"""How near, in edge lengths, the outline may come to a grid point, so that no face is without area."""


@dataclass(frozen=True)
class Mesh:
    """A closed surface in the product's frame: X to the viewer's right, Y up, Z towards the viewer,
    bounding box centred on the origin, its longest half-extent 1.
    """

    vertices: Floats
    """(n, 3)."""

    normals: Floats
    """(n, 3), of unit length, outward, from the surface itself and not from the faces."""

    faces: Indices
    """(m, 3), counter-clockwise seen from outside; the front's come first, then as many of the back."""

    picture: Floats
    """(n, 2): where each vertex lies in the matte, (x, y), pixel centres at integers."""

    @property
    def front_faces(self) -> int:
        """How many of the faces are the front's."""
        return len(self.faces) // 2


@dataclass(frozen=True)
class _Sheet:
    """The clipped network: points (n, 2) as (row, column), the last `rim` of them on the outline."""

    points: Floats
    triangles: Indices
    rim: int


def build(inflation: Inflation, max_faces: int, check: Callable[[], None]) -> Mesh:
    """The finest mesh of at most `max_faces` faces. `check` is called between steps and may raise."""
    squared = inflation.squared
    squared = np.where(squared > 0, np.maximum(squared, CLEAR), np.minimum(squared, -CLEAR))
    errors = network.errors(squared)

    def sheet_at(threshold: float) -> _Sheet:
        check()
        return _clip(squared, network.triangles(errors, threshold))

    budget = max_faces // 2
    low = high = FINEST
    sheet = sheet_at(high)
    while len(sheet.triangles) > budget:
        low, high = high, 2 * high
        sheet = sheet_at(high)
    while high > 1.02 * low:
        between = float(np.sqrt(low * high))
        finer = sheet_at(between)
        if len(finer.triangles) > budget:
            low = between
        else:
            high, sheet = between, finer
    return _close(inflation, squared, sheet)


def _clip(squared: Field, triangles: Indices) -> _Sheet:
    """Cuts the network at h² = 0 and keeps what is inside."""
    width = len(squared)
    corners = triangles[..., 0] * width + triangles[..., 1]
    inside = squared.ravel()[corners] > 0
    count = inside.sum(axis=1)

    whole = corners[count == 3]
    # The others are turned, keeping their orientation, until the corner unlike the other two is first.
    tip = _turn(corners[count == 1], inside[count == 1].argmax(axis=1))
    stump = _turn(corners[count == 2], (~inside[count == 2]).argmax(axis=1))

    # Each cut edge, from its inner to its outer end, has one rim point, shared by both its triangles.
    cut = np.concatenate([tip[:, [0, 1]], tip[:, [0, 2]], stump[:, [1, 0]], stump[:, [2, 0]]])
    edges, numbers = np.unique(cut[:, 0] * width * width + cut[:, 1], return_inverse=True)
    inner, outer = (np.stack(np.divmod(end, width), 1) for end in np.divmod(edges, width * width))
    rim = _crossings(squared, inner, outer)

    kept = np.concatenate([whole.ravel(), tip[:, 0], stump[:, 1], stump[:, 2]])
    used, places = np.unique(kept, return_inverse=True)
    wholes, tips, stump_1, stump_2 = np.split(places, np.cumsum([whole.size, len(tip), len(stump)]))
    tip_1, tip_2, cut_1, cut_2 = np.split(numbers + len(used), np.cumsum([len(tip), len(tip), len(stump)]))
    return _Sheet(
        points=np.concatenate([np.stack(np.divmod(used, width), 1), rim]),
        triangles=np.concatenate(
            [
                wholes.reshape(-1, 3),
                np.stack([tips, tip_1, tip_2], 1),
                np.stack([cut_1, stump_1, stump_2], 1),
                np.stack([cut_1, stump_2, cut_2], 1),
            ]
        ),
        rim=len(rim),
    )


def _turn(triangles: Indices, first: Indices) -> Indices:
    return np.take_along_axis(triangles, (first[:, None] + np.arange(3)) % 3, axis=1)


def _crossings(squared: Field, inner: Indices, outer: Indices) -> Floats:
    """Where h² is zero between inner and outer grid points, by bisection."""
    low, high = np.zeros(len(inner)), np.ones(len(inner))
    for _ in range(12):
        middle = (low + high) / 2
        positive = _sample(squared, inner + middle[:, None] * (outer - inner)) > 0
        low, high = np.where(positive, middle, low), np.where(positive, high, middle)
    crossings: Floats = inner + np.clip(low, OFF_ENDS, 1 - OFF_ENDS)[:, None] * (outer - inner)
    return crossings


def _sample(field: Field, points: Floats) -> Floats:
    """Bilinear samples of the field at points (row, column)."""
    row, column = np.minimum(points.astype(np.int64), np.array(field.shape) - 2).T
    down, right = points[:, 0] - row, points[:, 1] - column
    upper = field[row, column] * (1 - right) + field[row, column + 1] * right
    lower = field[row + 1, column] * (1 - right) + field[row + 1, column + 1] * right
    samples: Floats = upper * (1 - down) + lower * down
    return samples


def _close(inflation: Inflation, squared: Field, sheet: _Sheet) -> Mesh:
    """Glues the sheet at +h to its mirror image at -h along the rim."""
    points, inner = sheet.points, len(sheet.points) - sheet.rim
    depth = np.sqrt(np.maximum(_sample(squared, points), 0))
    depth[inner:] = 0
    down, right = (_sample(slope, points) for slope in np.gradient(squared))
    front = np.column_stack([points[:, 1], -points[:, 0], depth])
    normals = np.column_stack([-right, down, 2 * depth])  # minus the gradient of h² - z²
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)

    mirror = np.array([1, 1, -1])
    to_back = np.concatenate([np.arange(inner) + len(points), np.arange(inner, len(points))])
    vertices = np.concatenate([front, front[:inner] * mirror])
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return Mesh(
        vertices=(vertices - (low + high) / 2) / ((high - low).max() / 2),
        normals=np.concatenate([normals, normals[:inner] * mirror]),
        faces=np.concatenate([sheet.triangles, to_back[sheet.triangles][:, ::-1]]),
        picture=inflation.grid.to_matte(np.concatenate([points, points[:inner]])[:, ::-1]),
    )
