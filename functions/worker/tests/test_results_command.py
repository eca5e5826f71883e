"""`python -m worker.reconstruct`, as a process."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import shapes
from worker.engines.silhouette import STAGES

ROOT = Path(__file__).parents[1]


def command(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "worker.reconstruct", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "FACES": "1000", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background may ignore Ctrl-C; the command must not inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    out, error = process.communicate()
    return process.returncode, out, error


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(shapes.encoded(shapes.rgba(shapes.ball())))
    return path


def test_it_says_how_far_it_is_how_long_it_took_and_where_things_are(picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    code, output, progress = ended(command(picture, out, "--formats", "stl", "ply"))
    assert code == 0
    assert [line.split()[-1] for line in progress.splitlines()] == list(STAGES)
    lines = output.splitlines()
    assert [line.split()[0] for line in lines[: len(STAGES) + 1]] == [*STAGES, "together"]
    named = [Path(line.split("  ")[0]) for line in lines[len(STAGES) + 1 :]]
    assert sorted(named) == sorted(out.iterdir())
    names = {path.name for path in named}
    assert {"output3d.zip", "report.json", "preview.png", "model.stl", "model.ply"} <= names
    assert not names & {"model.3mf", "model.usdz"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_leaves_whole_files_only(number: signal.Signals, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = command(picture, out)
    assert process.stderr is not None
    for line in process.stderr:
        if line.split()[-1] == "turntable":
            break
    process.send_signal(number)
    code, _, error = ended(process)
    assert code == 130
    assert error.splitlines()[-1] == "stopped"
    assert "Traceback" not in error
    left = {path.name for path in out.iterdir()}
    assert "thumbnail.png" in left
    assert not left & {"turntable.webp", "report.json"}
    assert not [name for name in left if name.startswith(".")]


def arguments(case: str, picture: Path, tmp_path: Path) -> Sequence[object]:
    text = tmp_path / "text.txt"
    text.write_text("no picture")
    return {
        "a text file": (text, tmp_path / "out"),
        "no such picture": (tmp_path / "nothing.png", tmp_path / "out"),
        "no folder": (picture, text),
        "no such format": (picture, tmp_path / "out", "--formats", "step"),
        "nothing": (),
    }[case]


@pytest.mark.parametrize(
    ("case", "code", "says"),
    [
        ("a text file", 1, "this is no JPEG, PNG or WebP picture"),
        ("no such picture", 2, "there is no file"),
        ("no folder", 2, "can't be the folder for the results"),
        ("no such format", 2, "invalid choice: 'step'"),
        ("nothing", 2, "the following arguments are required"),
    ],
)
def test_what_is_wrong_is_said(case: str, code: int, says: str, picture: Path, tmp_path: Path) -> None:
    ended_with, output, error = ended(command(*arguments(case, picture, tmp_path)))
    assert ended_with == code
    assert says in error
    assert "Traceback" not in error
    assert output == ""


def test_a_wrong_environment_is_named(picture: Path, tmp_path: Path) -> None:
    code, _, error = ended(command(picture, tmp_path / "out", ENGINE="dowsing", FACES="many"))
    assert code == 2
    assert "ENGINE: must be one of: silhouette" in error
    assert "FACES: " in error


def test_what_an_engine_lacks_is_listed(picture: Path, tmp_path: Path) -> None:
    code, _, error = ended(command(picture, tmp_path / "out", ENGINE="crm", CRM_HOME="", CRM_WEIGHTS=""))
    assert code == 1
    lines = error.splitlines()
    assert lines[0] == "the engine can't be loaded:"
    assert any(line.startswith("CRM_HOME") for line in lines)
    assert any(line.startswith("CRM_WEIGHTS") for line in lines)


def test_a_full_disk_is_an_error_and_leaves_nothing_half(picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    # No file may have more bytes than these: the first result is larger.
    limit = 10_000
    limited = f"""
import resource, runpy, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
runpy.run_module("worker.reconstruct", run_name="__main__", alter_sys=True)
"""
    run = subprocess.run(
        [sys.executable, "-c", limited, str(picture), str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "FACES": "1000"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "the results can't be written: [Errno 27]" in run.stderr
    assert list(out.iterdir()) == []
