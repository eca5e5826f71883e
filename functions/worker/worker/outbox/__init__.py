"""The transactional outbox: accepted jobs, and messages on the disk until the backend has them.

A worker may be killed at any point. What it had accepted it finds here at its next start, and what it had
to say it says then, each message by the same `webhook-id`: a backend knows the second one by that.
"""

from worker.outbox.message import (
    Accepted,
    Closed,
    DataDirInUse,
    Depth,
    OutboxUnavailable,
    ResultChanged,
)
from worker.outbox.outbox import Outbox

__all__ = [
    "Accepted",
    "Closed",
    "DataDirInUse",
    "Depth",
    "Outbox",
    "OutboxUnavailable",
    "ResultChanged",
]
