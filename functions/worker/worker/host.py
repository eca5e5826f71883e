"""Keeps an engine at hand in a process of its own, and replaces the process when it is lost.

Knows nothing of tasks, HTTP or callbacks, and imports none of the engine's libraries: the process that
serves the API stays small and alive whatever the engine does.
"""

import asyncio
import json
import logging
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from worker.child import ChildSettings
from worker.engine import EngineUnavailable, ImageRejected
from worker.engines.settings import EngineSettings
from worker.process import EngineLost, EngineProcess, Loss, garbled

__all__ = ["EngineFailed", "EngineHost", "EngineLost", "EngineUnavailable", "Loss", "State"]

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "worker.child")

CANCEL_GRACE = 1.0
"""Seconds that an engine has to stop a job that is not wanted; then its process is killed."""

LOAD_TIMEOUT = 900.0
"""Seconds that loading may take: the weights of a large model come from a slow disk."""

RETRY_FIRST, RETRY_CAP = 5.0, 60.0
"""Seconds between two tries to load an engine: at first, and at most."""

FAILURES_MAX = 2
"""Failures in a row after which a process is replaced: a CUDA context that broke stays broken."""

_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSW|CREDENTIAL|_KEY$", re.I)
_SECRET_VALUE = re.compile(r"://[^/\s]*:[^/\s]*@")


class State(Enum):
    """How the engine is."""

    STARTING = "starting"
    """It is being loaded."""
    READY = "ready"
    BUSY = "busy"
    FAILED = "failed"
    """It can't be loaded, `EngineHost.problems` says why; it is tried again from time to time."""
    STOPPED = "stopped"


class EngineFailed(Exception):
    """The engine raised: its exception's type and message. The traceback there is a note on this one."""


@dataclass
class _Job:
    """Whom to tell about the job that runs."""

    on_stage: Callable[[str, float], None]
    on_file: Callable[[Path], None]
    unwanted: bool = False


