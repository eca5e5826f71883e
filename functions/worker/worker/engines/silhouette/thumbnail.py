"""One picture to know the model by, and a wider one to judge it by."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from worker.engines.silhouette.arrays import Bytes
from worker.engines.silhouette.mesh import Mesh
from worker.engines.silhouette.studio import Camera, Frame, Studio
from worker.engines.silhouette.texture import Texture

SIDE = 512
OVERSAMPLING = 2
THREE_QUARTER = Camera(yaw=-0.6, pitch=0.3)


def thumbnail(studio: Studio) -> Bytes:
    """The model at a three-quarter view, RGBA, SIDE pixels a side."""
    return _fitted(studio, THREE_QUARTER)


def preview(mesh: Mesh, texture: Texture, check: Callable[[], None]) -> Bytes:
    """Left, right, behind, and the bare form from the right and from the front, side by side, RGBA.

    `check` is called between the views and may raise.
    """
    painted, bare = (
        Studio(mesh, texture),
        Studio(mesh, replace(texture, atlas=np.full_like(texture.atlas, 190))),
    )
    right, front = Camera(yaw=0.6, pitch=0.3), Camera(yaw=0, pitch=0.1)
    behind = Camera(yaw=np.pi - 0.6, pitch=0.3)
    shots = []
    for studio, camera in [
        (painted, THREE_QUARTER),
        (painted, right),
        (painted, behind),
        (bare, right),
        (bare, front),
    ]:
        check()
        shots.append(_fitted(studio, camera))
    return np.concatenate(shots, axis=1)


def _fitted(studio: Studio, camera: Camera) -> Bytes:
    frame = Frame.around([camera.project(studio.points)])
    return studio.shoot(camera, frame, SIDE, OVERSAMPLING)
