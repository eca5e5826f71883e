"""The engine `crm` in a process of its own, through a small package of CRM's shape (see crm_checkout)."""

import asyncio
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from tests import shapes
from worker.engines.crm import STAGES
from worker.engines.settings import EngineSettings
from worker.host import EngineHost, EngineLost, Loss, State

HERE = Path(__file__).parent
CHECKOUT = HERE / "crm_checkout"
STEPS = 10
RESULTS = ["pixel_images.png", "xyz_images.png", "output3d.zip", "model.glb", "thumbnail.png", "report.json"]


@dataclass
class Machine:
    """A machine that CRM is installed on: folders to take things from and variables to change."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def site(self) -> Path:
        return self.folder / "site"

    @property
    def weights(self) -> Path:
        return self.folder / "weights"

    def journal(self) -> list[dict[str, Any]]:
        """What was called, in order."""
        return [json.loads(line) for line in (self.folder / "journal").read_text().splitlines()]

    def called(self, event: str) -> list[dict[str, Any]]:
        return [entry for entry in self.journal() if entry["event"] == event]

    @property
    def variables(self) -> dict[str, str]:
        """The environment of the engine's process, beside what is always there."""
        return {
            "PYTHONPATH": f"{self.site}:{HERE.parent}",
            "CRM_HOME": str(self.home),
            "CRM_WEIGHTS": str(self.weights),
            "CRM_STEPS": str(STEPS),
            "CRM_JOURNAL": str(self.folder / "journal"),
            "TMPDIR": str(self.folder / "tmp"),
            "OMP_NUM_THREADS": "1",
            **self.environment,
        }

    @contextmanager
    def engine(self) -> Iterator["EngineProcess"]:
        """The engine's process: ready, or ended because it is unavailable."""
        others = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CRM_", "TQDM_", "HF_", "PYTHON"))
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.crm_process"],
            cwd=self.folder,
            env=others | self.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            yield EngineProcess(process)

    def problems(self) -> str:
        """What an engine that can't be loaded says, a line each."""
        with self.engine() as engine:
            assert "unavailable" in engine.start, engine.start
            return "\n".join(engine.start["unavailable"])


