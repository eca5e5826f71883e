"""Fits simple solids, tilted in depth, to the outline and the shading of what is seen.

A mirror-symmetric inflation can't show how a thing is turned. But a can, a plate or a box has few
numbers, and its outline and inner edges give them all. `solid` returns one only where its own outline
agrees with the matte and its normals explain the colours; else there is none, and an outline inflated
is the safer guess.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from worker.engines.silhouette.arrays import Bytes, Field
from worker.engines.silhouette.fit.box import OPENWORK, boxes
from worker.engines.silhouette.fit.candidate import Candidate
from worker.engines.silhouette.fit.inflated import inflated
from worker.engines.silhouette.fit.prism import prisms
from worker.engines.silhouette.fit.result import Fit
from worker.engines.silhouette.fit.revolution import revolutions
from worker.engines.silhouette.fit.scene import Scene
from worker.engines.silhouette.fit.torus import tori
from worker.engines.silhouette.grid import Grid

__all__ = ["Fit", "solid"]

LEAST_SLACK, MOST_SLACK = 0.038, 0.08
"""Bounds of what the IoU of a fit's outline and the matte's may be short of 1."""

UNLIKE = 0.015
"""The hull of an outline with bays or holes that is so little unlike a cuboid's, the more so the coarser the
matte, is one. The colours need not say so as well: through the holes shine faces of all directions.
"""

LEAST_AREA = 1000
"""Grid points within the outline; there are that many within a wire as long as the grid."""

CLEAR = 0.95
"""What explains so much of the colours, no other solid explains notably better."""

WORSE = 0.05
"""By how much a fit may explain less of the colours than the outline inflated, which bends as it must."""


def solid(rgba: Bytes, matte: Field, grid: Grid, check: Callable[[], None]) -> Fit | None:
    """The simple solid that the picture shows, or None.

    `rgba` (h, w, 4) is the picture, `matte` (0..1, of a smaller size perhaps) cuts the object out, `grid`
    lies around it. `check` is called between steps and may raise.
    """
    scene = Scene.on(grid, rgba, matte)
    if scene.inside.sum() < LEAST_AREA:
        return None
    best = _best(boxes(scene, check), 0)
    if best is None or best.name != OPENWORK or 1 - best.iou > UNLIKE * min(scene.grain, 2):
        best = _best(_candidates(scene, check), 1 - _slack(scene))
        if best is None or best.merit < inflated(scene) - WORSE:
            return None
    check()
    front, back, _ = best.depths(1)
    return Fit(front, back, best.name, best.iou)


def _candidates(scene: Scene, check: Callable[[], None]) -> Iterator[Candidate]:
    """The likelier and the cheaper to judge first."""
    yield from boxes(scene, check)
    yield from revolutions(scene, check)
    yield from tori(scene, check)
    yield from prisms(scene, check)


def _slack(scene: Scene) -> float:
    """By how much a fit's IoU may fall short of 1: an outline misplaced by a pixel all around costs a thin
    thing more.
    """
    around = scene.grain * len(scene.contour) / float(scene.cover.sum())
    return float(np.clip(around, LEAST_SLACK, MOST_SLACK))


def _best(candidates: Iterable[Candidate], least_iou: float) -> Candidate | None:
    best = None
    for candidate in candidates:
        if candidate.iou >= least_iou and (best is None or candidate.merit > best.merit):
            best = candidate
        if best is not None and best.merit > CLEAR:
            break
    return best
