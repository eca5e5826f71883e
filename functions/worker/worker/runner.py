"""Runs jobs: one computes at a time, the others wait; results go out as they come into being.

Knows nothing of HTTP: jobs come as Dispatch, and what is to be said durably goes to the Outbox. What was
accepted is in the outbox too, so that a worker which was killed takes it up again at its next start.
"""

import asyncio
import logging
import time
from pathlib import Path

import httpx
from opentelemetry import trace
from opentelemetry.trace import Span

from worker import picture
from worker.callbacks import Callbacks
from worker.dispatch import Dispatch, Target
from worker.engine import EngineUnavailable, ImageRejected
from worker.fetch import FetchFailed, fetch
from worker.heartbeat import Heartbeat
from worker.host import EngineFailed, EngineHost, EngineLost
from worker.job import Failure, Job, Phase, about
from worker.metrics import Metrics
from worker.outbox import Accepted, Closed, Outbox, OutboxUnavailable, ResultChanged
from worker.queue import Queue
from worker.scratch import Scratch
from worker.tracing import Tracer

log = logging.getLogger(__name__)

STARTS_MAX = 2
"""How often a job's computing may begin here: one that took the whole worker down twice is given back."""

RELEASE_AGAIN = 5.0
"""Seconds until a job is given back again that the outbox could not be told of."""

WORKER_FAILED: Failure = {
    "code": "worker_failed",
    "message": "The reconstruction failed through no fault of the picture. Try again.",
}


class Draining(Exception):
    """The worker is about to stop and takes nothing more."""


class Superseded(Exception):
    """A higher attempt of this task is or was here."""


class GiveBack(Exception):
    """The worker can't do the job now, another one may."""


