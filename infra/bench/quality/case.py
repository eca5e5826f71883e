"""The cases: every solid of the catalogue from an angle, some face-on too, in two halves fixed by seed."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal
from zlib import crc32

import numpy as np

from quality import baselines, render, voxels
from quality.arrays import Bytes, Voxels
from quality.pose import Posed, posed
from quality.solids import KINDS, Kind, Solid, catalogue
from quality.store import Store
from quality.trace import Camera

SEED = 2025
"""Fixes the halves, the angles, the colours and the backgrounds. Changing it makes another bench."""

HIGHEST = 40.0
"""Views at an angle are from so many degrees above the ground at most."""

SYMMETRIC = 0.98
"""A solid whose mirror image shares so much of its volume counts as the same in front as behind."""

OUT = Path(__file__).parents[3] / ".build" / "quality"

Half = Literal["tuning", "held-out"]


@dataclass(frozen=True)
class Case:
    """One solid from one side."""

    solid: Solid = field(repr=False)
    half: Half
    azimuth: float
    elevation: float
    """Degrees."""

    face_on: bool
    perspective: float
    store: Store = field(repr=False)

    @property
    def name(self) -> str:
        """Unique: the solid's name and `face` or `angle`."""
        return f"{self.solid.name}/{'face' if self.face_on else 'angle'}"

    @property
    def kind(self) -> Kind:
        """The class that it is counted in."""
        return self.solid.kind

    @cached_property
    def posed(self) -> Posed:
        """The solid in the product's frame."""
        return posed(self.solid.surface, self.azimuth, self.elevation)

    @cached_property
    def camera(self) -> Camera:
        """Takes the picture."""
        return render.camera(self.posed, self.random("camera"), self.perspective)

    @cached_property
    def truth(self) -> Voxels:
        """The solid on the grid of `voxels`."""
        kept = self.store.get(f"{self.name}.truth", lambda: {"inside": voxels.of_solid(self.posed)})
        return kept["inside"]

    @cached_property
    def symmetric_front_back(self) -> bool:
        """Whether the solid is its own mirror image about the picture plane."""
        return voxels.mirrored(self.truth) >= SYMMETRIC

    @cached_property
    def cut_out(self) -> Bytes:
        """The picture with alpha, RGBA (h, w, 4)."""
        name = f"{self.name}.cut-out{f'-{self.perspective:g}' if self.perspective else ''}"
        made = self.store.get(
            name,
            lambda: {"rgba": render.cut_out(self.posed, self.camera, render.paint(self.random("paint")))},
        )
        return made["rgba"]

    def render(self, background: str = "alpha") -> Bytes:
        """The picture before a background, RGBA uint8 (h, w, 4); `alpha`: before none."""
        if background != "alpha":
            raise ValueError(f"no background is called {background!r}")
        return self.cut_out

    @cached_property
    def baselines(self) -> dict[str, Voxels]:
        """What the baselines make of the alpha channel, by name."""
        name = f"{self.name}.baselines{f'-{self.perspective:g}' if self.perspective else ''}"
        return dict(self.store.get(name, lambda: baselines.solids(self.cut_out[..., 3])))

    def random(self, what: str) -> np.random.Generator:
        """Its own random numbers for each purpose: what is added later changes nothing that was there."""
        return np.random.default_rng([SEED, crc32(f"{self.name} {what}".encode())])


def cases(half: str = "all", *, perspective: float = 0.0, out: Path = OUT) -> list[Case]:
    """The cases of a half, `tuning` or `held-out`, or all.

    `perspective` is one over the viewer's distance, in half-extents of the solid; 0 is orthographic.
    Both views of a solid are in the same half.
    """
    if half not in ("tuning", "held-out", "all"):
        raise ValueError(f"no half is called {half!r}")
    store = Store(out / ".cache")
    return [
        case
        for solid, side in _halves(catalogue())
        if half in (side, "all")
        for case in _views(Case(solid, side, 0.0, 0.0, True, perspective, store))
    ]


def _views(front: Case) -> Iterator[Case]:
    if front.solid.face_on:
        yield front
    angle = replace(front, face_on=False)
    rng = angle.random("view")
    yield replace(angle, azimuth=float(rng.uniform(0, 360)), elevation=float(rng.uniform(0, HIGHEST)))


def _halves(solids: list[Solid]) -> Iterator[tuple[Solid, Half]]:
    """Deals the solids of each class out in turn, shuffled, those that are seen face-on first."""
    rng = np.random.default_rng(SEED)
    halves: tuple[Half, Half] = ("tuning", "held-out")
    side: dict[str, Half] = {}
    dealt = 0
    for kind in KINDS:
        for face_on in (True, False):
            names = [solid.name for solid in solids if solid.kind == kind and solid.face_on == face_on]
            for name in rng.permutation(names):
                side[str(name)] = halves[dealt % 2]
                dealt += 1
    for solid in solids:
        yield solid, side[solid.name]
