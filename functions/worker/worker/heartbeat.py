"""Says `processing` for a job: at every change, and at least every so often."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from worker.callbacks import Callbacks, Unwanted
from worker.job import Job, Phase
from worker.queue import Queue

UNDER_WAY = 1.0
"""Seconds that the last heartbeat may take to be answered."""


class Heartbeat:
    """Best effort and never stored: the next one says it all again."""

    def __init__(
        self, callbacks: Callbacks, queue: Queue, seconds: float, on_unwanted: Callable[[Job, str], None]
    ) -> None:
        self._callbacks, self._queue, self._seconds = callbacks, queue, seconds
        self._on_unwanted = on_unwanted

    async def beat(self, job: Job) -> None:
        """Until it is cancelled, or the backend no longer wants the job, which `on_unwanted` is told."""
        job.changed.set()
        while True:
            with suppress(TimeoutError):
                # Not wait_for: in Python 3.11 it may swallow the cancellation that stops this loop.
                async with asyncio.timeout(self._seconds):
                    await job.changed.wait()
            job.changed.clear()
            if job.quiet:
                return
            try:
                await self._callbacks.progress(job.target, **self._say(job))
            except Unwanted as error:
                self._on_unwanted(job, str(error))
                return

    async def end(self, job: Job) -> None:
        """Ends the heartbeats. One that is under way is awaited for a moment: after a `released` it would
        take the task up again.
        """
        job.quiet = True
        job.changed.set()
        if job.heartbeat is not None:
            await asyncio.wait([job.heartbeat], timeout=UNDER_WAY)
            job.heartbeat.cancel()

    def _say(self, job: Job) -> dict[str, object]:
        fields: dict[str, object] = {"stage": job.stage, "progress": job.progress}
        if job.phase is Phase.QUEUED:
            fields["queuePosition"] = self._queue.ahead(job)
        if job.phase is not Phase.DELIVERING:
            fields["etaSeconds"] = self._queue.eta(job)
        return fields
