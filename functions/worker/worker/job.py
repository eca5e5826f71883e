"""One attempt at a task, from its dispatch until its last callback is through."""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from worker.dispatch import RemoteImage, Target

Failure = dict[str, str]
"""`code` and `message` of a failure that the user is told of."""


class Phase(Enum):
    """Where a job is. Only RUNNING holds the compute slot."""

    QUEUED = "queued"
    RUNNING = "running"
    DELIVERING = "delivering"


@dataclass(eq=False)
class Job:
    """The event loop owns every field; the engine's thread only reads `stop`."""

    target: Target
    image: bytes | RemoteImage
    phase: Phase = Phase.QUEUED
    stage: str = "queued"
    progress: int = 0
    started: float | None = None
    """Monotonic time at which it got the slot."""

    stop: threading.Event = field(default_factory=threading.Event)
    """Set once the engine's work is not wanted any more."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is progress to tell."""

    files: asyncio.Queue[Path | None] = field(default_factory=asyncio.Queue)
    """Results on their way to the backend, None after the last."""

    task: asyncio.Task[None] | None = None
    messengers: list[asyncio.Task[object]] = field(default_factory=list)

    def enter(self, phase: Phase, stage: str, progress: int) -> None:
        """Moves on and lets the backend know."""
        if phase is Phase.RUNNING and self.started is None:
            self.started = time.monotonic()
        self.phase, self.stage, self.progress = phase, stage, progress
        self.changed.set()

    def halt(self) -> None:
        """Stops all that is done for it; nothing is sent for it any more."""
        self.stop.set()
        for messenger in self.messengers:
            messenger.cancel()
        if self.task is not None:
            self.task.cancel()


def about(job: Job) -> dict[str, object]:
    """What every log line about a job carries."""
    return {"taskId": job.target.task_id, "attempt": job.target.attempt}
