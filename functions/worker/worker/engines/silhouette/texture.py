"""Paints the mesh with the picture: one atlas of two charts, the front and, smaller, the back.

Nobody has seen the back: it gets the picture seen through from behind (mirrored), which is invented.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Bytes, Field, Floats, Mask
from worker.engines.silhouette.mesh import Mesh
from worker.engines.silhouette.morphology import disk

SIDE = 1024
GUTTER = 8
"""Atlas pixels between a chart and its neighbour or the atlas's edge."""

BACK_SCALE = 0.5
"""The back chart's size relative to the front's."""


@dataclass(frozen=True)
class Texture:
    """An atlas and where the mesh's faces lie in it. Front faces use `front`, the others `back`."""

    atlas: Bytes
    """RGB, (SIDE, SIDE, 3); colours run on beyond the charts, so that no filter meets a background."""

    front: Floats
    """(n, 2): for each vertex (u, v) in 0..1, v upwards."""

    back: Floats
    """(n, 2), alike."""


def paint(rgba: Bytes, matte: Field, mesh: Mesh) -> Texture:
    """Makes the texture from the picture and the matte of it, which may be of a smaller size."""
    low, high = mesh.picture.min(axis=0), mesh.picture.max(axis=0)
    width, height = np.maximum(high - low, 1e-6)
    room = SIDE - 2 * GUTTER, SIDE - 4 * GUTTER
    # Wide objects: the charts above each other; tall ones: side by side.
    wide = width >= height
    along, across = (width, height) if wide else (height, width)
    scale = float(min(room[0] / along, room[1] / (across * (1 + BACK_SCALE))))
    border = round(across * scale) + 2 * GUTTER
    start = np.array([GUTTER, GUTTER], np.float64)
    back_start = start + (np.array([0, border]) if wide else np.array([border, 0]))

    front_size = (SIDE, border) if wide else (border, SIDE)
    back_size = (SIDE, SIDE - border) if wide else (SIDE - border, SIDE)
    back_offset = np.array([0, border] if wide else [border, 0])
    front = _chart(rgba, matte, low - start / scale, scale, front_size)
    back_scale = scale * BACK_SCALE
    back = _chart(rgba, matte, low - (back_start - back_offset) / back_scale, back_scale, back_size)
    atlas = np.concatenate([front, back], axis=0 if wide else 1)
    return Texture(
        atlas=atlas,
        front=_uv((mesh.picture - low) * scale + start),
        back=_uv((mesh.picture - low) * back_scale + back_start),
    )


def _uv(atlas_points: Floats) -> Floats:
    return np.stack([atlas_points[:, 0] / SIDE, 1 - atlas_points[:, 1] / SIDE], 1)


def _chart(rgba: Bytes, matte: Field, origin: Floats, scale: float, size: tuple[int, int]) -> Bytes:
    """The object's colours in a chart of `size` (w, h).

    Its top left edge shows the matte point `origin`; a matte pixel is `scale` pixels of it.
    """
    density = rgba.shape[1] / matte.shape[1]  # picture pixels a matte pixel
    shrink = min(1.0, scale / density)
    picture = rgba[..., :3]
    if shrink < 1:
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    colours = _project(picture, picture.shape[1] / matte.shape[1], origin, scale, size, cv2.INTER_CUBIC)
    cover = _project(matte, 1.0, origin, scale, size, cv2.INTER_LINEAR)
    return _bleed(colours.astype(np.uint8), _core(cover > 0.5, reach=max(2.0, 1.5 * scale)))


def _project(
    image: Bytes | Field, density: float, origin: Floats, scale: float, size: tuple[int, int], filtering: int
) -> Bytes | Field:
    """Samples an image that has `density` pixels a matte pixel."""
    step = density / scale
    x, y = ((origin + 0.5) + 0.5 / scale) * density - 0.5
    flags = filtering | cv2.WARP_INVERSE_MAP
    mode = cv2.BORDER_REPLICATE if image.ndim == 3 else cv2.BORDER_CONSTANT
    affine = np.array([[step, 0, x], [0, step, y]])
    return cv2.warpAffine(image, affine, size, flags=flags, borderMode=mode)


def _core(cover: Mask, reach: float) -> Mask:
    """Where the colours are surely the object's: `reach` pixels from the rim, or amid a thin part."""
    depth = cv2.distanceTransform(cover.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    radius = int(np.ceil(reach))
    middle = depth >= 0.8 * cv2.dilate(depth, disk(radius))
    return cover & ((depth >= reach) | middle)


def _bleed(colours: Bytes, core: Mask) -> Bytes:
    """Every pixel outside of the core gets the colour of the nearest one in it."""
    if not core.any():
        return colours
    _, labels = cv2.distanceTransformWithLabels(
        (~core).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    palette = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    palette[labels[core]] = colours[core]
    filled: Bytes = palette[labels]
    soft = cv2.GaussianBlur(filled, (0, 0), 1.5)
    return np.where(core[..., None], colours, soft)
