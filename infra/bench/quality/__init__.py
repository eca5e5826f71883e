"""The quality bench: how near the engine comes to solids whose surfaces are known.

For tuning, from Python:

    for case in quality.cases("tuning"):
        rgba = case.render("alpha")
        print(case.name, case.kind, quality.volume_iou(vertices, faces, case))
"""

from quality.arrays import Floats, Indices
from quality.case import Case, cases
from quality.voxels import iou, of_mesh

__all__ = ["Case", "cases", "volume_iou"]


def volume_iou(vertices: Floats, faces: Indices, case: Case) -> float:
    """Of a closed mesh in the product's frame, vertices (n, 3), faces (m, 3), and the case's solid."""
    return iou(of_mesh(vertices, faces), case.truth)
