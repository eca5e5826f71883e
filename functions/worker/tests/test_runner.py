"""The runner with engines that do as they are told, against a real backend."""

import asyncio
import hashlib
import threading
import uuid
from collections.abc import Callable, Collection, Coroutine, Iterator
from pathlib import Path

import httpx

from tests.backend import SECRET, Backend
from worker.callbacks import GRANTS_MAX, MULTIPART_MAX, Callbacks
from worker.dispatch import Dispatch, Target
from worker.engine import Cancelled, JobCancelled, OnStage
from worker.runner import Runner
from worker.scratch import Scratch
from worker.signing import Signer, decode_secret

Act = Callable[[Path, Cancelled], Iterator[Path]]


class Scripted:
    """An engine that acts by the picture's bytes, and notes who computes at the same time as whom."""

    name = "scripted"
    stages = ("only",)

    def __init__(self, **acts: Act) -> None:
        self._acts = acts
        self._busy = threading.Lock()
        self.order: list[str] = []
        self.overlapped = False

    def reconstruct(
        self, image: Path, out: Path, on_stage: OnStage, cancelled: Cancelled, formats: Collection[str] = ()
    ) -> Iterator[Path]:
        if not self._busy.acquire(blocking=False):
            self.overlapped = True
            raise AssertionError("two jobs compute at once")
        try:
            act = image.read_text()
            self.order.append(act)
            on_stage("only", 0)
            yield from self._acts[act](out, cancelled)
        finally:
            self._busy.release()


def small(out: Path, _: Cancelled) -> Iterator[Path]:
    path = out / "small.txt"
    path.write_text("small")
    yield path


def run(
    backend: Backend, tmp_path: Path, engine: Scripted, test: Callable[[Runner], Coroutine[None, None, None]]
) -> None:
    """Runs the test with a runner, waits for its jobs to end and sees that no file is left."""

    async def all_of_it() -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            scratch = Scratch(tmp_path)
            callbacks = Callbacks(http, Signer((decode_secret(SECRET),)))
            runner = Runner(engine, callbacks, http, scratch, queue_max=8, heartbeat=0.1)
            await test(runner)
            tasks = [job.task for job in runner.queue if job.task is not None]
            async with asyncio.timeout(30):
                await asyncio.gather(*tasks)
            assert [path.name for path in scratch.folder.iterdir()] == ["lock"]
            scratch.close()

    asyncio.run(all_of_it())


def dispatch(backend: Backend, act: str, task_id: str | None = None, attempt: int = 1) -> Dispatch:
    target = Target(task_id or str(uuid.uuid4()), attempt, f"{backend.url}/callback")
    return Dispatch(target, act.encode())


async def ended(runner: Runner, task_id: str) -> None:
    job = runner.queue.get(task_id)
    if job is not None and job.task is not None:
        await asyncio.wait([job.task], timeout=30)
        assert job.task.done()


def test_one_computes_at_a_time_in_order(backend: Backend, tmp_path: Path) -> None:
    engine = Scripted(a=small, b=small, c=small)

    async def test(runner: Runner) -> None:
        for act in "abc":
            runner.submit(dispatch(backend, act))

    run(backend, tmp_path, engine, test)
    assert engine.order == ["a", "b", "c"]
    assert not engine.overlapped
    assert len([c for c in backend.calls if c.document.get("status") == "completed"]) == 3


def test_an_engine_that_breaks_fails_the_task_without_internals(backend: Backend, tmp_path: Path) -> None:
    def breaks(out: Path, cancelled: Cancelled) -> Iterator[Path]:
        yield from small(out, cancelled)
        raise RuntimeError("a secret of the house")

    job = dispatch(backend, "breaks")

    async def test(runner: Runner) -> None:
        runner.submit(job)

    run(backend, tmp_path, Scripted(breaks=breaks), test)
    assert backend.statuses(job.target.task_id) == ["failed"]
    error = backend.of(job.target.task_id, "status")[-1].document["error"]
    assert error["code"] == "worker_failed"
    assert "secret" not in error["message"]


def test_a_full_disk_gives_the_job_back(backend: Backend, tmp_path: Path) -> None:
    def full(out: Path, _: Cancelled) -> Iterator[Path]:
        raise OSError(28, "No space left on device")
        yield out

    job = dispatch(backend, "full")

    async def test(runner: Runner) -> None:
        runner.submit(job)

    run(backend, tmp_path, Scripted(full=full), test)
    assert backend.statuses(job.target.task_id) == ["released"]


