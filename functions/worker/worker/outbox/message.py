"""What the outbox keeps, and what it raises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from worker.dispatch import RemoteImage, Target

Clock = Callable[[], float]
"""The time in seconds since 1970, as it is kept in the rows."""

Listener = Callable[[str, int], None]
"""Is told `(task_id, attempt)`, on the event loop."""

OnOutcome = Callable[[str, str], None]
"""Is told `(kind, outcome)` of a message, on the event loop.

`kind` is `result` or `status`; `outcome` of a try is `sent`, `duplicate` (the backend had it before),
`retried`, `refused` or `unwanted`; `dead` comes once for each message that becomes a dead letter.
"""

Kind = Literal["result", "status"]
Final = Literal["completed", "failed", "released"]


class DataDirInUse(Exception):
    """Another worker runs on this folder."""


class OutboxUnavailable(Exception):
    """The disk or the database can't be written or read now: nothing of the call has happened."""


class Closed(Exception):
    """The attempt takes nothing more: it is concluded, replaced or dropped, or a higher one was here."""


class ResultChanged(Exception):
    """A result of this name is there with other bytes, and may have been sent."""


@dataclass(frozen=True)
class Accepted:
    """A job whose picture is on the disk and whose end has not been written yet."""

    target: Target
    picture: Path | RemoteImage
    """The file stays until the attempt is concluded."""
    formats: tuple[str, ...]
    starts: int
    """How often its computing had begun before."""


@dataclass(frozen=True)
class Message:
    """A result or a final status on its way, as its row was when it was read."""

    id: int
    job: int
    """Names its lane: messages of one job are sent one after the other, in the order of their ids."""
    target: Target
    kind: Kind
    name: str
    """Of the result's file; else the status."""
    n: str
    """The last part of its `webhook-id`, the same on every try."""
    path: Path
    """Of the result's file."""
    sha256: str
    error: Mapping[str, str] | None
    written: float
    tries: int
    """How many have failed."""
    refused_uploads: int

    @property
    def webhook_id(self) -> str:
        """As the backend sees it."""
        return f"{self.kind}:{self.target.task_id}:{self.target.attempt}:{self.n}"


class Depth(NamedTuple):
    """How many messages wait to be sent, and how many are dead letters."""

    pending: int
    dead: int
