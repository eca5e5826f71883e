"""Canonical coordinate maps: the six orthographic views of a surface, each pixel coded by where it lies.

As thu-ml/CRM has them: tiles of 256 pixels, edges at ±1 of the frame, in the order left, down, back, right,
top, front; R = -X, G = +Z, B = +Y, byte = round((c + 1) / 2 * 255), 127 where there is nothing.
"""

import numpy as np

from quality import raster, rays
from quality.arrays import Bytes, Floats, Indices, Mask, Points
from quality.pose import Posed
from quality.rays import Camera

TILE = 256
EMPTY = 127

VIEWS: tuple[tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]], ...] = (
    # the frame's axes that point right, up, and towards the camera
    ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
    ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
    ((0, 0, -1), (0, 1, 0), (1, 0, 0)),
    ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
)


def of_solid(solid: Posed) -> Bytes:
    """The strip of six tiles, (256, 1536, 3)."""
    camera = Camera(TILE, TILE, 2 / TILE)
    tiles = []
    for axes in np.array(VIEWS, np.float64):

        def seen(points: Points, axes: Floats = axes) -> Floats:
            return solid.distance(axes.T @ points)

        hits = rays.cast(seen, camera)
        tiles.append(_tile(hits.mask, (axes.T @ hits.points).T))
    return np.concatenate(tiles, axis=1)


def of_mesh(vertices: Floats, faces: Indices) -> Bytes:
    """The strip of six tiles of a mesh, vertices (n, 3), faces (m, 3)."""
    tiles = []
    for axes in np.array(VIEWS, np.float64):
        right, up, towards = (vertices @ axes.T).T
        met = raster.meetings((right + 1) * TILE / 2 - 0.5, (up + 1) * TILE / 2 - 0.5, faces, TILE, TILE)
        front = raster.nearest(met, met.interpolate(towards), TILE)
        mask = np.zeros((TILE, TILE), np.bool_)
        mask[met.row[front], met.column[front]] = True
        # The meetings come row by row from below, pictures begin above.
        places = np.full((TILE, TILE, 3), 0.0)
        places[met.row[front], met.column[front]] = met.interpolate(vertices)[front]
        tiles.append(_tile(mask[::-1], places[::-1][mask[::-1]]))
    return np.concatenate(tiles, axis=1)


def error(a: Bytes, b: Bytes) -> float:
    """The mean absolute difference of coordinates, over x, y, z and the pixels where either map has
    something. Where only one has, the other counts as the frame's middle, as its bytes say.
    """
    shown = (a != EMPTY).any(axis=2) | (b != EMPTY).any(axis=2)
    difference = np.abs(a[shown].astype(np.float64) - b[shown]) * (2 / 255)
    return float(difference.mean()) if len(difference) else 0.0


def _tile(mask: Mask, points: Floats) -> Bytes:
    coded = points[:, [0, 2, 1]] * np.array([-1, 1, 1])
    tile = np.full((TILE, TILE, 3), EMPTY, np.uint8)
    tile[mask] = np.rint((coded.clip(-1, 1) + 1) / 2 * 255).astype(np.uint8)
    return tile
