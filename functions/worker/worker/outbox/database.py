"""The outbox's SQLite file: its schema, how it is opened, and transactions."""

import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from worker.outbox.message import DataDirInUse, OutboxUnavailable

log = logging.getLogger(__name__)

BUSY_SECONDS = 5.0
"""How long a statement waits for the other process that may write: the worker, or the command beside it."""

_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Primary codes: the low byte of the extended ones, which `sqlite3` reports."""

MIGRATIONS = (
    """
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,   -- the order of acceptance
        task_id TEXT NOT NULL UNIQUE,           -- of a task only the highest attempt is kept
        attempt INTEGER NOT NULL,
        target TEXT NOT NULL,                   -- JSON: where its callbacks go
        image TEXT,                             -- JSON: url and sha256; NULL: it is a file
        formats TEXT NOT NULL,                  -- JSON: list of names
        state TEXT NOT NULL DEFAULT 'accepted' CHECK (state IN ('accepted', 'concluded', 'finished')),
        starts INTEGER NOT NULL DEFAULT 0,
        resent INTEGER NOT NULL DEFAULT 0,      -- whether results that the backend missed were sent again
        finished REAL
    );
    CREATE INDEX jobs_finished ON jobs (finished) WHERE state = 'finished';

    CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,   -- the order of sending in its job, and its name for people
        job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('result', 'status')),
        name TEXT NOT NULL,
        n TEXT NOT NULL,
        sha256 TEXT NOT NULL DEFAULT '',
        error TEXT,                             -- JSON: code and message
        state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'dead')),
        written REAL NOT NULL,                  -- when, in seconds since 1970; so is next_try
        next_try REAL NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        refused_uploads INTEGER NOT NULL DEFAULT 0,
        last_error TEXT NOT NULL DEFAULT '',
        UNIQUE (job, kind, name)
    );
    CREATE INDEX messages_in_lanes ON messages (state, job, id);
    """,
)
"""One script for each version of the schema; `user_version` counts those that have run."""


class Database:
    """One connection to `outbox.db`; all calls come from one thread. Raises what `sqlite3` raises."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / "outbox.db"
        self._lock: int | None = None
        self._opened: sqlite3.Connection | None = None

    def open(self) -> None:
        """The worker's way: makes the folder this process's own and the schema the present one.

        A file that is corrupt is moved aside, with the results that it knew of. Raises DataDirInUse, and
        OutboxUnavailable where a newer worker wrote the file.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self._data_dir)
        try:
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                if error.sqlite_errorcode & 0xFF not in _CORRUPT:
                    raise
                moved_to = self._move_aside()
                log.exception(
                    "the outbox was corrupt: its unfinished jobs and unsent messages are not known any more",
                    extra={"movedTo": str(moved_to)},
                )
                self._open()
        except BaseException:
            self.close()
            raise

    def open_beside(self) -> None:
        """The command's way: beside a worker that may run, and nothing is made that is not there.

        Raises OutboxUnavailable where there is no outbox, or one of another version.
        """
        if not self._path.is_file():
            raise OutboxUnavailable(f"there is no outbox in {self._data_dir}")
        try:
            self._connect("rw")
            version = self._version()
        except BaseException:
            self.close()
            raise
        if version != len(MIGRATIONS):
            self.close()
            raise OutboxUnavailable(f"a worker of another version wrote {self._path}: use its command")

    def close(self) -> None:
        """Lets go of the file and the folder."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def execute(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> sqlite3.Cursor:
        """One statement. Outside of a transaction it is one of its own."""
        return self._connection.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing, and nobody writes beside it. It is on the disk once the block is left."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # where the disk is full SQLite has rolled back already
                self.execute("ROLLBACK")
            raise

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            raise sqlite3.ProgrammingError("the outbox is not open")
        return self._opened

    def _connect(self, mode: str) -> None:
        uri = f"{self._path.absolute().as_uri()}?mode={mode}"
        # No isolation level: the module begins no transactions of its own.
        self._opened = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        self._opened.row_factory = sqlite3.Row
        self.execute("PRAGMA synchronous = FULL")
        self.execute("PRAGMA foreign_keys = ON")

    def _open(self) -> None:
        self._connect("rwc")
        self.execute("PRAGMA journal_mode = WAL")
        damage = self.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            error = sqlite3.DatabaseError(damage)
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        version = self._version()
        if version > len(MIGRATIONS):
            raise OutboxUnavailable(f"a newer worker wrote {self._path}: start that one")
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;"
            )

    def _version(self) -> int:
        return int(self.execute("PRAGMA user_version").fetchone()[0])

    def _move_aside(self) -> Path:
        if self._opened is not None:
            self._opened.close()
        suffix = f"corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        for name in ("outbox.db", "outbox.db-wal", "outbox.db-shm", "outbox"):
            if (self._data_dir / name).exists():
                (self._data_dir / name).rename(self._data_dir / f"{name}.{suffix}")
        return self._data_dir / f"outbox.db.{suffix}"


def _lock(data_dir: Path) -> int:
    """A descriptor that holds the folder until it is closed, or the process is no more."""
    handle = os.open(data_dir / "outbox.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise DataDirInUse(f"another worker runs on {data_dir}: give each a DATA_DIR of its own") from None
    return handle
