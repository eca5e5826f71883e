"""Which jobs there are: who comes next, and how long it will take."""

import math
import time
from collections import deque
from collections.abc import Iterator

from worker.job import Job, Phase

FIRST_GUESS = 3.0
"""Seconds that a job takes, before there was one."""

UNDELIVERED_MAX = 64
"""How many computed jobs may wait for a backend that does not answer; their files are on the disk."""


class QueueFull(Exception):
    """No place; there may be one in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full, try again in {retry_after} s")
        self.retry_after = retry_after


class Queue:
    """Jobs in the order of their arrival. At most one computes and `limit` wait for it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._jobs: dict[str, Job] = {}
        self._durations: deque[float] = deque(maxlen=8)

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._jobs.values()))

    def get(self, task_id: str) -> Job | None:
        """The job of this task that is not done, if there is one."""
        return self._jobs.get(task_id)

    def count(self, phase: Phase) -> int:
        """How many jobs are in this phase."""
        return sum(job.phase is phase for job in self._jobs.values())

    def ensure_place(self, task_id: str) -> None:
        """Raises QueueFull where one more job would be too many; a job that it replaces makes place."""
        replaced = self._jobs.get(task_id)
        active = sum(job.phase is not Phase.DELIVERING and job is not replaced for job in self._jobs.values())
        if active > self.limit:
            raise QueueFull(max(1, math.ceil(self._remaining())))
        if self.count(Phase.DELIVERING) >= UNDELIVERED_MAX:
            raise QueueFull(60)

    def add(self, job: Job) -> None:
        """Puts the job last, in the place of another attempt at the same task."""
        self._jobs.pop(job.target.task_id, None)
        self._jobs[job.target.task_id] = job

    def remove(self, job: Job) -> None:
        """Takes out a job that is done, one way or another."""
        if self._jobs.get(job.target.task_id) is job:
            del self._jobs[job.target.task_id]
        for other in self._jobs.values():
            other.changed.set()  # its place in the queue is another now

    def took(self, seconds: float) -> None:
        """Learns how long a job had the slot."""
        self._durations.append(seconds)

    def ahead(self, job: Job) -> int:
        """How many jobs get done before this one starts."""
        before = 0
        for other in self._jobs.values():
            if other is job:
                break
            before += other.phase is not Phase.DELIVERING
        return before

    def eta(self, job: Job) -> int:
        """Seconds until the job is computed, as far as one can tell."""
        if job.phase is Phase.RUNNING:
            return math.ceil(self._remaining())
        waiting = sum(1 for other in self._jobs.values() if other.phase is Phase.RUNNING)
        return math.ceil(self._remaining() * waiting + self._mean() * (self.ahead(job) - waiting + 1))

    def _mean(self) -> float:
        return sum(self._durations) / len(self._durations) if self._durations else FIRST_GUESS

    def _remaining(self) -> float:
        """Seconds until the job that has the slot is computed."""
        now = time.monotonic()
        started = [job.started for job in self._jobs.values() if job.phase is Phase.RUNNING]
        elapsed = max((now - at for at in started if at is not None), default=0.0)
        return max(self._mean() - elapsed, 0.5)
