"""Paints the mesh with the picture: one atlas of two charts, the front and, smaller, the back.

Nobody has seen the back, nor the walls: the back gets the picture seen through from behind (mirrored), a
wall the colours of its rim, stretched. Both lie in the back chart, so all that is invented does, and
nothing else.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Bytes, Field, Floats, Indices, Mask
from worker.engines.silhouette.mesh import Mesh
from worker.engines.silhouette.morphology import disk

SIDE = 1024
GUTTER = 8
"""Atlas pixels around a chart that have its own colours."""

SEAM = 2 * GUTTER
"""The charts' border is at a multiple of this: no texel of the first five mip levels lies on both sides of
it, and no bilinear sample in a chart meets a texel of the other.
"""

BACK_SCALE = 0.5
"""The back chart's size relative to the front's."""

NOWHERE = -10.0
"""A row and column outside of the atlas."""


@dataclass(frozen=True)
class Texture:
    """An atlas and where the mesh's faces lie in it. A vertex on the seam lies in both charts."""

    atlas: Bytes
    """RGB, (SIDE, SIDE, 3); colours run on beyond the charts, so that no filter meets a background."""

    uv: Floats
    """(k, 2): points (u, v) in 0..1, v upwards; the front chart's come first."""

    vertices: Indices
    """(k,): the mesh's vertex that lies there."""

    corners: Indices
    """(m, 3): for each corner of the mesh's faces the number of its point."""

    @property
    def places(self) -> Floats:
        """The points as (column, row) in the atlas, pixel centres at integers."""
        return np.stack([self.uv[:, 0], 1 - self.uv[:, 1]], 1) * SIDE - 0.5

    def sample(self, pixels: Indices, places: Floats, size: int, background: int) -> Bytes:
        """A square picture of `size` pixels a side that shows the atlas at `places` (k, 2), as (column, row),
        in the `pixels` (k,), as row * size + column, bilinear, and `background` everywhere else.
        """
        planes = np.full((2, size * size), NOWHERE, np.float32)
        planes[:, pixels] = places.T
        column, row = planes.reshape(2, size, size)
        fill = (background,) * 3
        return cv2.remap(
            self.atlas, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=fill
        )


def paint(rgba: Bytes, matte: Field, mesh: Mesh) -> Texture:
    """Makes the texture from the picture and the matte of it, which may be of a smaller size."""
    low, high = mesh.picture.min(axis=0), mesh.picture.max(axis=0)
    width, height = np.maximum(high - low, 1e-6)
    room = SIDE - 2 * GUTTER, SIDE - 4 * GUTTER - SEAM
    # Wide objects: the charts above each other; tall ones: side by side.
    wide = width >= height
    along, across = (width, height) if wide else (height, width)
    scale = float(min(room[0] / along, room[1] / (across * (1 + BACK_SCALE))))
    border = int(np.ceil((across * scale + 2 * GUTTER) / SEAM)) * SEAM
    start = np.array([GUTTER, GUTTER], np.float64)
    back_start = start + (np.array([0, border]) if wide else np.array([border, 0]))

    front_size = (SIDE, border) if wide else (border, SIDE)
    back_size = (SIDE, SIDE - border) if wide else (SIDE - border, SIDE)
    back_offset = np.array([0, border] if wide else [border, 0])
    front = _chart(rgba, matte, low - start / scale, scale, front_size)
    back_scale = scale * BACK_SCALE
    back = _chart(rgba, matte, low - (back_start - back_offset) / back_scale, back_scale, back_size)

    scales = np.array([[scale], [back_scale]])
    starts = np.stack([start, back_start])
    # Each face's corners in its own chart; of the points only those that are used.
    by_chart = mesh.faces.copy()
    by_chart[mesh.front_faces :] += len(mesh.vertices)
    used, corners = np.unique(by_chart, return_inverse=True)
    chart, vertices = np.divmod(used, len(mesh.vertices))
    at = (mesh.picture[vertices] - low) * scales[chart] + starts[chart]
    return Texture(
        atlas=np.concatenate([front, back], axis=0 if wide else 1),
        uv=np.stack([at[:, 0] / SIDE, 1 - at[:, 1] / SIDE], 1),
        vertices=vertices,
        corners=corners.reshape(-1, 3),
    )


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
