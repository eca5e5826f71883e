"""Writes the model: a zip of OBJ, MTL and PNG, and a binary glTF. Both in the mesh's own frame."""

import io
import zipfile
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from worker.engines.silhouette.arrays import Bytes
from worker.engines.silhouette.mesh import Mesh
from worker.engines.silhouette.texture import Texture

STEM = "model"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The zip's time stamps: the same picture gives the same bytes."""


def write_zip(mesh: Mesh, texture: Texture, path: Path) -> None:
    """Three members of one stem at the root, as CRM writes them: `v`, `vt`, `f v/vt`, no normals."""
    members = {
        f"{STEM}.obj": _obj(mesh, texture).encode(),
        f"{STEM}.mtl": f"newmtl {STEM}\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {STEM}.png\n".encode(),
        f"{STEM}.png": png(texture.atlas),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)


def write_glb(mesh: Mesh, texture: Texture, path: Path) -> None:
    """One mesh with normals and a rough, non-metallic material.

    glTF has one texture coordinate a vertex, so the rim's vertices are there twice.
    """
    front, back = mesh.faces[: mesh.front_faces], mesh.faces[mesh.front_faces :]
    on_front, front_faces = np.unique(front, return_inverse=True)
    on_back, back_faces = np.unique(back, return_inverse=True)
    chosen = np.concatenate([on_front, on_back])
    material = trimesh.visual.material.PBRMaterial(  # type: ignore[no-untyped-call]
        name=STEM,
        baseColorTexture=Image.fromarray(texture.atlas),
        metallicFactor=0.0,
        roughnessFactor=1.0,
    )
    uv = np.concatenate([texture.front[on_front], texture.back[on_back]])
    model = trimesh.Trimesh(
        vertices=mesh.vertices[chosen],
        faces=np.concatenate([front_faces.reshape(-1, 3), back_faces.reshape(-1, 3) + len(on_front)]),
        vertex_normals=mesh.normals[chosen],
        visual=trimesh.visual.TextureVisuals(uv=uv, material=material),  # type: ignore[no-untyped-call]
        process=False,
    )
    content = model.export(file_type="glb", include_normals=True)
    assert isinstance(content, bytes)  # noqa: S101 - what trimesh returns for this type
    path.write_bytes(content)


def png(image: Bytes) -> bytes:
    """The image as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _obj(mesh: Mesh, texture: Texture) -> str:
    lines = [f"mtllib {STEM}.mtl", f"o {STEM}"]
    lines += [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in mesh.vertices.tolist()]
    lines += [f"vt {u:.6f} {v:.6f}" for u, v in texture.front.tolist()]
    lines += [f"vt {u:.6f} {v:.6f}" for u, v in texture.back.tolist()]
    lines.append(f"usemtl {STEM}")
    offset = len(texture.front)
    corners = (mesh.faces + 1).tolist()
    for number, (a, b, c) in enumerate(corners):
        k = 0 if number < mesh.front_faces else offset
        lines.append(f"f {a}/{a + k} {b}/{b + k} {c}/{c + k}")
    return "\n".join(lines) + "\n"
