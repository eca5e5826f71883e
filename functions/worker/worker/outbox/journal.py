"""The accepted jobs, on the disk: what a worker that was killed goes on with at its next start.

    accepted ──conclude──▶ concluded ──last message delivered──▶ finished
        └───────────── replaced, dropped, no longer wanted ──────────┘

Of a finished job only its attempt is kept in mind. Every method runs in the store's thread.
"""

import json
import logging
from dataclasses import asdict

from worker.dispatch import Dispatch, RemoteImage, Target
from worker.outbox.database import Database
from worker.outbox.files import Files
from worker.outbox.message import Accepted, Clock, Closed

log = logging.getLogger(__name__)

REMEMBERED = 4096
"""How many finished tasks are kept in mind, so that a late duplicate starts nothing."""


class Journal:
    """Raises `sqlite3.Error` and OSError where the disk does; then nothing has happened."""

    def __init__(self, database: Database, files: Files, clock: Clock) -> None:
        self._db = database
        self._files = files
        self._clock = clock

    def accept(self, dispatch: Dispatch) -> Accepted:
        """Keeps the job and its picture; a lower attempt of the task vanishes.

        Raises Closed where this attempt or a higher one is or was here.
        """
        target = dispatch.target
        task_id, attempt = target.task_id, target.attempt
        latest = self.latest_attempt(task_id)
        if latest >= attempt:
            raise Closed
        image: RemoteImage | None = None
        try:
            if isinstance(dispatch.image, RemoteImage):
                image = dispatch.image
            else:
                self._files.keep_picture(task_id, attempt, dispatch.image)
            with self._db.transaction():
                self._db.execute("DELETE FROM jobs WHERE task_id = ?", (task_id,))
                self._db.execute(
                    "INSERT INTO jobs (task_id, attempt, target, image, formats) VALUES (?, ?, ?, ?, ?)",
                    (
                        task_id,
                        attempt,
                        # Without what is empty: an older worker can't read a name that it does not know.
                        json.dumps({name: value for name, value in asdict(target).items() if value}),
                        json.dumps(asdict(image)) if image else None,
                        json.dumps(dispatch.formats),
                    ),
                )
        except BaseException:
            self._files.drop(task_id, attempt)
            raise
        if latest:
            self._files.drop(task_id, latest)
        return Accepted(target, image or self._files.picture(task_id, attempt), dispatch.formats, 0)

    def unfinished(self) -> list[Accepted]:
        """The jobs whose end is not written yet, in the order of their acceptance."""
        rows = self._db.execute("SELECT * FROM jobs WHERE state = 'accepted' ORDER BY id").fetchall()
        return [
            Accepted(
                Target(**json.loads(row["target"])),
                RemoteImage(**json.loads(row["image"]))
                if row["image"]
                else self._files.picture(row["task_id"], row["attempt"]),
                tuple(json.loads(row["formats"])),
                row["starts"],
            )
            for row in rows
        ]

    def started(self, task_id: str, attempt: int) -> int:
        """Counts one more start of its computing: how many there are now. Raises Closed."""
        with self._db.transaction():
            row = self._db.execute(
                "UPDATE jobs SET starts = starts + 1 "
                "WHERE task_id = ? AND attempt = ? AND state = 'accepted' RETURNING starts",
                (task_id, attempt),
            ).fetchone()
        if row is None:
            raise Closed
        return int(row["starts"])

    def latest_attempt(self, task_id: str) -> int:
        """The highest attempt of this task that is or was here; 0 where there is none."""
        row = self._db.execute("SELECT attempt FROM jobs WHERE task_id = ?", (task_id,)).fetchone()
        return int(row["attempt"]) if row else 0

    def abandon(self, task_id: str, attempt: int) -> bool:
        """Drops all that waits for this attempt; false where there is nothing."""
        with self._db.transaction():
            row = self._db.execute(
                "SELECT id FROM jobs WHERE task_id = ? AND attempt = ? AND state <> 'finished'",
                (task_id, attempt),
            ).fetchone()
            if row is not None:
                finish(self._db, row["id"], self._clock())
        if row is not None:
            self._files.drop(task_id, attempt)
        return row is not None


def finish(database: Database, job: int, now: float) -> None:
    """Ends a job within the caller's transaction; its files go after that."""
    database.execute("DELETE FROM messages WHERE job = ?", (job,))
    database.execute(
        "UPDATE jobs SET state = 'finished', image = NULL, finished = ? WHERE id = ?", (now, job)
    )
    database.execute(
        "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state = 'finished' "
        "ORDER BY finished DESC, id DESC LIMIT -1 OFFSET ?)",
        (REMEMBERED,),
    )
