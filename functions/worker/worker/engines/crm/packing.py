"""CRM's files as results: named after the engine that made them, the same bytes for the same model."""

import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import trimesh
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from worker.engines.silhouette.topology import examine

STEM = "model"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The zip's time stamps."""

FORMATS = ("stl", "ply")
"""What `Shape.write` can, of `worker.engine.FORMATS`."""

MAGIC, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942


@dataclass(frozen=True)
class Shape:
    """A mesh as its OBJ says it, in the frame of the coordinate maps.

    Right-handed, X to the viewer's right, Y up, Z towards the viewer; ±1 is the edge of a view's tile.
    """

    vertices: npt.NDArray[np.float64]
    """(n, 3)"""

    faces: npt.NDArray[np.int64]
    """(m, 3), indices into `vertices`, counter-clockwise from outside."""

    def write(self, path: Path, software: str) -> Path:
        """An STL or PLY by the path's suffix, without colours, in the GLB's frame: centred, half-extent 1."""
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        vertices = (self.vertices - (low + high) / 2) * (2 / (high - low).max())
        kind = path.suffix[1:]
        content = trimesh.Trimesh(vertices, self.faces, process=False).export(file_type=kind)
        assert isinstance(content, bytes)  # noqa: S101 - what trimesh returns for these types
        if kind == "stl":
            content = software.encode().ljust(80) + content[80:]
        else:
            content = content.replace(b"element vertex", f"comment {software}\nelement vertex".encode(), 1)
        path.write_bytes(content)
        return path

    def report(self) -> dict[str, Any]:
        """What report.json says of it."""
        topology = examine(self.faces)
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        return {
            "vertices": len(self.vertices),
            "faces": len(self.faces),
            "watertight": topology.watertight,
            "manifold": topology.manifold,
            "eulerNumber": topology.euler_number,
            "components": topology.components,
            "boundingBox": {"min": low.round(4).tolist(), "max": high.round(4).tolist()},
        }


def write_png(image: Image.Image, path: Path, software: str) -> Path:
    """A PNG whose text chunk `Software` names the engine."""
    info = PngInfo()
    info.add_text("Software", software)
    image.save(path, "PNG", pnginfo=info)
    return path


def repack_zip(source: Path, path: Path, software: str) -> Shape:
    """CRM's zip under a fixed stem instead of a random one, without times; what its OBJ describes.

    Raises ValueError where it does not hold one .obj, one .mtl and one .png of one stem at its root.
    """
    with zipfile.ZipFile(source) as archive:
        members = {Path(name).suffix: archive.read(name) for name in archive.namelist()}
        stems = {name.rsplit(".", 1)[0] for name in archive.namelist()}
    if sorted(members) != [".mtl", ".obj", ".png"] or len(stems) != 1 or "/" in (stem := stems.pop()):
        raise ValueError(f"CRM's zip is not one model: {sorted(members)}")
    obj = members[".obj"].decode().replace(f"mtllib {stem}.mtl", f"mtllib {STEM}.mtl", 1)
    mtl = members[".mtl"].decode().replace(f"map_Kd {stem}.png", f"map_Kd {STEM}.png", 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix, content in (
            (".obj", f"# {software}\n{obj}".encode()),
            (".mtl", f"# {software}\n{mtl}".encode()),
            (".png", members[".png"]),
        ):
            info = zipfile.ZipInfo(STEM + suffix, EPOCH)
            info.compress_type = zipfile.ZIP_STORED if suffix == ".png" else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return _shape(obj)


def _shape(obj: str) -> Shape:
    vertices, faces = [], []
    for line in obj.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(value) for value in rest.split()])
        elif kind == "f":
            faces.append([int(corner.split("/")[0]) - 1 for corner in rest.split()])
    return Shape(np.array(vertices, np.float64), np.array(faces, np.int64))


def rename_glb(source: Path, path: Path, software: str) -> None:
    """CRM's GLB with `software` as its generator, and its longest half-extent scaled from 0.9 to 1.

    The vertices stay as they are: the node gets the scale. Raises ValueError where it is no GLB of one mesh.
    """
    document, binary = _read_glb(source.read_bytes())
    document["asset"]["generator"] = software
    mesh, *_others = document["meshes"]
    positions = document["accessors"][mesh["primitives"][0]["attributes"]["POSITION"]]
    extents = [high - low for low, high in zip(positions["min"], positions["max"], strict=True)]
    node = next(node for node in document["nodes"] if "mesh" in node)
    node["scale"] = [2 / max(extents)] * 3
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    path.write_bytes(
        struct.pack("<III", MAGIC, 2, 12 + 8 + len(text) + 8 + len(binary))
        + struct.pack("<II", len(text), JSON_CHUNK)
        + text
        + struct.pack("<II", len(binary), BINARY_CHUNK)
        + binary
    )


def _read_glb(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON and the binary chunk of a binary glTF 2.0 (the specification's section 4)."""
    try:
        magic, version, _length = struct.unpack_from("<III", content)
        size, kind = struct.unpack_from("<II", content, 12)
        binary_size, binary_kind = struct.unpack_from("<II", content, 20 + size)
    except struct.error as error:
        raise ValueError("CRM's GLB is cut off") from error
    if (magic, version, kind, binary_kind) != (MAGIC, 2, JSON_CHUNK, BINARY_CHUNK):
        raise ValueError("CRM's GLB is no binary glTF 2.0")
    document: dict[str, Any] = json.loads(content[20 : 20 + size])
    return document, content[28 + size : 28 + size + binary_size]
