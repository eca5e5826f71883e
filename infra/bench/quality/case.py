"""The cases: every solid of the catalogue from an angle, some face-on too."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from quality import backgrounds, baselines, maps, render, samples, split, voxels
from quality.arrays import Bytes, Floats, Voxels
from quality.pose import Posed, posed
from quality.rays import Camera
from quality.solids import Kind, Solid, catalogue
from quality.split import Half, View
from quality.store import Store

OUT = Path(__file__).parents[3] / ".build" / "quality"

SYMMETRIC = 0.98
"""A solid whose mirror image shares so much of its volume counts as the same in front as behind."""

SURFACE = ("solids/*", "polygon", "sdf", "pose", "split")
TRUTH = (*SURFACE, "voxels")
PICTURE = (*SURFACE, "rays", "render")
BASELINES = (*PICTURE, "voxels", "baselines")
POINTS = (*SURFACE, "samples")
MAPS = (*SURFACE, "rays", "maps")
"""The modules that what is kept depends on."""


@dataclass(frozen=True)
class Case:
    """One solid from one side."""

    solid: Solid = field(repr=False)
    half: Half
    view: View
    perspective: float
    """One over the viewer's distance, in half-extents of the solid; 0 is orthographic."""

    store: Store = field(repr=False)

    @property
    def name(self) -> str:
        """Unique: the solid's name and `face` or `angle`."""
        return self.view.name

    @property
    def kind(self) -> Kind:
        """The class that it is counted in."""
        return self.solid.kind

    @property
    def face_on(self) -> bool:
        """Whether the solid faces the viewer."""
        return self.view.azimuth == self.view.elevation == 0

    @cached_property
    def posed(self) -> Posed:
        """The solid in the product's frame."""
        return posed(self.solid.surface, self.view.azimuth, self.view.elevation)

    @cached_property
    def camera(self) -> Camera:
        """Takes the picture."""
        return render.camera(self.posed, split.random(self.name, "camera"), self.perspective)

    @cached_property
    def truth(self) -> Voxels:
        """The solid on the grid of `voxels`."""
        name = f"{self.name}.truth"
        return self.store.get(name, TRUTH, lambda: {"inside": voxels.of_solid(self.posed)})["inside"]

    @cached_property
    def symmetric_front_back(self) -> bool:
        """Whether the solid is its own mirror image about the picture plane."""
        return voxels.mirrored(self.truth) >= SYMMETRIC

    @cached_property
    def cut_out(self) -> Bytes:
        """The picture with alpha, RGBA (h, w, 4)."""
        paint = render.paint(split.random(self.name, "paint"))
        kept = self.store.get(
            f"{self.name}.cut-out{self.lens}",
            PICTURE,
            lambda: {"rgba": render.cut_out(self.posed, self.camera, paint)},
        )
        return kept["rgba"]

    def render(self, background: str = "alpha") -> Bytes:
        """The picture, RGBA uint8 (h, w, 4): cut out (`alpha`), or before one of `backgrounds.KINDS`."""
        if background == "alpha":
            return self.cut_out
        light = render.paint(split.random(self.name, "paint")).light
        return backgrounds.put_before(self.cut_out, background, light, split.random(self.name, background))

    @cached_property
    def baselines(self) -> dict[str, Voxels]:
        """What the baselines make of the alpha channel, by name."""
        name = f"{self.name}.baselines{self.lens}"
        return dict(self.store.get(name, BASELINES, lambda: baselines.solids(self.cut_out[..., 3])))

    @cached_property
    def points(self) -> Floats:
        """Points spread evenly over the surface, (n, 3)."""
        rng = split.random(self.name, "samples")
        made = self.store.get(
            f"{self.name}.points", POINTS, lambda: {"points": samples.of_solid(self.posed, rng)}
        )
        return made["points"]

    @cached_property
    def maps(self) -> Bytes:
        """The six coordinate maps, see `quality.maps`."""
        return self.store.get(f"{self.name}.maps", MAPS, lambda: {"maps": maps.of_solid(self.posed)})["maps"]

    @property
    def lens(self) -> str:
        """Ends the names of what is kept and depends on the camera."""
        return f"-{self.perspective:g}" if self.perspective else ""


def cases(half: str = "all", *, perspective: float = 0.0, out: Path = OUT) -> list[Case]:
    """The cases of a half, `tuning` or `held-out`, or all; both views of a solid are in the same half.

    What is computed is kept in the folder `out`.
    """
    if half not in (*split.HALVES, "all"):
        raise ValueError(f"no half is called {half!r}")
    store = Store(out / ".cache")
    solids = catalogue()
    sides = split.halves(solids)
    return [
        Case(solid, sides[solid.name], view, perspective, store)
        for solid in solids
        if half in (sides[solid.name], "all")
        for view in split.views(solid)
    ]
