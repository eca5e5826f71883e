"""`python -m worker.child`: the process that an engine lives in.

`worker.process` starts it and `worker.host` leads it. Descriptor 0 is a socket to the parent. Over it go
lines of JSON, each an object with a `type`. To the child:

    job {image, out, formats}      the next picture; never before the last one's end was told
    cancel                         the last job is no longer wanted

To the parent, first `ready {name, stages}` or `unavailable {problems}`, then for each job any number of
`stage {stage, done}` and `file {path}`, and one of

    done
    cancelled                      because of a `cancel`
    rejected {message}             the picture is at fault
    failed {error, traceback}      the engine is at fault
    os_error {errno, message}      the system is: no space, no file, no rights
    out_of_memory                  the process ends after it

When the parent is gone, however it went, so is the child.
"""

import ctypes
import errno
import faulthandler
import json
import logging
import os
import queue
import resource
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from worker import engines, logs
from worker.engine import Engine, EngineUnavailable, ImageRejected, JobCancelled
from worker.engines.settings import EngineSettings

log = logging.getLogger(__name__)

OOM_SCORE_ADJ = 500
"""Of -1000 to 1000: where memory runs out the kernel takes the engine and not the API. See proc(5)."""

TEXT_MAX = 16_000
"""Characters of a message or a traceback that are passed on: the first, or the last."""


class ChildSettings(EngineSettings):
    """What the child reads from its environment, which its parent makes."""

    log_level: str = "info"
    engine_memory_max: int = Field(default=0, ge=0)
    """Bytes of private memory that the engine may have (RLIMIT_DATA), 0 for no bound.

    Beyond it an allocation fails in the engine, which costs one job, instead of somewhere on the machine.
    """


def main() -> None:
    """Serves with the engine that the environment chooses."""
    settings = ChildSettings()
    logs.configure(settings.log_level)
    serve(lambda: engines.load(settings), settings.engine_memory_max)


def serve(load: Callable[[], Engine], memory_max: int = 0) -> None:
    """Loads the engine and does one job after the other.

    Returns where the engine can't be loaded and where it ran out of memory.
    """
    _prepare(memory_max)
    channel = Channel()
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(channel, jobs), daemon=True).start()
    try:
        engine = load()
    except EngineUnavailable as error:
        channel.send("unavailable", problems=list(error.problems))
        return
    except Exception as error:
        log.exception("the engine can't be loaded")
        channel.send("unavailable", problems=[f"loading it failed: {_brief(error)}"])
        return
    channel.send("ready", name=engine.name, stages=list(engine.stages))
    end = ""
    while end != "out_of_memory":
        end, about = _run(engine, jobs.get(), channel)
        channel.send(end, **about)


@dataclass(frozen=True)
class Job:
    """One picture to do."""

    image: Path
    out: Path
    formats: tuple[str, ...]
    unwanted: threading.Event = field(default_factory=threading.Event)


class Channel:
    """The socket to the parent, moved away from where the engine's own reads could meet it."""

    def __init__(self) -> None:
        self._socket = socket.socket(fileno=os.dup(0))
        with Path(os.devnull).open("rb") as null:
            os.dup2(null.fileno(), 0)
        self._lock = threading.Lock()

    def send(self, kind: str, **fields: object) -> None:
        """Sends one message, from any thread. Raises ValueError for what JSON can't say."""
        line = json.dumps({"type": kind, **fields}, allow_nan=False)
        with self._lock:
            self._socket.sendall(line.encode() + b"\n")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The parent's messages, until it is gone."""
        with suppress(ConnectionError), self._socket.makefile("rb") as lines:
            for line in lines:
                yield json.loads(line)


def _run(engine: Engine, job: Job, channel: Channel) -> tuple[str, dict[str, object]]:
    """Does the job: the type and the fields of the message that tells its end."""

    def on_stage(stage: str, done: float) -> None:
        channel.send("stage", stage=stage, done=float(done))

    try:
        for path in engine.reconstruct(job.image, job.out, on_stage, job.unwanted.is_set, job.formats):
            channel.send("file", path=str(path))
            if job.unwanted.is_set():
                return "cancelled", {}
    except ImageRejected as error:
        return "rejected", {"message": str(error)[:TEXT_MAX]}
    except Exception as error:  # noqa: BLE001 - the parent knows whose job it is, and logs it
        if isinstance(error, JobCancelled) and job.unwanted.is_set():
            return "cancelled", {}
        if _is_out_of_memory(error):
            return "out_of_memory", {}
        if isinstance(error, OSError) and error.errno is not None:
            where = f": {error.filename!r}" if error.filename else ""
            return "os_error", {"errno": error.errno, "message": f"{error.strerror}{where}"[:TEXT_MAX]}
        return "failed", {"error": _brief(error), "traceback": traceback.format_exc()[-TEXT_MAX:]}
    return "done", {}


def _is_out_of_memory(error: Exception) -> bool:
    """MemoryError, and how PyTorch and OpenCV say it, told without importing them."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    kind = type(error)
    if kind.__module__ == "cv2":
        return getattr(error, "code", None) == -4  # cv::Error::StsNoMem
    return kind.__name__ == "OutOfMemoryError" and kind.__module__.startswith("torch")


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:TEXT_MAX]


def _listen(channel: Channel, jobs: "queue.SimpleQueue[Job]") -> None:
    """Takes the parent's messages while the engine computes, and ends the process with the parent."""
    try:
        latest: Job | None = None
        for message in channel:
            if message["type"] == "job":
                latest = Job(Path(message["image"]), Path(message["out"]), tuple(message["formats"]))
                jobs.put(latest)
            elif message["type"] == "cancel" and latest is not None:
                latest.unwanted.set()
    finally:
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # with all that the engine has started
        os._exit(1)


def _prepare(memory_max: int) -> None:
    """Makes the process one that can't outlive its parent, that goes first, and that says how it crashed."""
    if memory_max:
        # Not RLIMIT_AS: CUDA reserves address space by the terabyte and never touches it.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_max, memory_max))
    faulthandler.enable()
    # What the engine prints goes to stderr: whole lines, so that they don't mix with those of the log.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)
    if sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_ADJ))
        # The thread that listens can't run while native code holds the GIL; the kernel can. The signal comes
        # when the parent's thread ends that started this process, which is the one of its event loop.
        pr_set_pdeathsig = 1
        if ctypes.CDLL(None).prctl(pr_set_pdeathsig, ctypes.c_ulong(signal.SIGKILL)) != 0:
            log.warning("the kernel won't end this process with its parent")


if __name__ == "__main__":
    main()