class EngineHost:
    """Lives in one event loop, from `start` to `close`.

    While FAILED, no job can be done: `ready` and `reconstruct` raise EngineUnavailable at once, so that
    waiting jobs can be given back, and new ones are best refused. While STARTING they wait.
    """

    def __init__(
        self,
        settings: EngineSettings,
        *,
        stage_timeout: float,
        recycle_after: int,
        command: Sequence[str] = COMMAND,
    ) -> None:
        """`stage_timeout` is how many seconds may pass between two signs of life in a job. After
        `recycle_after` jobs, unless 0, the process is replaced. `command` speaks as `worker.child` does.
        """
        self.name = settings.engine
        """Names the engine: as it does itself, once it was loaded."""
        self.stages: tuple[str, ...] = ("load",)
        """Those of the engine, once it was loaded."""
        self.problems: tuple[str, ...] = ()
        """Why the engine can't be loaded, while FAILED."""
        self.restarts: Counter[Loss] = Counter()
        """How many processes were given up, by reason."""

        self._stage_timeout = stage_timeout
        self._recycle_after = recycle_after
        self._command = tuple(command)
        self._environment = _environment(settings)

        self._process: EngineProcess | None = None
        """The latest, whatever it does."""
        self._engine: EngineProcess | None = None
        """The process, while it has a loaded engine."""
        self._work: asyncio.Task[None] | None = None
        """The job that runs."""
        self._settled = asyncio.Event()
        """Set unless STARTING."""
        self._stopping = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """How the engine is at the moment."""
        if self._stopping.is_set():
            return State.STOPPED
        if self._engine is not None:
            return State.BUSY if self._work else State.READY
        return State.FAILED if self.problems else State.STARTING

    async def start(self) -> None:
        """Begins to load the engine; `ready` waits for it."""
        self._keeper = asyncio.create_task(self._keep())

    async def ready(self) -> None:
        """Waits until the engine is loaded. Raises EngineUnavailable while FAILED, and once STOPPED."""
        while self._engine is None or self._stopping.is_set():
            if self._stopping.is_set():
                raise EngineUnavailable(["the engine was stopped"])
            if self.problems:
                raise EngineUnavailable(self.problems)
            await self._settled.wait()

    async def close(self) -> None:
        """Ends the process and returns when it is gone. A job that runs raises EngineLost."""
        self._stopping.set()
        self._settled.set()
        if self._process is not None:
            self._process.kill()
        if self._keeper is not None:
            await asyncio.shield(self._keeper)

    async def reconstruct(
        self,
        image: Path,
        out: Path,
        formats: Collection[str],
        on_stage: Callable[[str, float], None],
        on_file: Callable[[Path], None],
    ) -> None:
        """Has the engine do one picture, see `worker.engine.Engine.reconstruct`; one at a time.

        The callbacks are called in the event loop: `on_stage` with the engine's stage and the part of the
        job that is done, 0 to 1, `on_file` with each result that is complete.

        Raises ImageRejected; EngineFailed; EngineLost, where another try may work; EngineUnavailable as
        `ready` does; OSError where the engine met one, most likely a full disk. Once it has ended, the
        process is idle or gone, also where it was cancelled; that takes CANCEL_GRACE and a moment at most.
        """
        await self.ready()
        process = self._engine
        if process is None or self._work is not None:
            raise RuntimeError("the engine does one job at a time")
        image, out = image.absolute(), out.absolute()  # noqa: ASYNC240 - asks for no file
        process.send("job", image=str(image), out=str(out), formats=list(formats))
        job = _Job(on_stage, on_file)
        # A task of its own, for it goes on after a cancellation until the process is idle or gone.
        self._work = work = asyncio.create_task(self._see_through(process, job))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await self._call_off(process, job, work)
            raise
        finally:
            self._work = None

    async def _call_off(self, process: EngineProcess, job: _Job, work: asyncio.Task[None]) -> None:
        """Has the job stopped, by force after CANCEL_GRACE. Can't be cancelled itself."""
        job.unwanted = True
        process.send("cancel")
        loop = asyncio.get_running_loop()
        force = loop.call_later(CANCEL_GRACE, self._lose, process, Loss.CANCELLED, "it did not stop its job")
        while not work.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        force.cancel()

    async def _see_through(self, process: EngineProcess, job: _Job) -> None:
        """Follows the job to its end. However that is, the process is then idle or gone."""
        process.jobs += 1
        try:
            failure = await self._follow(process, job)
        except BaseException as error:
            # Of a callback too: the engine still computes, and there is nobody to tell.
            loss = error.loss if isinstance(error, EngineLost) else Loss.CANCELLED
            self._lose(process, loss, str(error) or type(error).__name__)
            await process.wait()
            raise
        if failure is None:
            process.failures = 0
        elif isinstance(failure, EngineFailed):
            process.failures += 1
        if process.failures == FAILURES_MAX:
            self._lose(process, Loss.FAILING, str(failure))
        elif process.jobs == self._recycle_after:
            self._lose(process, Loss.RECYCLED, f"it has done {process.jobs} jobs")
        if failure is not None:
            raise failure

    async def _follow(self, process: EngineProcess, job: _Job) -> Exception | None:
        """Tells what comes from the job: how it failed, if it did. Raises EngineLost."""
        stage = "begin"
        while True:
            try:
                async with asyncio.timeout(self._stage_timeout):
                    message = await process.receive()
            except TimeoutError:
                text = f"the stage {stage} took longer than {self._stage_timeout:g} s"
                raise EngineLost(Loss.STAGE_TIMEOUT, text) from None
            match message:
                case {"type": "stage", "stage": str(stage), "done": float(done)}:
                    if not job.unwanted:
                        job.on_stage(stage, min(max(done, 0.0), 1.0))
                case {"type": "file", "path": str(path)}:
                    if not job.unwanted:
                        job.on_file(Path(path))
                case {"type": "done"}:
                    return None
                case {"type": "cancelled"} if job.unwanted:
                    return None
                case {"type": "rejected", "message": str(text)}:
                    return ImageRejected(text)
                case {"type": "os_error", "errno": int(number), "message": str(text)}:
                    return OSError(number, text)
                case {"type": "failed", "error": str(text), "traceback": str(traceback)}:
                    failure = EngineFailed(text)
                    failure.add_note(traceback)
                    return failure
                case {"type": "out_of_memory"}:
                    raise EngineLost(Loss.OUT_OF_MEMORY, "the engine ran out of memory")
                case _:
                    raise garbled(message)

    def _lose(self, process: EngineProcess, loss: Loss, reason: str) -> None:
        """Gives the process up, for the first reason that there is; the keeper loads another."""
        if self._engine is not process or self._stopping.is_set():
            return
        self._engine = None
        self._settled.clear()
        self.restarts[loss] += 1
        process.kill()
        level = logging.INFO if loss is Loss.RECYCLED else logging.WARNING
        log.log(level, "engine replaced", extra={"loss": loss, "reason": reason, "pid": process.pid})

    async def _keep(self) -> None:
        """Sees to it that there is an engine: loads it, waits until it is lost, loads it again."""
        idle = 0  # processes in a row that were given no job
        while not self._stopping.is_set():
            try:
                process = await self._load()
            except (EngineUnavailable, EngineLost) as error:
                idle += 1
                wait = self._not_loaded(error, idle)
            else:
                self._engine, self.problems = process, ()
                self._settled.set()
                await process.wait()
                if self._work is not None:
                    await asyncio.wait([self._work])  # which knows why
                self._lose(process, Loss.DIED, "it ended between two jobs")
                # The first that dies for nothing is replaced at once; those that follow it are not.
                idle = 0 if process.jobs else idle + 1
                wait = _backoff(idle - 1)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._stopping.wait()

    def _not_loaded(self, error: EngineUnavailable | EngineLost, times: int) -> float:
        """Takes note of it: seconds until the next try."""
        if self._stopping.is_set():
            return 0.0
        self.restarts[Loss.NOT_LOADED] += 1
        if isinstance(error, EngineUnavailable):
            self.problems, wait = error.problems, _backoff(times)
        elif times == 1:
            # Somebody killed it, by chance in this moment: no reason to call the engine unavailable.
            log.warning("engine not loaded", extra={"reason": str(error)})
            return 0.0
        else:
            self.problems, wait = (f"while it was loaded its process {error}",), _backoff(times - 1)
        self._settled.set()
        log.error("engine unavailable", extra={"problems": self.problems, "retrySeconds": wait})
        return wait

    async def _load(self) -> EngineProcess:
        """A process with a loaded engine. Raises EngineUnavailable or EngineLost."""
        begun = time.monotonic()
        try:
            process = await EngineProcess.start(self._command, self._environment)
        except OSError as error:
            raise EngineUnavailable([f"its process can't be started: {error}"]) from error
        self._process = process
        if self._stopping.is_set():
            process.kill()  # it was not there yet to be seen by `close`
        try:
            await self._introduce(process)
        except BaseException:
            process.kill()
            await process.wait()
            raise
        extra = {"engine": self.name, "pid": process.pid, "seconds": round(time.monotonic() - begun, 3)}
        log.info("engine ready", extra=extra)
        return process

    async def _introduce(self, process: EngineProcess) -> None:
        """Waits until the process says what it has loaded. Raises EngineUnavailable or EngineLost."""
        try:
            async with asyncio.timeout(LOAD_TIMEOUT):
                message = await process.receive()
        except TimeoutError:
            raise EngineUnavailable([f"it was not loaded within {LOAD_TIMEOUT:g} s"]) from None
        match message:
            case {"type": "ready", "name": str(name), "stages": [*stages]} if stages:
                self.name, self.stages = name, tuple(map(str, stages))
            case {"type": "unavailable", "problems": [*problems]} if problems:
                raise EngineUnavailable(tuple(map(str, problems)))
            case _:
                raise garbled(message)


def _backoff(times: int) -> float:
    return min(RETRY_FIRST * 2 ** min(times - 1, 16), RETRY_CAP) if times > 0 else 0.0


def _environment(settings: EngineSettings) -> dict[str, str]:
    """The child's environment: this process's without what is secret, and the settings.

    The engine has no use for secrets, and what it or its libraries write about their surroundings tells none.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not _SECRET_NAME.search(name) and not _SECRET_VALUE.search(value)
    }
    for name, value in settings.model_dump(mode="json", include=set(ChildSettings.model_fields)).items():
        environment.pop(name.upper(), None)
        if value is not None:
            environment[name.upper()] = value if isinstance(value, str) else json.dumps(value)
    return environment
