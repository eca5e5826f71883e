"""One attempt at a task, from its dispatch until its last callback is through."""

import asyncio
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
    """What the runner knows of a job; what has to outlive the process is in the outbox."""

    target: Target
    picture: Path | RemoteImage
    """The picture's file, or where it has to be fetched from."""

    formats: tuple[str, ...] = ()
    phase: Phase = Phase.QUEUED
    stage: str = "queued"
    progress: int = 0
    accepted: float = field(default_factory=time.monotonic)
    started: float | None = None
    """Monotonic time at which it got the slot."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is progress to tell."""

    quiet: bool = False
    """No more heartbeats."""

    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once nothing more is to be delivered for it."""

    task: asyncio.Task[None] | None = None
    heartbeat: asyncio.Task[None] | None = None

    def enter(self, phase: Phase, stage: str, progress: int) -> None:
        """Moves on and lets the backend know."""
        if phase is Phase.RUNNING and self.started is None:
            self.started = time.monotonic()
        self.phase, self.stage, self.progress = phase, stage, progress
        self.changed.set()

    def halt(self) -> None:
        """Stops all that is done for it: no more computing, no more heartbeats."""
        for task in (self.heartbeat, self.task):
            if task is not None:
                task.cancel()


def about(job: Job) -> dict[str, str | int]:
    """What every log line about a job carries."""
    return {"taskId": job.target.task_id, "attempt": job.target.attempt}
