"""The engine's process as its parent sees it: started, spoken with, and ended so that nothing of it stays."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any, Self

LINE_MAX = 1 << 20
"""Bytes of one message; the child keeps far below."""

EXIT_GRACE = 1.0
"""Seconds between the end of a process's channel and its own, else it has only closed the channel."""


class Loss(StrEnum):
    """Why a process was given up."""

    NOT_LOADED = "not_loaded"
    """It could not load the engine."""
    DIED = "died"
    """It ended by itself, or was killed from outside."""
    OUT_OF_MEMORY = "out_of_memory"
    STAGE_TIMEOUT = "stage_timeout"
    CANCELLED = "cancelled"
    """It did not stop its job when it was asked to."""
    FAILING = "failing"
    """Its engine failed again and again."""
    GARBLED = "garbled"
    """It said what it should not."""
    RECYCLED = "recycled"
    """It has done as many jobs as a process may."""


class EngineLost(Exception):
    """The process is no use any more; the text says why. The same again, here or elsewhere, may work."""

    def __init__(self, loss: Loss, message: str) -> None:
        super().__init__(message)
        self.loss = loss


class EngineProcess:
    """A process that speaks the protocol of `worker.child`; it leads a session and a group of its own."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.jobs = 0
        """How many it was given."""
        self.failures = 0
        """How many of the last ones its engine failed at."""
        self._process, self._reader, self._writer = process, reader, writer
        self._ended = asyncio.create_task(self._end())

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Starts the command. Raises OSError.

        The session keeps the terminal's Ctrl-C away from it: when it ends is for its parent to say.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # Without a pipe, so that asyncio takes the process's end for its end: in Python 3.11 it waits
                # for that of the pipes too, and a child of the child can hold those.
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=theirs.fileno(), stdout=2, env=environment, start_new_session=True
                )
        except BaseException:
            ours.close()
            raise
        return cls(process, *await asyncio.open_unix_connection(sock=ours, limit=LINE_MAX))

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, kind: str, **fields: object) -> None:
        """Sends one message; that the process is gone shows when one is received."""
        self._writer.write(json.dumps({"type": kind, **fields}).encode() + b"\n")

    async def receive(self) -> dict[str, Any]:
        """The next message. Raises EngineLost where there is none or it is no message."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            line = b""
        except ValueError as error:
            raise EngineLost(Loss.GARBLED, f"sent a line of more than {LINE_MAX} bytes") from error
        if not line.endswith(b"\n"):
            raise EngineLost(Loss.DIED, await self._fate())
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise garbled(line) from error
        if not isinstance(message, dict):
            raise garbled(line)
        return message

    def kill(self) -> None:
        """Kills the process and those that it started; `wait` says when it is gone."""
        if not self._ended.done():
            self._kill_group()

    async def wait(self) -> None:
        """Waits until the process is gone."""
        await asyncio.wait([self._ended])

    async def _end(self) -> None:
        await self._process.wait()
        self._kill_group()  # those that it started and that outlived it
        self._writer.close()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _fate(self) -> str:
        await asyncio.wait([self._ended], timeout=EXIT_GRACE)
        code = self._process.returncode
        if code is None:
            return "closed its channel"
        if code >= 0:
            return f"exited with code {code}"
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"


def garbled(message: object) -> EngineLost:
    """The process sent this, which it should not."""
    return EngineLost(Loss.GARBLED, f"sent {message!r:.200}")
