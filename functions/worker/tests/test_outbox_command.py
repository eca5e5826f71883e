"""`python -m worker.outbox` as a process, beside an outbox that sends."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backend import Answer, Backend
from tests.conftest import ROOT
from tests.outboxes import RESULTS, Watched, compute, dispatch, durable, files, rows, run
from worker.outbox import Closed, Depth
from worker.outbox.__main__ import main

INVALID: Answer = (401, {"code": "signature_invalid", "detail": "The \x1b[31msignature is wrong."}, {})


def command(
    data_dir: Path, *arguments: str, answer: str = "", in_environment: bool = True
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"]}
    where = [] if in_environment else ["--data-dir", str(data_dir)]
    return subprocess.run(
        [sys.executable, "-m", "worker.outbox", *where, *arguments],
        cwd=ROOT,
        env=environment | ({"DATA_DIR": str(data_dir)} if in_environment else {}),
        input=answer,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def bury(outbox: Watched, backend: Backend, task_id: str, folder: Path) -> None:
    """Makes dead letters of a whole attempt: the backend doesn't know the signature."""
    job = dispatch(backend, task_id)
    backend.answer_next("result", INVALID)
    await outbox.accept(job)
    await compute(outbox, job.target, folder)
    await outbox.until_settled(job.target)
    assert await outbox.depth() == Depth(0, 4)


def test_dead_letters_are_shown_and_sent_again_beside_the_worker(
    backend: Backend, tmp_path: Path, task_id: str
) -> None:
    async def test(outbox: Watched) -> None:
        await bury(outbox, backend, task_id, tmp_path / "out")
        table = await asyncio.to_thread(command, tmp_path, "list")
        lines = table.stdout.splitlines()
        assert lines[0].split() == ["ID", "TASK", "ATTEMPT", "WHAT", "STATE", "AGE", "TRIES", "LAST", "ERROR"]
        assert [line.split()[1:6] for line in lines[1:]] == [
            *([task_id, "1", "result", name, "dead"] for name in RESULTS),
            [task_id, "1", "status", "completed", "dead"],
        ]
        assert "401 signature_invalid" in lines[1]
        assert "\x1b" not in table.stdout
        assert (table.returncode, table.stderr) == (0, "")

        letters = json.loads((await asyncio.to_thread(command, tmp_path, "list", "--json")).stdout)
        assert [letter["name"] for letter in letters] == [*RESULTS, "completed"]
        assert {(letter["task_id"], letter["attempt"], letter["state"]) for letter in letters} == {
            (task_id, 1, "dead")
        }

        # The last one stands for its whole attempt, which goes in order; the running sender sees it.
        outbox.settled.clear()
        again = await asyncio.to_thread(command, tmp_path, "replay", str(letters[-1]["id"]))
        assert (again.returncode, again.stdout) == (0, "4 messages will be sent again.\n")
        await outbox.until(lambda: outbox.settled)

    run(tmp_path, test)
    assert durable(backend, task_id) == [
        (RESULTS[0], 401),
        *[(name, 200) for name in RESULTS],
        ("completed", 200),
    ]
    assert len({call.webhook_id for call in backend.of(task_id)}) == 4
    assert files(tmp_path) == set()


def test_dead_letters_are_dropped_after_a_question(backend: Backend, tmp_path: Path, task_id: str) -> None:
    async def test(outbox: Watched) -> None:
        await bury(outbox, backend, task_id, tmp_path / "out")
        for answer in ("\n", "", "no\n"):
            kept = await asyncio.to_thread(command, tmp_path, "drop", "--all", answer=answer)
            assert kept.returncode == 1
            assert kept.stdout.endswith("Drop 4 messages, with their results? [y/N] Nothing was dropped.\n")
        assert await outbox.depth() == Depth(0, 4)
        gone = await asyncio.to_thread(command, tmp_path, "drop", "--all", answer="y\n", in_environment=False)
        assert gone.returncode == 0
        assert gone.stdout.endswith("4 messages dropped.\n")
        assert await outbox.depth() == Depth(0, 0)
        with pytest.raises(Closed):
            await outbox.add_result(dispatch(backend, task_id).target, tmp_path / "out" / RESULTS[0])

    run(tmp_path, test)
    assert files(tmp_path) == set()
    assert [row["state"] for row in rows(tmp_path, "jobs")] == ["finished"]


# The rest needs no process of its own.


def test_an_attempt_that_still_computes_is_closed_by_a_drop(
    backend: Backend, tmp_path: Path, task_id: str
) -> None:
    backend.answer_next("result", INVALID)
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        path = tmp_path / RESULTS[0]
        path.write_bytes(b"x")
        await outbox.add_result(job.target, path)
        await outbox.until(lambda: outbox.outcomes["result", "dead"])
        [row] = rows(tmp_path)
        assert main(["--data-dir", str(tmp_path), "drop", "--yes", str(row["id"])]) == 0
        with pytest.raises(Closed):
            await outbox.conclude(job.target, "completed")

    run(tmp_path, test)


def test_only_dead_letters_can_be_named(
    backend: Backend, tmp_path: Path, task_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.answer_next("completed", (503, {}, {"Retry-After": "600"}))
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await outbox.conclude(job.target, "completed")
        await outbox.until(lambda: outbox.outcomes["status", "retried"])

    run(tmp_path, test)
    [waiting] = rows(tmp_path)
    here = ["--data-dir", str(tmp_path)]

    assert main([*here, "list"]) == 0
    assert capsys.readouterr().out == "There are no dead letters.\n"
    assert main([*here, "list", "--all"]) == 0
    assert "status completed  pending" in capsys.readouterr().out
    for wrong in (["replay", str(waiting["id"])], ["drop", "--yes", "12345"]):
        assert main([*here, *wrong]) == 1
        assert capsys.readouterr().err == f"there is no dead letter {wrong[-1]}; nothing was changed\n"
    for nothing in ("replay", "drop"):
        assert main([*here, nothing, "--all"]) == 0
        assert capsys.readouterr().out.startswith("No messages ")
    assert rows(tmp_path) == [waiting]


def test_where_there_is_no_outbox(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data-dir", str(tmp_path), "list"]) == 2
    assert capsys.readouterr().err == f"there is no outbox in {tmp_path}\n"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "outbox.db").write_bytes(b"this is no database" * 1000)
    assert main(["--data-dir", str(tmp_path), "list"]) == 2
    assert "not a database" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [[], ["replay"], ["drop"], ["drop", "1", "--all"], ["replay", "x"], ["forget", "1"]]
)
def test_a_wrong_call_is_explained(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "usage: python -m worker.outbox" in capsys.readouterr().err
