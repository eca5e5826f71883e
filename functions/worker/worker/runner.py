"""Runs jobs: one computes at a time, the others wait; results go out as they come into being.

Knows nothing of HTTP: jobs come as Dispatch, and what is to be said goes to Callbacks.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx

from worker import picture
from worker.callbacks import Callbacks, Refused, Undeliverable, Unwanted
from worker.courier import Courier
from worker.dispatch import Dispatch, Target
from worker.engine import Engine, ImageRejected, JobCancelled
from worker.fetch import FetchFailed, fetch
from worker.job import Failure, Job, Phase, about
from worker.queue import Queue
from worker.scratch import Scratch

log = logging.getLogger(__name__)

WORKER_FAILED: Failure = {
    "code": "worker_failed",
    "message": "The reconstruction failed through no fault of the picture. Try again.",
}


class Draining(Exception):
    """The worker is about to stop and takes nothing more."""


class GiveBack(Exception):
    """The worker can't do the job now, another one may."""


class Runner:
    """Accepts jobs and sees each through to its last callback."""

    def __init__(
        self,
        engine: Engine,
        callbacks: Callbacks,
        http: httpx.AsyncClient,
        scratch: Scratch,
        *,
        queue_max: int,
        heartbeat: float,
    ) -> None:
        self.engine = engine
        self.queue = Queue(queue_max)
        self.draining = False
        self._http = http
        self._scratch = scratch
        self._courier = Courier(callbacks, self.queue, heartbeat)
        self._slot = asyncio.Lock()

    # -- what may be asked of it --------------------------------------------------------------------

    def already_has(self, target: Target) -> bool:
        """Whether this attempt needs no place: it is or was here. Raises as `submit` does."""
        if self.queue.knows(target.task_id, target.attempt):
            return True
        if self.draining:
            raise Draining
        self.queue.ensure_place(target.task_id)
        return False

    def submit(self, dispatch: Dispatch) -> None:
        """Takes the job, unless it is here already; a lower attempt of the same task is stopped.

        Raises Superseded, QueueFull or Draining. Never waits: no two calls can interleave.
        """
        target = dispatch.target
        if self.already_has(target):
            return
        previous = self.queue.get(target.task_id)
        if previous is not None:
            log.info("replaced by a higher attempt", extra=about(previous))
            previous.halt()
        job = Job(target, dispatch.image)
        self.queue.add(job)
        job.task = asyncio.create_task(self._run(job))
        # Not in the task itself: one that is cancelled before its first step runs none of its lines.
        job.task.add_done_callback(lambda _: self._remove(job))
        log.info("accepted", extra=about(job))

    def cancel(self, task_id: str) -> bool:
        """Stops the task's work; false where there is none."""
        job = self.queue.get(task_id)
        if job is None:
            return False
        log.info("cancelled", extra=about(job))
        job.halt()
        return True

    async def drain(self, seconds: float) -> None:
        """Gives every job back by `released`, best effort, and stops. Takes about `seconds` at most."""
        self.draining = True
        jobs = list(self.queue)
        for job in jobs:
            job.halt()
        tasks = [job.task for job in jobs if job.task is not None]
        messengers = [messenger for job in jobs for messenger in job.messengers]
        # No late `processing` may follow a `released`: it would take the task up again.
        await asyncio.gather(*messengers, return_exceptions=True)
        if jobs:
            releases = [asyncio.create_task(self._courier.release(job)) for job in jobs]
            await asyncio.wait([*releases, *tasks], timeout=seconds)
            for release in releases:
                release.cancel()

    # -- one job ------------------------------------------------------------------------------------

    async def _run(self, job: Job) -> None:
        try:
            with self._scratch.job(job.target.task_id) as folder:
                await self._work(job, folder)
        except asyncio.CancelledError:
            pass  # halted, by one who has said why
        except Unwanted as error:
            log.info("the backend no longer wants it", extra=about(job) | {"reason": str(error)})
        except (Refused, Undeliverable) as error:
            log.error("a callback was lost", extra=about(job) | {"reason": str(error)})  # noqa: TRY400
        except OSError:
            log.exception("given back for lack of files", extra=about(job))
            await self._courier.release(job)
        except Exception:
            log.exception("the job broke", extra=about(job))
            await self._courier.release(job)

    def _remove(self, job: Job) -> None:
        self.queue.remove(job)
        for other in self.queue:
            other.changed.set()  # its place in the queue is another now

    async def _work(self, job: Job, folder: Path) -> None:
        reports = asyncio.create_task(self._courier.report(job))
        delivery = asyncio.create_task(self._courier.results(job))
        job.messengers = [reports, delivery]
        try:
            failure = await self._compute(job, folder)
            job.enter(Phase.DELIVERING, "upload", 99)
            job.files.put_nowait(None)
            failure = await delivery or failure
            await _stopped(reports)
            await self._courier.conclude(job, failure, folder)
        except GiveBack as error:
            log.warning("given back", extra=about(job) | {"reason": str(error)})
            await _stopped(delivery)
            await _stopped(reports)
            await self._courier.release(job)
        finally:
            await _stopped(delivery)
            await _stopped(reports)

    async def _compute(self, job: Job, folder: Path) -> Failure | None:
        """Runs the engine once the slot is free; what it yields goes to `job.files`."""
        try:
            # A picture that has to be fetched queues when it is here: a slow storage holds up nobody else.
            # All others queue at once, so that the lock, which is fair, keeps the order of arrival.
            fetched = await self._fetch(job, folder)
            async with self._slot:
                image = fetched or await self._write(job, folder)
                job.enter(Phase.RUNNING, self.engine.stages[0], 0)
                try:
                    await self._reconstruct(job, image, folder)
                finally:
                    self.queue.took(time.monotonic() - (job.started or 0))
        except ImageRejected as error:
            log.info("picture rejected", extra=about(job) | {"reason": str(error)})
            return {"code": "image_rejected", "message": str(error)}
        except FetchFailed as error:
            raise GiveBack(f"the picture can't be fetched: {error}") from error
        except (OSError, MemoryError) as error:
            raise GiveBack(f"{type(error).__name__}: {error}") from error
        except JobCancelled:
            return WORKER_FAILED  # its delivery was refused and knows better
        except Exception:
            log.exception("the engine failed", extra=about(job))
            return WORKER_FAILED
        return None

    async def _write(self, job: Job, folder: Path) -> Path:
        """The picture that travelled in the form, as a file. It was checked before it was accepted."""
        path, image = folder / "input", job.image
        if isinstance(image, bytes):
            await asyncio.to_thread(path.write_bytes, image)
            job.image = b""  # the file has it now
        return path

    async def _fetch(self, job: Job, folder: Path) -> Path | None:
        """The picture that travels by URL, as a file, checked; None where it came in the form."""
        path, image = folder / "input", job.image
        if isinstance(image, bytes):
            return None
        await fetch(self._http, image, path)
        try:
            await asyncio.to_thread(picture.check, path)
        except (picture.UnknownType, picture.TooManyPixels, picture.Undecodable) as error:
            raise ImageRejected(f"The picture can't be used: {error}.") from error
        return path

    async def _reconstruct(self, job: Job, image: Path, folder: Path) -> None:
        """Runs the engine in a thread. However this ends, the thread has ended: the slot is really free."""
        loop = asyncio.get_running_loop()
        out = folder / "results"
        out.mkdir()

        def in_loop(call: Callable[..., None], *values: object) -> None:
            loop.call_soon_threadsafe(call, *values)

        def on_stage(stage: str, done: float) -> None:
            in_loop(job.enter, Phase.RUNNING, stage, round(98 * min(max(done, 0), 1)))

        def work() -> None:
            for file in self.engine.reconstruct(image, out, on_stage, job.stop.is_set):
                in_loop(job.files.put_nowait, file)

        thread = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            await asyncio.shield(thread)
        except asyncio.CancelledError:
            job.stop.set()
            await asyncio.wait([thread])
            with suppress(Exception):
                thread.result()
            raise


async def _stopped(task: asyncio.Task[Failure | None] | asyncio.Task[None]) -> None:
    """Cancels the task, waits until it has ended, and takes note of how."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
