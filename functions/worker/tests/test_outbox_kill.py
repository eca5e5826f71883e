"""Killed by -9 at every step, and at random ones: nothing is lost, nothing is told twice."""

import random
import signal
import uuid
from pathlib import Path

import pytest

from tests.backend import Backend
from tests.outbox_process import ended, live, live_all, start
from tests.outboxes import RESULTS, files, rows

KILLS = 6


def assert_told_once_and_in_order(backend: Backend, task_id: str, kills: int) -> None:
    """As a backend sees it that knows a message by its id.

    One that was taken comes again where the worker was killed before it could note the answer.
    """
    taken = [call for call in backend.of(task_id) if call.answer == 200]
    told = list({call.webhook_id: call for call in taken}.values())
    assert [c.document.get("name") or c.document["status"] for c in told] == [*RESULTS, "completed"]
    assert len(taken) <= len(told) + kills
    assert backend.results(task_id) == {name: name.encode() for name in RESULTS}


def _wait_for_calls(backend: Backend, count: int) -> None:
    backend.wait(lambda: len(backend.calls) >= count)


def assert_nothing_is_left(data_dir: Path) -> None:
    assert rows(data_dir) == []
    assert {job["state"] for job in rows(data_dir, "jobs")} == {"finished"}
    assert files(data_dir) == set()


def test_killed_before_each_step(backend: Backend, tmp_path: Path) -> None:
    tasks: dict[int, str] = {}
    codes: dict[int, int] = {}
    while 0 not in codes.values():  # until one got through before its step came
        steps = range(len(codes) + 1, len(codes) + 9)
        tasks |= {step: str(uuid.uuid4()) for step in steps}
        lives = {step: start(live, tmp_path / str(step), backend.url, [tasks[step]], step) for step in steps}
        codes |= {step: ended(life) for step, life in lives.items()}
    assert set(codes.values()) == {0, -signal.SIGKILL}
    assert list(codes.values()).index(0) > 60, "a life has more steps than that"

    killed = {tmp_path / str(step): [tasks[step]] for step, code in codes.items() if code}
    assert ended(start(live_all, killed, backend.url)) == 0
    for step in codes:
        assert_told_once_and_in_order(backend, tasks[step], kills=1)
        assert_nothing_is_left(tmp_path / str(step))


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_while_the_backend_fails_at_random(
    backend: Backend, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    tasks = [str(uuid.uuid4()) for _ in range(12)]
    for kind in ("result", "status"):
        backend.answer_next(kind, *dice.choices([200, 500, 503, 429], [3, 1, 1, 1], k=60))
    for _ in range(KILLS):
        life = start(live, tmp_path, backend.url, tasks)
        calls = len(backend.calls) + dice.randint(1, len(tasks) * 4 // KILLS)
        _wait_for_calls(backend, calls)
        life.kill()
        assert ended(life) == -signal.SIGKILL
    assert ended(start(live, tmp_path, backend.url, tasks)) == 0
    for task_id in tasks:
        assert_told_once_and_in_order(backend, task_id, KILLS)
    assert_nothing_is_left(tmp_path)