def test_a_running_job_is_cancelled_and_the_slot_is_free(backend: Backend, tmp_path: Path) -> None:
    running, seen = threading.Event(), threading.Event()

    def endless(out: Path, cancelled: Cancelled) -> Iterator[Path]:
        yield from small(out, cancelled)
        running.set()
        while not cancelled():
            threading.Event().wait(0.01)
        seen.set()
        raise JobCancelled

    first, second = dispatch(backend, "endless"), dispatch(backend, "small")

    async def test(runner: Runner) -> None:
        runner.submit(first)
        runner.submit(second)
        await asyncio.to_thread(running.wait, 30)
        assert runner.cancel(first.target.task_id)
        await ended(runner, first.target.task_id)
        assert not runner.cancel(first.target.task_id)

    engine = Scripted(endless=endless, small=small)
    run(backend, tmp_path, engine, test)
    assert seen.is_set()
    assert not engine.overlapped
    assert backend.statuses(first.target.task_id) == []
    assert backend.statuses(second.target.task_id) == ["completed"]


def test_a_running_lower_attempt_ends_before_the_higher_computes(backend: Backend, tmp_path: Path) -> None:
    running = threading.Event()

    def endless(out: Path, cancelled: Cancelled) -> Iterator[Path]:
        running.set()
        while not cancelled():
            threading.Event().wait(0.01)
        yield from small(out, cancelled)

    task_id = str(uuid.uuid4())

    async def test(runner: Runner) -> None:
        runner.submit(dispatch(backend, "endless", task_id))
        await asyncio.to_thread(running.wait, 30)
        runner.submit(dispatch(backend, "small", task_id, attempt=2))

    engine = Scripted(endless=endless, small=small)
    run(backend, tmp_path, engine, test)
    assert engine.order == ["endless", "small"]
    assert not engine.overlapped
    assert {c.attempt for c in backend.of(task_id, "result")} == {2}
    assert backend.statuses(task_id) == ["completed"]


def test_a_job_cancelled_before_its_first_step_is_forgotten(backend: Backend, tmp_path: Path) -> None:
    job = dispatch(backend, "small")

    async def test(runner: Runner) -> None:
        runner.submit(job)
        runner.cancel(job.target.task_id)
        await ended(runner, job.target.task_id)
        await asyncio.sleep(0)  # the task's callback runs after who awaits it
        assert list(runner.queue) == []

    run(backend, tmp_path, Scripted(small=small), test)
    assert backend.of(job.target.task_id) == []


LARGE = bytes(range(256)) * (MULTIPART_MAX // 256)


def large(out: Path, _: Cancelled) -> Iterator[Path]:
    """Itself just as large as a form may be, so its form is too large."""
    path = out / "large.bin"
    path.write_bytes(LARGE)
    yield path


def test_large_results_take_the_direct_route(backend: Backend, tmp_path: Path) -> None:
    backend.answer_next("upload", 500)
    backend.answer_next("put", 403, 503)  # an URL that ran out, then a storage that is away
    backend.answer_next("result", 502)
    job = dispatch(backend, "large")

    async def test(runner: Runner) -> None:
        runner.submit(job)

    run(backend, tmp_path, Scripted(large=large), test)
    about = {
        "name": "large.bin",
        "size": len(LARGE),
        "sha256": hashlib.sha256(LARGE).hexdigest(),
        "contentType": "application/octet-stream",
        "attempt": 1,
    }
    calls = [c for c in backend.of(job.target.task_id) if c.kind != "status"]
    assert [(c.kind, c.answer) for c in calls] == [
        ("upload", 500),
        ("upload", 200),
        ("put", 403),
        ("upload", 200),
        ("put", 503),
        ("upload", 200),
        ("put", 200),
        ("result", 502),
        ("result", 200),
    ]
    assert all(c.document == about for c in calls if c.kind != "put")
    assert backend.stored["large.bin"] == LARGE
    assert backend.statuses(job.target.task_id) == ["completed"]


def test_what_is_stored_already_is_not_uploaded_again(backend: Backend, tmp_path: Path) -> None:
    backend.answer_next("upload", (200, {"duplicate": True}, {}))
    job = dispatch(backend, "large")

    async def test(runner: Runner) -> None:
        runner.submit(job)

    run(backend, tmp_path, Scripted(large=large), test)
    kinds = [c.kind for c in backend.of(job.target.task_id) if c.kind != "status"]
    assert kinds == ["upload"]
    assert backend.statuses(job.target.task_id) == ["completed"]


def test_an_upload_that_is_always_refused_fails_the_task(backend: Backend, tmp_path: Path) -> None:
    backend.answer_next("put", *[403] * GRANTS_MAX)
    job = dispatch(backend, "large")

    async def test(runner: Runner) -> None:
        runner.submit(job)

    run(backend, tmp_path, Scripted(large=large), test)
    assert backend.statuses(job.target.task_id) == ["failed"]


def test_urls_of_their_own_are_used(backend: Backend) -> None:
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
