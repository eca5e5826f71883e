"""Binary glTF 2.0: one mesh of two primitives, `seen` and `invented`, that share one texture.

A viewer that wants to show what nobody has seen tints the material `invented`; its `extras` say so too.
"""

import json
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from worker.engines.silhouette.images import SOFTWARE
from worker.engines.silhouette.model import STEM, Model

FLOAT, UNSIGNED_SHORT, UNSIGNED_INT = 5126, 5123, 5125
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
LINEAR, LINEAR_MIPMAP_LINEAR, CLAMP_TO_EDGE = 9729, 9987, 33071


class _Binary:
    """The binary chunk, and the views and accessors into it."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.views: list[dict[str, object]] = []
        self.accessors: list[dict[str, object]] = []

    def add(self, content: bytes, **view: object) -> int:
        """Appends bytes at a multiple of four: the number of their view."""
        self.content += bytes(-len(self.content) % 4)
        self.views.append(
            {"buffer": 0, "byteOffset": len(self.content), "byteLength": len(content)} | view,
        )
        self.content += content
        return len(self.views) - 1

    def attribute(self, values: npt.NDArray[Any], *, bounded: bool = False) -> int:
        """Adds an attribute of the vertices (n, k): the number of its accessor."""
        floats = values.astype("<f4")
        accessor: dict[str, object] = {
            "bufferView": self.add(floats.tobytes(), target=ARRAY_BUFFER),
            "componentType": FLOAT,
            "count": len(floats),
            "type": f"VEC{floats.shape[1]}",
        }
        if bounded:
            accessor |= {"min": floats.min(axis=0).tolist(), "max": floats.max(axis=0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def indices(self, values: npt.NDArray[Any], vertices: int) -> int:
        """Adds faces (m, 3) of so many vertices: the number of their accessor."""
        # The largest number of either type is no index: it restarts a primitive.
        short = vertices <= 0xFFFF
        accessor = {
            "bufferView": self.add(
                values.astype("<u2" if short else "<u4").tobytes(), target=ELEMENT_ARRAY_BUFFER
            ),
            "componentType": UNSIGNED_SHORT if short else UNSIGNED_INT,
            "count": values.size,
            "type": "SCALAR",
        }
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def encode(model: Model) -> bytes:
    """The GLB file."""
    mesh, texture = model.mesh, model.texture
    binary = _Binary()
    primitives = []
    for number, faces in enumerate(np.split(texture.corners, [mesh.front_faces])):
        used, corners = np.unique(faces, return_inverse=True)
        vertices = texture.vertices[used]
        u, v = texture.uv[used].T
        attributes = {
            "POSITION": binary.attribute(mesh.vertices[vertices], bounded=True),
            "NORMAL": binary.attribute(mesh.normals[vertices]),
            "TEXCOORD_0": binary.attribute(np.stack([u, 1 - v], 1)),
        }
        indices = binary.indices(corners, len(used))
        primitives.append({"attributes": attributes, "indices": indices, "material": number})
    image = binary.add(model.atlas_png)
    binary.content += bytes(-len(binary.content) % 4)

    surface = {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 1.0}
    document = {
        "asset": {"version": "2.0", "generator": SOFTWARE},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": STEM, "mesh": 0}],
        "meshes": [{"name": STEM, "primitives": primitives}],
        "materials": [
            {"name": "seen", "pbrMetallicRoughness": surface},
            {"name": "invented", "pbrMetallicRoughness": surface, "extras": {"invented": True}},
        ],
        "textures": [{"sampler": 0, "source": 0}],
        "images": [{"name": STEM, "mimeType": "image/png", "bufferView": image}],
        "samplers": [
            {
                "magFilter": LINEAR,
                "minFilter": LINEAR_MIPMAP_LINEAR,
                "wrapS": CLAMP_TO_EDGE,
                "wrapT": CLAMP_TO_EDGE,
            }
        ],
        "accessors": binary.accessors,
        "bufferViews": binary.views,
        "buffers": [{"byteLength": len(binary.content)}],
    }
    header = json.dumps(document, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 4)
    return b"".join(
        [
            struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(header) + 8 + len(binary.content)),
            struct.pack("<I4s", len(header), b"JSON"),
            header,
            struct.pack("<I4s", len(binary.content), b"BIN\0"),
            binary.content,
        ]
    )
