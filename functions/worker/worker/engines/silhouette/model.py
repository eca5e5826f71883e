"""The painted mesh, as all its files and pictures show it."""

from dataclasses import dataclass

from worker.engines.silhouette.arrays import Bytes, Field
from worker.engines.silhouette.images import png
from worker.engines.silhouette.mesh import Mesh
from worker.engines.silhouette.texture import Texture, paint

STEM = "model"
"""What the files and their parts are called."""


@dataclass(frozen=True)
class Model:
    """A mesh and its texture. The picture shows the mesh's front faces; the rest is invented."""

    mesh: Mesh
    texture: Texture

    atlas_png: bytes
    """The texture's atlas as a file, which several formats carry."""

    @classmethod
    def painted(cls, mesh: Mesh, rgba: Bytes, matte: Field) -> "Model":
        """The mesh with the picture that it was made from on it."""
        texture = paint(rgba, matte, mesh)
        return cls(mesh, texture, png(texture.atlas))
