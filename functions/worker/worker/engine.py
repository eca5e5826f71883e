"""The seam between the worker and whatever reconstructs: one small protocol.

An engine knows nothing of HTTP, tasks or callbacks. It reads one picture file, writes result files
and says how far it is. It runs in a child process, one job at a time.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

OnStage = Callable[[str, float], None]
"""`on_stage(stage, done)`: `stage` is one of the engine's stages, `done` in 0..1 is of the whole job."""

Cancelled = Callable[[], bool]
"""Asked between stages and inside long ones; once true the engine raises `JobCancelled` soon."""

FORMATS = ("stl", "ply", "3mf", "usdz")
"""What may be asked for beside the results that every model comes with."""


class JobCancelled(Exception):
    """The engine noticed that its work is no longer wanted."""


class ImageRejected(Exception):
    """The picture can't be done, ever, here or elsewhere.

    The text goes to the user: it says what is wrong and what to do about it.
    """


class EngineUnavailable(Exception):
    """The engine can't be loaded here. `problems` names all that is missing, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Engine(Protocol):
    """Reconstructs a model from one picture."""

    @property
    def name(self) -> str:
        """Names the engine in its results, in `/health` and in logs."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Every stage it reports, in order."""

    def reconstruct(
        self, image: Path, out: Path, on_stage: OnStage, cancelled: Cancelled, formats: Collection[str] = ()
    ) -> Iterator[Path]:
        """Writes results into the folder `out` and yields each file once it is complete, the required
        ones first. `formats`, some of FORMATS, asks for more; what the engine can't make it leaves out.

        Raises ImageRejected where the picture is at fault and JobCancelled once `cancelled()` is
        true; anything else that it raises is the engine's own failure.
        """
