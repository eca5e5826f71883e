"""The outbox beside a model of it, in any order of calls and kills, and with its files torn at any byte."""

import copy
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.outboxes import FixedClock, files, result, rows
from worker.dispatch import Dispatch, Target
from worker.outbox.database import Database
from worker.outbox.deadletters import DeadLetters
from worker.outbox.files import Files
from worker.outbox.journal import Journal
from worker.outbox.message import Closed, Final, Message, ResultChanged
from worker.outbox.store import Store

TASKS = ("a" * 36, "b" * 36)
NAMES = ("x.png", "y.zip")

tasks = st.sampled_from(TASKS)
attempts = st.sampled_from([1, 1, 2])
kills = st.sampled_from([0, 0, 0, *range(1, 11)])
"""Before which of a call's writes the process is killed; 0: it is not."""


@dataclass
class Said:
    """A message, in the model."""

    id: int
    kind: str
    name: str
    content: bytes
    state: str
    next_try: float
    tries: int = 0


@dataclass
class Job:
    """An attempt, in the model."""

    attempt: int
    picture: bytes
    state: str = "accepted"
    starts: int = 0
    resent: bool = False
    messages: list[Said] = field(default_factory=list)


@dataclass
class Model:
    """What the outbox promises to know."""

    jobs: dict[str, Job] = field(default_factory=dict)
    last_id: int = 0

    def open(self, target: Target) -> Job:
        job = self.jobs.get(target.task_id)
        if job is None or job.attempt != target.attempt or job.state != "accepted":
            raise Closed
        return job

    def say(self, job: Job, kind: str, name: str, content: bytes, now: float) -> None:
        self.last_id += 1
        dead = any(message.state == "dead" for message in job.messages)
        job.messages.append(Said(self.last_id, kind, name, content, "dead" if dead else "pending", now))

    def conclude(self, job: Job, status: str, now: float) -> None:
        if status != "completed":
            job.messages = [message for message in job.messages if message.state == "sent"]
        job.state = "concluded"
        self.say(job, "status", status, b"", now)

    def finish(self, job: Job) -> None:
        job.messages, job.state = [], "finished"

    def find(self, message: Message) -> tuple[Job, Said] | None:
        for job in self.jobs.values():
            for said in job.messages:
                if said.id == message.id:
                    return job, said
        return None

    def heads(self) -> list[Said]:
        """The first of each lane that is to be sent."""
        lanes = [[said for said in job.messages if said.state == "pending"] for job in self.jobs.values()]
        return [min(lane, key=lambda said: said.id) for lane in lanes if lane]

    def seen(self) -> dict[str, Any]:
        """As `Machine.seen` sees the outbox."""
        return {
            task: (
                *(job.attempt, job.state, job.starts, job.resent),
                *((said.id, said.kind, said.name, said.state, said.tries) for said in job.messages),
            )
            for task, job in self.jobs.items()
        }

    def files(self) -> dict[str, bytes]:
        there = {}
        for task, job in self.jobs.items():
            if job.state == "accepted":
                there[f"{task}.{job.attempt}/picture"] = job.picture
            for said in job.messages:
                if said.kind == "result":
                    there[f"{task}.{job.attempt}/results/{said.name}"] = said.content
        return there


def target_of(task: str, attempt: int) -> Target:
    return Target(task, attempt, "http://127.0.0.1:9/callback")


