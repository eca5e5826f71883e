"""`python -m tests.host_engine`: an engine that does what the picture's text says, served as any other.

How it is loaded the file says that LOADING names, if there is one.
"""

import ctypes
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from worker import child
from worker.engine import Cancelled, EngineUnavailable, ImageRejected, JobCancelled, OnStage


def hold_the_gil() -> None:
    """As native code does that computes and never returns."""
    ctypes.PyDLL(None).pause()


def channels() -> list[int]:
    """The sockets of this process: the engine can find what is not its own."""
    return [
        int(fd.name) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink() and _is_socket(int(fd.name))
    ]


def _is_socket(fd: int) -> bool:
    try:
        socket.socket(fileno=os.dup(fd)).close()
    except OSError:
        return False
    return True


class Acting:
    name = "acting"
    stages = ("first", "second")

    def reconstruct(
        self, image: Path, out: Path, on_stage: OnStage, cancelled: Cancelled, formats: Collection[str] = ()
    ) -> Iterator[Path]:
        act, _, argument = image.read_text().partition(" ")
        on_stage("first", 0)
        pid = out / "pid"
        pid.write_text(str(os.getpid()))
        yield pid
        on_stage("second", 0.5)
        match act:
            case "works":
                about = out / "about.json"
                adjustment = Path("/proc/self/oom_score_adj").read_text().strip()
                document = {"formats": list(formats), "env": dict(os.environ), "oom": adjustment}
                about.write_text(json.dumps(document))
                yield about
            case "rejects":
                raise ImageRejected("There is nothing to see.")
            case "raises":
                raise KeyError("argument", argument)
            case "shouts":
                raise ValueError("\x00é" * 1_000_000)
            case "full":
                raise OSError(errno.ENOSPC, "No space left on device")
            case "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exits":
                os._exit(3)
            case "hangs":
                hold_the_gil()
            case "allocates":
                bytearray(1 << 50)
            case "torch":
                raise type("OutOfMemoryError", (RuntimeError,), {"__module__": "torch.cuda"})(
                    "CUDA out of memory"
                )
            case "numpy":
                import numpy as np

                np.ones(4 << 30, np.uint8)
            case "opencv":
                import cv2
                import numpy as np

                cv2.resize(np.zeros((8, 8), np.uint8), (1 << 16, 1 << 16))
            case "prints":
                print("printed by Python")  # noqa: T201
                os.write(1, b"written to descriptor 1\n")
                ctypes.CDLL(None).puts(b"put by C")
                ctypes.CDLL(None).fflush(None)
                assert sys.stdin.read() == ""
            case "garbage":
                for fd in channels():
                    os.write(fd, argument.encode("latin-1") + b"\n")
                hold_the_gil()
            case "floods":
                for fd in channels():
                    socket.socket(fileno=os.dup(fd)).sendall(b"x" * (3 << 20))
                hold_the_gil()
            case "closes":
                for fd in channels():
                    socket.socket(fileno=os.dup(fd)).shutdown(socket.SHUT_WR)
                hold_the_gil()
            case "heeds":
                while not cancelled():
                    time.sleep(0.001)
                on_stage("second", 0.9)
                raise JobCancelled
            case "yields":
                while True:
                    yield pid
            case "quits":
                raise JobCancelled
            case "chats":
                while True:
                    on_stage("second", 0.5)
            case "forks":
                # One that has all of this process, its channel too, and one that has nothing but its group.
                if os.fork() == 0:
                    lifeline = os.open(argument, os.O_WRONLY)
                    hold_the_gil()
                    os.close(lifeline)
                subprocess.Popen(["sh", "-c", f"exec sleep 1000 > {argument}"])
                while not cancelled():
                    time.sleep(0.001)
                os._exit(4)
            case _:
                raise AssertionError(act)


def load() -> Acting:
    how = Path(os.environ["LOADING"])
    match how.read_text() if how.exists() else "":
        case "":
            return Acting()
        case "unavailable":
            raise EngineUnavailable(["There is no GPU.", "The file x is missing."])
        case "raises":
            raise ImportError("no module of that name")
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "dies once":
            how.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        case "hangs":
            hold_the_gil()
        case "dies when told":
            threading.Thread(target=die_when_told, args=[how.with_name("die")]).start()
            return Acting()
    raise AssertionError


def die_when_told(order: Path) -> None:
    while not order.exists():
        time.sleep(0.005)
    order.unlink()  # the next process waits for an order of its own
    os._exit(5)


if __name__ == "__main__":
    child.serve(load, memory_max=int(os.environ.get("MEMORY_MAX", "0")))
