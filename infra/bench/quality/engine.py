"""The engine under test: the inner functions of the worker's `silhouette`, from picture to mesh.

The one file that knows them. Writing the results is left out: it changes no surface.
"""

import time
from dataclasses import dataclass

from worker.engine import ImageRejected
from worker.engines.silhouette import depth, matte, mesh

from quality.arrays import Bytes, Floats, Indices

FACES = 20_000

__all__ = ["ImageRejected", "Model", "reconstruct"]


@dataclass(frozen=True)
class Model:
    """What the engine makes of a picture."""

    vertices: Floats
    """(n, 3)."""

    faces: Indices
    """(m, 3)."""

    picture: Floats
    """(n, 2): where each vertex lies in the matte, x and y down, pixel centres at integers."""

    matte: Floats
    """(h, w) in 0..1, at the size at which the object was cut out."""

    profile: str
    """How depth was given."""

    seconds: float


def reconstruct(rgba: Bytes) -> Model:
    """Raises ImageRejected as the engine does."""
    begin = time.perf_counter()
    alpha = matte.cut_out(rgba, _go_on).alpha
    relief = depth.estimate(rgba, alpha, _go_on)
    model = mesh.build(relief, FACES, _go_on)
    seconds = time.perf_counter() - begin
    return Model(model.vertices, model.faces, model.picture, alpha, getattr(relief, "profile", ""), seconds)


def _go_on() -> None:
    """Nobody cancels."""
