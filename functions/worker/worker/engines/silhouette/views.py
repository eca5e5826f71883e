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

from dataclasses import replace

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Bytes, Floats
from worker.engines.silhouette.mesh import Mesh
from worker.engines.silhouette.raster import Fragments, rasterise
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


def colours(mesh: Mesh, texture: Texture, view: str) -> Bytes:
    """One unlit tile of the textured mesh, antialiased."""
    return shade(mesh, texture, np.array(VIEWS[view], np.float64), TILE * OVERSAMPLING, TILE, light=None)


def coordinates(mesh: Mesh, view: str) -> Bytes:
    """One tile of the coordinate map; each pixel is that of its centre, the outline is not blended."""
    axes = np.array(VIEWS[view], np.float64)
    fragments = rasterise(mesh.vertices @ axes.T, mesh.faces, TILE)
    xyz = fragments.interpolate(mesh.vertices, mesh.faces)
    coded = xyz[:, [0, 2, 1]] * np.array([-1, 1, 1])
    tile = np.full((TILE * TILE, 3), BACKGROUND, np.uint8)
    tile[fragments.pixels] = np.rint((coded.clip(-1, 1) + 1) / 2 * 255).astype(np.uint8)
    return tile.reshape(TILE, TILE, 3)


def preview(mesh: Mesh, texture: Texture) -> Bytes:
    """Lit views from the upper right, from the left, and of the bare form, side by side."""
    bare = replace(texture, atlas=np.full_like(texture.atlas, 200))
    right, left = _turned(0.6, 0.3), _turned(-0.9, 0.2)
    shots = [(texture, right), (texture, left), (bare, right), (bare, _turned(0, 0))]
    light = np.array([-0.4, 0.6, 0.7]) / np.linalg.norm([0.4, 0.6, 0.7])
    return np.concatenate([shade(mesh, paint, axes / 1.3, 1024, 512, light) for paint, axes in shots], axis=1)


def _turned(yaw: float, pitch: float) -> Floats:
    """The axes (right, up, towards) of a camera moved right by `yaw` and up by `pitch`, radians."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    return np.array([[cy, 0, -sy], [-sy * sp, cp, -cy * sp], [sy * cp, sp, cy * cp]])


def shade(mesh: Mesh, texture: Texture, axes: Floats, drawn: int, size: int, light: Floats | None) -> Bytes:
    """A square view along any `axes` (right, up, towards the camera), drawn at `drawn` pixels a side and
    reduced to `size`; lit from the direction `light`, unlit where that is None.
    """
    fragments = rasterise(mesh.vertices @ axes.T, mesh.faces, drawn)
    seen = _texels(mesh, texture, fragments)
    if light is not None:
        normals = fragments.interpolate(mesh.normals, mesh.faces)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        seen = seen * (0.35 + 0.65 * np.clip(normals @ light, 0, 1))[:, None]
    picture = np.full((drawn * drawn, 3), BACKGROUND, np.float32)
    picture[fragments.pixels] = seen
    reduced = cv2.resize(picture.reshape(drawn, drawn, 3), (size, size), interpolation=cv2.INTER_AREA)
    return np.rint(reduced).astype(np.uint8)


def _texels(mesh: Mesh, texture: Texture, fragments: Fragments) -> Floats:
    """The texture's colours at the fragments, bilinear, (k, 3) in 0..255."""
    on_front = fragments.faces < mesh.front_faces
    uv = np.where(
        on_front[:, None],
        fragments.interpolate(texture.front, mesh.faces),
        fragments.interpolate(texture.back, mesh.faces),
    )
    side = texture.atlas.shape[0]
    x, y = uv[:, 0] * side - 0.5, (1 - uv[:, 1]) * side - 0.5
    column = np.clip(x.astype(np.int64), 0, side - 2)
    row = np.clip(y.astype(np.int64), 0, side - 2)
    right, down = (x - column)[:, None], (y - row)[:, None]
    atlas = texture.atlas
    upper = atlas[row, column] * (1 - right) + atlas[row, column + 1] * right
    lower = atlas[row + 1, column] * (1 - right) + atlas[row + 1, column + 1] * right
    blended: Floats = upper * (1 - down) + lower * down
    return blended
