"""The thread in which the outbox's database and files are used: never the event loop's."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from worker.outbox.message import OutboxUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class StoreThread:
    """Runs calls one after the other, in the order in which they were made."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "outbox")

    async def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call returns. It runs to its end, even where the caller is cancelled meanwhile.

        Raises OutboxUnavailable for the disk's and the database's errors.
        """
        future = self._executor.submit(call, *args, **kwargs)
        try:
            return await asyncio.shield(asyncio.wrap_future(future))
        except (sqlite3.Error, OSError) as error:
            raise OutboxUnavailable(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Waits for the last call."""
        self._executor.shutdown()
