"""The runner with an engine that does as it is told, in a real process, against a real backend."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.backend import SECRET, Backend
from worker.callbacks import Callbacks
from worker.dispatch import Dispatch, RemoteImage, Target
from worker.engine import EngineUnavailable
from worker.engines.settings import EngineSettings
from worker.host import EngineHost
from worker.job import Phase
from worker.metrics import Metrics
from worker.outbox import Outbox, OutboxUnavailable
from worker.outbox.message import Final
from worker.queue import QueueFull
from worker.runner import STARTS_MAX, Draining, Runner, Superseded
from worker.scratch import Scratch
from worker.signing import Signer, decode_secret
from worker.tracing import Tracer

ENGINE = (sys.executable, "-m", "tests.runner_engine")

Test = Callable[[Runner], Coroutine[None, None, None]]


@asynccontextmanager
async def running(data_dir: Path, command: tuple[str, ...] = ENGINE) -> AsyncIterator[Runner]:
    async with httpx.AsyncClient(trust_env=False) as http:
        callbacks = Callbacks(http, Signer((decode_secret(SECRET),)), Tracer())
        outbox = Outbox(data_dir, callbacks)
        await outbox.open()
        host = EngineHost(EngineSettings(), stage_timeout=60, recycle_after=0, command=command)
        scratch = Scratch(data_dir)
        runner = Runner(
            host, outbox, callbacks, http, scratch, Metrics(), Tracer(), queue_max=8, heartbeat=0.1
        )
        await host.start()
        try:
            yield runner
        finally:
            for job in runner.queue:
                job.halt()
            await host.close()
            await outbox.close()


def run(data_dir: Path, test: Test) -> None:
    """Runs the test with a runner and waits for all of its jobs to end."""

    async def all_of_it() -> None:
        async with running(data_dir) as runner:
            await test(runner)
            await ended(runner)
        assert list((data_dir / "work").iterdir()) == []

    asyncio.run(all_of_it())


async def ended(runner: Runner) -> None:
    tasks = [job.task for job in runner.queue if job.task is not None]
    async with asyncio.timeout(30):
        await asyncio.gather(*tasks, return_exceptions=True)


def dispatch(backend: Backend, act: str, task_id: str | None = None, attempt: int = 1) -> Dispatch:
    target = Target(task_id or str(uuid.uuid4()), attempt, f"{backend.url}/callback")
    return Dispatch(target, act.encode())


def fifo(tmp_path: Path) -> Path:
    path = tmp_path / uuid.uuid4().hex
    os.mkfifo(path)
    return path


async def computes(pipe: Path) -> None:
    """Returns once an `endless` engine computes."""
    async with asyncio.timeout(30):
        assert await asyncio.to_thread(pipe.read_text) == "computes"


def test_one_computes_at_a_time_in_order(backend: Backend, tmp_path: Path) -> None:
    note = tmp_path / "note"
    jobs = [dispatch(backend, f"works {note}") for _ in range(4)]

    async def test(runner: Runner) -> None:
        for job in jobs:
            await runner.submit(job)
        assert [job.target for job in runner.queue] == [job.target for job in jobs]

    run(tmp_path / "data", test)
    assert note.read_text().split() == ["begin", "end"] * len(jobs)
    completed = [c.task_id for c in backend.calls if c.document.get("status") == "completed"]
    assert sorted(completed) == sorted(job.target.task_id for job in jobs)
    early = [c.task_id for c in backend.calls if c.document.get("name") == "early.txt"]
    assert early == [job.target.task_id for job in jobs]


def test_formats_reach_the_engine(backend: Backend, tmp_path: Path) -> None:
    job = replace(dispatch(backend, f"works {tmp_path / 'note'}"), formats=("stl", "3mf"))

    async def test(runner: Runner) -> None:
        await runner.submit(job)

    run(tmp_path / "data", test)
    names = list(backend.results(job.target.task_id))
    assert names == ["early.txt", "late.txt", "model.stl", "model.3mf"]


@pytest.mark.parametrize(
    ("act", "status", "code"),
    [
        ("breaks", "failed", "worker_failed"),
        ("rejects", "failed", "image_rejected"),
        ("full", "released", None),
        ("dies", "released", None),
    ],
)
def test_what_goes_wrong(backend: Backend, tmp_path: Path, act: str, status: str, code: str | None) -> None:
    job, after = dispatch(backend, act), dispatch(backend, f"works {tmp_path / 'note'}")

    async def test(runner: Runner) -> None:
        await runner.submit(job)
        await runner.submit(after)

    run(tmp_path / "data", test)
    assert backend.statuses(job.target.task_id) == [status]
    told = [c.document for c in backend.of(job.target.task_id, "status")]
    document = next(document for document in told if document["status"] == status)
    assert document.get("error", {}).get("code") == code
    assert "secret" not in str(document)
    assert backend.statuses(after.target.task_id) == ["completed"]


def test_a_running_job_is_cancelled_and_the_slot_is_free(backend: Backend, tmp_path: Path) -> None:
    pipe = fifo(tmp_path)
    first, second = dispatch(backend, f"endless {pipe}"), dispatch(backend, f"works {tmp_path / 'note'}")

    async def test(runner: Runner) -> None:
        await runner.submit(first)
        await runner.submit(second)
        await computes(pipe)
        assert await runner.cancel(first.target.task_id)
        await ended(runner)
        assert not await runner.cancel(first.target.task_id)
        assert await runner.already_has(first.target)

    run(tmp_path / "data", test)
    assert backend.statuses(first.target.task_id) == []
    assert backend.statuses(second.target.task_id) == ["completed"]


def test_a_running_lower_attempt_ends_before_the_higher_computes(backend: Backend, tmp_path: Path) -> None:
    pipe, task_id = fifo(tmp_path), str(uuid.uuid4())

    async def test(runner: Runner) -> None:
        await runner.submit(dispatch(backend, f"endless {pipe}", task_id))
        await computes(pipe)
        higher = dispatch(backend, f"works {tmp_path / 'note'}", task_id, attempt=3)
        await runner.submit(higher)
        await runner.submit(higher)
        with pytest.raises(Superseded):
            await runner.submit(dispatch(backend, "works", task_id, attempt=2))

    run(tmp_path / "data", test)
    assert (tmp_path / "note").read_text().split() == ["begin", "end"]
    assert backend.statuses(task_id) == ["completed"]
    assert "late.txt" in [c.document["name"] for c in backend.of(task_id, "result") if c.attempt == 3]


def test_a_job_cancelled_before_its_first_step_is_forgotten(backend: Backend, tmp_path: Path) -> None:
    job = dispatch(backend, "works /nowhere")

    async def test(runner: Runner) -> None:
        await runner.submit(job)
        assert await runner.cancel(job.target.task_id)

    run(tmp_path / "data", test)
    assert [c for c in backend.of(job.target.task_id) if c.document.get("status") != "processing"] == []


def test_what_was_accepted_is_taken_up_by_the_next_process(backend: Backend, tmp_path: Path) -> None:
    note, pipe = tmp_path / "note", fifo(tmp_path)
    jobs = [dispatch(backend, f"works {note}") for _ in range(3)]

    async def killed() -> None:
        async with running(tmp_path / "data") as runner:
            await runner.submit(dispatch(backend, f"endless {pipe}"))
            for job in jobs:
                await runner.submit(job)
            await computes(pipe)
            await runner.cancel(next(iter(runner.queue)).target.task_id)
            for known in runner.queue:
                known.halt()  # as if the process were no more
            await ended(runner)

    asyncio.run(killed())

    async def test(runner: Runner) -> None:
        await runner.resume()
        assert [job.target for job in runner.queue] == [job.target for job in jobs]

    run(tmp_path / "data", test)
    for job in jobs:
        assert backend.statuses(job.target.task_id) == ["completed"]


def test_a_job_that_takes_the_worker_down_is_given_back(backend: Backend, tmp_path: Path) -> None:
    job = dispatch(backend, f"works {tmp_path / 'note'}")

    async def test(runner: Runner) -> None:
        await runner.outbox.accept(job)
        for _ in range(STARTS_MAX):
            await runner.outbox.started(job.target.task_id, 1)
        await runner.resume()

    run(tmp_path / "data", test)
    assert backend.statuses(job.target.task_id) == ["released"]
    assert not (tmp_path / "note").exists()


def test_results_that_came_out_otherwise_before_give_the_job_back(backend: Backend, tmp_path: Path) -> None:
    job = dispatch(backend, f"works {tmp_path / 'note'}")
    early = tmp_path / "early.txt"
    early.write_text("what an earlier process made of it")

    async def test(runner: Runner) -> None:
        await runner.outbox.accept(job)
        await runner.outbox.add_result(job.target, early)
        await runner.resume()

    run(tmp_path / "data", test)
    assert backend.statuses(job.target.task_id) == ["released"]


def test_a_picture_that_can_not_be_had_gives_the_job_back(backend: Backend, tmp_path: Path) -> None:
    job = replace(dispatch(backend, ""), image=RemoteImage(f"{backend.url}/nothing", "0" * 64))

    async def test(runner: Runner) -> None:
        await runner.submit(job)

    run(tmp_path / "data", test)
    assert backend.statuses(job.target.task_id) == ["released"]


def test_a_job_that_could_not_be_given_back_is_when_the_disk_takes_it(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(dispatch(backend, ""), image=RemoteImage(f"{backend.url}/nothing", "0" * 64))
    monkeypatch.setattr("worker.runner.RELEASE_AGAIN", 0.01)

    async def test(runner: Runner) -> None:
        conclude, full, released = runner.outbox.conclude, [True, True], asyncio.Event()

        async def on_a_full_disk(target: Target, status: Final) -> None:
            if full:
                full.pop()
                raise OutboxUnavailable("the disk is full")
            await conclude(target, status)
            released.set()

        monkeypatch.setattr(runner.outbox, "conclude", on_a_full_disk)
        await runner.submit(job)
        async with asyncio.timeout(30):
            await released.wait()
        await runner.outbox.flush(30)
        assert await runner.outbox.unfinished() == []

    run(tmp_path / "data", test)
    assert backend.statuses(job.target.task_id) == ["released"]


def test_an_engine_that_can_not_be_loaded_takes_nothing(backend: Backend, tmp_path: Path) -> None:
    job = dispatch(backend, "works")

    async def all_of_it() -> None:
        async with running(tmp_path / "data", (sys.executable, "-c", "")) as runner:
            await runner.submit(job)  # while it starts
            await ended(runner)
            with pytest.raises(EngineUnavailable):
                await runner.submit(dispatch(backend, "works"))
            assert await runner.already_has(job.target)

    asyncio.run(all_of_it())
    assert backend.statuses(job.target.task_id) == ["released"]


def test_the_queue_is_bounded_and_says_for_how_long(backend: Backend, tmp_path: Path) -> None:
    pipe = fifo(tmp_path)
    first = dispatch(backend, f"endless {pipe}")

    async def test(runner: Runner) -> None:
        await runner.submit(first)
        for _ in range(8):
            await runner.submit(dispatch(backend, f"works {tmp_path / 'note'}"))
        with pytest.raises(QueueFull) as full:
            await runner.submit(dispatch(backend, "works"))
        assert full.value.retry_after >= 1
        await computes(pipe)
        await runner.cancel(first.target.task_id)

    run(tmp_path / "data", test)


def test_a_drain_lets_the_running_one_finish_and_gives_the_others_back(
    backend: Backend, tmp_path: Path
) -> None:
    pipe = fifo(tmp_path)
    first, second = dispatch(backend, f"waits {pipe}"), dispatch(backend, "works /nowhere")

    async def test(runner: Runner) -> None:
        await runner.submit(first)
        await runner.submit(second)
        await asyncio.to_thread(pipe.write_text, "")  # its reader computes
        await runner.drain(30)
        with pytest.raises(Draining):
            await runner.submit(dispatch(backend, "works"))

    run(tmp_path / "data", test)
    assert backend.statuses(first.target.task_id) == ["completed"]
    assert backend.statuses(second.target.task_id) == ["released"]


def test_a_drain_gives_back_what_takes_too_long(backend: Backend, tmp_path: Path) -> None:
    pipe = fifo(tmp_path)
    job = dispatch(backend, f"endless {pipe}")

    async def test(runner: Runner) -> None:
        await runner.submit(job)
        await computes(pipe)
        await runner.drain(3)

    run(tmp_path / "data", test)
    assert backend.statuses(job.target.task_id) == ["released"]
    assert backend.of(job.target.task_id)[-1].document["status"] == "released"


def test_a_job_stays_in_sight_until_its_last_message_is_through(backend: Backend, tmp_path: Path) -> None:
    backend.answer_next("completed", 500)
    job = dispatch(backend, f"works {tmp_path / 'note'}")
    phases: list[Phase] = []

    async def test(runner: Runner) -> None:
        await runner.submit(job)
        await asyncio.to_thread(
            backend.wait, lambda: any(c.answer == 500 for c in backend.of(job.target.task_id))
        )
        phases.extend(known.phase for known in runner.queue)

    run(tmp_path / "data", test)
    assert phases == [Phase.DELIVERING]
    assert backend.statuses(job.target.task_id) == ["completed"]


def test_urls_of_their_own_are_used() -> None:
    target = Target("t", 1, "http://a/cb", "http://b/result", "http://c/up", "http://d/status")
    assert (target.results, target.uploads, target.status) == (
        "http://b/result/t",
        "http://c/up/t",
        "http://d/status",
    )
    plain = Target("t", 1, "http://a/cb")
    assert plain.results == "http://a/cb/result/t"
    assert plain.uploads == "http://a/cb/upload-url/t"
    assert plain.status == "http://a/cb/status"
