"""The engine `crm`: thu-ml/CRM (Wang et al. 2024) on a GPU, by the code of its own checkout.

A diffusion makes six views of what the picture shows, a second one their canonical coordinate maps, and a
network makes a textured mesh of both. README.md says what it needs and how the tensors go through.
"""

import json
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from worker import picture
from worker.engine import Cancelled, EngineUnavailable, ImageRejected, JobCancelled, OnStage
from worker.engines.crm import demands, framing, packing
from worker.engines.crm.checkout import load as load_checkout
from worker.engines.crm.checkout import working_in
from worker.engines.crm.hooks import Check, before, each_step, replaced
from worker.engines.crm.upstream import DEVICE, Upstream
from worker.engines.settings import EngineSettings
from worker.engines.silhouette import matte

PICTURE_SIDE = 1024
"""Larger pictures are reduced to this longer side: CRM looks at 256 pixels of the object."""

THUMBNAIL_SIDE = 512

Pixels = npt.NDArray[Any]
"""uint8, RGB: of one view (256, 256, 3), of six side by side (256, 1536, 3)."""

SOFTWARE = "recon3d crm"
"""What the results say they were made by."""

# Each stage with the share of the work done at its begin. Not measured here: the paper's 3 s, 3 s and 4 s.
STAGES = {
    "read": 0.0,
    "matte": 0.01,
    "views": 0.03,
    "coordinates": 0.32,
    "mesh": 0.61,
    "texture": 0.7,
    "export": 0.97,
}


def load(settings: EngineSettings) -> "Crm":
    """The engine, its networks on the GPU. Raises EngineUnavailable with all that is missing."""
    home, weights = settings.crm_home, settings.crm_weights
    problems = demands.problems(home, weights)
    if problems or home is None or weights is None:
        raise EngineUnavailable(problems)
    return Crm(
        load_checkout(home, weights),
        seed=settings.crm_seed,
        scale=settings.crm_scale,
        steps=settings.crm_steps,
    )


