"""What the outbox keeps: accepted jobs and results; and what it does where the disk is no friend."""

import asyncio
import logging
import os
import resource
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.backend import Backend
from tests.outbox_process import ended, start
from tests.outboxes import PICTURE, RESULTS, Watched, compute, dispatch, files, opened, result, rows, run
from worker.dispatch import Dispatch, RemoteImage, Target
from worker.outbox import Closed, DataDirInUse, OutboxUnavailable, ResultChanged


def nowhere(task_id: str, attempt: int = 1) -> Target:
    """A target that nobody answers for."""
    return Target(task_id, attempt, "http://127.0.0.1:9/callback", upload_url="http://127.0.0.1:9/up")


def some_id() -> str:
    return str(uuid.uuid4())


def test_what_was_accepted_is_there_after_a_restart(tmp_path: Path) -> None:
    first, second, third = (nowhere(some_id(), attempt) for attempt in (2, 1, 7))
    remote = RemoteImage("https://storage.test/picture?signed", "0" * 64)

    async def before(outbox: Watched) -> None:
        taken = await outbox.accept(Dispatch(first, PICTURE, ("stl", "usdz")))
        assert (taken.target, taken.formats, taken.starts) == (first, ("stl", "usdz"), 0)
        await outbox.accept(Dispatch(second, remote))
        await outbox.accept(Dispatch(third, b""))
        assert await outbox.started(first.task_id, 2) == 1
        assert await outbox.started(first.task_id, 2) == 2
        await outbox.conclude(third, "released")

    async def after(outbox: Watched) -> None:
        jobs = await outbox.unfinished()
        assert [(job.target, job.formats, job.starts) for job in jobs] == [
            (first, ("stl", "usdz"), 2),
            (second, (), 0),
        ]
        assert isinstance(jobs[0].picture, Path)
        assert jobs[0].picture.read_bytes() == PICTURE
        assert jobs[1].picture == remote
        assert [await outbox.latest_attempt(target.task_id) for target in (first, second, third)] == [2, 1, 7]
        assert await outbox.latest_attempt(some_id()) == 0

    run(tmp_path, before)
    run(tmp_path, after)


