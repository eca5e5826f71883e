"""`python -m worker.reconstruct IMAGE OUT`: the engine alone, without any backend.

ENGINE and its other settings come from the environment. Writes the results, and for `silhouette`
preview.png, into the folder OUT, says how far it is, how long each stage took and where everything is.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from worker import engines
from worker.engine import FORMATS, Engine, EngineUnavailable, ImageRejected
from worker.engines.settings import EngineSettings
from worker.settings import explain

INTERRUPTED = 130
"""The exit code that shells give a program which was stopped by Ctrl-C."""


def main() -> int:
    """The exit code: 2 where arguments or environment are wrong, 1 where it fails or rejects the picture."""
    parser = argparse.ArgumentParser(prog="python -m worker.reconstruct", description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--formats", nargs="*", choices=FORMATS, default=[], help="more model files")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress = Progress()
    try:
        if not arguments.image.is_file():
            parser.error(f"there is no file {arguments.image}")
        try:
            arguments.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"{arguments.out} can't be the folder for the results: {error.strerror}")
        engine = engines.load(EngineSettings(), preview=True)
        # Absolute, for an engine may have to work in a folder of its own.
        image, out = arguments.image.resolve(), arguments.out.resolve()
        files = list(reconstruct(engine, image, out, arguments.formats, progress))
    except KeyboardInterrupt:
        return progress.failed("stopped", INTERRUPTED)
    except ValidationError as error:
        return progress.failed(explain(error), 2)
    except EngineUnavailable as error:
        return progress.failed("\n".join(["the engine can't be loaded:", *error.problems]), 1)
    except ImageRejected as error:
        return progress.failed(str(error), 1)
    except OSError as error:
        return progress.failed(f"the results can't be written: {error}", 1)
    progress.done()
    for stage, seconds in progress.seconds.items():
        print(f"{stage:<12} {seconds:6.2f} s")
    print(f"{'together':<12} {sum(progress.seconds.values()):6.2f} s")
    for file in files:
        print(f"{file}  {file.stat().st_size:,} bytes")
    return 0


def reconstruct(
    engine: Engine, image: Path, out: Path, formats: Collection[str], progress: "Progress"
) -> Iterator[Path]:
    """Yields each result in the folder `out`, which gets whole files only. Raises as the engine does."""
    with TemporaryDirectory(prefix=".reconstruct-", dir=out) as work:
        for file in engine.reconstruct(image, Path(work), progress.enter, lambda: False, formats):
            # A copy: the engine may still want its own.
            whole = Path(work, f"{file.name}.whole")
            shutil.copyfile(file, whole)
            yield whole.replace(out / file.name)


class Progress:
    """Shows on stderr how far the work is, as a bar on a terminal and else as a line a stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        """How long each stage took so far."""

        self._stage, self._begun = "", 0.0
        self._bar = sys.stderr.isatty()

    def enter(self, stage: str, done: float) -> None:
        """See `worker.engine.OnStage`."""
        entered = stage != self._stage
        if entered:
            self._leave()
            self._stage, self._begun = stage, time.perf_counter()
        if self._bar:
            bar = "#" * round(30 * done)
            # The rest of the line, where a longer name may stand, is cleared.
            print(f"\r[{bar:<30}] {done:4.0%} {stage}\x1b[K", end="", file=sys.stderr, flush=True)
        elif entered:
            print(f"{done:4.0%} {stage}", file=sys.stderr, flush=True)

    def done(self) -> None:
        """The work is done."""
        self._leave()
        if self._bar:
            print(f"\r[{'#' * 30}] 100%\x1b[K", file=sys.stderr)

    def failed(self, why: str, code: int) -> int:
        """Says why the work ended: the exit code."""
        if self._bar and self._stage:
            print(file=sys.stderr)
        print(why, file=sys.stderr)
        return code

    def _leave(self) -> None:
        if self._stage:
            spent = time.perf_counter() - self._begun
            self.seconds[self._stage] = self.seconds.get(self._stage, 0) + spent


if __name__ == "__main__":
    sys.exit(main())
