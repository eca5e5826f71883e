"""Fits simple solids, tilted in depth, to the outline and the shading of what is seen.

A mirror-symmetric inflation can't show how a thing is turned. But a can, a plate or a box has few
numbers, and its outline and inner edges give them all. `solid` returns one only where its own outline
agrees with the matte and its normals explain the colours; else there is none, and an outline inflated
is the safer guess.
"""

from collections.abc import Callable, Iterator

from worker.engines.silhouette.arrays import Bytes, Field
from worker.engines.silhouette.fit.box import boxes
from worker.engines.silhouette.fit.candidate import Candidate
from worker.engines.silhouette.fit.result import Fit
from worker.engines.silhouette.fit.revolution import revolutions
from worker.engines.silhouette.fit.scene import Scene
from worker.engines.silhouette.grid import Grid

__all__ = ["Fit", "solid"]

LEAST_IOU = 0.96
"""Of a fit's outline with the matte's."""

PARAMETER = 0.03
"""What each number that is chosen by the colours must add to the share of them that is explained."""


def solid(rgba: Bytes, matte: Field, grid: Grid, check: Callable[[], None]) -> Fit | None:
    """The simple solid that the picture shows, or None.

    `rgba` (h, w, 4) is the picture, `matte` (0..1, of a smaller size perhaps) cuts the object out, `grid`
    lies around it. `check` is called between steps and may raise.
    """
    scene = Scene.on(grid, rgba, matte)
    fitting = [candidate for candidate in _candidates(scene, check) if candidate.iou >= LEAST_IOU]
    if not fitting:
        return None
    best = max(fitting, key=_merit)
    front, back, _ = best.depths(1)
    return Fit(front, back, best.name, best.iou)


def _candidates(scene: Scene, check: Callable[[], None]) -> Iterator[Candidate]:
    yield from boxes(scene, check)
    yield from revolutions(scene, check)


def _merit(candidate: Candidate) -> float:
    return candidate.explained - PARAMETER * candidate.parameters
