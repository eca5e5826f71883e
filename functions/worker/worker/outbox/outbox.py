"""The outbox as the rest of the worker sees it."""

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from worker.callbacks import Callbacks
from worker.dispatch import Dispatch, Target
from worker.outbox.database import Database
from worker.outbox.files import Files, measure
from worker.outbox.journal import Journal
from worker.outbox.message import (
    Accepted,
    Clock,
    Depth,
    Final,
    Listener,
    OnOutcome,
    OutboxUnavailable,
)
from worker.outbox.sender import Sender
from worker.outbox.store import Store
from worker.outbox.thread import StoreThread

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""How long `close` waits for answers that are under way."""


class Outbox:
    """Keeps accepted jobs and what is to be said about them on the disk, and says it.

    What a method was asked for is on the disk when it returns. Each raises OutboxUnavailable where the
    disk or the database fails; then nothing has happened. All run on the event loop.
    """

    def __init__(
        self,
        data_dir: Path,
        callbacks: Callbacks,
        *,
        on_outcome: OnOutcome = lambda _kind, _outcome: None,
        clock: Clock = time.time,
    ) -> None:
        files = Files(data_dir / "outbox")
        self._database = Database(data_dir)
        self._journal = Journal(self._database, files, clock)
        self._store = Store(self._database, files, clock)
        self._thread = StoreThread()
        self._sender = Sender(self._thread, self._store, self._journal, callbacks, clock, on_outcome)
        self._sending: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Takes the folder, puts it in order after a crash, and begins to send what waits there.

        Raises DataDirInUse where another worker runs on it.
        """
        try:
            await self._thread(self._open)
        except BaseException:
            self._thread.close()
            raise
        self._sending = asyncio.create_task(self._sender.run())

    def _open(self) -> None:
        self._database.open()
        try:
            for target in self._store.sweep():
                # Not by a crash: the picture was on the disk before its row.
                about = {"taskId": target.task_id, "attempt": target.attempt}
                log.error("the picture of an accepted job is gone: given back", extra=about)
                self._store.conclude(target, "released", None)
        except BaseException:
            self._database.close()
            raise

    def listen(self, on_unwanted: Listener, on_settled: Listener) -> None:
        """Asks to be told of attempts.

        `on_unwanted`: computing this one is in vain, for the backend no longer wants it or has refused one
        of its results. What is to be said about that is seen to. `on_settled`: it is concluded, and nothing
        is left to deliver but dead letters.
        """
        self._sender.on_unwanted, self._sender.on_settled = on_unwanted, on_settled

    async def close(self) -> None:
        """Ends the sending at a message's boundary, within STOP_SECONDS, and lets go of the folder."""
        if self._sending is not None:
            await self._sender.stop(STOP_SECONDS)
            await self._sending
            self._sending = None
            await self._thread(self._database.close)
            self._thread.close()

    async def flush(self, seconds: float) -> None:
        """Waits until nothing can be sent before `seconds` are over, at the latest until then."""
        await self._sender.flush(seconds)

    # -- accepted jobs ------------------------------------------------------------------------------

    async def accept(self, dispatch: Dispatch) -> Accepted:
        """Keeps the job and its picture; a lower attempt vanishes, with all that was not sent for it.

        Raises Closed where this very attempt or a higher one is or was here.
        """
        return await self._thread(self._journal.accept, dispatch)

    async def unfinished(self) -> list[Accepted]:
        """The accepted jobs that are not concluded, in the order of acceptance."""
        return await self._thread(self._journal.unfinished)

    async def started(self, task_id: str, attempt: int) -> int:
        """Counts the starts of a job's computing, over all runs of the worker. Raises Closed."""
        return await self._thread(self._journal.started, task_id, attempt)

    async def latest_attempt(self, task_id: str) -> int:
        """The highest attempt of this task that is or was here, 0 where none is known."""
        return await self._thread(self._journal.latest_attempt, task_id)

    async def abandon(self, task_id: str, attempt: int) -> bool:
        """Drops the job and all that was not sent for it; false where there is none.

        For a cancelled task, and for one whose progress the backend did not want.
        """
        return await self._thread(self._journal.abandon, task_id, attempt)

    # -- messages -----------------------------------------------------------------------------------

    async def add_result(self, target: Target, path: Path) -> bool:
        """Takes in a complete file, which must not be changed any more, and sends it by its name.

        The same bytes again: nothing happens, and the answer is false. Raises ResultChanged for other
        bytes, and Closed where the attempt is concluded, replaced or dropped.
        """
        try:
            sha256 = await asyncio.to_thread(measure, path)
        except OSError as error:
            raise OutboxUnavailable(f"{type(error).__name__}: {error}") from error
        added = await self._thread(self._store.add_result, target, path, sha256)
        self._sender.wake()
        return added

    async def conclude(self, target: Target, status: Final, error: Mapping[str, str] | None = None) -> None:
        """Says, behind the results, how the attempt ended; the job counts as computed from here on.

        Results that were not sent yet are dropped unless it is `completed`. Raises Closed.
        """
        if await self._thread(self._store.conclude, target, status, error):
            self._sender.wake()
        else:
            self._sender.on_settled(target.task_id, target.attempt)

    # -- what can be seen of it ---------------------------------------------------------------------

    async def depth(self) -> Depth:
        """How many messages wait, and how many are dead letters."""
        return await self._thread(self._store.depth)
