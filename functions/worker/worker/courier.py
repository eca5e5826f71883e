"""Says to the backend what happens to a job: progress, results, and how it ended."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from worker.callbacks import Callbacks, Refused, Undeliverable, Unwanted
from worker.job import Failure, Job, Phase, about
from worker.queue import Queue

log = logging.getLogger(__name__)


class Courier:
    """Knows the order in which things are said; Callbacks knows how each gets through."""

    def __init__(self, callbacks: Callbacks, queue: Queue, heartbeat: float) -> None:
        self._callbacks = callbacks
        self._queue = queue
        self._heartbeat = heartbeat

    async def report(self, job: Job) -> None:
        """Sends `processing` at every change and at least every heartbeat."""
        job.changed.set()
        while True:
            with suppress(TimeoutError):
                # Not wait_for: in Python 3.11 it may swallow the cancellation that stops this loop.
                async with asyncio.timeout(self._heartbeat):
                    await job.changed.wait()
            job.changed.clear()
            fields: dict[str, object] = {"stage": job.stage, "progress": job.progress}
            if job.phase is Phase.QUEUED:
                fields["queuePosition"] = self._queue.ahead(job)
            if job.phase is not Phase.DELIVERING:
                fields["etaSeconds"] = self._queue.eta(job)
            try:
                await self._callbacks.progress(job.target, **fields)
            except Unwanted as error:
                log.info("the backend no longer wants it", extra=about(job) | {"reason": str(error)})
                job.halt()

    async def results(self, job: Job) -> Failure | None:
        """Sends the results in order. A refused one fails the job, and stops the engine."""
        while (file := await job.files.get()) is not None:
            try:
                await self._callbacks.result(job.target, file)
            except Refused as error:
                log.error("result refused", extra=about(job) | {"result": file.name, "reason": str(error)})  # noqa: TRY400
                job.stop.set()
                return _not_taken(file.name)
            except Unwanted as error:
                log.info("the backend no longer wants it", extra=about(job) | {"reason": str(error)})
                job.halt()
        return None

    async def conclude(self, job: Job, failure: Failure | None, folder: Path) -> None:
        """Sends the final status; results that the backend misses are sent once more before it."""
        if failure is None:
            try:
                await self._callbacks.status(job.target, "completed")
            except Refused as refusal:
                if refusal.code != "results_missing":
                    raise
                failure = await self._send_missing(job, refusal.missing, folder)
        if failure is not None:
            await self._callbacks.status(job.target, "failed", failure)
        log.info("concluded", extra=about(job) | {"failure": failure and failure["code"]})

    async def _send_missing(self, job: Job, missing: list[str], folder: Path) -> Failure | None:
        log.warning("results missing at the backend", extra=about(job) | {"missing": missing})
        here = {path.name: path for path in (folder / "results").iterdir()}
        for name in missing or list(here):
            if name not in here:
                return _not_taken(name)
            try:
                await self._callbacks.result(job.target, here[name])
            except Refused:
                log.exception("result refused", extra=about(job))
                return _not_taken(name)
        try:
            await self._callbacks.status(job.target, "completed")
        except Refused:
            log.exception("completed refused", extra=about(job))
            return _not_taken(", ".join(missing))
        return None

    async def release(self, job: Job) -> None:
        """Gives the job back without a verdict. Tries as long as it is let, and raises nothing."""
        try:
            await self._callbacks.status(job.target, "released")
            log.info("released", extra=about(job))
        except (Unwanted, Refused, Undeliverable) as error:
            log.warning("could not be released", extra=about(job) | {"reason": str(error)})


def _not_taken(name: str) -> Failure:
    return {"code": "worker_failed", "message": f"The result {name} could not be handed over. Try again."}
