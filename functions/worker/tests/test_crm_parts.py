"""The engine `crm`: settings, framing and packing, without its process."""

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from worker.engines.crm import framing, hooks, packing
from worker.engines.settings import EngineSettings


def test_a_number_of_steps_is_refused_where_crms_sampler_would_fail() -> None:
    def fails(steps: int) -> bool:
        # make_ddim_timesteps of CRM's diffusionmodules/util.py indexes 1000 noise levels with these.
        return int(np.arange(0, 1000, 1000 // steps).max()) + 1 > 999

    for steps in range(10, 201):
        try:
            EngineSettings(crm_steps=steps)
        except ValidationError:
            assert fails(steps), steps
        else:
            assert not fails(steps), steps


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CRM_STEPS", "36"),
        ("CRM_STEPS", "many"),
        ("CRM_SEED", "-1"),
        ("CRM_SEED", str(2**32)),
        ("CRM_SCALE", "0"),
    ],
)
def test_wrong_variables_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as raised:
        EngineSettings()
    (error,) = raised.value.errors()
    assert error["loc"] == (name.lower(),)


@pytest.mark.parametrize(
    ("width", "height", "centre", "radius"),
    [
        pytest.param(400, 400, (200, 200), 150, id="amid a square"),
        pytest.param(900, 300, (60, 250), 45, id="in a corner of a wide picture"),
        pytest.param(300, 900, (150, 450), 149, id="as wide as a tall picture"),
        pytest.param(64, 64, (30, 30), 25, id="tiny"),
    ],
)
def test_the_object_is_centred_and_fills_the_frame(
    width: int, height: int, centre: tuple[int, int], radius: int
) -> None:
    y, x = np.mgrid[:height, :width]
    matte = np.clip(radius - np.hypot(x - centre[0], y - centre[1]) + 0.5, 0, 1).astype(np.float32)
    rgba = np.full((height, width, 4), (250, 40, 10, 255), np.uint8)
    picture = framing.frame(rgba, matte)
    assert (picture.mode, picture.size) == ("RGB", (512, 512))
    red = np.asarray(picture)[..., 0] > 190
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    pixel = 512 * framing.FILL / (2 * radius)
    for seen in (rows, columns):
        assert seen[-1] - seen[0] == pytest.approx(512 * framing.FILL, abs=1.5 * pixel + 2)
        assert seen[-1] + seen[0] == pytest.approx(511, abs=1.5 * pixel + 2)
    assert (np.asarray(picture)[0] == framing.GREY).all()
    assert (np.asarray(picture)[:, -1] == framing.GREY).all()


def test_a_method_is_the_owners_again_whatever_happens() -> None:
    class Base:
        def inherited(self) -> int:
            return 1

    class Owner(Base):
        @staticmethod
        def own() -> int:
            return 2

    owner = Owner()
    for place, name in ((owner, "inherited"), (Owner, "inherited"), (Owner, "own")):
        there = dict(vars(place))
        with pytest.raises(RuntimeError), hooks.replaced(place, name, lambda *_: 3):
            assert getattr(owner, name)() == 3
            raise RuntimeError
        assert dict(vars(place)) == there
    assert (owner.inherited(), owner.own()) == (1, 2)


def test_printed_lines_are_logged_whole(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with hooks.prints_logged():
        print("making ", end="")  # noqa: T201
        print("attention\n\nusing v!")  # noqa: T201
    assert [vars(record)["line"] for record in caplog.records] == ["making attention", "using v!"]


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"a.obj": "", "a.mtl": ""}, id="no picture"),
        pytest.param({"a.obj": "", "a.mtl": "", "b.png": ""}, id="two stems"),
        pytest.param({"x/a.obj": "", "x/a.mtl": "", "x/a.png": ""}, id="not at the root"),
        pytest.param({"a.obj": "", "a.mtl": "", "a.png": "", "a.txt": ""}, id="more than a model"),
    ],
)
def test_a_zip_that_is_no_model_is_refused(tmp_path: Path, members: dict[str, str]) -> None:
    with zipfile.ZipFile(tmp_path / "crm.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="not one model"):
        packing.repack_zip(tmp_path / "crm.zip", tmp_path / "out.zip", "test")
    assert not (tmp_path / "out.zip").exists()


def test_any_stem_is_read_and_renamed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "crm.zip", "w") as archive:
        archive.writestr(
            "tmp.x1.obj", "mtllib tmp.x1.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n"
        )
        archive.writestr("tmp.x1.mtl", "newmtl material_0\nmap_Kd tmp.x1.png\n")
        archive.writestr("tmp.x1.png", "PNG")
    shape = packing.repack_zip(tmp_path / "crm.zip", tmp_path / "out.zip", "test")
    assert shape.faces.tolist() == [[0, 1, 2]]
    assert shape.report()["watertight"] is False
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert b"mtllib model.mtl" in archive.read("model.obj")
        assert b"map_Kd model.png" in archive.read("model.mtl")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"glTF" + struct.pack("<II", 2, 12), id="cut off"),
        pytest.param(struct.pack("<IIIII", 0x46546C67, 1, 36, 4, 0) + bytes(20), id="of version 1"),
    ],
)
def test_a_glb_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "crm.glb").write_bytes(content)
    with pytest.raises(ValueError, match="CRM's GLB"):
        packing.rename_glb(tmp_path / "crm.glb", tmp_path / "out.glb", "test")
