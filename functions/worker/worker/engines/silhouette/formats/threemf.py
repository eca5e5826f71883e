"""3MF (core specification 1.3, materials extension 1.2): one closed object with its texture, for printing.

Its unit is the centimetre: a model is 2 cm long.
"""

import numpy as np

from worker.engines.silhouette.formats.archive import archive
from worker.engines.silhouette.formats.text import rows
from worker.engines.silhouette.images import SOFTWARE
from worker.engines.silhouette.model import STEM, Model

PACKAGE = "http://schemas.openxmlformats.org/package/2006"
CORE = "http://schemas.microsoft.com/3dmanufacturing"
TEXTURE = f"/3D/Textures/{STEM}.png"


def encode(model: Model) -> bytes:
    """The 3MF file; its metadata say what made it."""
    return archive(
        {
            "[Content_Types].xml": _CONTENT_TYPES.encode(),
            "_rels/.rels": _relationship("/3D/3dmodel.model", f"{CORE}/2013/01/3dmodel").encode(),
            "3D/3dmodel.model": _document(model).encode(),
            "3D/_rels/3dmodel.model.rels": _relationship(TEXTURE, f"{CORE}/2013/01/3dtexture").encode(),
            TEXTURE.removeprefix("/"): model.atlas_png,
        }
    )


_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

_CONTENT_TYPES = f"""{_HEAD}<Types xmlns="{PACKAGE}/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>
<Default Extension="png" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodeltexture"/>
</Types>
"""


def _relationship(target: str, kind: str) -> str:
    return (
        f'{_HEAD}<Relationships xmlns="{PACKAGE}/relationships">\n'
        f'<Relationship Id="rel0" Target="{target}" Type="{kind}"/>\n</Relationships>\n'
    )


def _document(model: Model) -> str:
    mesh, texture = model.mesh, model.texture
    return "".join(
        [
            f'{_HEAD}<model unit="centimeter" xml:lang="en-US" xmlns="{CORE}/core/2015/02" '
            f'xmlns:m="{CORE}/material/2015/02">\n<metadata name="Application">{SOFTWARE}</metadata>\n'
            f'<resources>\n<m:texture2d id="1" path="{TEXTURE}" contenttype="image/png" '
            'tilestyleu="clamp" tilestylev="clamp"/>\n<m:texture2dgroup id="2" texid="1">\n',
            rows('<m:tex2coord u="%.6f" v="%.6f"/>\n', texture.uv),
            f'</m:texture2dgroup>\n<object id="3" type="model" name="{STEM}" pid="2" pindex="0"><mesh>'
            "<vertices>\n",
            rows('<vertex x="%.6f" y="%.6f" z="%.6f"/>\n', mesh.vertices),
            "</vertices>\n<triangles>\n",
            rows(
                '<triangle v1="%d" v2="%d" v3="%d" pid="2" p1="%d" p2="%d" p3="%d"/>\n',
                np.hstack([mesh.faces, texture.corners]),
            ),
            '</triangles>\n</mesh></object>\n</resources>\n<build><item objectid="3"/></build>\n</model>\n',
        ]
    )
