"""An outbox against the tests' backend, and what is needed to watch it."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx

from tests.backend import SECRET, Backend
from worker.callbacks import Callbacks
from worker.dispatch import Dispatch, Target
from worker.outbox import Outbox
from worker.outbox.message import Clock
from worker.signing import Signer, decode_secret
from worker.tracing import Tracer

PICTURE = b"a picture"
RESULTS = ("pixel_images.png", "xyz_images.png", "output3d.zip")


class FixedClock:
    """A time that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Watched(Outbox):
    """An outbox that notes all that it tells."""

    def __init__(self, data_dir: Path, http: httpx.AsyncClient, clock: Clock = time.time) -> None:
        callbacks = Callbacks(http, Signer((decode_secret(SECRET),)), Tracer())
        super().__init__(data_dir, callbacks, on_outcome=self._note_outcome, clock=clock)
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.unwanted: list[tuple[str, int]] = []
        self.settled: list[tuple[str, int]] = []
        self._changed = asyncio.Event()
        self.listen(self._noting(self.unwanted), self._noting(self.settled))

    def _noting(self, notes: list[tuple[str, int]]) -> Callable[[str, int], None]:
        def note(task_id: str, attempt: int) -> None:
            notes.append((task_id, attempt))
            self._changed.set()

        return note

    def _note_outcome(self, kind: str, outcome: str) -> None:
        self.outcomes[kind, outcome] += 1
        self._changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Looks at each thing that is told; the bound only ends a broken test."""
        async with asyncio.timeout(30):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_settled(self, *targets: Target) -> None:
        await self.until(lambda: {(t.task_id, t.attempt) for t in targets} <= set(self.settled))


@asynccontextmanager
async def opened(data_dir: Path, clock: Clock = time.time) -> AsyncIterator[Watched]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        outbox = Watched(data_dir, http, clock)
        await outbox.open()
        try:
            yield outbox
        finally:
            await outbox.close()


def run(
    data_dir: Path, test: Callable[[Watched], Coroutine[None, None, None]], clock: Clock = time.time
) -> None:
    """Runs the test with an open outbox."""

    async def with_outbox() -> None:
        async with opened(data_dir, clock) as outbox:
            await test(outbox)

    asyncio.run(with_outbox())


def dispatch(backend: Backend, task_id: str, attempt: int = 1, picture: bytes = PICTURE) -> Dispatch:
    return Dispatch(Target(task_id, attempt, f"{backend.url}/callback"), picture)


def result(folder: Path, name: str, content: bytes | None = None) -> Path:
    """A file as an engine leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_bytes(name.encode() if content is None else content)
    return path


async def compute(outbox: Outbox, target: Target, folder: Path) -> None:
    """All that an engine's run and its end mean to the outbox."""
    for name in RESULTS:
        await outbox.add_result(target, result(folder, name))
    await outbox.conclude(target, "completed")


def rows(data_dir: Path, table: str = "messages") -> list[dict[str, Any]]:
    """What another process sees in the database."""
    with closing(sqlite3.connect(data_dir / "outbox.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY id")]


def files(data_dir: Path) -> set[str]:
    """The outbox's files."""
    root = data_dir / "outbox"
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def durable(backend: Backend, task_id: str) -> list[tuple[str, int]]:
    """What the task's calls were about, and their answers, in the order of their coming."""
    return [(c.document.get("status") or c.document["name"], c.answer) for c in backend.of(task_id)]
