"""`python -m worker.reconstruct IMAGE OUT`: the engine alone, without any backend.

Writes the results and preview.png into the folder OUT and says how far it is and how long each stage took.
"""

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path

from worker import engines
from worker.engine import ImageRejected
from worker.engines.settings import NAMES, EngineSettings


def main() -> int:
    """The exit code: 1 where the picture is rejected, 2 where the arguments are wrong."""
    parser = argparse.ArgumentParser(prog="python -m worker.reconstruct", description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--engine", choices=NAMES, default=NAMES[0])
    parser.add_argument("--faces", type=int, default=20_000)
    arguments = parser.parse_args()
    if not arguments.image.is_file():
        parser.error(f"there is no file {arguments.image}")
    arguments.out.mkdir(parents=True, exist_ok=True)

    stages: list[tuple[str, float]] = []

    def on_stage(stage: str, done: float) -> None:
        stages.append((stage, time.perf_counter()))
        bar = "#" * round(30 * done)
        print(f"\r[{bar:<30}] {stage:<10}", end="", file=sys.stderr, flush=True)

    engine = engines.load(EngineSettings(engine=arguments.engine, faces=arguments.faces), preview=True)
    try:
        files = list(engine.reconstruct(arguments.image, arguments.out, on_stage, lambda: False))
    except ImageRejected as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    stages.append(("", time.perf_counter()))
    print(f"\r[{'#' * 30}] done      ", file=sys.stderr)
    for (stage, begin), (_, end) in pairwise(stages):
        print(f"{stage:<10} {end - begin:6.2f} s")
    print(f"{'total':<10} {stages[-1][1] - stages[0][1]:6.2f} s")
    for file in files:
        print(f"{file}  {file.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
