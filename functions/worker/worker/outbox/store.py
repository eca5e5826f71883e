"""The messages, on the disk. Every method runs in the store's thread.

What is recorded about a message that has gone meanwhile (its job was replaced, dropped, or concluded
without it) changes nothing.
"""

import json
import sqlite3
import uuid
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from worker.dispatch import Target
from worker.outbox.database import Database
from worker.outbox.files import Files
from worker.outbox.journal import finish
from worker.outbox.message import Clock, Closed, Depth, Final, Message, ResultChanged

RETRY_CAP = 600.0
"""Seconds: the most between two tries."""

_HEADS = """
    SELECT messages.*, jobs.target FROM messages JOIN jobs ON jobs.id = messages.job
    WHERE messages.id IN (SELECT min(id) FROM messages WHERE state = 'pending' GROUP BY job)
"""
"""The first message of each lane: only this one may be sent."""

_DUE = "(next_try <= :now OR next_try > :now + :cap)"
"""No try is put off for longer than the cap: what seems to be was written before the clock was set back."""


class Store:
    """Raises `sqlite3.Error` and OSError where the disk does; then nothing has happened."""

    def __init__(self, database: Database, files: Files, clock: Clock) -> None:
        self._db = database
        self._files = files
        self._clock = clock

    # -- what is to be said -------------------------------------------------------------------------

    def add_result(self, target: Target, source: Path, sha256: str) -> bool:
        """Takes the file in; false where it is here already. Raises Closed or ResultChanged."""
        with self._db.transaction():
            job = self._open_job(target)
            known = self._db.execute(
                "SELECT sha256 FROM messages WHERE job = ? AND kind = 'result' AND name = ?",
                (job, source.name),
            ).fetchone()
            if known is not None:
                if known["sha256"] != sha256:
                    raise ResultChanged(source.name)
                return False
            self._files.keep_result(target.task_id, target.attempt, source)
            self._insert(job, "result", source.name, sha256=sha256)
        return True

    def conclude(self, target: Target, status: Final, error: Mapping[str, str] | None) -> bool:
        """Says how the attempt ended; false where that waits for a person, behind dead letters.

        Raises Closed.
        """
        with self._db.transaction():
            job = self._open_job(target)
            pending = self._conclude(job, status, error)
        self._files.drop_picture(target.task_id, target.attempt)
        return pending

    def _open_job(self, target: Target) -> int:
        row = self._db.execute(
            "SELECT id FROM jobs WHERE task_id = ? AND attempt = ? AND state = 'accepted'",
            (target.task_id, target.attempt),
        ).fetchone()
        if row is None:
            raise Closed(f"task {target.task_id}, attempt {target.attempt}")
        return int(row["id"])

    def _conclude(self, job: int, status: Final, error: Mapping[str, str] | None) -> bool:
        if status != "completed":
            self._db.execute("DELETE FROM messages WHERE job = ? AND state <> 'sent'", (job,))
        self._db.execute("UPDATE jobs SET state = 'concluded', image = NULL WHERE id = ?", (job,))
        return self._insert(job, "status", status, error=error)

    def _insert(
        self, job: int, kind: str, name: str, *, sha256: str = "", error: Mapping[str, str] | None = None
    ) -> bool:
        """Puts a message last in its lane; false where it is a dead letter, behind one that is."""
        now = self._clock()
        dead = self._db.execute(
            "SELECT 1 FROM messages WHERE job = ? AND state = 'dead' LIMIT 1", (job,)
        ).fetchone()
        state = "dead" if dead else "pending"
        self._db.execute(
            "INSERT INTO messages (job, kind, name, n, sha256, error, state, written, next_try) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (job, kind, name, uuid.uuid4().hex, sha256, error and json.dumps(error), state, now, now),
        )
        return dead is None

    # -- what is to be sent -------------------------------------------------------------------------

    def due(self, busy: Collection[int], limit: int) -> list[Message]:
        """The first messages of lanes that are not busy and whose time has come, longest waiting first."""
        rows = self._db.execute(
            f"{_HEADS} AND {_DUE} ORDER BY next_try, messages.id LIMIT :limit",
            {"now": self._clock(), "cap": RETRY_CAP, "limit": limit + len(busy)},
        ).fetchall()
        return [self._message(row) for row in rows if row["job"] not in busy][:limit]

    def next_in(self, job: int) -> Message | None:
        """The lane's first message, if its time has come."""
        row = self._db.execute(
            f"{_HEADS} AND {_DUE} AND job = :job",
            {"now": self._clock(), "cap": RETRY_CAP, "job": job},
        ).fetchone()
        return self._message(row) if row else None

    def next_due(self, busy: Collection[int] = ()) -> float | None:
        """When the next try is due in a lane that is not busy; None where nothing waits."""
        rows = self._db.execute(_HEADS).fetchall()
        return min((row["next_try"] for row in rows if row["job"] not in busy), default=None)

    def depth(self) -> Depth:
        """How much waits, and how much waits for a person."""
        row = self._db.execute(
            "SELECT count(*) FILTER (WHERE state = 'pending') AS pending, "
            "count(*) FILTER (WHERE state = 'dead') AS dead FROM messages WHERE state <> 'sent'"
        ).fetchone()
        return Depth(row["pending"], row["dead"])

    def _message(self, row: sqlite3.Row) -> Message:
        target = Target(**json.loads(row["target"]))
        return Message(
            row["id"],
            row["job"],
            target,
            row["kind"],
            row["name"],
            row["n"],
            self._files.result(target.task_id, target.attempt, row["name"]),
            row["sha256"],
            json.loads(row["error"]) if row["error"] else None,
            row["written"],
            row["tries"],
            row["refused_uploads"],
        )

    # -- what became of it --------------------------------------------------------------------------

    def sent(self, message: Message) -> None:
        """It was taken. With the final status the job is finished, and its files go."""
        with self._db.transaction():
            self._db.execute(
                "UPDATE messages SET state = 'sent', last_error = '' WHERE id = ?", (message.id,)
            )
            last = message.kind == "status" and self._is_there(message)
            if last:
                finish(self._db, message.job, self._clock())
        if last:
            self._files.drop(message.target.task_id, message.target.attempt)

    def put_off(self, message: Message, next_try: float, error: str, refused_uploads: int) -> None:
        """It has to be tried again."""
        with self._db.transaction():
            self._db.execute(
                "UPDATE messages SET tries = tries + 1, next_try = ?, last_error = ?, refused_uploads = ? "
                "WHERE id = ?",
                (next_try, error, refused_uploads, message.id),
            )

    def bury(self, message: Message, error: str) -> list[str]:
        """Makes it and all that is behind it in its lane dead letters: their kinds."""
        with self._db.transaction():
            if not self._is_there(message):
                return []
            self._db.execute(
                "UPDATE messages SET tries = tries + 1, last_error = ? WHERE id = ?", (error, message.id)
            )
            rows = self._db.execute(
                "UPDATE messages SET state = 'dead' WHERE job = ? AND state = 'pending' RETURNING kind",
                (message.job,),
            ).fetchall()
        return [row["kind"] for row in rows]

    def send_again(self, completed: Message, missing: Sequence[str]) -> bool:
        """Puts the results that the backend misses (all where it names none) back before `completed`.

        False, and nothing is changed, where that was done before or one of them is not here.
        """
        with self._db.transaction():
            job = self._db.execute("SELECT resent FROM jobs WHERE id = ?", (completed.job,)).fetchone()
            if job is None:
                return True
            rows = self._db.execute(
                "SELECT id, name FROM messages WHERE job = ? AND kind = 'result'", (completed.job,)
            ).fetchall()
            results = {row["name"]: row["id"] for row in rows}
            names = set(missing) or set(results)
            if job["resent"] or not names or not names <= results.keys():
                return False
            now = self._clock()
            # Messages of their own, with ids of their own: the earlier ones had their answer.
            for message in [*(results[name] for name in names), completed.id]:
                self._db.execute(
                    "UPDATE messages SET state = 'pending', n = ?, written = ?, next_try = ?, tries = 0, "
                    "refused_uploads = 0 WHERE id = ?",
                    (uuid.uuid4().hex, now, now, message),
                )
            self._db.execute("UPDATE jobs SET resent = 1 WHERE id = ?", (completed.job,))
        return True

    def fail(self, message: Message, error: Mapping[str, str]) -> bool:
        """Replaces it and all that is behind it by the status `failed`; false where it is gone."""
        with self._db.transaction():
            there = self._is_there(message)
            if there:
                self._conclude(message.job, "failed", error)
        if there:
            self._files.drop_picture(message.target.task_id, message.target.attempt)
        return there

    def _is_there(self, message: Message) -> bool:
        row = self._db.execute("SELECT 1 FROM messages WHERE id = ?", (message.id,)).fetchone()
        return row is not None

    # -- the start ----------------------------------------------------------------------------------

    def sweep(self) -> list[Target]:
        """Removes files that a crash left without a row. Returns the accepted jobs whose picture is gone."""
        wanted, incomplete = set[Path](), list[Target]()
        for row in self._db.execute("SELECT target FROM jobs WHERE state = 'accepted' AND image IS NULL"):
            target = Target(**json.loads(row["target"]))
            picture = self._files.picture(target.task_id, target.attempt)
            wanted.add(picture)
            if not picture.is_file():
                incomplete.append(target)
        for row in self._db.execute(
            "SELECT name, target FROM messages JOIN jobs ON jobs.id = job WHERE kind = 'result'"
        ):
            target = Target(**json.loads(row["target"]))
            wanted.add(self._files.result(target.task_id, target.attempt, row["name"]))
        self._files.sweep(wanted)
        return incomplete
