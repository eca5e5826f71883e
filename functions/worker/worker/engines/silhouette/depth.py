"""Decides how deep the object is at each point of the picture.

One view leaves depth open; what is chosen is the simplest solid that the outline and the shading allow:

- one of few numbers that explains both, turned in depth as it is (`fit`);
- where the front is as bright all over as a flat one, or the outline an upright rectangle: a slab, deep if
  it is built of boxes;
- where the outline is mirror-symmetric and shaded like what it sweeps about its axis: a solid of revolution;
- else the union of maximal balls, or soft boxes if its edges are straight, leaning and thick as things of
  its proportions are on average, but for what is shaded like the balls themselves.
"""

from collections.abc import Callable

import numpy as np

from worker.engines.silhouette import fit, inflate, leaning, revolution, slab
from worker.engines.silhouette.arrays import Bytes, Field
from worker.engines.silhouette.contour import Contour
from worker.engines.silhouette.grid import Grid
from worker.engines.silhouette.relief import Relief
from worker.engines.silhouette.shading import Shading

EVEN = 0.97
"""The share of a front that must be equally bright to be taken for flat, but for its rounded edges, and"""

PLAIN = 0.015
"""how much its brightness may vary there, as a standard deviation, its mean being 1."""

SAME = 0.95
"""What is of the same thickness over this share of its area is round, however it is shaded."""

ROUND, LEVEL_ROUND, REVOLVED = 0.3, 0.4, 0.7
"""The shares of the brightness's contrast that may be left unexplained by balls, by balls seen from their
own height, and by a solid of revolution.
"""


BOXY = 0.45
"""The share of the outline in long straight edges from which on its parts are soft boxes."""


BETTER = 0.8
"""Where balls explain the shading, a fit must leave less than this share of what they leave unexplained."""


def estimate(rgba: Bytes, matte: Field, check: Callable[[], None]) -> Relief:
    """The relief of the object that `matte` (0..1) cuts out of the picture `rgba` (h, w, 4).

    `check` is called between steps and may raise. Raises ImageRejected where the matte is empty.
    """
    grid = Grid.around(matte)
    balls = inflate.balls(grid.sample_matte(matte), check)
    outline = inflate.outline(balls)
    level = np.zeros_like(balls)
    picture = grid.sample_picture(rgba[..., :3], matte)
    shading = Shading.of(picture, outline)
    contrast, misfit = shading.contrast(), shading.misfit(_front(balls))
    check()

    found = fit.solid(rgba, matte, grid, check)
    if found is not None and (
        misfit > ROUND * contrast or shading.misfit(found.front) < BETTER * misfit or contrast < PLAIN
    ):
        middle, half = (found.front + found.back) / 2, (found.front - found.back) / 2
        return Relief(grid, outline, middle, half**2, found.name)
    check()

    contour, core = Contour(outline), Shading.of_core(picture, outline)
    flat = Relief(grid, outline, level, np.full_like(balls, slab.half_thickness(contour) ** 2), "flat")
    if core.evenness() > EVEN and core.contrast() < PLAIN:
        return flat
    if inflate.sameness(balls) > SAME:
        return Relief(grid, outline, level, balls, "round")

    evenness = shading.evenness()
    solids = [] if leaning.lies(contour, evenness) else revolution.revolutions(outline)
    swept = [(shading.misfit(_front(turned)), turned) for turned in solids]
    check()
    least, turned = min(swept, key=lambda pair: pair[0], default=(np.inf, balls))
    if least < min(REVOLVED * contrast, misfit):
        return Relief(grid, outline, level, turned, "revolution")

    if slab.rectangular(contour):
        return flat
    guess = leaning.expected(contour, evenness)
    if misfit < (LEVEL_ROUND if guess.tilt == 0 else ROUND) * contrast:
        return Relief(grid, outline, level, balls, "round")
    profile, squared = "round", balls
    if contour.straightness > BOXY:
        profile, squared = "soft_box", inflate.soft_boxes(balls)
    return Relief(grid, outline, guess.middle(outline), squared * np.float32(guess.depth**2), profile)


def _front(squared: Field) -> Field:
    return np.sqrt(np.maximum(squared, 0))