class EngineProcess:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.start = self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        message: dict[str, Any] = json.loads(self._process.stdout.readline())
        return message

    def run(self, **job: object) -> list[dict[str, Any]]:
        """Does a job: all that the engine told, the end last."""
        assert self.start["ready"] == "crm", self.start
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        told = [self._read()]
        while "end" not in told[-1]:
            told.append(self._read())
        return told


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name in ("home", "site"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    made = Machine(tmp_path)
    made.weights.mkdir()
    for name in ("CRM.pth", "pixel-diffusion.pth", "ccm-diffusion.pth"):
        (made.weights / name).write_text(json.dumps({"weights": name}))
    (tmp_path / "picture.png").write_bytes(shapes.encoded(shapes.rgba(shapes.ball(90, (120, 250)))))
    for name in ("a", "b", "c", "tmp"):
        (tmp_path / name).mkdir()
    return made


def test_a_picture_goes_all_the_way(machine: Machine) -> None:
    with machine.engine() as engine:
        assert engine.start["stages"] == list(STAGES)
        # Relative paths, as `python -m worker.reconstruct photo.png out/` has them.
        told = engine.run(image="picture.png", out="a", formats=["stl", "ply", "3mf"])
    assert told[-1] == {"end": "done"}
    files = [message["file"] for message in told if "file" in message]
    assert files == [*RESULTS[:5], "model.stl", "model.ply", "report.json"]
    assert all(message["size"] > 0 for message in told if "file" in message)
    assert sorted(path.name for path in (machine.folder / "a").iterdir()) == sorted(files)
    assert not list((machine.folder / "tmp").iterdir()), "CRM's export leaves files behind"
    _check_progress(told)
    _check_calls(machine)
    _check_views(machine.folder / "a")
    _check_model(machine.folder / "a")
    _check_report(machine.folder / "a")


def _check_progress(told: list[dict[str, Any]]) -> None:
    """Each stage is told once, each step of both diffusions after it, and the whole never goes back."""
    reports = [(message["stage"], message["done"]) for message in told if "stage" in message]
    assert [stage for stage, done in reports if done == STAGES[stage]] == list(STAGES)
    for stage, end in (("views", STAGES["coordinates"]), ("coordinates", STAGES["mesh"])):
        steps = [done for name, done in reports if name == stage][1:]
        assert len(steps) == STEPS
        assert steps[-1] == pytest.approx(end)
    assert [done for _, done in reports] == sorted(done for _, done in reports)
    order = [message.get("file") or message.get("stage") for message in told]
    assert order.index("pixel_images.png") < order.index("coordinates")
    assert order.index("xyz_images.png") < order.index("mesh")


def _check_calls(machine: Machine) -> None:
    journal = machine.journal()
    order = [entry["event"] for entry in journal if entry["event"] != "step"]
    loading = ["scheduler", "torch.load", "pipeline", *["open_clip", "torch.load"] * 2]
    job = ["set_seed", "stage1", "sample", "stage2", "sample", "decode", "export"]
    assert order == loading + job
    loads = [(entry["file"], entry["map_location"]) for entry in machine.called("torch.load")]
    assert loads == [("CRM.pth", "cuda"), ("pixel-diffusion.pth", "cpu"), ("ccm-diffusion.pth", "cpu")]
    (scheduler,) = machine.called("scheduler")
    assert (scheduler["first"], scheduler["last"]) == pytest.approx((0.00085, 0.012))
    # A stand-in of ours must not pass for the real package.
    assert scheduler["accelerate"] is False
    assert machine.called("pipeline")[0]["dtype"] == "float16"
    assert machine.called("set_seed") == [{"event": "set_seed", "seed": 1234}]
    assert machine.called("stage1")[0] | {"event": ""} == {
        "event": "",
        "mode": "RGB",
        "size": [512, 512],
        "corner": [127, 127, 127],
    }
    assert machine.called("stage2")[0]["views"] == [[256, 256]] * 6
    for sample, frames in zip(machine.called("sample"), (7, 6), strict=True):
        assert sample["frames"] == frames
        assert (sample["steps"], sample["scale"], sample["eta"]) == (STEPS, 5.0, 0.0)
    assert [entry["index"] for entry in machine.called("step")] == [*range(STEPS - 1, -1, -1)] * 2
    assert machine.called("decode")[0]["features"] == [1, 32, 256, 768]


def _check_views(out: Path) -> None:
    """Six tiles in the order left, down, back, right, top, front: the fake paints view n with red n."""
    for name in ("pixel_images.png", "xyz_images.png"):
        image = Image.open(out / name)
        assert image.info["Software"] == "recon3d crm"
        strip = np.asarray(image)
        assert strip.shape == (256, 1536, 3)
        reds = [int(strip[128, 256 * tile + 128, 0]) for tile in range(6)]
        assert reds == [int(255 * (view / 10 + 1) / 2) for view in (1, 2, 3, 4, 5, 0)]
    thumbnail = Image.open(out / "thumbnail.png")
    assert thumbnail.size == (512, 512)
    assert int(np.asarray(thumbnail)[256, 256, 0]) == 127


def _check_model(out: Path) -> None:
    with zipfile.ZipFile(out / "output3d.zip") as archive:
        assert archive.namelist() == ["model.obj", "model.mtl", "model.png"]
        assert "map_Kd model.png" in archive.read("model.mtl").decode()
        assert Image.open(io.BytesIO(archive.read("model.png"))).size == (1024, 1024)
        obj = archive.read("model.obj").decode()
    assert obj.splitlines()[:2] == ["# recon3d crm", "mtllib model.mtl"]
    assert {line.split()[0] for line in obj.splitlines()[1:]} == {"mtllib", "v", "vt", "usemtl", "f"}
    from_obj = trimesh.load_mesh(io.StringIO(obj), file_type="obj", process=False)
    from_obj.merge_vertices(merge_tex=True, merge_norm=True)
    assert from_obj.is_watertight
    assert from_obj.volume > 0

    scene = trimesh.load_scene(out / "model.glb")
    assert scene.metadata == {} or "generator" not in scene.metadata
    document = _glb(out / "model.glb")
    assert document["asset"]["generator"] == "recon3d crm"
    # In the product's frame: longest half-extent 1. CRM leaves it at 0.9.
    from_glb = scene.to_mesh()
    assert abs(from_glb.bounds).max() == pytest.approx(1)
    (texture,) = [g.visual.material.baseColorTexture for g in scene.geometry.values()]
    assert texture.size == (1024, 1024)
    scale = 2 / np.ptp(from_obj.bounds, axis=0).max()
    for name in ("model.glb", "model.stl", "model.ply"):
        body = trimesh.load_mesh(out / name)
        body.merge_vertices(merge_tex=True, merge_norm=True)
        assert body.is_watertight
        assert abs(body.bounds).max() == pytest.approx(1), name
        assert body.volume == pytest.approx(from_obj.volume * scale**3, rel=1e-4), name
        if name != "model.glb":
            assert b"recon3d crm" in (out / name).read_bytes()[:200]


def _glb(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    assert int.from_bytes(content[8:12], "little") == len(content)
    assert len(content) % 4 == 0
    size = int.from_bytes(content[12:16], "little")
    document: dict[str, Any] = json.loads(content[20 : 20 + size])
    return document


def _check_report(out: Path) -> None:
    report = json.loads((out / "report.json").read_text())
    assert report["engine"] == "crm"
    assert (report["seed"], report["steps"], report["scale"]) == (1234, STEPS, 5.0)
    assert list(report["seconds"]) == [*STAGES, "total"]
    assert all(seconds >= 0 for seconds in report["seconds"].values())
    assert (report["faces"], report["vertices"]) == (12, 8)
    assert (report["watertight"], report["manifold"], report["eulerNumber"]) == (True, True, 2)
    assert max(report["boundingBox"]["max"]) < 1  # the frame of the maps, in which the object fills no tile
    assert report["maskCoverage"] == pytest.approx(np.pi * 90**2 / 400**2, rel=0.01)
    assert report["gpu"] == "NVIDIA Small"
    assert set(report["versions"]) >= {"crm", "torch", "nvdiffrast", "xformers", "kaolin"}


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(machine: Machine) -> None:
    def digests(out: str) -> dict[str, str]:
        folder = machine.folder / out
        return {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in RESULTS
            if name != "report.json"
        }

    with machine.engine() as engine:
        for out in "ab":
            assert engine.run(image="picture.png", out=out)[-1] == {"end": "done"}
    machine.environment["CRM_SEED"] = "7"
    with machine.engine() as engine:
        assert engine.run(image="picture.png", out="c")[-1] == {"end": "done"}
    assert digests("a") == digests("b")
    assert not set(digests("a").values()) & set(digests("c").values())


@pytest.mark.parametrize(
    ("stage", "reports", "left"),
    [
        pytest.param("read", 1, [], id="before anything is computed"),
        pytest.param("views", 5, [], id="amid the first diffusion"),
        pytest.param("coordinates", 5, ["pixel_images.png"], id="amid the second diffusion"),
        pytest.param("mesh", 1, ["pixel_images.png", "xyz_images.png"], id="amid CRM's export"),
    ],
)
def test_a_cancelled_job_stops_and_the_next_one_is_done(
    machine: Machine, stage: str, reports: int, left: list[str]
) -> None:
    with machine.engine() as engine:
        told = engine.run(image="picture.png", out="a", cancel_at=[stage, reports])
        assert told[-1] == {"end": "JobCancelled"}
        # It was asked before the next step: none was begun.
        assert [message.get("stage") for message in told].count(stage) == reports
        assert sorted(path.name for path in (machine.folder / "a").iterdir()) == left
        again = engine.run(image="picture.png", out="b")
    assert again[-1] == {"end": "done"}
    _check_progress(again)


@pytest.mark.parametrize("where", ["views", "mesh"])
def test_lack_of_gpu_memory_goes_through_to_the_host(machine: Machine, where: str) -> None:
    machine.environment["FAKE_OOM"] = where
    with machine.engine() as engine:
        told = engine.run(image="picture.png", out="a")
    assert told[-1] == {"end": "OutOfMemoryError"}
    assert not [path for path in (machine.folder / "a").iterdir() if path.is_dir()]
    assert not list((machine.folder / "tmp").iterdir())


def test_a_picture_without_an_object_is_rejected_before_the_gpu_is_asked(machine: Machine) -> None:
    (machine.folder / "white.png").write_bytes(shapes.encoded(np.full((64, 64, 3), 255, np.uint8)))
    with machine.engine() as engine:
        assert engine.run(image="white.png", out="a")[-1] == {"end": "NoForeground"}
        assert not machine.called("stage1")
        (machine.folder / "text.png").write_text("no picture")
        assert engine.run(image="text.png", out="a")[-1] == {"end": "ImageRejected"}


def _no_packages(machine: Machine) -> None:
    for name in ("nvdiffrast", "xformers", "kaolin"):
        shutil.rmtree(machine.site / name)
    (machine.site / "open_clip.py").unlink()


def _no_weights(machine: Machine) -> None:
    (machine.weights / "CRM.pth").unlink()
    (machine.weights / "ccm-diffusion.pth").write_text("version https://git-lfs.github.com/spec/v1\nsize 1\n")


def _no_configs(machine: Machine) -> None:
    (machine.home / "configs" / "stage2-v2-snr.yaml").unlink()
    (machine.home / "pipelines.py").unlink()


def _broken_module(machine: Machine) -> None:
    (machine.site / "nvdiffrast" / "torch.py").write_text("raise ImportError('libcudart.so.12: not found')")


@pytest.mark.parametrize(
    ("take", "named"),
    [
        pytest.param(
            _no_packages,
            ["package nvdiffrast", "package xformers", "package kaolin", "package open_clip"],
            id="packages",
        ),
        pytest.param(
            _no_weights, ["CRM.pth is missing", "ccm-diffusion.pth is a Git LFS pointer"], id="weights"
        ),
        pytest.param(
            _no_configs, ["lacks pipelines.py, configs/stage2-v2-snr.yaml"], id="a part of the checkout"
        ),
        pytest.param(_broken_module, ["libcudart.so.12: not found"], id="a module that can't be imported"),
        pytest.param(lambda m: shutil.rmtree(m.home), ["which is no folder"], id="the checkout"),
        pytest.param(lambda m: m.environment.update(FAKE_CUDA="0"), ["CUDA is not available"], id="CUDA"),
        pytest.param(
            lambda m: m.environment.update(FAKE_GPU_GB="11.55"),
            ["The GPU NVIDIA Small has 11.6 GB"],
            id="memory",
        ),
        pytest.param(
            lambda m: m.environment.update(CRM_HOME="", CRM_WEIGHTS=""),
            ["CRM_HOME is not set", "CRM_WEIGHTS is not set"],
            id="the variables",
        ),
    ],
)
def test_what_is_missing_is_named(
    machine: Machine, take: Callable[[Machine], None], named: list[str]
) -> None:
    take(machine)
    problems = machine.problems()
    assert len(problems.splitlines()) == len(named)
    for words in named:
        assert words in problems


def test_on_a_machine_with_nothing_all_is_named_at_once(tmp_path: Path) -> None:
    bare = Machine(tmp_path)
    bare.environment["PYTHONPATH"] = str(HERE.parent)
    problems = bare.problems()
    for words in ("CRM_HOME", "CRM.pth", "pixel-diffusion.pth", "ccm-diffusion.pth", "CUDA"):
        assert words in problems
    for package in ("torch", "nvdiffrast", "xformers", "kaolin", "diffusers"):
        assert f"package {package} is missing" in problems
    assert all(line.endswith(".") for line in problems.splitlines())


def test_clip_is_read_from_the_weights_folder_where_it_is_there(machine: Machine) -> None:
    clip = machine.weights / "open_clip_pytorch_model.bin"
    clip.write_bytes(b"weights")
    with machine.engine() as engine:
        assert engine.start["ready"] == "crm"
    assert [entry["pretrained"] for entry in machine.called("open_clip")] == [str(clip)] * 2


def test_packages_that_are_there_are_not_stood_in_for(machine: Machine) -> None:
    for name in ("accelerate", "wandb", "rich"):
        (machine.site / f"{name}.py").write_text(
            f"from journal import note\nnote('real {name}')\nprint = print\n"
        )
    (machine.site / "rembg.py").write_text("raise AssertionError('a session would begin, and a download')")
    with machine.engine() as engine:
        assert engine.start["ready"] == "crm"
    assert [e["event"] for e in machine.journal()[:3]] == ["real accelerate", "real wandb", "real rich"]


def test_the_workers_host_runs_it_stops_it_and_replaces_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in machine.variables.items():
        monkeypatch.setenv(name, value)

    async def scene() -> None:
        host = EngineHost(EngineSettings(engine="crm"), stage_timeout=60, recycle_after=0)
        files: list[str] = []
        stages: list[str] = []
        stepping = asyncio.Event()

        def on_stage(stage: str, done: float) -> None:
            stages.append(stage)
            if stage == "coordinates":
                stepping.set()

        def job(out: str) -> Coroutine[Any, Any, None]:
            return host.reconstruct(
                machine.folder / "picture.png",
                machine.folder / out,
                (),
                on_stage,
                lambda f: files.append(f.name),
            )

        await host.start()
        try:
            await host.ready()
            assert (host.name, host.stages) == ("crm", tuple(STAGES))
            await job("a")
            assert files == RESULTS
            assert stages.count("views") == 1 + STEPS

            stepping.clear()
            stopped = asyncio.create_task(job("b"))
            await stepping.wait()
            stopped.cancel()
            await asyncio.wait([stopped])
            # Nobody had to kill it: the same process, its networks loaded, does the next job.
            assert host.state is State.READY
            await job("c")
            assert len(machine.called("pipeline")) == 1
            assert not host.restarts
        finally:
            await host.close()

    async def short_of_memory() -> None:
        host = EngineHost(EngineSettings(engine="crm"), stage_timeout=60, recycle_after=0)
        await host.start()
        try:
            with pytest.raises(EngineLost) as raised:
                await host.reconstruct(
                    machine.folder / "picture.png", machine.folder / "b", (), lambda *_: None, lambda _: None
                )
            assert raised.value.loss is Loss.OUT_OF_MEMORY
        finally:
            await host.close()

    async def patiently(play: Coroutine[Any, Any, None]) -> None:
        async with asyncio.timeout(120):
            await play

    asyncio.run(patiently(scene()))
    monkeypatch.setenv("FAKE_OOM", "mesh")
    asyncio.run(patiently(short_of_memory()))
