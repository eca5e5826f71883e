"""The result report.json: what was made, how, and how good it is, measured on what was made.

It is the one result whose bytes differ from run to run, for it says how long everything took.
"""

import json
from collections.abc import Mapping

import numpy as np

from worker.engines.silhouette.arrays import Field
from worker.engines.silhouette.mesh import Mesh
from worker.engines.silhouette.model import Model
from worker.engines.silhouette.raster import rasterise
from worker.engines.silhouette.topology import examine


def encode(
    model: Model,
    matte: Field,
    *,
    made_by: Mapping[str, object],
    seconds: Mapping[str, float],
) -> bytes:
    """The JSON file. `made_by` says which engine made it and how; `seconds` how long each stage took."""
    mesh = model.mesh
    topology = examine(mesh.faces)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    document = {
        **made_by,
        "maskCoverage": _rounded((matte > 0.5).mean()),
        "vertices": len(mesh.vertices),
        "faces": len(mesh.faces),
        "watertight": topology.watertight,
        "manifold": topology.manifold,
        "eulerNumber": topology.euler_number,
        "components": topology.components,
        "boundingBox": {"min": [_rounded(c) for c in low], "max": [_rounded(c) for c in high]},
        "silhouetteIoU": _rounded(silhouette_iou(mesh, matte)),
        "inventedShare": _rounded(invented_share(mesh)),
        "invented": _invented(model),
        "seconds": {stage: _rounded(spent) for stage, spent in seconds.items()},
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def silhouette_iou(mesh: Mesh, matte: Field) -> float:
    """Intersection over union of the mesh's front view with what of the matte is above a half, counted in
    the matte's own pixels.
    """
    size = max(matte.shape)
    x, y = ((mesh.picture + 0.5) * 2 / size - 1).T
    seen = rasterise(np.stack([x, -y, mesh.vertices[:, 2]], 1), mesh.faces, size)
    covered = np.zeros(size * size, bool)
    covered[seen.pixels] = True
    covered = covered.reshape(size, size)
    expected = np.zeros_like(covered)
    expected[: matte.shape[0], : matte.shape[1]] = matte > 0.5
    return float((covered & expected).sum() / (covered | expected).sum())


def invented_share(mesh: Mesh) -> float:
    """The share of the surface's area that the front view does not show: the back and the walls.

    Of the front it shows all that is turned towards it: a height field never hides a part of itself.
    """
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    areas = np.linalg.norm(normals, axis=1)
    front = slice(None, mesh.front_faces)
    return float(1 - areas[front][normals[front, 2] > 0].sum() / areas.sum())


def _invented(model: Model) -> dict[str, object]:
    """Where what is invented lies: its faces in the mesh, its box in the atlas."""
    front_faces = model.mesh.front_faces
    uv = model.texture.uv[np.unique(model.texture.corners[front_faces:])]
    (left, bottom), (right, top) = uv.min(axis=0), uv.max(axis=0)
    return {
        "firstFace": front_faces,
        "chart": {"u": [_rounded(left), _rounded(right)], "v": [_rounded(bottom), _rounded(top)]},
        "material": "invented",
    }


def _rounded(value: float) -> float:
    return round(float(value), 4)