def test_accepted_means_on_the_disk(tmp_path: Path, task_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes before their name, the names before the row, the row before the answer."""
    steps: list[str] = []
    fsync = os.fsync

    def noting(handle: int) -> None:
        steps.append(str(Path(f"/proc/self/fd/{handle}").readlink().relative_to(tmp_path)))
        fsync(handle)

    async def test(outbox: Watched) -> None:
        monkeypatch.setattr(os, "fsync", noting)
        await outbox._thread(outbox._database._connection.set_trace_callback, steps.append)
        steps.clear()
        await outbox.accept(Dispatch(nowhere(task_id), PICTURE))
        accepted = [step for step in steps if not step.lstrip().startswith("SELECT")]
        folder = f"outbox/{task_id}.1"
        assert accepted[:5] == [
            "outbox",
            "outbox",
            f"{folder}/picture",
            folder,
            "BEGIN IMMEDIATE",
        ]
        assert accepted[-1] == "COMMIT"

        steps.clear()
        await outbox.add_result(nowhere(task_id), result(tmp_path / "out", "a.txt"))
        added = [step for step in steps if not step.lstrip().startswith("SELECT")]
        added = added[: added.index("COMMIT")]  # the sender goes on from there
        assert added[:5] == [
            "out/a.txt",
            "BEGIN IMMEDIATE",
            folder,
            "outbox",
            f"{folder}/results",
        ]
        assert added[-1].startswith("INSERT")
        full = await outbox._thread(
            lambda: outbox._database.execute("PRAGMA synchronous").fetchone()[0]  # and so is a COMMIT
        )
        assert full == 2

    run(tmp_path, test)


def test_the_same_or_an_older_attempt_is_not_taken_again(tmp_path: Path, task_id: str) -> None:
    async def test(outbox: Watched) -> None:
        await outbox.accept(Dispatch(nowhere(task_id, 2), PICTURE))
        for attempt in (2, 1):
            with pytest.raises(Closed):
                await outbox.accept(Dispatch(nowhere(task_id, attempt), b"another"))
        assert await outbox.abandon(task_id, 2)
        for attempt in (2, 1):
            with pytest.raises(Closed):
                await outbox.accept(Dispatch(nowhere(task_id, attempt), b"another"))
        assert not await outbox.abandon(task_id, 2)
        assert await outbox.unfinished() == []

    run(tmp_path, test)
    assert files(tmp_path) == set()


def test_a_higher_attempt_replaces_a_lower_one(backend: Backend, tmp_path: Path, task_id: str) -> None:
    backend.answer_next("result", (503, {}, {"Retry-After": "600"}))
    first, second = dispatch(backend, task_id), dispatch(backend, task_id, attempt=2)

    async def test(outbox: Watched) -> None:
        await outbox.accept(first)
        await compute(outbox, first.target, tmp_path / "out")
        await outbox.until(lambda: outbox.outcomes["result", "retried"])
        await outbox.accept(second)
        assert files(tmp_path) == {f"{task_id}.2/picture"}
        assert rows(tmp_path) == []
        for gone in (
            outbox.add_result(first.target, result(tmp_path / "out", "late.txt")),
            outbox.conclude(first.target, "completed"),
            outbox.started(task_id, 1),
        ):
            with pytest.raises(Closed):
                await gone
        await compute(outbox, second.target, tmp_path / "out")
        await outbox.until_settled(second.target)

    run(tmp_path, test)
    assert [call.attempt for call in backend.of(task_id)] == [1, 2, 2, 2, 2]


def test_the_same_result_again_is_the_same(tmp_path: Path, task_id: str) -> None:
    target = nowhere(task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(Dispatch(target, PICTURE))
        assert await outbox.add_result(target, result(tmp_path / "out", "a.txt"))
        assert not await outbox.add_result(target, result(tmp_path / "again", "a.txt"))
        with pytest.raises(ResultChanged):
            await outbox.add_result(target, result(tmp_path / "again", "a.txt", b"other bytes"))
        assert len(rows(tmp_path)) == 1
        await outbox.conclude(target, "completed")
        for late in (
            outbox.add_result(target, result(tmp_path / "out", "b.txt")),
            outbox.conclude(target, "failed", {}),
        ):
            with pytest.raises(Closed):
                await late

    run(tmp_path, test)
    kept = tmp_path / "outbox" / f"{task_id}.1" / "results" / "a.txt"
    assert files(tmp_path) == {str(kept.relative_to(tmp_path / "outbox"))}  # nor the picture: nobody computes
    assert kept.read_bytes() == b"a.txt"


def test_a_result_survives_the_folder_that_it_was_made_in(tmp_path: Path, task_id: str) -> None:
    target = nowhere(task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(Dispatch(target, PICTURE))
        path = result(tmp_path / "out", "picture")  # a name that is no other file's
        await outbox.add_result(target, path)
        path.unlink()

    run(tmp_path, test)
    assert (tmp_path / "outbox" / f"{task_id}.1" / "results" / "picture").read_bytes() == b"picture"
    assert (tmp_path / "outbox" / f"{task_id}.1" / "picture").read_bytes() == PICTURE


def test_a_result_from_another_file_system_is_copied(
    tmp_path: Path, task_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def across(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", across)
    target = nowhere(task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(Dispatch(target, PICTURE))
        assert await outbox.add_result(target, result(tmp_path / "out", "a.txt"))

    run(tmp_path, test)
    assert (tmp_path / "outbox" / f"{task_id}.1" / "results" / "a.txt").read_bytes() == b"a.txt"


def test_finished_tasks_are_remembered_up_to_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.outbox.journal.REMEMBERED", 3)
    tasks = [some_id() for _ in range(5)]

    async def test(outbox: Watched) -> None:
        unfinished = some_id()
        for task_id in (unfinished, *tasks):
            await outbox.accept(Dispatch(nowhere(task_id, 4), PICTURE))
        for task_id in tasks:
            await outbox.abandon(task_id, 4)
        assert [await outbox.latest_attempt(task_id) for task_id in tasks] == [0, 0, 4, 4, 4]
        assert await outbox.latest_attempt(unfinished) == 4

    run(tmp_path, test)


def test_files_without_a_row_are_removed_at_the_start(tmp_path: Path, task_id: str) -> None:
    target, finished = nowhere(task_id), nowhere(some_id())

    async def before(outbox: Watched) -> None:
        await outbox.accept(Dispatch(target, PICTURE))
        await outbox.add_result(target, result(tmp_path / "out", "a.txt"))
        await outbox.accept(Dispatch(finished, PICTURE))
        await outbox.abandon(finished.task_id, 1)

    async def after(_: Watched) -> None:
        pass

    run(tmp_path, before)
    kept = files(tmp_path)
    result(tmp_path / "outbox" / f"{task_id}.1" / "results", "b.txt")
    result(tmp_path / "outbox" / f"{finished.task_id}.1", "picture")
    result(tmp_path / "outbox", "stray")
    run(tmp_path, after)
    assert files(tmp_path) == kept == {f"{task_id}.1/picture", f"{task_id}.1/results/a.txt"}


def test_a_job_whose_picture_is_gone_is_given_back(
    backend: Backend, tmp_path: Path, task_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    job = dispatch(backend, task_id)

    async def before(outbox: Watched) -> None:
        await outbox.accept(job)

    async def after(outbox: Watched) -> None:
        await outbox.until_settled(job.target)
        assert await outbox.unfinished() == []

    run(tmp_path, before)
    (tmp_path / "outbox" / f"{task_id}.1" / "picture").unlink()
    run(tmp_path, after)
    assert backend.statuses(task_id) == ["released"]
    assert [r.message for r in caplog.records if r.levelno == logging.ERROR] == [
        "the picture of an accepted job is gone: given back"
    ]


# -- one process for a folder, and files that are not what they should be ----------------------------


def test_a_folder_is_one_workers_own(tmp_path: Path, task_id: str) -> None:
    async def test(outbox: Watched) -> None:
        with pytest.raises(DataDirInUse, match="DATA_DIR of its own"):
            async with opened(tmp_path):
                pass
        await outbox.accept(Dispatch(nowhere(task_id), PICTURE))

    run(tmp_path, test)
    run(tmp_path, _nothing)  # free again


async def _nothing(_: Watched) -> None:
    pass


def _overwrite_all(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def _overwrite_a_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


@pytest.mark.parametrize("damage", [_overwrite_all, _overwrite_a_page])
def test_a_corrupt_database_is_moved_aside_and_not_in_silence(
    tmp_path: Path, task_id: str, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    async def before(outbox: Watched) -> None:
        await outbox.accept(Dispatch(nowhere(task_id), PICTURE))

    async def after(outbox: Watched) -> None:
        assert await outbox.unfinished() == []
        await outbox.accept(Dispatch(nowhere(task_id), PICTURE))

    run(tmp_path, before)
    damage(tmp_path / "outbox.db")
    run(tmp_path, after)
    [error] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "corrupt" in error.message
    assert Path(vars(error)["movedTo"]).is_file()
    [aside] = tmp_path.glob("outbox.corrupt-*")
    assert (aside / f"{task_id}.1" / "picture").read_bytes() == PICTURE
    run(tmp_path, _nothing)
    assert len(list(tmp_path.glob("outbox.db.corrupt-*"))) == 1


def test_a_newer_workers_database_is_left_alone(tmp_path: Path) -> None:
    run(tmp_path, _nothing)
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(OutboxUnavailable, match="newer"):
        run(tmp_path, _nothing)
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutboxUnavailable):
        run(tmp_path / "file" / "data", _nothing)


# -- a full disk --------------------------------------------------------------------------------------


def _limit(size: int) -> None:
    """No file of this process may grow beyond `size` bytes: to who writes, the disk is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _on_a_full_disk(data_dir: Path, url: str) -> None:
    task, other = Target("t" * 36, 1, f"{url}/callback"), Target("o" * 36, 1, f"{url}/callback")

    async def test(outbox: Watched) -> None:
        await outbox.accept(Dispatch(other, PICTURE))
        before = files(data_dir), rows(data_dir), rows(data_dir, "jobs")

        _limit(1 << 10)
        for picture in (bytes(1 << 20), PICTURE):  # its file does not fit; its row does not
            with pytest.raises(OutboxUnavailable):
                await outbox.accept(Dispatch(task, picture))
        small = result(data_dir / "out", "a.txt")
        with pytest.raises(OutboxUnavailable):
            await outbox.add_result(other, small)
        with pytest.raises(OutboxUnavailable):
            await outbox.conclude(other, "released")
        with pytest.raises(OutboxUnavailable):
            await outbox.started(other.task_id, 1)
        assert await outbox.latest_attempt(task.task_id) == 0

        _limit(resource.RLIM_INFINITY)
        after = files(data_dir) - {f"{other.task_id}.1/results/a.txt"}, rows(data_dir), rows(data_dir, "jobs")
        assert after == before
        await outbox.accept(Dispatch(task, bytes(1 << 20)))
        for target in (task, other):
            await compute(outbox, target, data_dir / "out" / target.task_id)
        await outbox.until_settled(task, other)

    run(data_dir, test)


def test_on_a_full_disk_nothing_is_done_by_halves(backend: Backend, tmp_path: Path) -> None:
    assert ended(start(_on_a_full_disk, tmp_path, backend.url)) == 0
    for task in ("t" * 36, "o" * 36):
        assert list(backend.results(task)) == list(RESULTS)
        assert backend.statuses(task) == ["completed"]


def _delivering_on_a_full_disk(data_dir: Path, url: str) -> None:
    job = Target("t" * 36, 1, f"{url}/callback")

    async def test(outbox: Watched) -> None:
        await outbox.accept(Dispatch(job, PICTURE))
        callbacks = outbox._sender._callbacks
        really = callbacks._post
        calls = 0

        async def filling(message: object) -> dict[str, object]:
            """The disk is full when the answer comes, until the next try."""
            nonlocal calls
            calls += 1
            _limit(resource.RLIM_INFINITY)
            answer = await really(message)  # type: ignore[arg-type]
            if calls == 1:
                _limit(1 << 10)
            return answer

        callbacks._post = filling  # type: ignore[method-assign]
        await outbox.conclude(job, "released")
        await outbox.until_settled(job)

    run(data_dir, test)


def test_an_answer_that_cannot_be_noted_is_asked_for_again(backend: Backend, tmp_path: Path) -> None:
    assert ended(start(_delivering_on_a_full_disk, tmp_path, backend.url)) == 0
    calls = backend.of("t" * 36)
    assert [call.answer for call in calls] == [200, 200]
    assert len({call.webhook_id for call in calls}) == 1
    assert files(tmp_path) == set()


def test_calls_are_made_in_order_and_to_their_end(tmp_path: Path, task_id: str) -> None:
    """Who is cancelled while it waits for the disk leaves nothing half done."""

    async def test(outbox: Watched) -> None:
        accepting = asyncio.create_task(outbox.accept(Dispatch(nowhere(task_id), PICTURE)))
        await asyncio.sleep(0)
        accepting.cancel()
        assert [job.target.task_id for job in await outbox.unfinished()] == [task_id]
        assert accepting.cancelled()

    run(tmp_path, test)
