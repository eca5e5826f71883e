"""Which solid is seen from where, and which half it belongs to: fixed by one seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

import numpy as np

from quality.solids import KINDS, Solid

SEED = 2025
"""Fixes the halves, the angles, the colours and the backgrounds. Changing it makes another bench."""

HIGHEST = 40.0
"""Views at an angle are from so many degrees above the ground at most."""

Half = Literal["tuning", "held-out"]

HALVES: tuple[Half, Half] = ("tuning", "held-out")


@dataclass(frozen=True)
class View:
    """From where a solid is seen, in degrees: around it to the right, and up."""

    name: str
    """Unique: the solid's name and `face` or `angle`."""

    azimuth: float
    elevation: float


def views(solid: Solid) -> Iterator[View]:
    """Face-on where the catalogue asks for it, and at an angle."""
    if solid.face_on:
        yield View(f"{solid.name}/face", 0.0, 0.0)
    name = f"{solid.name}/angle"
    rng = random(name, "view")
    yield View(name, float(rng.uniform(0, 360)), float(rng.uniform(0, HIGHEST)))


def halves(solids: list[Solid]) -> dict[str, Half]:
    """Each solid's half, by name: dealt out in turn, shuffled, class by class, those seen face-on first."""
    rng = np.random.default_rng(SEED)
    side: dict[str, Half] = {}
    for kind in KINDS:
        for face_on in (True, False):
            names = [solid.name for solid in solids if solid.kind == kind and solid.face_on == face_on]
            for name in rng.permutation(names):
                side[str(name)] = HALVES[len(side) % 2]
    return side


def random(case: str, what: str) -> np.random.Generator:
    """A case's own random numbers for each purpose: what is added later changes nothing that was there."""
    return np.random.default_rng([SEED, crc32(f"{case} {what}".encode())])
