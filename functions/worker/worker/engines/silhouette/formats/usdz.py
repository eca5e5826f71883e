"""USDZ: an uncompressed zip of a USD layer (as text) and its texture, for augmented reality on phones.

One unit is a decimetre: a model stands 20 cm long on the table.
"""

import numpy as np

from worker.engines.silhouette.formats.archive import aligned_archive
from worker.engines.silhouette.formats.text import rows
from worker.engines.silhouette.images import SOFTWARE
from worker.engines.silhouette.model import STEM, Model

BOUNDARY = 64
"""Where each member's content begins, so that it can be mapped into memory (USDZ specification)."""


def encode(model: Model) -> bytes:
    """The USDZ file; its layer says what made it, and how many of the faces, from the first, were seen."""
    members = {f"{STEM}.usda": _layer(model).encode(), f"{STEM}.png": model.atlas_png}
    return aligned_archive(members, BOUNDARY)


def _layer(model: Model) -> str:
    mesh, texture = model.mesh, model.texture
    extent = np.stack([mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)])
    numbers, points = "%d," * 3, "(%.6f,%.6f,%.6f),"
    return f"""#usda 1.0
(
    customLayerData = {{
        string creator = "{SOFTWARE}"
        int seenFaces = {mesh.front_faces}
    }}
    defaultPrim = "{STEM}"
    doc = "{SOFTWARE}"
    metersPerUnit = 0.1
    upAxis = "Y"
)

def Xform "{STEM}" (
    assetInfo = {{
        string name = "{STEM}"
    }}
    kind = "component"
)
{{
    def Mesh "surface" (
        prepend apiSchemas = ["MaterialBindingAPI"]
    )
    {{
        uniform bool doubleSided = 0
        float3[] extent = [{_items(points, extent)}]
        int[] faceVertexCounts = [{_items("%d,", np.full((len(mesh.faces), 1), 3))}]
        int[] faceVertexIndices = [{_items(numbers, mesh.faces)}]
        rel material:binding = </{STEM}/looks/picture>
        normal3f[] normals = [{_items(points, mesh.normals)}] (
            interpolation = "vertex"
        )
        point3f[] points = [{_items(points, mesh.vertices)}]
        texCoord2f[] primvars:st = [{_items("(%.6f,%.6f),", texture.uv)}] (
            interpolation = "faceVarying"
        )
        int[] primvars:st:indices = [{_items(numbers, texture.corners)}]
        uniform token subdivisionScheme = "none"
    }}

    def Scope "looks"
    {{
        def Material "picture"
        {{
            token outputs:surface.connect = </{STEM}/looks/picture/surface.outputs:surface>

            def Shader "surface"
            {{
                uniform token info:id = "UsdPreviewSurface"
                color3f inputs:diffuseColor.connect = </{STEM}/looks/picture/atlas.outputs:rgb>
                float inputs:metallic = 0
                float inputs:roughness = 1
                token outputs:surface
            }}

            def Shader "atlas"
            {{
                uniform token info:id = "UsdUVTexture"
                asset inputs:file = @{STEM}.png@
                token inputs:sourceColorSpace = "sRGB"
                float2 inputs:st.connect = </{STEM}/looks/picture/coordinates.outputs:result>
                token inputs:wrapS = "clamp"
                token inputs:wrapT = "clamp"
                float3 outputs:rgb
            }}

            def Shader "coordinates"
            {{
                uniform token info:id = "UsdPrimvarReader_float2"
                string inputs:varname = "st"
                float2 outputs:result
            }}
        }}
    }}
}}
"""


def _items(template: str, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> str:
    return rows(template, values).rstrip(",")