class Runner:
    """Accepts jobs and sees each through to its last callback."""

    def __init__(
        self,
        host: EngineHost,
        outbox: Outbox,
        callbacks: Callbacks,
        http: httpx.AsyncClient,
        scratch: Scratch,
        metrics: Metrics,
        tracer: Tracer,
        *,
        queue_max: int,
        heartbeat: float,
    ) -> None:
        self.host, self.outbox = host, outbox
        self.queue = Queue(queue_max)
        self.draining = False
        self._http, self._scratch, self._metrics, self._tracer = http, scratch, metrics, tracer
        self._heartbeat = Heartbeat(callbacks, self.queue, heartbeat, self._unwanted)
        self._slot = asyncio.Lock()
        self._accepting = asyncio.Lock()
        self._errands: set[asyncio.Task[bool]] = set()
        self._releases: set[asyncio.Task[None]] = set()
        outbox.listen(self._in_vain, self._settled)

    # -- what may be asked of it --------------------------------------------------------------------

    async def resume(self) -> None:
        """Takes up what an earlier process accepted and did not finish, in the order of acceptance."""
        for accepted in await self.outbox.unfinished():
            log.info("resumed", extra={"taskId": accepted.target.task_id, "attempt": accepted.target.attempt})
            self._begin(accepted)

    async def already_has(self, target: Target) -> bool:
        """Whether this attempt needs no place: it is or was here.

        Raises Superseded, QueueFull, Draining, EngineUnavailable where the engine can't run here, or
        OutboxUnavailable.
        """
        latest = await self.outbox.latest_attempt(target.task_id)
        if latest >= target.attempt:
            if latest > target.attempt:
                raise Superseded
            return True
        if self.draining:
            raise Draining
        if self.host.problems:
            raise EngineUnavailable(self.host.problems)
        self.queue.ensure_place(target.task_id)
        return False

    async def submit(self, dispatch: Dispatch) -> None:
        """Takes the job, unless it is here already; a lower attempt of the same task is stopped.

        It is on the disk when this returns. Raises as `already_has` does.
        """
        async with self._accepting:
            if await self.already_has(dispatch.target):
                return
            accepted = await self.outbox.accept(dispatch)
            previous = self.queue.get(dispatch.target.task_id)
            if previous is not None:
                log.info("replaced by a higher attempt", extra=about(previous))
                self._stop(previous, "replaced")
            log.info("accepted", extra=about(self._begin(accepted)))

    async def cancel(self, task_id: str) -> bool:
        """Stops the task's work; false where there is none."""
        job = self.queue.get(task_id)
        if job is None:
            return False
        log.info("cancelled", extra=about(job))
        self._stop(job, "cancelled")
        await self.outbox.abandon(task_id, job.target.attempt)
        return True

    async def drain(self, seconds: float) -> None:
        """Takes nothing more; what computes may finish, the rest is given back. Ends within `seconds`.

        What can't be delivered by then stays in the outbox for the next start.
        """
        self.draining = True
        for release in tuple(self._releases):
            release.cancel()
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._give_back(job) for job in self.queue if job.phase is Phase.QUEUED))
        running = [job.task for job in self.queue if job.phase is Phase.RUNNING and job.task is not None]
        if running:
            # A part of the time is left for its callbacks, or to give it back after all.
            await asyncio.wait(running, timeout=seconds * 0.6)
        await asyncio.gather(*(self._give_back(job) for job in self.queue if job.phase is Phase.RUNNING))
        await self.outbox.flush(max(0.0, end - time.monotonic()))
        for job in self.queue:
            job.halt()

    # -- one job ------------------------------------------------------------------------------------

    def _begin(self, accepted: Accepted) -> Job:
        job = Job(accepted.target, accepted.picture, accepted.formats)
        self.queue.add(job)
        job.heartbeat = asyncio.create_task(self._heartbeat.beat(job))
        job.task = asyncio.create_task(self._run(job))
        # Not in the task itself: one that is cancelled before its first step runs none of its lines.
        job.task.add_done_callback(lambda _: self._remove(job))
        return job

    def _remove(self, job: Job) -> None:
        if job.heartbeat is not None:
            job.heartbeat.cancel()
        self.queue.remove(job)

    def _stop(self, job: Job, outcome: str) -> None:
        self._metrics.ended(outcome)
        job.halt()

    def _settled(self, task_id: str, attempt: int) -> None:
        """The outbox has nothing more to deliver for this attempt."""
        job = self.queue.get(task_id)
        if job is not None and job.target.attempt == attempt:
            job.settled.set()

    def _in_vain(self, task_id: str, attempt: int) -> None:
        """The outbox was told that this attempt is not wanted, or one of its results was refused."""
        job = self.queue.get(task_id)
        if job is not None and job.target.attempt == attempt and job.phase is not Phase.DELIVERING:
            self._stop(job, "unwanted")

    def _unwanted(self, job: Job, reason: str) -> None:
        """The heartbeat was told so."""
        log.info("the backend no longer wants it", extra=about(job) | {"reason": reason})
        self._stop(job, "unwanted")
        errand = asyncio.create_task(self.outbox.abandon(job.target.task_id, job.target.attempt))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _run(self, job: Job) -> None:
        try:
            with (
                self._scratch.job(job.target.task_id) as folder,
                self._tracer.span("reconstruct", job.target.trace, about(job)),
            ):
                failure = await self._compute(job, folder)
            await self.outbox.conclude(job.target, "failed" if failure else "completed", failure)
        except (GiveBack, ResultChanged, OutboxUnavailable, OSError, MemoryError) as error:
            log.warning("given back", extra=about(job) | {"reason": str(error) or type(error).__name__})
            await self._release(job)
        except Closed:
            return  # dropped or replaced meanwhile, by one who has said why
        except Exception:
            log.exception("the job broke", extra=about(job))
            await self._release(job)
        else:
            log.info("concluded", extra=about(job) | {"failure": failure and failure["code"]})
            self._metrics.ended(failure["code"] if failure else "completed")
        job.enter(Phase.DELIVERING, "upload", 99)
        await job.settled.wait()

    async def _compute(self, job: Job, folder: Path) -> Failure | None:
        """Runs the engine once the slot is free; what it makes goes to the outbox."""
        try:
            # A picture that has to be fetched queues when it is here: a slow storage holds up nobody else.
            # All others queue at once, so that the lock, which is fair, keeps the order of arrival.
            image = await self._fetch(job, folder)
            async with self._slot:
                await self.host.ready()
                if await self.outbox.started(job.target.task_id, job.target.attempt) > STARTS_MAX:
                    raise GiveBack(f"the worker went down {STARTS_MAX} times while it computed")
                self._metrics.waited(time.monotonic() - job.accepted)
                job.enter(Phase.RUNNING, self.host.stages[0], 0)
                try:
                    await self._reconstruct(job, image, folder)
                finally:
                    self.queue.took(time.monotonic() - (job.started or 0))
        except ImageRejected as error:
            log.info("picture rejected", extra=about(job) | {"reason": str(error)})
            return {"code": "image_rejected", "message": str(error)}
        except FetchFailed as error:
            raise GiveBack(f"the picture can't be fetched: {error}") from error
        except (EngineLost, EngineUnavailable) as error:
            raise GiveBack(f"the engine was lost: {error}") from error
        except EngineFailed as error:
            log.exception("the engine failed", extra=about(job) | {"reason": str(error)})
            return WORKER_FAILED
        return None

    async def _fetch(self, job: Job, folder: Path) -> Path:
        """The picture as a file; one that travels by URL is fetched and checked."""
        if isinstance(job.picture, Path):
            return job.picture
        path = folder / "input"
        await fetch(self._http, job.picture, path)
        try:
            await asyncio.to_thread(picture.check, path)
        except (picture.UnknownType, picture.TooManyPixels, picture.Undecodable) as error:
            raise ImageRejected(f"The picture can't be used: {error}.") from error
        return path

    async def _reconstruct(self, job: Job, image: Path, folder: Path) -> None:
        """Runs the engine. However this ends, the engine is idle or gone: the slot is really free."""
        out = folder / "results"
        out.mkdir()
        files: asyncio.Queue[Path | None] = asyncio.Queue()
        within, began, stage = trace.get_current_span(), time.time_ns(), ""

        def on_stage(name: str, done: float) -> None:
            nonlocal began, stage
            if name != stage:
                self._stage_ended(stage, began, within)
                began, stage = time.time_ns(), name
            job.enter(Phase.RUNNING, name, round(98 * min(max(done, 0), 1)))

        async def keep() -> None:
            while (file := await files.get()) is not None:
                await self.outbox.add_result(job.target, file)

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(keep())
                await self.host.reconstruct(image, out, job.formats, on_stage, files.put_nowait)
                self._stage_ended(stage, began, within)
                files.put_nowait(None)
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    def _stage_ended(self, stage: str, began: int, within: Span) -> None:
        """`began` is in ns since 1970."""
        if stage:
            ended = max(time.time_ns(), began)  # the clock may have been set back
            self._metrics.stage(self.host.name, stage, (ended - began) / 1e9)
            self._tracer.past(stage, within, began, ended)

    # -- giving back --------------------------------------------------------------------------------

    async def _give_back(self, job: Job) -> None:
        """Stops the job and gives it back, from outside of its own task."""
        if job.task is not None:
            job.task.cancel()
            await asyncio.wait([job.task])
        await self._release(job)

    async def _release(self, job: Job) -> None:
        """Gives the job back without a verdict."""
        await self._heartbeat.end(job)
        self._metrics.ended("released")
        try:
            await self.outbox.conclude(job.target, "released")
        except Closed:
            job.settled.set()
        except OutboxUnavailable as error:
            # The lease runs out meanwhile, and a next start would find the job accepted and not finished.
            log.error("could not be released", extra=about(job) | {"reason": str(error)})  # noqa: TRY400
            job.settled.set()
            release = asyncio.create_task(self._release_again(job))
            self._releases.add(release)
            release.add_done_callback(self._releases.discard)
        else:
            log.info("released", extra=about(job))

    async def _release_again(self, job: Job) -> None:
        """Gives the job back once the disk takes that: nothing is kept that nobody computes."""
        while True:
            await asyncio.sleep(RELEASE_AGAIN)
            try:
                await self.outbox.conclude(job.target, "released")
            except Closed:
                return
            except OutboxUnavailable:
                continue
            log.info("released", extra=about(job))
            return
