"""A solid that may be what is seen, before it is chosen."""

from collections.abc import Callable
from dataclasses import dataclass

from worker.engines.silhouette.arrays import Field, Mask
from worker.engines.silhouette.fit.scene import Scene
from worker.engines.silhouette.fit.shading import explained

COARSE = 4
"""Candidates are judged on every so many-th grid point."""

FROM_BELOW = 0.02
"""The doubt about what is seen from below: few pictures show that, and shades may fail to tell."""

Depths = Callable[[int], tuple[Field, Field, Field]]
"""`depths(step)`: front, back and a field that is positive within the solid's outline, over every
`step`-th grid point. Beyond the outline front and back are the same and go on from the rim."""


@dataclass(frozen=True)
class Candidate:
    """A solid, and what speaks for it."""

    name: str
    depths: Depths
    iou: float
    """Of its outline and the matte's, 0..1."""

    explained: float
    """The share of the colours' variance that its normals explain, up to 1."""

    doubt: float
    """How much more of it than others it must explain, for its outline could well be another solid's."""

    @classmethod
    def judged(
        cls, scene: Scene, name: str, depths: Depths, doubt: float = 0.0, outline: Field | None = None
    ) -> "Candidate":
        """Draws the solid coarsely and compares it with the scene, its outline with another one if given."""
        front, _, within = depths(COARSE)
        cover = (scene.cover if outline is None else outline)[::COARSE, ::COARSE]
        return cls(name, depths, _iou(within > 0, cover), explained(scene, front, COARSE), doubt)

    @property
    def merit(self) -> float:
        """What the candidates are compared by."""
        return self.explained - self.doubt


def _iou(inside: Mask, cover: Field) -> float:
    """Intersection over union of a mask and a soft one."""
    both = float(cover[inside].sum())
    return both / (float(cover.sum()) + float(inside.sum()) - both)
