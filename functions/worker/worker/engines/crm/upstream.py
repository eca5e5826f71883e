"""What is called of thu-ml/CRM, as the checkout's own code declares it (commit 8a16cf6 and the one before).

Its packages can't be installed where the types are checked, so these protocols are all that is known of them.
"""

from collections.abc import Callable, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt
from PIL import Image

DEVICE = "cuda"
"""CRM's samplers and mesh code name it in many places: another one can't be chosen."""


class Sampler(Protocol):
    """imagedream.ldm.models.diffusion.ddim.DDIMSampler."""

    ddim_timesteps: Sized
    """Made when sampling begins."""

    p_sample_ddim: Callable[..., Any]
    """One denoising step of all views."""


class Diffusion(Protocol):
    """libs.sample.ImageDreamDiffusion or ImageDreamDiffusionStage2."""

    sampler: Sampler


class Pipeline(Protocol):
    """pipelines.TwoStagePipeline. Views are RGB, 256 × 256, in the order of the tiles, the front last."""

    stage1_sampler: Diffusion
    stage2_sampler: Diffusion

    def stage1_sample(self, pixel_img: Image.Image, *, step: int, scale: float) -> list[Image.Image]:
        """Six views of what `pixel_img` shows from the front."""

    def stage2_sample(
        self, pixel_img: Image.Image, stage1_images: list[Image.Image], *, scale: float, step: int
    ) -> list[Image.Image]:
        """The canonical coordinate map of each view."""


class Generate(Protocol):
    """inference.generate3d. The strips are uint8 of shape (256, 1536, 3)."""

    def __call__(
        self, model: object, rgb: npt.NDArray[Any], ccm: npt.NDArray[Any], device: str
    ) -> tuple[str, str]:
        """The paths of a GLB and of a zip, in the folder for temporary files, with what they are made of."""


@dataclass(frozen=True)
class Upstream:
    """CRM, loaded and on the GPU."""

    home: Path
    """Its checkout, absolute: its code opens files by relative paths."""

    pipeline: Pipeline
    model: object
    """model.CRM, whose methods `decode` and `export_mesh_wt_uv` are the two halves of `generate3d`."""

    generate3d: Generate
    set_seed: Callable[[int], None]
    """imagedream.ldm.util.set_seed. The pipeline's own method of this name sets what nothing reads."""

    versions: dict[str, str]
