"""Wavefront OBJ with its material and texture, zipped: three members of one stem at the root, as CRM writes
them: `v`, `vt`, `f v/vt`, one material, no normals. Groups tell what was seen from what is invented.
"""

import numpy as np

from worker.engines.silhouette.formats.archive import archive
from worker.engines.silhouette.formats.text import rows
from worker.engines.silhouette.images import SOFTWARE
from worker.engines.silhouette.model import STEM, Model


def encode_zip(model: Model) -> bytes:
    """The zip file."""
    return archive(
        {
            f"{STEM}.obj": _obj(model).encode(),
            f"{STEM}.mtl": _MTL.encode(),
            f"{STEM}.png": model.atlas_png,
        }
    )


_MTL = f"""# {SOFTWARE}
newmtl {STEM}
Ka 1 1 1
Kd 1 1 1
Ks 0 0 0
illum 1
map_Kd {STEM}.png
"""


def _obj(model: Model) -> str:
    mesh, texture = model.mesh, model.texture
    # Vertex and texture number of each corner, from 1, side by side.
    corners = np.stack([mesh.faces, texture.corners], axis=2).reshape(-1, 6) + 1
    face = "f %d/%d %d/%d %d/%d\n"
    return "".join(
        [
            f"# {SOFTWARE}\nmtllib {STEM}.mtl\no {STEM}\n",
            rows("v %.6f %.6f %.6f\n", mesh.vertices),
            rows("vt %.6f %.6f\n", texture.uv),
            f"usemtl {STEM}\ng seen\n",
            rows(face, corners[: mesh.front_faces]),
            "g invented\n",
            rows(face, corners[mesh.front_faces :]),
        ]
    )
