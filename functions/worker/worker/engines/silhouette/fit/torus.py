"""Tori turned away from the viewer.

The ring's middle line is seen as an ellipse with semi-axes R and R s, s the sine of the tilt, and the
outline runs at the tube's radius r around it: half-extents A = R + r and B = R s + r. Where one can
look through, the hole's half-extent b = R s - r across gives the rest; where not, s is chosen by how
well outline and colours agree.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Floats
from worker.engines.silhouette.fit.candidate import FROM_BELOW, Candidate
from worker.engines.silhouette.fit.scene import Scene
from worker.engines.silhouette.grid import MARGIN

BALLS = 160
"""The tube is the union of so many balls."""

STRAY = 1.2
"""Cells by which the outline may miss the torus's on average."""

RATIOS = np.linspace(0.1, 0.8, 15)
"""Those that are tried where there is no hole to tell."""

LEAST_TUBE = 4.0
"""Cells."""

CLOSED = 0.12
"""The doubt about a torus whose hole can't be looked through: its outline is nearly an ellipse."""


def tori(scene: Scene, check: Callable[[], None]) -> Iterator[Candidate]:
    """The tori that have the outline, either way round."""
    check()
    if len(scene.contour) < 50:
        return
    centre, _, degrees = cv2.fitEllipse(scene.contour.astype(np.float32))
    angle = float(np.radians(degrees))  # the ellipse's first axis, its shorter one, is turned from the x axis
    turns = np.linspace(0, np.pi, 90)
    normals = np.stack([np.cos(turns + angle), np.sin(turns + angle)], 1)
    reach = ((scene.contour - np.array(centre)) @ normals.T).max(axis=0) + 0.5
    short, long = float(reach[0]), float(reach[len(turns) // 2])
    for ratio, ring in _rings(scene, np.array(centre), normals[0], short, long):
        tube = long - ring
        expected = ring * np.hypot(ratio * np.cos(turns), np.sin(turns)) + tube
        if tube < LEAST_TUBE or np.abs(expected - reach).mean() > STRAY:
            continue
        for half_turn in (np.pi / 2, -np.pi / 2):
            check()
            torus = Torus((centre[0], centre[1]), angle + half_turn, ring, tube, ratio)
            below = np.cos(torus.angle) < 0
            doubt = (0.0 if scene.holes else CLOSED) + (FROM_BELOW if below else 0.0)
            yield Candidate.judged(scene, "torus", partial(torus.depths, len(scene.cover)), doubt)


def _rings(
    scene: Scene, centre: Floats, across: Floats, short: float, long: float
) -> list[tuple[float, float]]:
    """Ratios and ring radii of tori with the outline's half-extents `short`, along `across`, and `long`."""
    if len(scene.holes) > 1 or short > 0.98 * long:
        return []
    if len(scene.holes):
        hole = float(np.abs((scene.holes[0] - centre) @ across).max()) - 0.5
        ring = long - (short - hole) / 2
        return [((short + hole) / 2 / ring, ring)]
    rings = (long - short) / (1 - RATIOS)
    closed = RATIOS * rings <= long - rings
    return list(zip(RATIOS[closed].tolist(), rings[closed].tolist(), strict=True))


@dataclass(frozen=True)
class Torus:
    """A ring whose upper half, seen along the picture's `angle`, lies farther away."""

    centre: tuple[float, float]
    """On the grid, (x, y)."""

    angle: float
    """Radians by which its axis is turned clockwise from straight up."""

    ring: float
    tube: float
    """Radii in cells."""

    ratio: float
    """Of the ellipse's semi-axes that the ring's middle line is seen as."""

    def depths(self, side: int, step: int) -> tuple[Field, Field, Field]:
        """Front, back and a field that is positive within the outline, over every `step`-th point of a
        square grid of `side` points a side. Beyond the outline front and back are the rim's.
        """
        count = (side - 1) // step + 1
        across, up, depth = self._middle_line() / step
        radius = self.tube / step
        reach = radius + MARGIN / step
        front = np.full((count, count), -np.inf, np.float32)
        back = -front
        within = front.copy()
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        centre_x, centre_y = self.centre[0] / step, self.centre[1] / step
        for u, v, z in zip(across, up, depth, strict=True):
            x, y = centre_x + u * cos + v * sin, centre_y + u * sin - v * cos
            left, top = max(0, int(x - reach)), max(0, int(y - reach))
            right, bottom = min(count, int(x + reach + 2)), min(count, int(y + reach + 2))
            part = np.s_[top:bottom, left:right]
            columns, rows = np.arange(left, right) - x, np.arange(top, bottom) - y
            square = (radius**2 - columns**2 - (rows**2)[:, None]).astype(np.float32)
            half = np.where(square > radius**2 - reach**2, np.sqrt(np.maximum(square, 0)), -np.inf)
            np.maximum(front[part], z + half, out=front[part])
            np.minimum(back[part], z - half, out=back[part])
            np.maximum(within[part], square, out=within[part])
        front, back = np.where(np.isfinite(front), (front, back), 0)
        front, back = np.where(within > 0, (front, back), (front + back) / 2)
        return front * step, back * step, within

    def _middle_line(self) -> Floats:
        """(3, BALLS): across and along the axis's picture, and depth, from the centre."""
        turn = np.linspace(0, 2 * np.pi, BALLS, endpoint=False)
        cos = np.sqrt(1 - self.ratio**2)
        line: Floats = self.ring * np.stack([np.cos(turn), self.ratio * np.sin(turn), -cos * np.sin(turn)])
        return line
