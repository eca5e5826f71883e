"""Sends the messages: each lane in its order, lanes beside each other, again until there is an answer."""

import asyncio
import logging
import random
from contextlib import suppress
from functools import partial

from worker.callbacks import Callbacks, Refused, Retry, Unwanted, UploadRefused
from worker.outbox.journal import Journal
from worker.outbox.message import Clock, Listener, Message, OnOutcome, OutboxUnavailable
from worker.outbox.store import RETRY_CAP, Store
from worker.outbox.thread import StoreThread

log = logging.getLogger(__name__)

LANES = 8
"""How many messages are on their way at a time, each of another job."""

RETRY_BASE, RETRY_FOR = 0.5, 24 * 3600.0
"""Seconds: at most before the first retry, and until a message becomes a dead letter."""

GRANTS_MAX, GRANTS_FOR = 3, 600.0
"""A result counts as refused when the storage refused so many uploads of its file, and so many seconds
after it was to be sent.

It refuses what nothing is wrong with, too: while the backend's credentials have run out, a clock is off, or
a slow line stalls (400 RequestTimeout).
"""

POLL = 2.0
"""Seconds between two looks at the table: the command writes into it, too."""


class Sender:
    """Reads what is due and records what became of it. It keeps nothing that a restart would miss."""

    def __init__(
        self,
        thread: StoreThread,
        store: Store,
        journal: Journal,
        callbacks: Callbacks,
        clock: Clock,
        on_outcome: OnOutcome,
    ) -> None:
        self.on_unwanted: Listener = lambda _task_id, _attempt: None
        self.on_settled: Listener = lambda _task_id, _attempt: None
        self._thread, self._store, self._journal = thread, store, journal
        self._callbacks = callbacks
        self._clock = clock
        self._on_outcome = on_outcome
        self._lanes: dict[int, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._moved = asyncio.Event()
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Sends until `stop`."""
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                pause = await self._start_lanes()
            except Exception:
                log.exception("the outbox can't be read")
                pause = POLL
            self._moved.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def stop(self, seconds: float) -> None:
        """Starts no try any more and waits for those on their way; after `seconds` they are cut off.

        A try that was cut off is made again after the next start; the backend knows it by its id.
        """
        self._stopping.set()
        self.wake()
        if lanes := list(self._lanes.values()):
            _, late = await asyncio.wait(lanes, timeout=seconds)
            for lane in late:
                lane.cancel()
            if late:
                await asyncio.wait(late)

    async def flush(self, seconds: float) -> None:
        """Returns once nothing is on its way or due before `seconds` are over, at the latest then."""
        now = asyncio.get_running_loop().time
        end = now() + seconds
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    self._moved.clear()
                    due = await self._thread(self._store.next_due)
                    if not self._lanes and (due is None or due - self._clock() > end - now()):
                        return
                    await self._moved.wait()

    async def _start_lanes(self) -> float:
        """Starts what is due, as far as there is place. How long there is nothing to do, in seconds."""
        if len(self._lanes) >= LANES:
            return POLL  # a lane that ends wakes
        due = await self._thread(self._store.due, tuple(self._lanes), LANES - len(self._lanes))
        for message in due:
            lane = asyncio.create_task(self._send_lane(message))
            self._lanes[message.job] = lane
            lane.add_done_callback(partial(self._ended, message.job))
        if len(self._lanes) >= LANES:
            return POLL
        next_due = await self._thread(self._store.next_due, tuple(self._lanes))
        return POLL if next_due is None else min(max(next_due - self._clock(), 0.0), POLL)

    def _ended(self, job: int, _: asyncio.Task[None]) -> None:
        del self._lanes[job]
        self._moved.set()
        self.wake()

    async def _send_lane(self, message: Message | None) -> None:
        """Sends a lane's messages for as long as the next one is due."""
        try:
            while message is not None and not self._stopping.is_set():
                await self._send(message)
                message = await self._thread(self._store.next_in, message.job)
        except OutboxUnavailable:
            # What was answered could not be written down: it is sent again, and known by its id.
            log.exception("the outbox can't be written")
            await self._rest()
        except Exception:
            log.exception("the sender broke")
            await self._rest()

    async def _rest(self) -> None:
        """Keeps a lane from being tried again at once."""
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await self._stopping.wait()

    # -- one try ------------------------------------------------------------------------------------

    async def _send(self, message: Message) -> None:
        try:
            duplicate = await self._try(message)
        except Unwanted as error:
            await self._drop(message, error)
        except Refused as error:
            await self._refused(message, error)
        except Retry as error:
            await self._put_off(message, error)
        else:
            await self._thread(self._store.sent, message)
            self._on_outcome(message.kind, "duplicate" if duplicate else "sent")
            if message.kind == "status":
                log.info("delivered", extra=_about(message) | {"status": message.name})
                self.on_settled(message.target.task_id, message.target.attempt)

    async def _try(self, message: Message) -> bool:
        """Whether the backend had it before. Raises Unwanted, Refused or Retry."""
        try:
            if message.kind == "result":
                return await self._callbacks.result(
                    message.target, message.path, sha256=message.sha256, n=message.n
                )
            return await self._callbacks.status(message.target, message.name, message.error, n=message.n)
        except (Unwanted, Refused, Retry):
            raise
        except FileNotFoundError as error:
            raise Refused(0, "file_lost", "the file is not on the disk any more") from error
        except Exception as error:
            log.exception("a message could not be sent", extra=_about(message))
            raise Retry(f"{type(error).__name__}: {error}") from error

    async def _put_off(self, message: Message, error: Retry) -> None:
        refused_uploads = message.refused_uploads + isinstance(error, UploadRefused)
        now = self._clock()
        if refused_uploads >= GRANTS_MAX and now >= message.written + GRANTS_FOR:
            await self._refused(message, Refused(0, "storage_refused", str(error)))
            return
        pause = backoff(message.tries, error.after)
        if now + pause > message.written + RETRY_FOR:
            await self._bury(message, f"no answer for {RETRY_FOR / 3600:g} h, at last: {error}")
            return
        await self._thread(self._store.put_off, message, now + pause, str(error), refused_uploads)
        self._on_outcome(message.kind, "retried")
        extra = {"webhookId": message.webhook_id, "tries": message.tries + 1, "reason": str(error)}
        log.warning("callback not answered", extra=_about(message) | extra)

    async def _refused(self, message: Message, error: Refused) -> None:
        """The backend's last word on this message."""
        self._on_outcome(message.kind, "refused")
        extra = _about(message) | {"webhookId": message.webhook_id, "reason": str(error)}
        if error.status == 401:
            # By the contract final; but a mistaken secret must not cost the results.
            await self._bury(message, f"{error}; see that CALLBACK_SECRETS is the backend's")
        elif message.kind == "result":
            log.error("result refused", extra=extra)
            await self._fail(message, message.name)
        elif message.name == "completed" and error.code == "results_missing":
            log.warning("results missing at the backend", extra=extra | {"missing": error.missing})
            if not await self._thread(self._store.send_again, message, error.missing):
                await self._fail(message, ", ".join(error.missing))
        else:
            await self._bury(message, str(error))

    async def _fail(self, message: Message, what: str) -> None:
        """Gives the task up: `failed` goes instead of all that has not been sent."""
        words = f"The result {what} could not be handed over. Try again."
        error = {"code": "worker_failed", "message": words}
        if await self._thread(self._store.fail, message, error):
            self.on_unwanted(message.target.task_id, message.target.attempt)

    async def _drop(self, message: Message, error: Unwanted) -> None:
        log.info("the backend no longer wants it", extra=_about(message) | {"reason": str(error)})
        self._on_outcome(message.kind, "unwanted")
        task_id, attempt = message.target.task_id, message.target.attempt
        self.on_unwanted(task_id, attempt)
        await self._thread(self._journal.abandon, task_id, attempt)
        self.on_settled(task_id, attempt)

    async def _bury(self, message: Message, reason: str) -> None:
        dead = await self._thread(self._store.bury, message, reason)
        for kind in dead:
            self._on_outcome(kind, "dead")
        if dead:
            extra = {"messages": len(dead), "reason": reason}
            command = f"python -m worker.outbox replay {message.id}"
            log.error("kept as dead letters", extra=_about(message) | extra | {"command": command})
        if "status" in dead:
            self.on_settled(message.target.task_id, message.target.attempt)


def backoff(tries: int, after: float) -> float:
    """Seconds until the next try, when `tries` have failed before this one: full jitter (Brooker 2015)
    under an exponential ceiling, but not before the `after` seconds that the other side asks for.
    """
    ceiling = min(RETRY_CAP, RETRY_BASE * 2 ** min(tries, 20))
    return max(random.uniform(0, ceiling), min(after, RETRY_CAP))  # noqa: S311 - not for secrecy


def _about(message: Message) -> dict[str, object]:
    return {"taskId": message.target.task_id, "attempt": message.target.attempt}
