"""Binary PLY: one closed surface with normals, and the picture's colours at the vertices."""

import numpy as np

from worker.engines.silhouette.arrays import Bytes
from worker.engines.silhouette.images import SOFTWARE
from worker.engines.silhouette.model import Model
from worker.engines.silhouette.texture import Texture

VERTEX = np.dtype([("place", "<f4", 3), ("normal", "<f4", 3), ("colour", "u1", 3)])
FACE = np.dtype([("corners", "u1"), ("vertices", "<i4", 3)])


def encode(model: Model) -> bytes:
    """The PLY file; a comment says what made it."""
    mesh = model.mesh
    vertices = np.zeros(len(mesh.vertices), VERTEX)
    vertices["place"], vertices["normal"] = mesh.vertices, mesh.normals
    vertices["colour"] = _colours(model.texture)
    faces = np.zeros(len(mesh.faces), FACE)
    faces["corners"], faces["vertices"] = 3, mesh.faces
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment {SOFTWARE}",
        f"element vertex {len(vertices)}",
        *(f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz")),
        *(f"property uchar {name}" for name in ("red", "green", "blue")),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    return "\n".join(header).encode() + vertices.tobytes() + faces.tobytes()


def _colours(texture: Texture) -> Bytes:
    """(n, 3): one for each vertex of the mesh, on the seam that of the front chart."""
    vertices, first = np.unique(texture.vertices, return_index=True)
    side = int(np.ceil(np.sqrt(len(vertices))))
    square = texture.sample(np.arange(len(vertices)), texture.places[first], side, background=0)
    return square.reshape(-1, 3)[: len(vertices)]
