"""Decides how deep the object is at each point of the picture.

One view leaves depth open; what is chosen is the simplest solid that the outline and the shading allow:

- one of few numbers that explains both, turned in depth as it is (`fit`);
- a front as bright all over as a flat one is: a slab, deep where it has upright sides as boxes have;
- a mirror-symmetric outline that is shaded like what it sweeps about its axis: a solid of revolution;
- else the union of maximal balls, leaning and thick as things of its proportions are on average.
"""

from collections.abc import Callable

import numpy as np

from worker.engines.silhouette import fit, inflate, leaning, revolution, slab
from worker.engines.silhouette.arrays import Bytes, Field
from worker.engines.silhouette.grid import Grid
from worker.engines.silhouette.relief import Relief
from worker.engines.silhouette.shading import Shading

EVEN = 0.85
"""The share of a front that must be equally bright to be taken for flat."""

ROUND = 0.3
"""Balls that leave less than this share of the brightness's contrast unexplained are what is there."""

REVOLVED = 0.6
"""A solid of revolution must leave less than this share unexplained, and less than balls do."""


def estimate(rgba: Bytes, matte: Field, check: Callable[[], None]) -> Relief:
    """The relief of the object that `matte` (0..1) cuts out of the picture `rgba` (h, w, 4).

    `check` is called between steps and may raise. Raises ImageRejected where the matte is empty.
    """
    grid = Grid.around(matte)
    balls = inflate.balls(grid.sample_matte(matte), check)
    outline = inflate.outline(balls)
    found = fit.solid(rgba, matte, grid, check)
    if found is not None:
        return Relief(
            grid, outline, (found.front + found.back) / 2, ((found.front - found.back) / 2) ** 2, found.name
        )
    check()
    shading = Shading.of(grid.sample_picture(rgba[..., :3], matte), outline)
    level = np.zeros_like(balls)
    if shading.evenness() > EVEN:
        return Relief(grid, outline, level, slab.squared(outline), "flat")
    check()
    contrast, round_misfit = shading.contrast(), shading.misfit(_front(balls))
    for turned in revolution.revolutions(outline):
        check()
        misfit = shading.misfit(_front(turned))
        if misfit < REVOLVED * contrast and misfit < round_misfit:
            return Relief(grid, outline, level, turned, "revolution")
    if round_misfit < ROUND * contrast:
        return Relief(grid, outline, level, balls, "round")
    tilt, thickness = leaning.expected(outline)
    return Relief(grid, outline, tilt, balls * thickness**2, "round")


def _front(squared: Field) -> Field:
    return np.sqrt(np.maximum(squared, 0))
