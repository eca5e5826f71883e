"""The seam between the worker and whatever reconstructs: one small protocol.

An engine knows nothing of HTTP, tasks or callbacks. It reads one picture file, writes result files
and says how far it is. It runs off the event loop, one job at a time.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

OnStage = Callable[[str, float], None]
"""`on_stage(stage, done)`: `stage` is one of the engine's stages, `done` in 0..1 is of the whole job."""

Cancelled = Callable[[], bool]
"""Asked between stages and inside long ones; once true the engine raises `JobCancelled` soon."""


class JobCancelled(Exception):
    """The engine noticed that its work is no longer wanted."""


class ImageRejected(Exception):
    """The picture can't be done, ever, here or elsewhere.

    The text goes to the user: it says what is wrong and what to do about it.
    """


class Engine(Protocol):
    """Reconstructs a model from one picture."""

    @property
    def name(self) -> str:
        """Names the engine in `/health` and logs."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Every stage it reports, in order."""

    def reconstruct(self, image: Path, out: Path, on_stage: OnStage, cancelled: Cancelled) -> Iterator[Path]:
        """Writes results into the folder `out` and yields each file once it is complete.

        Raises ImageRejected where the picture is at fault and JobCancelled once `cancelled()` is
        true; anything else that it raises is the engine's own failure.
        """
