"""Prisms seen at an angle: stars, letters, gears, steps, houses, boards, whatever is cut from a plate.

The outline is what the front face's picture sweeps along the edges' common picture d: along d each of
its chords is at least |d| long. So d's direction is the one in which the outline has long chords only,
|d| the shortest of them, and the face is the outline without its last |d|. How much the face is turned
away no outline says; see `tilt` for what is assumed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Field, Mask
from worker.engines.silhouette.fit.candidate import Candidate
from worker.engines.silhouette.fit.scene import STEP, Scene
from worker.engines.silhouette.fit.symmetry import Axis
from worker.engines.silhouette.fit.tilt import likeliest

TURN = 2
"""Degrees between the directions that are tried."""

APART = 8
"""Degrees between directions that are looked into."""

SHORT = 0.004
"""The share of the outline that may lie in chords shorter than |d|."""

ASSUMED = 0.15
"""The doubt about a prism: nearly every outline is one's of some small thickness."""

LEAST_SWEEP = 0.06
"""Of |d|, in the outline's longer side: less is a plate seen face-on."""

LEAST_FACE = 0.08
"""The share of the outline that the visible face has at least, and that the sides have."""

MOST_DIRECTIONS, LONGEST, MOST_WAYS = 8, 3, 4
"""So many directions are looked into; tried are both ends of the longest, and so many of the others."""


@dataclass(frozen=True)
class Prism:
    """A plate whose visible face is swept away from the viewer.

    The picture is turned about `axis` so that the sweep goes straight down: the face looks up and at
    the viewer, its normal is (0, sin(tilt), cos(tilt)).
    """

    axis: Axis
    face: Field
    """The visible face in the turned picture, soft, 0..1."""

    sweep: float
    """|d|: how far its farther copy lies below, in cells."""

    tilt: float

    def depths(self, side: int, step: int) -> tuple[Field, Field, Field]:
        """Front, back and a field that is positive within the outline, over every `step`-th point of a
        square grid of `side` points a side. Beyond the outline front and back are the rim's.
        """
        face = np.ascontiguousarray(self.face[::step, ::step]) - np.float32(0.5)
        sweep = self.sweep / step
        rows = np.arange(len(face), dtype=np.float32)[:, None]
        # From the front one sees the lowest of the face's points above, from behind the highest, of
        # those from which the sweep gets there.
        lowest = _lowest_edge(face)
        highest = len(face) - 1 - _lowest_edge(face[::-1])[::-1]
        first = np.clip(rows - lowest, 0, sweep)
        start = np.clip(rows - sweep, 0, None)
        last = np.clip(
            rows - np.take_along_axis(highest, np.rint(start).astype(np.intp), axis=0), first, sweep
        )
        kernel = np.ones((int(sweep) + 1, 1), np.uint8)
        within = cv2.dilate(face, kernel, anchor=(0, len(kernel) - 1))

        first, last = _continued(np.stack([first, last], -1), within > 0)

        # A point of the face at the row y lies y tan(tilt) towards the viewer; from there the sweep
        # goes down by sin(tilt) and away by cos(tilt).
        tan = np.tan(self.tilt)
        front, back = (
            (step * ((rows - moved) * tan - moved / tan)).astype(np.float32) for moved in (first, last)
        )
        front, back = np.where(within > 0, (front, back), (front + back) / 2)
        front, back, within = (self.axis.turned_back(field, side, step) for field in (front, back, within))
        return front, back, within


def _lowest_edge(face: Field) -> Field:
    """For each point the row at which the part of the face ends that is nearest above it or around it.

    Within the face that is the point itself, where there is none above it its own row too.
    """
    rows = np.arange(len(face), dtype=np.float32)[:, None]
    below = np.vstack([face[1:], np.full_like(face[:1], -1)])
    inside = face > 0
    edge = rows + np.where(inside & (below <= 0), face / np.maximum(face - below, 1e-6), 0)
    at = np.where(inside, rows, -1).astype(np.intp)
    nearest = np.maximum.accumulate(at, axis=0)
    lowest = np.take_along_axis(edge, np.maximum(nearest, 0), axis=0)
    return np.where(nearest >= 0, np.minimum(lowest, rows), rows).astype(np.float32)