class Machine(RuleBasedStateMachine):
    """Calls in any order, on messages as old as any; each may be killed before any of its writes."""

    def __init__(self) -> None:
        super().__init__()
        # In memory where there is such a folder: no power fails here, and what is synced need not be.
        memory = Path("/dev/shm")
        self.root = Path(tempfile.mkdtemp(prefix="outbox-", dir=memory if memory.is_dir() else None))
        self.data, self.runs = self.root / "0", 0
        self.patched = pytest.MonkeyPatch()
        self.clock = FixedClock()
        self.model = Model()
        self.past: list[dict[str, Any]] = [{}]
        self.known: list[Message] = []
        self.open()

    def teardown(self) -> None:
        self.database.close()
        shutil.rmtree(self.root)

    def open(self) -> None:
        """As `Outbox.open` does."""
        self.database = Database(self.data)
        self.files = Files(self.data / "outbox")
        self.journal = Journal(self.database, self.files, self.clock)
        self.store = Store(self.database, self.files, self.clock)
        self.letters = DeadLetters(self.database, self.files, self.clock)
        self.database.open()
        assert self.store.sweep() == []

    def do(self, kill: int, call: Callable[[], object], effect: Callable[[Model], object]) -> object:
        """Calls, and holds the answer against the model's.

        Where it is killed, all of it has happened or nothing.
        """
        after = copy.deepcopy(self.model)
        wanted = self.outcome(lambda: effect(after))
        copied = self.copy_before(kill) if kill else None
        got = self.outcome(call)
        if copied is not None and copied.exists():
            self.restart(copied)
            if self.seen() == after.seen():
                self.model = after
            assert self.seen() == self.model.seen()
        else:
            self.patched.undo()
            assert got == wanted
            self.model = after
        self.past.append(self.model.seen())
        return got

    def outcome(self, call: Callable[[], object]) -> object:
        try:
            return call()
        except (Closed, ResultChanged) as error:
            return type(error)

    def copy_before(self, write: int) -> Path:
        """Has the folder copied before that write: what a process that is killed there leaves behind."""
        self.runs += 1
        copied, left = self.root / str(self.runs), write

        def before(really: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*args: Any, **kwargs: Any) -> Any:
                nonlocal left
                left -= 1
                if left == 0:
                    shutil.copytree(self.data, copied)
                return really(*args, **kwargs)

            return counted

        self.patched.setattr(Database, "execute", before(Database.execute))
        for owner, name in ((os, "fsync"), (shutil, "rmtree"), (Path, "unlink"), (Path, "hardlink_to")):
            self.patched.setattr(owner, name, before(getattr(owner, name)))
        return copied

    def restart(self, data: Path) -> None:
        self.patched.undo()
        self.database.close()
        shutil.rmtree(self.data)
        self.data = data
        self.open()

    def seen(self) -> dict[str, Any]:
        return seen(self.data)

    # -- the worker -------------------------------------------------------------------------------------

    @rule(task=tasks, attempt=attempts, picture=st.binary(max_size=3), kill=kills)
    def accept(self, task: str, attempt: int, picture: bytes, kill: int) -> None:
        def effect(model: Model) -> None:
            if task in model.jobs and model.jobs[task].attempt >= attempt:
                raise Closed
            model.jobs[task] = Job(attempt, picture)

        def call() -> None:
            self.journal.accept(Dispatch(target_of(task, attempt), picture))

        self.do(kill, call, effect)

    @rule(task=tasks, attempt=attempts, kill=kills)
    def started(self, task: str, attempt: int, kill: int) -> None:
        def effect(model: Model) -> int:
            job = model.open(target_of(task, attempt))
            job.starts += 1
            return job.starts

        self.do(kill, lambda: self.journal.started(task, attempt), effect)

    @rule(
        task=tasks,
        attempt=attempts,
        name=st.sampled_from(NAMES),
        content=st.sampled_from([b"1", b"2"]),
        kill=kills,
    )
    def add_result(self, task: str, attempt: int, name: str, content: bytes, kill: int) -> None:
        target = target_of(task, attempt)

        def effect(model: Model) -> bool:
            job = model.open(target)
            for said in job.messages:
                if (said.kind, said.name) == ("result", name):
                    if said.content != content:
                        raise ResultChanged
                    return False
            model.say(job, "result", name, content, self.clock.now)
            return True

        source = result(self.root / "made", name, content)
        self.do(
            kill, lambda: self.store.add_result(target, source, hashlib.sha256(content).hexdigest()), effect
        )

    @rule(
        task=tasks, attempt=attempts, status=st.sampled_from(["completed", "failed", "released"]), kill=kills
    )
    def conclude(self, task: str, attempt: int, status: Final, kill: int) -> None:
        target = target_of(task, attempt)

        def effect(model: Model) -> bool:
            job = model.open(target)
            model.conclude(job, status, self.clock.now)
            return job.messages[-1].state == "pending"

        self.do(kill, lambda: self.store.conclude(target, status, None), effect)

    @rule(task=tasks, attempt=attempts, kill=kills)
    def abandon(self, task: str, attempt: int, kill: int) -> None:
        def effect(model: Model) -> bool:
            job = model.jobs.get(task)
            if job is None or job.attempt != attempt or job.state == "finished":
                return False
            model.finish(job)
            return True

        self.do(kill, lambda: self.journal.abandon(task, attempt), effect)

    # -- the sender -------------------------------------------------------------------------------------

    @rule()
    def due(self) -> None:
        """The first message of each lane, and nothing behind it, longest waiting first."""
        now = self.clock.now
        heads = [said for said in self.model.heads() if said.next_try <= now or said.next_try > now + 600]
        messages = self.store.due((), 10)
        assert [m.id for m in messages] == [s.id for s in sorted(heads, key=lambda s: (s.next_try, s.id))]
        for message in messages:
            found = self.model.find(message)
            assert found is not None
            assert (message.kind, message.name) == (found[1].kind, found[1].name)
        self.known += messages

    @precondition(lambda self: self.known)
    @rule(data=st.data(), kill=kills)
    def sent(self, data: st.DataObject, kill: int) -> None:
        message = data.draw(st.sampled_from(self.known))

        def effect(model: Model) -> None:
            if (found := model.find(message)) is not None:
                found[1].state = "sent"
                if message.kind == "status":
                    model.finish(found[0])

        self.do(kill, lambda: self.store.sent(message), effect)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), pause=st.sampled_from([0.0, 1.0, 600.0]), kill=kills)
    def put_off(self, data: st.DataObject, pause: float, kill: int) -> None:
        message, at = data.draw(st.sampled_from(self.known)), self.clock.now + pause

        def effect(model: Model) -> None:
            if (found := model.find(message)) is not None:
                found[1].tries, found[1].next_try = found[1].tries + 1, at

        self.do(kill, lambda: self.store.put_off(message, at, "no answer", 0), effect)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), kill=kills)
    def bury(self, data: st.DataObject, kill: int) -> None:
        message = data.draw(st.sampled_from(self.known))

        def effect(model: Model) -> list[str]:
            if (found := model.find(message)) is None:
                return []
            found[1].tries += 1
            buried = [said for said in found[0].messages if said.state == "pending"]
            for said in buried:
                said.state = "dead"
            return sorted(said.kind for said in buried)

        self.do(kill, lambda: sorted(self.store.bury(message, "refused")), effect)

    @precondition(lambda self: any(message.name == "completed" for message in self.known))
    @rule(data=st.data(), missing=st.sets(st.sampled_from(NAMES)), kill=kills)
    def send_again(self, data: st.DataObject, missing: set[str], kill: int) -> None:
        message = data.draw(st.sampled_from([m for m in self.known if m.name == "completed"]))

        def effect(model: Model) -> bool:
            found = model.find(message)
            assert found is not None
            job = found[0]
            results = {said.name: said for said in job.messages if said.kind == "result"}
            wanted = missing or set(results)
            if job.resent or not wanted or not wanted <= results.keys():
                return False
            for said in [*(results[name] for name in wanted), found[1]]:
                said.state, said.next_try, said.tries = "pending", self.clock.now, 0
            job.resent = True
            return True

        if self.model.find(message) is not None:
            self.do(kill, lambda: self.store.send_again(message, sorted(missing)), effect)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), kill=kills)
    def fail(self, data: st.DataObject, kill: int) -> None:
        message = data.draw(st.sampled_from(self.known))

        def effect(model: Model) -> bool:
            if (found := model.find(message)) is None:
                return False
            if found[1].state != "sent":
                model.conclude(found[0], "failed", self.clock.now)
            return True

        found = self.model.find(message)
        if found is None or found[1].state != "sent":  # who sends it has it from `due`
            self.do(kill, lambda: self.store.fail(message, {"code": "worker_failed", "message": "m"}), effect)

    @rule(kill=kills)
    def replay(self, kill: int) -> None:
        def effect(model: Model) -> int:
            dead = [said for job in model.jobs.values() for said in job.messages if said.state == "dead"]
            for said in dead:
                said.state, said.tries, said.next_try = "pending", 0, self.clock.now
            return len(dead)

        self.do(kill, lambda: self.letters.replay(self.letters.unsent()), effect)

    # -- the world --------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([-3600.0, 1.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def start_again(self) -> None:
        self.runs += 1
        copied = self.root / str(self.runs)
        shutil.copytree(self.data, copied)
        self.restart(copied)
        assert files(self.data) == set(self.model.files())

    @rule(name=st.sampled_from(["outbox.db-wal", "outbox.db"]), part=st.floats(0, 1))
    def tear(self, name: str, part: float) -> None:
        """A file that ends anywhere is one of an earlier time, or is put aside: the worker starts."""
        self.runs += 1
        torn = self.root / str(self.runs)
        shutil.copytree(self.data, torn)
        if not (torn / name).exists():
            return
        content = (torn / name).read_bytes()
        (torn / name).write_bytes(content[: int(part * len(content))])
        database, kept = Database(torn), Files(torn / "outbox")
        logging.disable()  # that it was corrupt is said, at length
        try:
            database.open()
        finally:
            logging.disable(logging.NOTSET)
        with closing(database):
            assert seen(torn) in self.past
            store = Store(database, kept, self.clock)
            for target in store.sweep():
                store.conclude(target, "released", None)
            assert store.sweep() == []
        shutil.rmtree(torn)

    @invariant()
    def nothing_is_lost_and_nothing_left(self) -> None:
        assert self.seen() == self.model.seen()
        there = self.model.files()
        assert set(there) <= files(self.data)
        # What has no row any more goes with its attempt, or at the next start.
        living = {f"{task}.{job.attempt}" for task, job in self.model.jobs.items() if job.state != "finished"}
        assert {path.partition("/")[0] for path in files(self.data) - set(there)} <= living
        for path, content in there.items():
            assert (self.data / "outbox" / path).read_bytes() == content
        pending = sum(said.state == "pending" for job in self.model.jobs.values() for said in job.messages)
        assert self.store.depth().pending == pending


def seen(data: Path) -> dict[str, Any]:
    """All that the database knows of what counts."""
    jobs = {row["id"]: row for row in rows(data, "jobs")}
    messages: dict[int, list[tuple[object, ...]]] = {job: [] for job in jobs}
    for row in rows(data):
        messages[row["job"]].append((row["id"], row["kind"], row["name"], row["state"], row["tries"]))
    return {
        row["task_id"]: (row["attempt"], row["state"], row["starts"], bool(row["resent"]), *messages[job])
        for job, row in jobs.items()
    }


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=100, stateful_step_count=40)
