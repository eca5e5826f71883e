"""Solids of revolution whose axis is tilted towards the viewer: cylinders, cones, cups, bottles, plates.

The tilt shows where such a solid ends in a disc, a cup's brim or a can's foot: with W(v) the outline's
half-width at a height v along the axis, W² is there an exact parabola of curvature -1/s² (see `pile`),
from the tip on to about the disc's centre. Given the tilt, any profile follows from the outline.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from worker.engines.silhouette.arrays import Field, Floats
from worker.engines.silhouette.fit.candidate import FROM_BELOW, Candidate, Depths
from worker.engines.silhouette.fit.pile import Ends, Pile
from worker.engines.silhouette.fit.scene import Scene
from worker.engines.silhouette.fit.symmetry import Axis, axes

LEAST_RATIO, MOST_RATIO = 0.1, 0.85
"""Less tilt changes little; what looks like more is a ball's end."""

WHOLE_ELLIPSE = 1.75
"""A parabola that goes on for this many times its half is an ellipse: nobody knows of what."""

LOOSE = 1.2
"""Pixels of the matte by which an end's outline may miss its parabola."""

SYMMETRIC = 0.96
"""The least symmetry of an outline about the axis."""

MOST_AXES = 3

CHOSEN = 0.03
"""The doubt that a wall's thickness brings, for it is chosen by the colours."""

WALLS = (0.05, 0.12, 0.2)
"""A vessel's wall may be so thick, in radii of its brim."""

STRAY = 3.0
"""Pixels of the matte by which the outline may miss the pile of discs."""

LESS = (1.0, 0.95, 0.9, 0.85)
"""What goes on beyond an end may look like more of its ellipse, which then seems rounder than it is."""

TIP = 16
"""Pixels of the matte within which an end must look like an ellipse's."""


@dataclass(frozen=True)
class End:
    """A disc that closes the solid, as the outline shows it."""

    ratio: float
    """Of the ellipse's semi-axes: the sine of the tilt."""

    radius: float
    """Cells."""

    reach: float
    """How far the outline follows the ellipse, 1 is up to its centre, 2 all of it."""


def revolutions(scene: Scene, check: Callable[[], None]) -> Iterator[Candidate]:
    """Every solid of revolution that the outline allows, massive or a vessel, from either end."""
    side = len(scene.cover)
    for axis in axes(scene.cover, least=SYMMETRIC, most=MOST_AXES):
        check()
        heights, width = _outline(axis.upright(scene.cover))
        tilt = _tilt(heights, width, scene.grain)
        if tilt is None:
            continue
        ratio, (low, high) = tilt
        below, above = None if low is None else -low, None if high is None else -high
        ways = [
            (Pile.within(axis, ratio, heights, width, (low, high)), high is not None),
            (
                Pile.within(axis.reversed(), ratio, -heights[::-1], width[::-1], (above, below)),
                low is not None,
            ),
        ]
        for pile, closed in sorted(ways, key=lambda way: -np.cos(way[0].axis.angle)):
            check()
            doubt = FROM_BELOW if np.cos(pile.axis.angle) < 0 else 0.0
            depths = lru_cache(maxsize=1)(partial(pile.depths, side))
            yield Candidate.judged(scene, "revolution", depths, doubt)
            for wall in WALLS if closed else ():
                cavity = pile.cavity(wall * float(np.sqrt(pile.squares[-1])))
                if cavity is not None:
                    yield Candidate.judged(
                        scene, "vessel", partial(_vessel, depths, cavity, side), doubt + CHOSEN
                    )


def _vessel(outside: Depths, cavity: Pile, side: int, step: int) -> tuple[Field, Field, Field]:
    """As `Pile.depths`: through the opening one sees the cavity's farther side."""
    front, back, within = outside(step)
    _, bottom, _ = cavity.depths(side, step)
    front = np.where(cavity.opening(side, step) > 0, np.maximum(bottom, back), front)
    return front, back, within


def _outline(upright: Field) -> tuple[Floats, Floats]:
    """Heights above the middle, ascending, and the half-width of what is covered at each."""
    width = upright.sum(axis=1, dtype=np.float64)[::-1] / 2
    heights = np.arange(len(width)) - (len(width) - 1) / 2
    covered = np.nonzero(width > 0.5)[0]
    inner = slice(int(covered[0]), int(covered[-1]) + 1)
    return heights[inner], width[inner]


def _tilt(heights: Floats, width: Floats, grain: float) -> tuple[float, Ends] | None:
    """The ratio of a pile that covers the outline and ends in a disc, and where it does so, or None."""
    lower, upper = _end(width, grain), _end(width[::-1], grain)
    for end in sorted((end for end in (lower, upper) if end is not None), key=lambda end: -end.radius):
        if not LEAST_RATIO <= end.ratio <= MOST_RATIO or end.reach > WHOLE_ELLIPSE:
            continue
        for ratio in end.ratio * np.array(LESS):
            low = heights[0] - 0.5 + ratio * lower.radius if lower and lower.ratio < 1.2 * ratio else None
            high = heights[-1] + 0.5 - ratio * upper.radius if upper and upper.ratio < 1.2 * ratio else None
            pile = Pile.within(Axis((0, 0), 0), ratio, heights, width, (low, high))
            missed = np.abs(width**2 - pile.half_width(heights) ** 2) / _steepness(width)
            if np.percentile(missed, 95) < STRAY * grain:
                return float(ratio), (low, high)
    return None


def _end(width: Floats, grain: float) -> End | None:
    """The disc that the outline ends in, by its half-widths a row from the tip on, or None."""
    squared = width**2
    rows = np.arange(len(width)) + 0.5
    steepness = _steepness(width)
    loose = LOOSE * grain
    found, last = None, 5 + int(2 * grain)
    while last <= len(width):
        part = slice(1, last)
        basis = np.stack([np.ones(last - 1), rows[part], rows[part] ** 2], 1) / steepness[part, None]
        target = squared[part] / steepness[part]
        weights, *_ = np.linalg.lstsq(basis, target, rcond=None)
        miss = np.abs(basis @ weights - target)
        if np.sqrt((miss**2).mean()) <= loose / 3 and miss.max() <= loose:
            found, reach = weights, last
        elif found is not None or last > TIP * grain:
            break
        last = max(last + 1, int(1.04 * last))
    if found is None or found[2] >= 0:
        return None
    ratio = float(np.sqrt(-1 / found[2]))
    centre = -found[1] / (2 * found[2])
    radius = float(np.sqrt(max(found[0] - found[1] ** 2 / (4 * found[2]), 0)))
    # The ellipse must begin where the outline does: a rounded corner's would begin far outside.
    if radius < 4 or centre <= 0 or abs(centre - ratio * radius) > max(2 * loose, 0.1 * centre):
        return None
    return End(ratio=ratio, radius=radius, reach=float(reach / centre))


def _steepness(width: Floats) -> Floats:
    """By how much W² changes per cell across the outline, which runs along the rows at its ends."""
    squared = width**2
    at = np.arange(len(width))
    before, after = np.maximum(at - 3, 0), np.minimum(at + 3, len(width) - 1)
    along = (squared[after] - squared[before]) / (after - before)
    steepness: Floats = np.hypot(2 * np.maximum(width, 1), along)
    return steepness
