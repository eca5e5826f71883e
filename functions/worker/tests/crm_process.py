"""`python -m tests.crm_process`: the engine `crm` in a process of its own, told by lines of JSON what to do.

Each line of stdin is a job {image, out, formats?, cancel_at?}; `cancel_at` is [stage, n]: after n reports of
that stage it is no longer wanted. On stdout go {ready} or {unavailable}, then each report, file and end.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from worker import engines
from worker.engine import EngineUnavailable, ImageRejected, JobCancelled
from worker.engines.settings import EngineSettings


def main() -> None:
    def say(**message: Any) -> None:
        # The descriptor itself: what the engine prints must not end up here.
        os.write(1, json.dumps(message).encode() + b"\n")

    try:
        engine = engines.load(EngineSettings(engine="crm"))
    except EngineUnavailable as error:
        say(unavailable=error.problems)
        return
    say(ready=engine.name, stages=engine.stages)
    for line in sys.stdin:
        job = json.loads(line)
        cancel_at = tuple(job.get("cancel_at", ("", 0)))
        reports: list[str] = []

        def on_stage(stage: str, done: float, reports: list[str] = reports) -> None:
            reports.append(stage)
            say(stage=stage, done=done)

        def cancelled(stop: tuple[str, int] = cancel_at, reports: list[str] = reports) -> bool:
            stage, count = stop
            return count > 0 and reports.count(stage) >= count

        try:
            formats = job.get("formats", ())
            for file in engine.reconstruct(
                Path(job["image"]), Path(job["out"]), on_stage, cancelled, formats
            ):
                say(file=file.name, size=file.stat().st_size)
        except (JobCancelled, ImageRejected, RuntimeError) as error:
            say(end=type(error).__name__)
        else:
            say(end="done")


if __name__ == "__main__":
    main()
