"""What the command does to the outbox, beside the worker that runs on it or without one."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from worker.outbox.database import Database
from worker.outbox.files import Files
from worker.outbox.journal import finish
from worker.outbox.message import Clock


class NoDeadLetter(Exception):
    """There is none of this number."""


@dataclass(frozen=True)
class Letter:
    """A message that is not sent, as it is shown."""

    id: int
    task_id: str
    attempt: int
    kind: str
    name: str
    state: str
    """`pending` or `dead`."""
    age: float
    """Seconds since it was written."""
    tries: int
    last_error: str


class DeadLetters:
    """Dead letters go by lanes: one message of an attempt stands for all of them, for they have an order."""

    def __init__(self, database: Database, files: Files, clock: Clock) -> None:
        self._db = database
        self._files = files
        self._clock = clock

    def unsent(self, *, pending: bool = False) -> list[Letter]:
        """The dead letters, with `pending` also what waits to be sent, in the order of writing."""
        rows = self._db.execute(
            "SELECT messages.*, task_id, attempt FROM messages JOIN jobs ON jobs.id = job "
            "WHERE messages.state = 'dead' OR (messages.state = 'pending' AND ?) ORDER BY messages.id",
            (pending,),
        )
        return [self._letter(row) for row in rows]

    def lanes_of(self, ids: Collection[int]) -> list[Letter]:
        """All dead letters of the attempts that these belong to. Raises NoDeadLetter, with the wrong id."""
        letters = self.unsent()
        lanes = {letter.id: (letter.task_id, letter.attempt) for letter in letters}
        for number in ids:
            if number not in lanes:
                raise NoDeadLetter(number)
        wanted = {lanes[number] for number in ids}
        return [letter for letter in letters if (letter.task_id, letter.attempt) in wanted]

    def replay(self, letters: Collection[Letter]) -> int:
        """Lets them be sent once more, for as long as new ones: how many."""
        now = self._clock()
        with self._db.transaction():
            return sum(
                self._db.execute(
                    "UPDATE messages SET state = 'pending', written = ?, next_try = ?, tries = 0, "
                    "refused_uploads = 0 WHERE id = ? AND state = 'dead'",
                    (now, now, letter.id),
                ).rowcount
                for letter in letters
            )

    def drop(self, letters: Collection[Letter]) -> int:
        """Ends their attempts, results and all: how many letters are gone.

        One that was replayed or replaced meanwhile stays as it is.
        """
        dropped, lanes = 0, {(letter.task_id, letter.attempt) for letter in letters}
        for task_id, attempt in sorted(lanes):
            with self._db.transaction():
                rows = self._db.execute(
                    "SELECT job FROM messages JOIN jobs ON jobs.id = job "
                    "WHERE task_id = ? AND attempt = ? AND messages.state = 'dead'",
                    (task_id, attempt),
                ).fetchall()
                if rows:
                    finish(self._db, rows[0]["job"], self._clock())
            if rows:
                self._files.drop(task_id, attempt)
            dropped += len(rows)
        return dropped

    def _letter(self, row: sqlite3.Row) -> Letter:
        return Letter(
            row["id"],
            row["task_id"],
            row["attempt"],
            row["kind"],
            row["name"],
            row["state"],
            max(0.0, self._clock() - row["written"]),
            row["tries"],
            row["last_error"],
        )
