"""`python -m tests.runner_engine`: an engine that does what the picture's text says: an act, and a file.

works FILE     notes in FILE when it begins and ends
waits FIFO     reads FIFO to its end
endless FIFO   writes into FIFO once it computes, and goes on until it is told to stop
breaks, full, dies, rejects
"""

import errno
import os
import signal
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from worker import child
from worker.engine import Cancelled, ImageRejected, JobCancelled, OnStage


class Acting:
    name = "acting"
    stages = ("first", "second")

    def reconstruct(
        self, image: Path, out: Path, on_stage: OnStage, cancelled: Cancelled, formats: Collection[str] = ()
    ) -> Iterator[Path]:
        act, _, argument = image.read_text().partition(" ")
        on_stage("first", 0)
        early = out / "early.txt"
        early.write_text("early")
        yield early
        on_stage("second", 0.5)
        match act:
            case "works":
                with Path(argument).open("a") as file:
                    file.write("begin\n")
                    file.flush()
                    file.write("end\n")
            case "waits":
                Path(argument).read_bytes()
            case "endless":
                Path(argument).write_text("computes")
                while not cancelled():
                    time.sleep(0.001)
                raise JobCancelled
            case "breaks":
                raise RuntimeError("a secret of the house")
            case "full":
                raise OSError(errno.ENOSPC, "No space left on device")
            case "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "rejects":
                raise ImageRejected("There is nothing to see.")
            case _:
                raise AssertionError(act)
        for name in ("late.txt", *(f"model.{name}" for name in formats)):
            path = out / name
            path.write_text(name)
            yield path


if __name__ == "__main__":
    child.serve(Acting)
