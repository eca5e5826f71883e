"""The engine `silhouette`: a solid from one picture's outline, on the CPU, without weights or network.

It cuts the object out (matte), gives it depth (depth), meshes it closed (mesh), paints it with the
picture (texture), draws the six views (views), writes the model's files (formats), takes two pictures of
it (thumbnail, turntable) and says how good it is (report). The same picture always gives the same bytes,
but for the seconds in the report.
"""

import time
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path

from worker import picture
from worker.engine import Cancelled, ImageRejected, JobCancelled, OnStage
from worker.engines.silhouette import depth, matte, mesh, report, thumbnail, turntable, views
from worker.engines.silhouette.formats import ON_REQUEST, glb, obj
from worker.engines.silhouette.images import png
from worker.engines.silhouette.model import STEM, Model
from worker.engines.silhouette.studio import Studio

VERSION = "2"
"""Raised whenever the same picture gives another model."""

PICTURE_SIDE = 2048
"""Larger pictures are reduced to this longer side: the atlas shows no more."""

STAGES = {
    "read": 0.0,
    "matte": 0.01,
    "depth": 0.24,
    "mesh": 0.36,
    "texture": 0.44,
    "views": 0.49,
    "pack": 0.55,
    "thumbnail": 0.58,
    "turntable": 0.62,
    "report": 0.98,
}
"""Each stage with the share of the work done at its begin, measured on a picture of a megapixel."""


class Silhouette:
    """The engine, see `worker.engine.Engine`.

    `faces` is the most triangles a model may have; `preview` adds the result preview.png, for people who
    work on the engine.
    """

    name = "silhouette"
    stages = tuple(STAGES)

    def __init__(self, *, faces: int, preview: bool = False) -> None:
        self._faces = faces
        self._preview = preview

    def reconstruct(
        self, image: Path, out: Path, on_stage: OnStage, cancelled: Cancelled, formats: Collection[str] = ()
    ) -> Iterator[Path]:
        """Yields pixel_images.png, xyz_images.png, output3d.zip, model.glb, the model in each of the
        `formats`, thumbnail.png, turntable.webp and report.json, each once it is written.
        """
        progress = _Progress(on_stage, cancelled)
        check = progress.check
        progress.enter("read")
        try:
            rgba = picture.read(image, PICTURE_SIDE)
        except (picture.UnknownType, picture.Undecodable, picture.TooManyPixels) as error:
            raise ImageRejected(f"The picture can't be read: {error}.") from error
        progress.enter("matte")
        cut = matte.cut_out(rgba, check)
        alpha = cut.alpha
        progress.enter("depth")
        solid = depth.estimate(rgba, alpha, check)
        progress.enter("mesh")
        surface = mesh.build(solid, self._faces, check)
        progress.enter("texture")
        model = Model.painted(surface, rgba, alpha)
        progress.enter("views")
        colours = views.strip(lambda view: views.colours(surface, model.texture, view), check)
        yield _write(out / "pixel_images.png", png(colours))
        coordinates = views.strip(lambda view: views.coordinates(surface, view), check)
        yield _write(out / "xyz_images.png", png(coordinates))
        progress.enter("pack")
        yield _write(out / "output3d.zip", obj.encode_zip(model))
        yield _write(out / f"{STEM}.glb", glb.encode(model))
        for wanted in (known for known in ON_REQUEST if known in formats):
            check()
            yield _write(out / f"{STEM}.{wanted}", ON_REQUEST[wanted](model))
        progress.enter("thumbnail")
        studio = Studio(surface, model.texture)
        yield _write(out / "thumbnail.png", png(thumbnail.thumbnail(studio)))
        if self._preview:
            yield _write(out / "preview.png", png(thumbnail.preview(surface, model.texture, check)))
        progress.enter("turntable")
        yield _write(out / "turntable.webp", turntable.turntable(studio, check))
        progress.enter("report")
        made_by = {"engine": self.name, "version": VERSION, "profile": solid.profile, "matte": cut.source}
        content = report.encode(model, alpha, made_by=made_by, seconds=progress.seconds())
        # The last, for its bytes alone differ when a job is done again.
        yield _write(out / "report.json", content)


class _Progress:
    """Says which stage the work is in, keeps how long each took, and notices when it is cancelled."""

    def __init__(self, on_stage: OnStage, cancelled: Cancelled) -> None:
        self._on_stage, self._cancelled = on_stage, cancelled
        self._begun: dict[str, float] = {}

    def check(self) -> None:
        """Raises JobCancelled once the job is cancelled."""
        if self._cancelled():
            raise JobCancelled

    def enter(self, stage: str) -> None:
        """Begins a stage. Raises as `check` does."""
        self.check()
        self._begun[stage] = time.perf_counter()
        self._on_stage(stage, STAGES[stage])

    def seconds(self) -> dict[str, float]:
        """How long each stage took, the last one so far, and all together."""
        now = time.perf_counter()
        moments = [*self._begun.values(), now]
        spent = {
            stage: end - begin for stage, (begin, end) in zip(self._begun, pairwise(moments), strict=True)
        }
        return spent | {"total": now - moments[0]}


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
