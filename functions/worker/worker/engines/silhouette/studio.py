"""Lit pictures of the model on a ground that takes its shadow, before nothing (transparent).

The lights stand still beside the camera. The picture that the model is painted with has its own light
already, so they model the form gently and keep the colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Bytes, Field, Floats
from worker.engines.silhouette.mesh import Mesh
from worker.engines.silhouette.raster import rasterise
from worker.engines.silhouette.texture import Texture

DISTANCE = 5.0
"""The camera's, from the model's middle, in the model's units (its longest half-extent is 1)."""

KEY = np.array([-0.45, 0.65, 0.6])
"""Where the main light stands: x right, y up, z towards the camera."""

MARGIN = 0.06
"""The share of a picture's half side that stays empty on each side."""

BELOW = 0.15
"""The height of the ground that shows below the model."""

GROUND = 1.5
"""Half the side of the square on the ground that may lie in shadow."""

GROUND_PIXELS = 192
SHADOW = 0.55
"""The opacity of the deepest shadow."""


@dataclass(frozen=True)
class Camera:
    """Looks at the model's middle, moved right by `yaw` and up by `pitch`, in radians, from the front."""

    yaw: float
    pitch: float

    @property
    def axes(self) -> Floats:
        """Its axes right, up and towards itself, a row each."""
        cy, sy, cp, sp = np.cos(self.yaw), np.sin(self.yaw), np.cos(self.pitch), np.sin(self.pitch)
        return np.array([[cy, 0, -sy], [-sy * sp, cp, -cy * sp], [sy * cp, sp, cy * cp]])

    def project(self, points: Floats) -> Floats:
        """Points (n, 3) in perspective: x right and y up on the plane through the model's middle, and the
        nearness DISTANCE / distance, which like x and y is linear over a flat face's picture.
        """
        seen = points @ self.axes.T
        nearness = DISTANCE / (DISTANCE - seen[:, 2])
        return np.column_stack([seen[:, :2] * nearness[:, None], nearness])


@dataclass(frozen=True)
class Frame:
    """The square part of the picture plane that is shown."""

    centre: Floats
    half: float

    @classmethod
    def around(cls, views: Sequence[Floats]) -> "Frame":
        """Shows the projected points of all the views, and a little of the ground below."""
        low = np.min([points[:, :2].min(axis=0) for points in views], axis=0)
        high = np.max([points[:, :2].max(axis=0) for points in views], axis=0)
        low = low - np.array([0, BELOW])
        return cls(centre=(low + high) / 2, half=float((high - low).max()) / 2 / (1 - MARGIN))

    def place(self, points: Floats) -> Floats:
        """Projected points with x and y in -1..1 over the frame."""
        return np.column_stack([(points[:, :2] - self.centre) / self.half, points[:, 2]])


class Studio:
    """The model, lit."""

    def __init__(self, mesh: Mesh, texture: Texture) -> None:
        self.points = mesh.vertices[texture.vertices]
        self._normals = mesh.normals[texture.vertices]
        self._faces = texture.corners
        self._texture = texture
        self._floor = float(mesh.vertices[:, 1].min())
        self._shadow = _contact_shadow(mesh)

    def shoot(self, camera: Camera, frame: Frame, size: int, oversampling: float) -> Bytes:
        """A picture of `size` pixels a side, RGBA, drawn at `oversampling` times that and reduced."""
        drawn = round(size * oversampling)
        points = frame.place(camera.project(self.points))
        fragments = rasterise(points, self._faces, drawn)

        # In perspective what is linear over a face is linear in its picture once divided by the distance.
        diffuse, sheen = _light(self._normals @ camera.axes.T)
        values = np.column_stack([self._texture.places, diffuse, sheen, np.ones(len(points))]) * points[:, 2:]
        shown = fragments.interpolate(values.astype(np.float32), self._faces).T
        column, row, *light = shown[:-1] / shown[-1]
        colours = self._texture.sample(fragments.pixels, np.stack([column, row], 1), drawn, background=0)

        planes = np.zeros((3, drawn * drawn), np.float32)
        planes[:2, fragments.pixels] = light
        planes[2, fragments.pixels] = 1
        diffuse, sheen, cover = (_reduce(plane, size) for plane in planes.reshape(3, drawn, drawn))
        diffuse /= np.maximum(cover, 1e-6)
        lit = _reduce(colours, size) * diffuse[..., None] + sheen[..., None]
        return self._on_ground(np.minimum(lit, 255 * cover[..., None]), cover, camera, frame)

    def _on_ground(self, colours: Field, cover: Field, camera: Camera, frame: Frame) -> Bytes:
        """Puts the shadow under a picture: its colours, premultiplied by its cover in 0..1."""
        size = len(cover)
        corners = np.array([[-1, 1], [1, 1], [1, -1], [-1, -1]]) * GROUND  # x, z of the shadow's corners
        ground = np.column_stack([corners[:, 0], np.full(4, self._floor), corners[:, 1]])
        placed = frame.place(camera.project(ground))[:, :2] * np.array([1, -1])
        pixels = ((placed + 1) * size / 2 - 0.5).astype(np.float32)
        edge = GROUND_PIXELS - 0.5
        texels = np.array([[-0.5, -0.5], [edge, -0.5], [edge, edge], [-0.5, edge]], np.float32)
        warp = cv2.getPerspectiveTransform(texels, pixels)
        shadow: Field = cv2.warpPerspective(self._shadow, warp, (size, size), flags=cv2.INTER_LINEAR)
        # It fades out before the picture's edge, which would cut it.
        inwards = np.minimum(np.arange(size), np.arange(size)[::-1]) / (MARGIN * size)
        shadow *= np.minimum.outer(inwards, inwards).clip(0, 1).astype(np.float32)
        alpha = cover + shadow * (1 - cover)
        straight = colours / np.maximum(alpha, 1e-6)[..., None]
        rgba: Bytes = np.rint(np.dstack([straight, alpha * 255])).astype(np.uint8)
        return rgba


def _light(normals: Floats) -> tuple[Floats, Floats]:
    """What the colours are multiplied by, and what is added to them, for normals in camera space."""
    key = np.maximum((normals @ (KEY / np.linalg.norm(KEY)) + 0.3) / 1.3, 0)
    sky = 0.5 + 0.5 * normals[:, 1]
    grazing = np.clip(1 - normals[:, 2], 0, 1) ** 3
    return 0.48 + 0.22 * sky + 0.45 * key, 26 * grazing * sky


def _reduce(picture: Field, size: int) -> Field:
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)


def _contact_shadow(mesh: Mesh) -> Field:
    """The shadow on the ground under the model, seen from below (z up): opacities.

    It is the deeper, the lower the model hangs over a place.
    """
    from_below = mesh.vertices[:, [0, 2, 1]] * np.array([1, 1, -1]) / GROUND
    fragments = rasterise(from_below, mesh.faces, GROUND_PIXELS)
    height = fragments.interpolate(mesh.vertices[:, 1:2], mesh.faces)[:, 0] - mesh.vertices[:, 1].min()
    shadow = np.zeros((GROUND_PIXELS, GROUND_PIXELS), np.float32)
    shadow.ravel()[fragments.pixels] = np.exp(-height / 0.25)
    unit = GROUND_PIXELS / (2 * GROUND)
    sharp, soft = (cv2.GaussianBlur(shadow, (0, 0), sigma * unit) for sigma in (0.03, 0.12))
    return (sharp + soft) * (SHADOW / 2)