def _continued(depths: Field, known: Mask) -> tuple[Field, Field]:
    """Of two depths (rows, columns, 2) each unknown one gets the value of the nearest point that is known."""
    if not known.any():
        return depths[..., 0], depths[..., 1]
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros((int(labels.max()) + 1, 2), np.float32)
    values[labels[known]] = depths[known]
    return values[labels][..., 0], values[labels][..., 1]


def prisms(scene: Scene, check: Callable[[], None]) -> Iterator[Candidate]:
    """The likeliest prisms that have the outline."""
    side = len(scene.cover)
    middle = ((side - 1) / 2, (side - 1) / 2)
    check()
    for coarse in _ways(scene):
        check()
        angle, sweep = _refined(scene.cover, coarse)
        axis = Axis(middle, angle)
        upright = axis.upright(scene.cover)
        face = np.minimum(upright, _shifted(upright, 0, -sweep))
        if (face > 0.5).any():
            prism = Prism(axis, face, sweep, likeliest(face > 0.5, angle))
            yield Candidate.judged(scene, "prism", partial(prism.depths, side), ASSUMED)


def _ways(scene: Scene) -> list[float]:
    """Where the visible face may look, radians clockwise from straight up: the directions of the longest
    chords, and of others those whose face stands out most from the sides.
    """
    small = np.ascontiguousarray(scene.cover[::STEP, ::STEP])
    middle = ((len(small) - 1) / 2, (len(small) - 1) / 2)
    angles = np.radians(np.arange(0, 180, TURN))
    chords = np.array([_shortest_chord(Axis(middle, float(angle)).upright(small)) for angle in angles])
    longest: list[int] = []
    for at in np.argsort(-chords):
        apart = [min(abs(at - other), len(chords) - abs(at - other)) for other in longest]
        if chords[at] > LEAST_SWEEP * len(small) and min(apart, default=len(chords)) * TURN >= APART:
            longest.append(int(at))
    ways = []
    for angle, chord in ((float(angles[at]), chords[at]) for at in longest[:MOST_DIRECTIONS]):
        for turned in (angle, angle + np.pi):
            back = _shifted(small, chord * np.sin(turned), -chord * np.cos(turned))
            ways.append((_contrast(scene, (np.minimum(small, back) > 0.5) & scene.seen), turned))
    clearest = sorted(ways[2 * LONGEST :], reverse=True)[:MOST_WAYS]
    return [turned for contrast, turned in ways[: 2 * LONGEST] + clearest if contrast > 0]


def _contrast(scene: Scene, face: Mask) -> float:
    """How unlike the colours of a face and of the rest are on average, 0 where there is hardly a face."""
    share = float(face.sum() / max(scene.seen.sum(), 1))
    if not LEAST_FACE < share < 1 - LEAST_FACE:
        return 0.0
    apart = scene.colours[face].mean(axis=0) - scene.colours[scene.seen & ~face].mean(axis=0)
    return share * (1 - share) * float((apart**2).sum())


def _refined(cover: Field, angle: float) -> tuple[float, float]:
    """Halves the steps about an angle, at half of the grid's resolution."""
    half = np.ascontiguousarray(cover[::2, ::2])
    middle = ((len(half) - 1) / 2, (len(half) - 1) / 2)

    def value(angle: float) -> float:
        return _shortest_chord(Axis(middle, angle).upright(half))

    best, step = value(angle), np.radians(TURN) / 2
    while step > np.radians(0.2):
        better = max((value(angle + turn), angle + turn) for turn in (-step, step))
        if better[0] > best:
            best, angle = better
        step /= 2
    return angle, 2 * best


def _shortest_chord(upright: Field) -> float:
    """The length in rows that hardly a vertical chord falls short of."""
    inside = np.pad(upright > 0.5, ((1, 1), (0, 0))).astype(np.int8)
    change = np.diff(inside, axis=0).T
    lengths = np.nonzero(change < 0)[1] - np.nonzero(change > 0)[1]
    if len(lengths) == 0:
        return 0.0
    lengths = np.sort(lengths)
    short = int(np.searchsorted(np.cumsum(lengths), SHORT * lengths.sum()))
    return float(lengths[min(short, len(lengths) - 1)])


def _shifted(field: Field, right: float, down: float) -> Field:
    """The field moved, linear in between; 0 comes in."""
    affine = np.array([[1, 0, right], [0, 1, down]], np.float64)
    return cv2.warpAffine(field, affine, field.shape, flags=cv2.INTER_LINEAR)
