"""Meshes a relief into one closed triangle mesh with as many faces as it may have.

Two copies of the sheet, one raised to the front and one to the back, are joined along their border:
glued where the relief closes by itself, by a wall where it does not. The sheet is a manifold with
border and the wall has a column of vertices for each of its points, so the mesh is a closed manifold
by construction, whatever the outline.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from worker.engines.silhouette import network
from worker.engines.silhouette.arrays import Floats, Indices
from worker.engines.silhouette.relief import Relief
from worker.engines.silhouette.sheet import Sheet, clip, sample

FINEST = 0.02
"""Errors below this many cells are not worth a triangle."""

LEAST_DEPTH = 0.1
"""The least h inside, in cells, so that front and back never touch there."""

GLUE = 0.5
"""The rim is glued where h² comes to zero within this many cells beyond the outline."""

LEAST_WALL = 0.5
"""Walls of a smaller half height, in cells, are glued too."""

BEVEL = 0.5
"""Next to either end of the wall runs another row of vertices, this many cells down it: between the two
rows the normals turn by the wall's edge, so that the edge looks sharp and the faces beside it flat.
"""

ROWS = 4
"""Vertices in a column of the wall: at the front, beside it, beside the back, at the back."""


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
    """(m, 3), counter-clockwise seen from outside: the front's first, then the back's, then the walls'."""

    front_faces: int
    """How many of the faces are the front's."""

    picture: Floats
    """(n, 2): where each vertex lies in the matte, (x, y), pixel centres at integers."""


def build(relief: Relief, max_faces: int, check: Callable[[], None]) -> Mesh:
    """The finest mesh of at most `max_faces` faces. `check` is called between steps and may raise."""
    errors = network.errors(relief)

    def sheet_at(threshold: float) -> Sheet:
        check()
        return clip(relief.outline, network.triangles(errors, threshold))

    def fits(sheet: Sheet) -> bool:
        return 2 * len(sheet.triangles) + len(_wall(relief, sheet).faces) <= max_faces

    low = high = FINEST
    sheet = sheet_at(high)
    while not fits(sheet):
        low, high = high, 2 * high
        sheet = sheet_at(high)
    while high > 1.02 * low:
        between = float(np.sqrt(low * high))
        finer = sheet_at(between)
        if fits(finer):
            high, sheet = between, finer
        else:
            low = between
    return _close(relief, sheet)


@dataclass(frozen=True)
class _Wall:
    """What joins front and back along the rim of a sheet with r rim points."""

    columns: Indices
    """(r, ROWS): the vertices of each rim point from front to back, numbered from 0; one alone, repeated,
    where the rim is glued.
    """

    faces: Indices
    """(w, 3), of the same numbers."""

    depth: Floats
    """(r,): h at each rim point, 0 where the rim is glued."""


def _wall(relief: Relief, sheet: Sheet) -> _Wall:
    at = sheet.points[sheet.inner :]
    squared = sample(relief.squared, at)
    slope = np.hypot(*(sample(part, at) for part in np.gradient(relief.squared)))
    stands = (squared > LEAST_WALL**2) & (squared > GLUE * slope)

    height = np.where(stands, ROWS, 1)
    first = np.cumsum(height) - height
    columns = first[:, None] + np.where(stands[:, None], np.arange(ROWS), 0)
    start, end = (columns[sheet.rim[:, k] - sheet.inner] for k in range(2))
    upper = np.stack([end[:, :-1], start[:, :-1], start[:, 1:]], axis=-1).reshape(-1, 3)
    lower = np.stack([end[:, :-1], start[:, 1:], end[:, 1:]], axis=-1).reshape(-1, 3)
    faces = np.concatenate([upper, lower])
    a, b, c = faces.T
    return _Wall(
        columns=columns,
        faces=faces[(a != b) & (b != c) & (c != a)],
        depth=np.sqrt(np.where(stands, squared, 0)),
    )


def _close(relief: Relief, sheet: Sheet) -> Mesh:
    """Raises the sheet to front and back and joins the two."""
    wall, inner = _wall(relief, sheet), sheet.inner
    depth = np.sqrt(np.maximum(sample(relief.squared, sheet.points[:inner]), LEAST_DEPTH**2))

    # Per vertex: the sheet's point it lies over, and how far above or below the middle. The front's inner
    # vertices first, then the back's, then the wall's columns.
    over = np.concatenate([np.tile(np.arange(inner), 2), np.empty(wall.columns.max() + 1, np.int64)])
    offset = np.concatenate([depth, -depth, np.empty(wall.columns.max() + 1)])
    bevel = np.minimum(BEVEL, wall.depth / 2)
    rows = [wall.depth, wall.depth - bevel, bevel - wall.depth, -wall.depth]
    for column, row in zip(wall.columns.T + 2 * inner, rows, strict=True):
        over[column] = inner + np.arange(len(row))
        offset[column] = row
    points = sheet.points[over]
    vertices = np.column_stack([points[:, 1], -points[:, 0], sample(relief.middle, points) + offset])

    # Out of the front and the back points minus the gradient of h² - (z - middle)², out of the wall and
    # out of a glued rim that of the outline.
    slopes = zip(np.gradient(relief.squared), np.gradient(relief.middle), strict=True)
    down, right = (sample(s, points) + 2 * offset * sample(m, points) for s, m in slopes)
    normals = np.column_stack([-right, down, 2 * offset])
    sideways = np.concatenate([wall.columns[wall.depth == 0, 0], wall.columns[wall.depth > 0, 1:3].ravel()])
    sideways += 2 * inner
    down, right = (sample(slope, points[sideways]) for slope in np.gradient(relief.outline))
    normals[sideways] = np.column_stack([-right, down, np.zeros(len(sideways))])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)

    front, back = (
        np.concatenate([np.arange(inner) + shift, wall.columns[:, row] + 2 * inner])
        for shift, row in ((0, 0), (inner, ROWS - 1))
    )
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return Mesh(
        vertices=(vertices - (low + high) / 2) / ((high - low).max() / 2),
        normals=normals,
        faces=np.concatenate(
            [front[sheet.triangles], back[sheet.triangles][:, ::-1], wall.faces + 2 * inner]
        ),
        front_faces=len(sheet.triangles),
        picture=relief.grid.to_matte(points[:, ::-1]),
    )
