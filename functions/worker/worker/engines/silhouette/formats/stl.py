"""Binary STL: the bare form, for printing. One unit is the model's longest half-extent; STL has no units."""

import struct

import numpy as np

from worker.engines.silhouette.images import SOFTWARE
from worker.engines.silhouette.model import Model

FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attributes", "<u2")])


def encode(model: Model) -> bytes:
    """The STL file; its header says what made it."""
    corners = model.mesh.vertices[model.mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facets = np.zeros(len(corners), FACET)
    facets["normal"] = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    facets["corners"] = corners
    return struct.pack("<80sI", SOFTWARE.encode(), len(facets)) + facets.tobytes()
