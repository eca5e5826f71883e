"""How near a closed mesh comes to a case's solid. All lengths are in the solid's longest half-extent."""

from collections.abc import Collection, Iterator

import cv2
import numpy as np
from scipy.spatial import KDTree  # type: ignore[import-untyped]

from quality import baselines, maps, raster, samples, split, voxels
from quality.arrays import Bytes, Floats, Indices
from quality.case import BASELINES, Case

NEAR = 0.05
"""The F-score's threshold."""

METRICS = {
    "iou": "volume IoU",
    "chamfer": "Chamfer distance",
    "f_score": f"F-score at {NEAR}",
    "map": "coordinate-map error",
    "silhouette": "silhouette IoU",
    "matte": "matte IoU",
}
"""The metrics, by their short names."""

SMALLER_IS_BETTER = ("chamfer", "map")

SHARED = ("iou", "chamfer", "f_score", "map")
"""Those that the baselines have too; their outline is given to them."""

MEASURED = (*BASELINES, "samples", "maps", "raster", "metrics")

Scores = dict[str, float]


def of_mesh(vertices: Floats, faces: Indices, case: Case, wanted: Collection[str]) -> Scores:
    """The wanted ones of the SHARED metrics of a mesh, vertices (n, 3), faces (m, 3)."""
    return dict(_of_mesh(vertices, faces, case, wanted))


def _of_mesh(
    vertices: Floats, faces: Indices, case: Case, wanted: Collection[str]
) -> Iterator[tuple[str, float]]:
    if "iou" in wanted:
        yield "iou", voxels.iou(voxels.of_mesh(vertices, faces), case.truth)
    if "chamfer" in wanted or "f_score" in wanted:
        points = samples.of_mesh(vertices, faces, split.random(case.name, "samples of the mesh"))
        to_truth, _ = KDTree(case.points).query(points)
        from_truth, _ = KDTree(points).query(case.points)
        yield "chamfer", float(to_truth.mean() + from_truth.mean()) / 2
        precision, recall = float((to_truth < NEAR).mean()), float((from_truth < NEAR).mean())
        yield "f_score", 2 * precision * recall / max(precision + recall, 1e-12)
    if "map" in wanted:
        yield "map", maps.error(maps.of_mesh(vertices, faces), case.maps)


def of_nothing(wanted: Collection[str]) -> Scores:
    """What a picture that the engine made nothing of scores: as bad as can be, within a frame of edge 2."""
    return {name: 1.0 if name in SMALLER_IS_BETTER else 0.0 for name in wanted}


def of_baselines(case: Case, wanted: Collection[str]) -> dict[str, Scores]:
    """The baselines' scores, by name. The volumes are those of the exact height fields."""
    exact = {name: {"iou": voxels.iou(solid, case.truth)} for name, solid in case.baselines.items()}
    if set(wanted) <= {"iou"}:
        return exact

    def measure() -> dict[str, Floats]:
        others = [name for name in SHARED if name != "iou"]
        heights = baselines.heights(case.cut_out[..., 3])
        rows = {name: of_mesh(*baselines.surface(field), case, others) for name, field in heights.items()}
        return {name: np.array([row[metric] for metric in others]) for name, row in rows.items()}

    kept = case.store.get(f"{case.name}.scores{case.lens}", MEASURED, measure)
    rest = [name for name in SHARED if name != "iou"]
    return {
        name: {**exact[name], **{metric: float(value) for metric, value in zip(rest, row, strict=True)}}
        for name, row in kept.items()
    }


def silhouette(picture: Floats, faces: Indices, shape: tuple[int, int], alpha: Bytes) -> float:
    """IoU of the mesh's outline in the picture and the true one; `picture` (n, 2) is where its vertices lie
    in a picture of `shape` (h, w), x and y down, pixel centres at integers.
    """
    height, width = shape
    met = raster.meetings(picture[:, 0], picture[:, 1], faces, width, height)
    covered = np.zeros(shape, np.bool_)
    covered[met.row, met.column] = True
    return voxels.iou(covered, _reduced(alpha, shape))


def matte(cut_out: Floats, alpha: Bytes) -> float:
    """IoU of a matte (h, w) in 0..1 and the true alpha."""
    return voxels.iou(cut_out > 0.5, _reduced(alpha, cut_out.shape))


def _reduced(alpha: Bytes, shape: tuple[int, ...]) -> Bytes:
    inside: Bytes = cv2.resize(alpha, (shape[1], shape[0]), interpolation=cv2.INTER_AREA) > 127
    return inside
