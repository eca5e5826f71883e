# mypy: ignore-errors
import json
import struct
from pathlib import Path

import numpy as np


class Mesh:
    def __init__(self, v=None, f=None, vt=None, albedo=None):
        self.v, self.f, self.vt, self.albedo = v, f, vt, albedo

    @classmethod
    def load(
        cls, path, resize=True, clean=False, renormal=True, retex=False, bound=0.9, front_dir="+z", **kwargs
    ):
        assert front_dir == "+z"
        lines = [line.split() for line in Path(path).read_text().splitlines()]
        v = np.array([line[1:] for line in lines if line[0] == "v"], np.float32)
        corners = [[corner.split("/") for corner in line[1:]] for line in lines if line[0] == "f"]
        vt = np.array([line[1:] for line in lines if line[0] == "vt"], np.float32)
        order = np.array([[int(a) - 1 for a, _ in face] for face in corners]).ravel()
        low, high = v.min(axis=0), v.max(axis=0)
        v = (v - (low + high) / 2) * (2 * bound / (high - low).max())
        png = Path(path).with_suffix(".png").read_bytes()
        return cls(v[order], np.arange(len(order)), vt, png)

    def write(self, path):
        """As pygltflib lays it out: indices, positions, texture coordinates, the PNG last and unpadded."""
        assert path.endswith(".glb")
        parts = [self.f.astype("<u4"), self.v.astype("<f4"), self.vt.astype("<f4")]
        blobs = [part.tobytes() for part in parts] + [self.albedo + b"!" * (len(self.albedo) % 4 == 0)]
        starts = np.cumsum([0] + [len(blob) for blob in blobs]).tolist()
        views = [
            {"buffer": 0, "byteOffset": start, "byteLength": len(blob)}
            for start, blob in zip(starts, blobs, strict=False)
        ]
        document = {
            "asset": {"version": "2.0", "generator": "pygltflib@v1.16.1"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0}],
            "meshes": [{"primitives": [{
                "attributes": {"POSITION": 1, "TEXCOORD_0": 2}, "indices": 0, "material": 0,
            }]}],
            "materials": [{"pbrMetallicRoughness": {
                "baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 1.0,
            }}],
            "textures": [{"sampler": 0, "source": 0}],
            "samplers": [{}],
            "images": [{"bufferView": 3, "mimeType": "image/png"}],
            "buffers": [{"byteLength": starts[-1]}],
            "bufferViews": views,
            "accessors": [
                {"bufferView": 0, "componentType": 5125, "count": self.f.size, "type": "SCALAR"},
                {"bufferView": 1, "componentType": 5126, "count": len(self.v), "type": "VEC3",
                 "min": self.v.min(axis=0).tolist(), "max": self.v.max(axis=0).tolist()},
                {"bufferView": 2, "componentType": 5126, "count": len(self.vt), "type": "VEC2"},
            ],
        }  # fmt: skip
        text = json.dumps(document).encode()
        text += b" " * (-len(text) % 4)
        binary = b"".join(blobs)
        Path(path).write_bytes(
            struct.pack("<III", 0x46546C67, 2, 28 + len(text) + len(binary))
            + struct.pack("<II", len(text), 0x4E4F534A) + text
            + struct.pack("<II", len(binary), 0x004E4942) + binary
        )  # fmt: skip
