"""Loads CRM from its checkout: its own modules, its own configurations, its own classes."""

import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from worker.engine import EngineUnavailable
from worker.engines.crm import demands, repairs
from worker.engines.crm.hooks import prints_logged
from worker.engines.crm.upstream import DEVICE, Upstream

log = logging.getLogger(__name__)

CLIP = "open_clip_pytorch_model.bin"
"""CLIP's weights (ViT-H-14, laion2b_s32b_b79k) beside CRM's; else CRM's code fetches them from the hub."""

DISTRIBUTIONS = ("torch", "diffusers", "transformers", "xformers", "nvdiffrast", "kaolin", "open-clip-torch")


def load(home: Path, weights: Path) -> Upstream:
    """Imports CRM and puts its three networks on the GPU; takes half a minute or more.

    Raises EngineUnavailable where a module can't be imported, and what torch raises where the GPU or a weight
    file fails. The checkout stays on sys.path: some of its code imports when it is first used.
    """
    home, weights = home.resolve(), weights.resolve()
    os.environ.setdefault("TQDM_DISABLE", "1")  # progress is told by `on_stage`
    sys.path.insert(0, str(home))
    with working_in(home):
        try:
            repairs.import_base_utils()
            pipelines = repairs.import_pipelines()
            crm, inference, util = map(import_module, ("model", "inference", "imagedream.ldm.util"))
        except (ImportError, OSError) as error:
            raise EngineUnavailable(
                [f"CRM can't be imported from {home} ({error}): compare the packages with {demands.README}."]
            ) from error
        return Upstream(
            home=home,
            model=_reconstructor(crm, weights / "CRM.pth"),
            pipeline=_pipeline(pipelines, weights),
            generate3d=inference.generate3d,
            set_seed=util.set_seed,
            versions={"crm": _commit(home), **_versions()},
        )


@contextmanager
def working_in(home: Path) -> Iterator[None]:
    """CRM's code runs inside: from its own folder, and what it prints goes to the log."""
    with chdir(home), prints_logged():
        yield


def _reconstructor(crm: Any, weights: Path) -> object:
    """The network that makes a mesh of views and coordinate maps, with what renders for it."""
    torch = import_module("torch")
    specs, *_ = demands.CONFIGS
    with repairs.scheduler_supplied():
        model = crm.CRM(json.loads(Path(specs).read_text())).to(DEVICE)
    model.load_state_dict(torch.load(str(weights), map_location=DEVICE), strict=False)
    return model


def _pipeline(pipelines: Any, weights: Path) -> Any:
    """The two diffusions: picture to views, views to coordinate maps."""
    torch, conf = import_module("torch"), import_module("omegaconf").OmegaConf
    _, *paths = demands.CONFIGS
    stages = [conf.load(path).config for path in paths]
    for stage, name in zip(stages, ("pixel-diffusion.pth", "ccm-diffusion.pth"), strict=True):
        stage.models.resume = str(weights / name)
    with tempfile.TemporaryDirectory(prefix="crm-") as folder:
        if (weights / CLIP).is_file():
            for number, stage in enumerate(stages):
                stage.models.config = _with_clip(
                    conf, stage.models.config, weights / CLIP, Path(folder, f"stage{number + 1}.yaml")
                )
        else:
            log.warning(
                "CLIP's weights come from the hub or its cache", extra={"expected": str(weights / CLIP)}
            )
        return pipelines.TwoStagePipeline(
            stages[0].models,
            stages[1].models,
            stages[0].sampler,
            stages[1].sampler,
            device=DEVICE,
            dtype=torch.float16,
        )


def _with_clip(conf: Any, config: str, clip: Path, to: Path) -> str:
    """A copy of a network's configuration with CLIP from a file: open_clip takes a path for a version too."""
    network = conf.load(config)
    network.model.params.clip_config.params.version = str(clip)
    conf.save(network, str(to))
    return str(to)


def _versions() -> dict[str, str]:
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def _commit(home: Path) -> str:
    """The checkout's commit, read from Git's files; "unknown" where it is no clone."""
    git = home / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        branch = git / head.removeprefix("ref: ")
        if branch.is_file():
            return branch.read_text().strip()
        packed = (git / "packed-refs").read_text().splitlines()
    except OSError:
        return "unknown"
    return next((line.split()[0] for line in packed if line.endswith(head.removeprefix("ref: "))), "unknown")
