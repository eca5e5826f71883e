"""One life of a worker as the outbox sees it, in a process that can be killed at any step.

A module of its own, so that a fork server can load it once for all lives.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tests.outboxes import Watched, compute, opened
from worker.dispatch import Dispatch, Target
from worker.outbox import Accepted, sender

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.outbox_process"])

_CHANGES = ("BEGIN", "INSERT", "UPDATE", "DELETE", "COMMIT", "CREATE", "PRAGMA USER_VERSION =")


def start(call: Callable[..., None], *args: object) -> ForkServerProcess:
    """The call in a process of its own: its exit code is 0, 1 after an exception, or minus the signal."""
    process = CONTEXT.Process(target=call, args=args, daemon=True)
    process.start()
    return process


def ended(process: ForkServerProcess) -> int:
    """Its exit code; the bound only ends a broken test."""
    process.join(60)
    assert process.exitcode is not None
    code = process.exitcode
    process.close()
    return code


def live(data_dir: Path, url: str, tasks: Sequence[str], kill_at: int = 0) -> None:
    """Goes on with what is there, accepts what is not, and ends once the backend has everything.

    Kills itself before the `kill_at`-th step that changes something on the disk.
    """
    if kill_at:
        _kill_before(kill_at)
    live_all({data_dir: tasks}, url)


def live_all(workers: Mapping[Path, Sequence[str]], url: str) -> None:
    """The same for several workers beside each other."""
    logging.disable()
    sender.RETRY_BASE = 0.01

    async def live_together() -> None:
        await asyncio.gather(*(_live(data_dir, url, tasks) for data_dir, tasks in workers.items()))

    asyncio.run(live_together())


async def _live(data_dir: Path, url: str, tasks: Sequence[str]) -> None:
    targets = [Target(task, 1, f"{url}/callback") for task in tasks]
    async with opened(data_dir) as outbox:
        jobs = await outbox.unfinished()
        for target in targets:
            # A dispatch without a 202 comes again.
            if await outbox.latest_attempt(target.task_id) == 0:
                jobs.append(await outbox.accept(Dispatch(target, target.task_id.encode(), ("stl",))))
        await asyncio.gather(*(_work(outbox, job, data_dir / "work") for job in jobs))
        while (await outbox.depth()).pending:
            await outbox.flush(30)
        assert (await outbox.depth()).dead == 0
        assert outbox.unwanted == []


async def _work(outbox: Watched, job: Accepted, scratch: Path) -> None:
    assert isinstance(job.picture, Path)
    assert job.picture.read_bytes() == job.target.task_id.encode()
    assert job.formats == ("stl",)
    assert await outbox.started(job.target.task_id, 1) == job.starts + 1
    await compute(outbox, job.target, scratch / job.target.task_id)


def _kill_before(step: int) -> None:
    """Counts every statement that writes and every call that changes or syncs a file."""
    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **kwargs: Any) -> Any:
            count()
            return call(*args, **kwargs)

        return counting

    def trace(statement: str) -> None:
        if statement.lstrip().upper().startswith(_CHANGES):
            count()

    connect = sqlite3.connect

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.set_trace_callback(trace)
        return connection

    setattr(sqlite3, "connect", traced)  # noqa: B010 - not the type that it has
    for name in ("fsync", "link", "unlink", "rmdir", "mkdir", "rename"):
        setattr(os, name, counted(getattr(os, name)))
