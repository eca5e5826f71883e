"""What the picture's shading says of the surface, whatever its colours and lights.

A matt surface under one distant light and an even one from around shines by its albedo times
a + max(0, l·n). Albedo is taken to be a function of chromaticity along its principal axis, which holds
for what is of one colour, or striped or mottled in two; l and a are whatever fits best.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Bytes, Field, Floats, Indices, Mask

STEP = 4
"""Every so many-th grid point of each row and column is looked at."""

RIM, CORE = 3.0, 16.0
"""Cells from the outline within which colours are mixed with the background's, and edges are rounded."""

LEAST_CORE = 0.25
"""The least share of the object that its core must be, so that it tells of the whole."""

COLOURED = 0.012
"""Chromaticities that spread by less, as a standard deviation, are one colour's."""

COLOURS = 32
"""So many intervals of chromaticity have an albedo of their own."""

DARKEST = 0.05
"""Where red, green and blue (0..1) sum to less, chromaticity is noise."""

ROUNDS = 4
"""Of fitting the light, the albedos and what is turned away from the light, in turn."""

LEAST = 50
"""Points that must be seen for anything to be said."""


@dataclass(frozen=True)
class Shading:
    """Brightness at the points of the grid that are surely the object's."""

    seen: Mask
    """Which of every STEP-th grid point these k points are."""

    brightness: Floats
    """(k,), its mean 1."""

    colour: Indices
    """(k,): numbers of their intervals of chromaticity."""

    @classmethod
    def of(cls, picture: Bytes, outline: Field, rim: float = RIM) -> "Shading":
        """Of a picture (rows, columns, 3) at the points of the grid, farther in than `rim` cells from the
        outline, which is given by its signed distance.
        """
        rgb = cv2.blur(picture.astype(np.float32) / 255, (STEP, STEP))[::STEP, ::STEP]
        seen = outline[::STEP, ::STEP] > rim
        rgb = rgb[seen].astype(np.float64)
        total = rgb.sum(axis=1)
        if len(total) < LEAST or total.mean() < DARKEST:
            return cls(np.zeros_like(seen), np.empty(0), np.empty(0, np.int64))
        chroma = rgb / np.maximum(total, DARKEST)[:, None]
        chroma -= chroma.mean(axis=0)
        _, axes = np.linalg.eigh(chroma.T @ chroma)
        along = chroma @ axes[:, -1]
        colour = np.zeros(len(total), np.int64)
        if along.std() > COLOURED:
            limits = np.unique(np.quantile(along, np.linspace(0, 1, COLOURS + 1)[1:-1]))
            colour = np.searchsorted(limits, along)
        return cls(seen, total / total.mean(), colour)

    @classmethod
    def of_core(cls, picture: Bytes, outline: Field) -> "Shading":
        """Of what is far from the outline, where there is much of that, else of all."""
        core, whole = cls.of(picture, outline, CORE), cls.of(picture, outline)
        return core if core.seen.sum() > LEAST_CORE * whole.seen.sum() else whole

    @property
    def enough(self) -> bool:
        """Whether anything is seen at all."""
        return len(self.brightness) > 0

    def evenness(self, tolerance: float = 0.04) -> float:
        """The share of the object that is as bright as most of it, within `tolerance`, albedo aside."""
        if not self.enough:
            return 0.0
        albedo = np.array(
            [np.median(self.brightness[self.colour == number]) for number in range(self.colour.max() + 1)]
        )
        relative = self.brightness / np.maximum(albedo[self.colour], 1e-6)
        return float((np.abs(relative - np.median(relative)) < tolerance).mean())

    def contrast(self) -> float:
        """The brightness's standard deviation, albedo aside."""
        if not self.enough:
            return 0.0
        count = np.maximum(np.bincount(self.colour), 1)
        albedo = np.bincount(self.colour, self.brightness) / count
        return float(np.sqrt(np.mean((self.brightness - albedo[self.colour]) ** 2)))

    def misfit(self, front: Field) -> float:
        """What a surface at depths `front`, in cells over the grid, leaves unexplained of the brightness, as
        a standard deviation; 0 where nothing is seen.
        """
        if not self.enough:
            return 0.0
        down, right = (slope[self.seen] for slope in np.gradient(front[::STEP, ::STEP], STEP))
        normals = np.column_stack([-right, down, np.ones(len(right))])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)

        count = np.maximum(np.bincount(self.colour), 1)
        albedo = np.bincount(self.colour, self.brightness) / count
        lit = np.ones(len(normals), np.bool_)
        shone = np.ones(len(normals))
        for _ in range(ROUNDS):
            basis = (
                np.column_stack([np.ones(len(normals)), normals * lit[:, None]]) * albedo[self.colour, None]
            )
            gram = basis.T @ basis + 1e-6 * len(basis) * np.eye(4)
            ambient, *light = np.linalg.solve(gram, basis.T @ self.brightness)
            facing = normals @ np.array(light)
            lit = facing > 0
            shone = max(float(ambient), 0.02) + np.maximum(facing, 0)
            weight = np.maximum(np.bincount(self.colour, shone**2), 1e-9)
            albedo = np.bincount(self.colour, self.brightness * shone) / weight
        return float(np.sqrt(np.mean((self.brightness - albedo[self.colour] * shone) ** 2)))
