"""The command, on a case or two."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from quality import __main__ as command
from quality import report, table
from quality.budgets import Budget
from quality.store import Store


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["quality", *arguments])
    return command.main()


def test_a_run_leaves_tables_figures_and_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    frame = f"before\n\n{report.BEGIN} all of it -->\n\n%s\n\n{report.END}\n\nafter\n"
    page.write_text(frame % "old")
    arguments = ("--only", "^sphere/", "--half", "all", "--background", "alpha,clean", "--jobs", "1")
    assert run(monkeypatch, *arguments, "--out", str(tmp_path), "--sheet", "-o", str(page)) == 0

    printed = capsys.readouterr().out.strip()
    assert page.read_text() == frame % printed
    results = json.loads((tmp_path / "results.json").read_text())
    assert [(case["case"], case["background"]) for case in results["cases"]] == [
        (name, background) for name in ("sphere/face", "sphere/angle") for background in ("alpha", "clean")
    ]
    assert results["cases"][0]["scores"]["engine"]["iou"] > 0.97
    with (tmp_path / "cases.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} >= {"engine", "slab", "poisson", "balls"}
    with Image.open(tmp_path / "sheet-01.png") as sheet:
        assert sheet.width == 1280


def test_a_missed_budget_is_told_by_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be met: the engine has to beat the balls by more than is left above them."""
    chosen = ("--half", "tuning", "--only", "^sphere/face", "--background", "alpha", "--metrics", "iou")
    assert run(monkeypatch, "--check", *chosen, "--jobs", "1", "--out", str(tmp_path)) == 1


def test_wrong_arguments_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, words in (
        (("--background", "lovely"), "lovely: not among"),
        (("--metrics", "beauty"), "beauty: not among"),
        (("--only", "^nothing$"), "no case is called"),
    ):
        with pytest.raises(SystemExit) as stop:
            run(monkeypatch, *arguments)
        assert stop.value.code == 2
        assert words in capsys.readouterr().err


def test_a_budget_is_judged_by_the_figure_that_is_printed() -> None:
    assert Budget("any", 0.8004, 0.8).met
    assert Budget("any", 0.79951, 0.8).met
    assert not Budget("any", 0.7994, 0.8).met


def test_the_worst_tenth_is_the_worse_end() -> None:
    scores = np.arange(20) / 20
    assert table.worst_tenth(scores, "iou") == pytest.approx(0.025)
    assert table.worst_tenth(scores, "chamfer") == pytest.approx(0.925)


def test_a_page_without_the_lines_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing of that kind\n")
    with pytest.raises(ValueError, match="has no lines"):
        report.put_into(page, "text")
    assert page.read_text() == "nothing of that kind\n"


def test_what_is_kept_is_made_once_and_a_damaged_file_again(tmp_path: Path) -> None:
    made = []

    def make() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
        made.append(1)
        return {"a": np.ones(3)}

    store = Store(tmp_path)
    assert store.get("x/y", ("store",), make)["a"].sum() == 3
    assert Store(tmp_path).get("x/y", ("store",), make)["a"].sum() == 3
    assert len(made) == 1
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:50])
    assert store.get("x/y", ("store",), make)["a"].sum() == 3
    assert len(made) == 2
    assert len(list(tmp_path.rglob("*.*"))) == 1
