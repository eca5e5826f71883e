"""The two strips of six views that CRM makes: colours, and canonical coordinates.

A strip is RGB, 256 rows by 1536 columns: six square tiles, in the order of VIEWS. Each tile is an
orthographic view whose edges are at ±1 of the model's frame (X to the viewer's right, Y up, Z towards
the viewer; the picture itself is the front view). The camera and what points right and up in a tile:

    left    at -X, looking +X     right +Z   up +Y
    down    at -Y, looking +Y     right +X   up +Z
    back    at -Z, looking +Z     right -X   up +Y
    right   at +X, looking -X     right -Z   up +Y
    top     at +Y, looking -Y     right +X   up -Z   (the front is at the tile's bottom)
    front   at +Z, looking -Z     right +X   up +Y

Coordinates are coded as R = -X, G = +Z, B = +Y, each byte = round((c + 1) / 2 * 255).
"""

from collections.abc import Callable

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Bytes
from worker.engines.silhouette.mesh import Mesh
from worker.engines.silhouette.raster import rasterise
from worker.engines.silhouette.texture import Texture

TILE = 256
BACKGROUND = 127
OVERSAMPLING = 2

VIEWS: dict[str, tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]] = {
    # name: axes that point right, up, and towards the camera
    "left": ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
    "down": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "back": ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "right": ((0, 0, -1), (0, 1, 0), (1, 0, 0)),
    "top": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "front": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
}


def strip(draw: Callable[[str], Bytes], check: Callable[[], None]) -> Bytes:
    """The tiles that `draw` makes of the six views, side by side. `check`, called before each, may raise."""
    tiles = []
    for view in VIEWS:
        check()
        tiles.append(draw(view))
    return np.concatenate(tiles, axis=1)


def colours(mesh: Mesh, texture: Texture, view: str) -> Bytes:
    """One unlit tile of the textured mesh, antialiased."""
    axes = np.array(VIEWS[view], np.float64)
    drawn = TILE * OVERSAMPLING
    fragments = rasterise(mesh.vertices[texture.vertices] @ axes.T, texture.corners, drawn)
    places = fragments.interpolate(texture.places, texture.corners)
    tile = texture.sample(fragments.pixels, places, drawn, BACKGROUND)
    return cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_AREA)


def coordinates(mesh: Mesh, view: str) -> Bytes:
    """One tile of the coordinate map; each pixel is that of its centre, the outline is not blended."""
    axes = np.array(VIEWS[view], np.float64)
    fragments = rasterise(mesh.vertices @ axes.T, mesh.faces, TILE)
    xyz = fragments.interpolate(mesh.vertices, mesh.faces)
    coded = xyz[:, [0, 2, 1]] * np.array([-1, 1, 1])
    tile = np.full((TILE * TILE, 3), BACKGROUND, np.uint8)
    tile[fragments.pixels] = np.rint((coded.clip(-1, 1) + 1) / 2 * 255).astype(np.uint8)
    return tile.reshape(TILE, TILE, 3)