class Crm:
    """The engine, see `worker.engine.Engine`.

    `scale` is the guidance and `steps` the number of denoising steps, both of each diffusion. Where the GPU's
    memory runs out, torch.cuda.OutOfMemoryError goes through to the process's host, which replaces it.
    """

    name = "crm"
    stages = tuple(STAGES)

    def __init__(self, upstream: Upstream, *, seed: int, scale: float, steps: int) -> None:
        self._crm = upstream
        self._seed, self._scale, self._steps = seed, scale, steps

    def reconstruct(
        self, image: Path, out: Path, on_stage: OnStage, cancelled: Cancelled, formats: Collection[str] = ()
    ) -> Iterator[Path]:
        """Yields pixel_images.png, xyz_images.png, output3d.zip, model.glb, thumbnail.png, what `formats`
        asks for of STL and PLY, and report.json.

        Asks `cancelled()` before each denoising step and twice on the way to the mesh, the halves of which
        take CRM's code a few seconds each that nothing can interrupt.
        """
        begun: dict[str, float] = {}

        def check() -> None:
            if cancelled():
                raise JobCancelled

        def enter(stage: str) -> None:
            check()
            begun[stage] = time.perf_counter()
            on_stage(stage, STAGES[stage])

        enter("read")
        try:
            rgba = picture.read(image, PICTURE_SIDE)
        except (picture.UnknownType, picture.Undecodable, picture.TooManyPixels) as error:
            raise ImageRejected(f"The picture can't be read: {error}.") from error
        enter("matte")
        alpha = matte.cut_out(rgba, check).alpha
        framed = framing.frame(rgba, alpha)

        self._crm.set_seed(self._seed)
        enter("views")
        views = self._views(framed, check, on_stage)
        pixels = np.concatenate(views, axis=1)
        yield packing.write_png(Image.fromarray(pixels), out / "pixel_images.png", SOFTWARE)
        enter("coordinates")
        xyz = np.concatenate(self._coordinates(framed, views, check, on_stage), axis=1)
        yield packing.write_png(Image.fromarray(xyz), out / "xyz_images.png", SOFTWARE)

        enter("mesh")
        with tempfile.TemporaryDirectory(prefix="crm-", dir=out) as folder:
            glb, archive = self._generate(pixels, xyz, Path(folder).resolve(), lambda: enter("texture"))
            enter("export")
            shape = packing.repack_zip(archive, out / "output3d.zip", SOFTWARE)
            packing.rename_glb(glb, out / "model.glb", SOFTWARE)
        yield out / "output3d.zip"
        yield out / "model.glb"
        *_, front = views
        thumbnail = Image.fromarray(front).resize((THUMBNAIL_SIDE,) * 2, Image.Resampling.LANCZOS)
        yield packing.write_png(thumbnail, out / "thumbnail.png", SOFTWARE)
        for kind in packing.FORMATS:
            if kind in formats:
                yield shape.write(out / f"model.{kind}", SOFTWARE)

        report = self._report() | {
            "maskCoverage": round(float((alpha > 0.5).mean()), 4),
            **shape.report(),
            "seconds": _seconds(begun),
        }
        (out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        yield out / "report.json"

    def _views(self, framed: Image.Image, check: Check, on_stage: OnStage) -> list[Pixels]:
        """Six views: left, down, back, right, top, front."""
        pipeline = self._crm.pipeline
        with (
            working_in(self._crm.home),
            each_step(pipeline.stage1_sampler.sampler, check, _within("views", on_stage)),
        ):
            views = pipeline.stage1_sample(framed, step=self._steps, scale=self._scale)
        return [np.asarray(view) for view in views]

    def _coordinates(
        self, framed: Image.Image, views: list[Pixels], check: Check, on_stage: OnStage
    ) -> list[Pixels]:
        """The canonical coordinate map of each view."""
        pipeline = self._crm.pipeline
        pictures = [Image.fromarray(view) for view in views]
        with (
            working_in(self._crm.home),
            each_step(pipeline.stage2_sampler.sampler, check, _within("coordinates", on_stage)),
        ):
            maps = pipeline.stage2_sample(framed, pictures, scale=self._scale, step=self._steps)
        return [np.asarray(tile) for tile in maps]

    def _generate(self, pixels: Pixels, xyz: Pixels, folder: Path, on_texture: Check) -> tuple[Path, Path]:
        """A GLB and a zip in `folder`, where CRM's own export believes temporary files to go."""
        with (
            working_in(self._crm.home),
            replaced(tempfile, "tempdir", str(folder)),
            before(self._crm.model, "export_mesh_wt_uv", on_texture),
        ):
            glb, archive = self._crm.generate3d(self._crm.model, pixels, xyz, DEVICE)
        return Path(glb), Path(archive)

    def _report(self) -> dict[str, object]:
        """What is the same for every job."""
        return {
            "engine": self.name,
            "seed": self._seed,
            "steps": self._steps,
            "scale": self._scale,
            "gpu": import_module("torch").cuda.get_device_properties(0).name,
            "versions": self._crm.versions,
        }


def _within(stage: str, on_stage: OnStage) -> Callable[[float], None]:
    """Reports a share of a stage, in 0..1, as the share of the job that it stands for."""
    begin = STAGES[stage]
    end = min(share for share in STAGES.values() if share > begin)
    return lambda done: on_stage(stage, begin * (1 - done) + end * done)


def _seconds(begun: dict[str, float]) -> dict[str, float]:
    """How long each stage took, by when each began, the last one so far, and all together."""
    moments = [*begun.values(), time.perf_counter()]
    spent = {stage: end - begin for stage, (begin, end) in zip(begun, pairwise(moments), strict=True)}
    spent["total"] = moments[-1] - moments[0]
    return {stage: round(seconds, 4) for stage, seconds in spent.items()}
