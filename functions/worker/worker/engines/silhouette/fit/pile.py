"""A solid of revolution as a pile of discs about an axis that is tilted towards the viewer.

Each disc is seen as an ellipse across the axis; all have the same ratio s of their semi-axes, the sine
of the tilt. A disc of radius r about the height v0 covers u² <= r² - ((v - v0) / s)² of the picture, u
across the axis and v along it: together they are the dilation of r² by a parabola, and the largest
discs within an outline of half-width W(v) are the erosion of W². Such a pile's upper end is towards
the viewer: from the front one sees the highest of the discs that cover a point, from behind the lowest.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from worker.engines.silhouette.arrays import Field, Floats
from worker.engines.silhouette.fit.symmetry import Axis

APART = 4.0
"""Cells between discs from which on one may hide the other."""

Ends = tuple[float | None, float | None]
"""The heights of the discs that close it below and above; None where it tapers off."""


@dataclass(frozen=True)
class Pile:
    """Heights count cells of the picture, up from its middle; a disc at v is v / cos(tilt) along the axis."""

    axis: Axis
    ratio: float
    heights: Floats
    """(n,) of the discs' centres, ascending."""

    squares: Floats
    """(n,) of the discs' radii."""

    @classmethod
    def within(cls, axis: Axis, ratio: float, heights: Floats, width: Floats, ends: Ends) -> "Pile":
        """The discs that cover the outline of half-`width` at `heights`, which ascend by 1."""
        # The outline's very ends lie half a row beyond its last rows.
        walls = np.concatenate([[heights[0] - 0.5], heights, [heights[-1] + 0.5]])
        squares = np.concatenate([[0], width**2, [0]])
        centres = np.arange(heights[0], heights[-1] + 0.5)
        radii = np.sqrt((squares + ((walls - centres[:, None]) / ratio) ** 2).min(axis=1))
        return cls(axis, ratio, *_without_hidden(centres, radii, ratio, ends))

    def half_width(self, heights: Floats) -> Floats:
        """That of the outline at `heights`."""
        half: Floats = np.sqrt(np.maximum(self._cover(heights).max(axis=1), 0))
        return half

    def cavity(self, wall: float) -> "Pile | None":
        """What a vessel of this form and a wall of so many cells holds, None where that is nothing."""
        radii = np.sqrt(np.maximum(self.squares, 0)) - wall
        hollow = (radii > 0) & (self.heights > self.heights[0] + wall * np.sqrt(1 - self.ratio**2))
        if not hollow[-1]:
            return None
        return replace(self, heights=self.heights[hollow], squares=radii[hollow] ** 2)

    def depths(self, side: int, step: int) -> tuple[Field, Field, Field]:
        """Front, back and a field that is positive within the outline, over every `step`-th point of a
        square grid of `side` points a side. Beyond the outline front and back are the rim's.
        """
        rows, across = self._points(side, step)
        cover = self._cover(rows)
        front = self._first(rows, across, cover[:, ::-1], self.heights[::-1])
        back = self._first(rows, across, cover, self.heights)
        within = cover.max(axis=1)[:, None] - across
        front, back = np.where(within > 0, (front, back), (front + back) / 2)
        place = partial(self._placed, side=side, step=step)
        return place(front), place(back), place(within)

    def opening(self, side: int, step: int) -> Field:
        """Positive within the upper end's disc, over the points of `depths`."""
        rows, across = self._points(side, step)
        return self._placed(self._cover(rows)[:, -1:] - across, side, step)

    def _points(self, side: int, step: int) -> tuple[Floats, Floats]:
        """Heights and u² of the right half of the upright picture's points."""
        half = (self.axis.span(side) - 1) // 2
        return np.arange(half, -half - 1, -step), np.arange(0, half + 1, step) ** 2

    def _cover(self, rows: Floats) -> Floats:
        """(rows, discs): the u² up to which each disc reaches at each height, negative where it does not."""
        cover: Floats = self.squares - ((rows[:, None] - self.heights) / self.ratio) ** 2
        return cover

    def _first(self, rows: Floats, across: Floats, cover: Floats, heights: Floats) -> Field:
        """The depth of the first disc, in the order given, that reaches as far as u² = `across`."""
        cos = np.sqrt(1 - self.ratio**2)
        depth = np.empty((len(rows), len(across)), np.float32)
        reach = np.maximum.accumulate(cover, axis=1)
        for number, row in enumerate(rows):
            most = reach[number, -1]
            covered = np.minimum(across, most - 1e-6 * abs(most) - 1e-6)
            depth[number] = np.interp(covered, reach[number], heights) / cos - row * cos
        return depth / np.float32(self.ratio)

    def _placed(self, half: Field, side: int, step: int) -> Field:
        """The right half of an upright field, mirrored to its left and turned to where the axis lies."""
        whole = np.hstack([half[:, :0:-1], half]).astype(np.float32)
        return self.axis.turned_back(whole, side, step)


def _without_hidden(heights: Floats, radii: Floats, ratio: float, ends: Ends) -> tuple[Floats, Floats]:
    """Heights and squared radii of a pile's discs, those that the outline does not show replaced.

    A disc within another's ellipse adds nothing to the outline. Where such ones lie between others,
    the solid is there as narrow as its narrower neighbour: a goblet's foot is flat. At an end that
    is no disc the last that shows goes over into a paraboloid, with a common tangent.
    """
    apart = np.abs(heights[:, None] - heights)
    within = radii - np.where(apart < APART, np.inf, apart / ratio)
    shown = (within.max(axis=1) < radii - 0.15) & (radii > 0.5)
    for end, beyond in zip(ends, (np.less, np.greater), strict=True):
        if end is not None:
            shown &= ~beyond(heights, end)
            shown[np.abs(heights - end).argmin()] = True
    visible = np.nonzero(shown)[0] if shown.any() else np.array([int(radii.argmax())])
    at = np.arange(visible[0], visible[-1] + 1)
    before = visible[np.searchsorted(visible, at, side="right") - 1]
    after = visible[np.searchsorted(visible, at, side="left")]
    narrow = np.minimum(np.minimum(radii[before], radii[after]), radii[at])
    pieces = [(heights[at], narrow**2)]
    if ends[0] is None:
        up, squares = _dome(radii[at[0]], ratio)
        pieces.insert(0, (heights[at[0]] - up[::-1], squares[::-1]))
    if ends[1] is None:
        up, squares = _dome(radii[at[-1]], ratio)
        pieces.append((heights[at[-1]] + up, squares))
    return np.concatenate([piece[0] for piece in pieces]), np.concatenate([piece[1] for piece in pieces])


def _dome(radius: float, ratio: float) -> tuple[Floats, Floats]:
    """A paraboloid on a disc, heights above it and squared radii, as high as it can be without showing."""
    length = radius * ratio / 2
    up = np.arange(1.0, length)
    return up, radius**2 * (1 - up / max(length, 1e-9))
