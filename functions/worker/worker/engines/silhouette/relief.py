"""What stands between depth and mesh: a solid as a double height field over the picture.

The solid is {(x, y, z): outline(x, y) > 0, |z - middle(x, y)| <= h(x, y)}, with h² = squared. Where
h reaches zero on the outline, as a ball's does, front and back meet there in a smooth rim; where it
does not, as in a slab, a wall stands between them.
"""

from dataclasses import dataclass

from worker.engines.silhouette.arrays import Field
from worker.engines.silhouette.grid import Grid


@dataclass(frozen=True)
class Relief:
    """Fields over the grid, float32 of `grid.shape`, finite everywhere."""

    grid: Grid

    outline: Field
    """The signed distance to the object's outline in cells, positive inside; accurate near it."""

    middle: Field
    """z of the surface midway between front and back, in cells towards the viewer, from any origin."""

    squared: Field
    """h², the square of half the thickness, in cells². Continued for some cells beyond the outline as it
    goes on there: through zero into the negative where the rim is smooth, positive where there is a wall.
    """

    profile: str
    """What the depth was taken for: the report names it."""
