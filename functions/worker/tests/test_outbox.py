"""Messages on their way: order, retries, and every answer that the backend may give."""

import asyncio
import logging
import socket
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from tests.backend import Answer, Backend
from tests.outboxes import (
    RESULTS,
    FixedClock,
    Watched,
    compute,
    dispatch,
    durable,
    files,
    result,
    rows,
    run,
)
from worker.dispatch import Dispatch, Target
from worker.outbox import Closed, Depth
from worker.outbox.sender import GRANTS_FOR, GRANTS_MAX, LANES, backoff

OK = [(name, 200) for name in (*RESULTS, "completed")]


def problem(status: int, code: str, **members: object) -> Answer:
    return (status, {"code": code, **members}, {})


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.outbox.sender.POLL", 0.01)
    monkeypatch.setattr("worker.outbox.sender.RETRY_BASE", 0.01)


def test_results_in_order_then_the_end(backend: Backend, tmp_path: Path, task_id: str) -> None:
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await compute(outbox, job.target, tmp_path / "out")
        await outbox.until_settled(job.target)

    run(tmp_path, test)
    assert durable(backend, task_id) == OK
    assert backend.results(task_id) == {name: name.encode() for name in RESULTS}
    assert files(tmp_path) == set()
    assert rows(tmp_path) == []
    assert [row["state"] for row in rows(tmp_path, "jobs")] == ["finished"]


def test_every_message_is_tried_as_it_was_until_it_is_taken(
    backend: Backend, tmp_path: Path, task_id: str
) -> None:
    backend.answer_next("result", 500, (301, {}, {}), (429, {}, {}), (200, {"duplicate": True}, {}))
    backend.answer_next("failed", 502)
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await outbox.add_result(job.target, result(tmp_path / "out", "a.txt"))
        await outbox.until(lambda: outbox.outcomes["result", "duplicate"])
        await outbox.conclude(job.target, "failed", {"code": "worker_failed", "message": "Broken."})
        await outbox.until_settled(job.target)
        assert outbox.outcomes == {
            ("result", "retried"): 3,
            ("result", "duplicate"): 1,
            ("status", "retried"): 1,
            ("status", "sent"): 1,
        }

    run(tmp_path, test)
    for kind, answers in (("result", [500, 301, 429, 200]), ("status", [502, 200])):
        calls = backend.of(task_id, kind)
        assert [call.answer for call in calls] == answers
        assert len({call.webhook_id for call in calls}) == 1
    assert len({call.webhook_id for call in backend.of(task_id)}) == 2
    assert backend.of(task_id)[-1].document["error"] == {"code": "worker_failed", "message": "Broken."}


def test_a_task_that_waits_holds_up_no_other(backend: Backend, tmp_path: Path) -> None:
    stuck, free = dispatch(backend, str(uuid.uuid4())), dispatch(backend, str(uuid.uuid4()))
    backend.answer_next("result", (503, {}, {"Retry-After": "600"}))

    async def test(outbox: Watched) -> None:
        await outbox.accept(stuck)
        await compute(outbox, stuck.target, tmp_path / "out")
        await outbox.until(lambda: outbox.outcomes["result", "retried"])
        await outbox.accept(free)
        await compute(outbox, free.target, tmp_path / "out")
        await outbox.until_settled(free.target)
        assert await outbox.depth() == Depth(4, 0)

    run(tmp_path, test)
    assert durable(backend, stuck.target.task_id) == [(RESULTS[0], 503)]
    assert durable(backend, free.target.task_id) == OK


def test_many_tasks_at_a_time(backend: Backend, tmp_path: Path) -> None:
    jobs = [dispatch(backend, str(uuid.uuid4())) for _ in range(3 * LANES)]

    async def test(outbox: Watched) -> None:
        for job in jobs:
            await outbox.accept(job)
        await asyncio.gather(
            *(compute(outbox, job.target, tmp_path / "out" / job.target.task_id) for job in jobs)
        )
        await outbox.until_settled(*(job.target for job in jobs))

    run(tmp_path, test)
    assert all(durable(backend, job.target.task_id) == OK for job in jobs)


@pytest.mark.parametrize(
    "answer",
    [problem(409, "task_finished"), problem(409, "attempt_superseded"), problem(404, "task_not_found")],
)
@pytest.mark.parametrize("kind", ["result", "completed"])
def test_what_is_no_longer_wanted_is_dropped(
    backend: Backend, tmp_path: Path, task_id: str, kind: str, answer: Answer
) -> None:
    backend.answer_next(kind, answer)
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await outbox.add_result(job.target, result(tmp_path / "out", RESULTS[0]))
        if kind == "completed":
            await outbox.conclude(job.target, "completed")
        await outbox.until_settled(job.target)
        assert outbox.unwanted == [(task_id, 1)]
        with pytest.raises(Closed):
            await outbox.add_result(job.target, result(tmp_path / "out", "late.txt"))
        with pytest.raises(Closed):
            await outbox.conclude(job.target, "completed")
        assert await outbox.latest_attempt(task_id) == 1

    run(tmp_path, test)
    assert backend.of(task_id)[-1].answer == answer[0]
    assert files(tmp_path) == set()
    assert rows(tmp_path) == []


@pytest.mark.parametrize("answer", [problem(409, "result_conflict"), problem(422, "object_mismatch"), 413])
def test_a_refused_result_fails_the_task(
    backend: Backend, tmp_path: Path, task_id: str, answer: int | Answer
) -> None:
    backend.answer_next("result", 200, answer)
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        with suppress(Closed):  # where the refusal is here before all results are
            await compute(outbox, job.target, tmp_path / "out")
        await outbox.until_settled(job.target)
        assert outbox.unwanted == [(task_id, 1)]
        assert outbox.outcomes["result", "refused"] == 1

    run(tmp_path, test)
    assert [what for what, _ in durable(backend, task_id)] == [*RESULTS[:2], "failed"]
    assert backend.of(task_id)[-1].document["error"] == {
        "code": "worker_failed",
        "message": "The result xyz_images.png could not be handed over. Try again.",
    }
    assert files(tmp_path) == set()


def test_a_result_whose_file_is_lost_fails_the_task(backend: Backend, tmp_path: Path, task_id: str) -> None:
    backend.answer_next("result", (503, {}, {"Retry-After": "600"}))
    job, clock = dispatch(backend, task_id), FixedClock()

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await outbox.add_result(job.target, result(tmp_path / "out", "a.txt"))
        await outbox.until(lambda: outbox.outcomes["result", "retried"])
        (tmp_path / "outbox" / f"{task_id}.1" / "results" / "a.txt").unlink()
        clock.now += 600
        await outbox.until_settled(job.target)

    run(tmp_path, test, clock)
    assert backend.statuses(task_id) == ["failed"]


def test_missing_results_are_sent_once_more(backend: Backend, tmp_path: Path, task_id: str) -> None:
    backend.answer_next("completed", problem(409, "results_missing", missing=list(RESULTS[1:])))
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await compute(outbox, job.target, tmp_path / "out")
        await outbox.until_settled(job.target)
        assert outbox.unwanted == []

    run(tmp_path, test)
    again = [(name, 200) for name in RESULTS[1:]]
    assert durable(backend, task_id) == [*OK[:3], ("completed", 409), *again, ("completed", 200)]
    # Each is a message of its own: the first ones had their answers.
    assert len({call.webhook_id for call in backend.of(task_id)}) == 7


@pytest.mark.parametrize(
    "answers",
    [
        [problem(409, "results_missing", missing=["else.bin", RESULTS[0]])],
        [problem(409, "results_missing", missing=[RESULTS[0]])] * 2,
    ],
)
def test_results_that_stay_missing_fail_the_task(
    backend: Backend, tmp_path: Path, task_id: str, answers: list[Answer]
) -> None:
    backend.answer_next("completed", *answers)
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await compute(outbox, job.target, tmp_path / "out")
        await outbox.until_settled(job.target)

    run(tmp_path, test)
    assert backend.statuses(task_id) == ["failed"]
    assert len([call for call in backend.of(task_id) if call.document.get("status") == "completed"]) == len(
        answers
    )
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("result", problem(401, "signature_invalid")),
        ("completed", problem(401, "signature_invalid")),
        ("completed", problem(422, "validation_failed")),
    ],
)
def test_what_a_person_must_see_is_kept_as_dead_letters(
    backend: Backend,
    tmp_path: Path,
    task_id: str,
    kind: str,
    answer: Answer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend.answer_next(kind, answer)
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        # What comes behind a dead letter is one too: nothing may overtake it.
        await outbox.add_result(job.target, result(tmp_path / "out", RESULTS[0]))
        await outbox.until(lambda: outbox.outcomes["result", "dead" if kind == "result" else "sent"])
        await compute(outbox, job.target, tmp_path / "out")
        await outbox.until_settled(job.target)
        assert (await outbox.depth()).dead == (4 if kind == "result" else 1)

    run(tmp_path, test)
    assert backend.of(task_id)[-1].answer == answer[0]
    assert f"{task_id}.1/results/{RESULTS[0]}" in files(tmp_path)
    [error] = [record for record in caplog.records if record.levelno == logging.ERROR]
    dead = next(row for row in rows(tmp_path) if row["state"] == "dead")
    assert vars(error)["command"] == f"python -m worker.outbox replay {dead['id']}"
    assert ("CALLBACK_SECRETS" in vars(error)["reason"]) == (answer[0] == 401)


@pytest.mark.parametrize("status", ["failed", "released"])
def test_an_end_without_a_model_drops_what_is_unsent(
    backend: Backend, tmp_path: Path, task_id: str, status: str
) -> None:
    backend.answer_next("result", 200, (503, {}, {"Retry-After": "600"}))
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        for name in RESULTS:
            await outbox.add_result(job.target, result(tmp_path / "out", name))
        await outbox.until(lambda: outbox.outcomes["result", "retried"])
        await outbox.conclude(job.target, status)  # type: ignore[arg-type]
        await outbox.until_settled(job.target)

    run(tmp_path, test)
    assert durable(backend, task_id) == [(RESULTS[0], 200), (RESULTS[1], 503), (status, 200)]


def test_an_answer_to_what_was_dropped_meanwhile_changes_nothing(
    backend: Backend, tmp_path: Path, task_id: str
) -> None:
    """The result is refused while its attempt is given back: that stays its end."""
    job = dispatch(backend, task_id)
    taken, answer = asyncio.Event(), asyncio.Event()

    async def test(outbox: Watched) -> None:
        callbacks = outbox._sender._callbacks
        really = callbacks._post

        async def held(message: object) -> dict[str, object]:
            loop_call = really(message)  # type: ignore[arg-type]
            if not answer.is_set():
                taken.set()
                await answer.wait()
            return await loop_call

        callbacks._post = held  # type: ignore[method-assign]
        await outbox.accept(job)
        await outbox.add_result(job.target, result(tmp_path / "out", "a.txt"))
        await taken.wait()
        await outbox.conclude(job.target, "released")
        answer.set()
        await outbox.until_settled(job.target)
        assert outbox.unwanted == []

    backend.answer_next("result", problem(409, "result_conflict"))
    run(tmp_path, test)
    assert durable(backend, task_id) == [("a.txt", 409), ("released", 200)]


LARGE = bytes(range(256)) * (5 << 12)


def test_large_results_take_the_direct_route(backend: Backend, tmp_path: Path, task_id: str) -> None:
    backend.answer_next("upload", 500)
    backend.answer_next("put", 403, 503)  # an URL that ran out, then a storage that is away
    backend.answer_next(
        "result", 502, problem(422, "object_mismatch")
    )  # the second: it is not there after all
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await outbox.add_result(job.target, result(tmp_path / "out", "large.bin", LARGE))
        await outbox.conclude(job.target, "completed")
        await outbox.until_settled(job.target)

    run(tmp_path, test)
    calls = [c for c in backend.of(task_id) if c.kind != "status"]
    assert [(c.kind, c.answer) for c in calls] == [
        ("upload", 500),
        *[("upload", 200), ("put", 403)],
        *[("upload", 200), ("put", 503)],
        *[("upload", 200), ("put", 200), ("result", 502)],
        *[("upload", 200), ("put", 200), ("result", 422)],
        *[("upload", 200), ("put", 200), ("result", 200)],
    ]
    assert backend.stored["large.bin"] == LARGE
    assert len({c.webhook_id for c in calls if c.kind == "upload"}) == 1
    assert len({c.webhook_id for c in calls if c.kind == "result"}) == 1
    assert backend.statuses(task_id) == ["completed"]


@pytest.mark.parametrize(
    "grant",
    [
        {"url": "http://[", "headers": {}},
        {"url": 7},
        {},
        {"url": "http://127.0.0.1:9/", "headers": {"X-Granted": "ü"}},
    ],
)
def test_a_grant_that_cannot_be_used_is_asked_for_again(
    backend: Backend, tmp_path: Path, task_id: str, grant: dict[str, object]
) -> None:
    backend.answer_next("upload", (200, grant, {}))
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await outbox.add_result(job.target, result(tmp_path / "out", "large.bin", LARGE))
        await outbox.until(lambda: outbox.outcomes["result", "sent"])
        assert outbox.outcomes["result", "retried"] == 1

    run(tmp_path, test)
    assert backend.stored["large.bin"] == LARGE


def test_an_upload_that_is_always_refused_fails_the_task(
    backend: Backend, tmp_path: Path, task_id: str
) -> None:
    clock = FixedClock()
    tries = GRANTS_MAX + 2
    backend.answer_next("put", *[403] * tries)
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await outbox.add_result(job.target, result(tmp_path / "out", "large.bin", LARGE))
        for tried in range(1, tries):
            await outbox.until(lambda: outbox.outcomes["result", "retried"] == tried)  # noqa: B023 - awaited here
            clock.now += GRANTS_FOR / (tries - 1)
        await outbox.until_settled(job.target)

    run(tmp_path, test, clock)
    assert len(backend.of(task_id, "put")) == tries
    assert backend.statuses(task_id) == ["failed"]


def test_a_storage_that_refuses_for_a_while_costs_no_result(
    backend: Backend, tmp_path: Path, task_id: str
) -> None:
    clock = FixedClock()
    refusals = [403, 400, 409, 403, 404, 408]
    backend.answer_next("put", *refusals)
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await outbox.add_result(job.target, result(tmp_path / "out", "large.bin", LARGE))
        for tried in range(1, len(refusals) + 1):
            await outbox.until(lambda: outbox.outcomes["result", "retried"] == tried)  # noqa: B023 - awaited here
            clock.now += GRANTS_FOR / (len(refusals) + 1)
        await outbox.until(lambda: outbox.outcomes["result", "sent"])

    run(tmp_path, test, clock)
    assert backend.stored["large.bin"] == LARGE
    assert backend.statuses(task_id) == []


# -- time ---------------------------------------------------------------------------------------------


def test_after_a_day_all_that_is_left_of_the_attempt_is_dead(
    backend: Backend, tmp_path: Path, task_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock, start = FixedClock(), FixedClock().now
    backend.answer_next("result", 200, *[(503, {}, {"Retry-After": "600"})] * 200)
    job = dispatch(backend, task_id)
    tried: list[float] = []

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await compute(outbox, job.target, tmp_path / "out")
        while not outbox.settled:
            tried.append(clock.now - start)
            await outbox.until(lambda: outbox.settled or outbox.outcomes["result", "retried"] == len(tried))
            clock.now += 600
        assert outbox.outcomes["result", "dead"] == 2
        assert outbox.outcomes["status", "dead"] == 1
        assert await outbox.depth() == Depth(0, 3)

    run(tmp_path, test, clock)
    assert tried == [600 * n for n in range(24 * 6 + 1)]
    assert len({call.webhook_id for call in backend.of(task_id)}) == 2
    assert backend.statuses(task_id) == []
    assert files(tmp_path) == {f"{task_id}.1/results/{name}" for name in RESULTS}
    assert [r.message for r in caplog.records if r.levelno == logging.ERROR] == ["kept as dead letters"]


def test_a_restart_keeps_the_schedule(backend: Backend, tmp_path: Path, task_id: str) -> None:
    clock = FixedClock()
    backend.answer_next("result", (503, {}, {"Retry-After": "300"}), 500)
    job, other = dispatch(backend, task_id), dispatch(backend, str(uuid.uuid4()))

    async def before(outbox: Watched) -> None:
        await outbox.accept(job)
        await compute(outbox, job.target, tmp_path / "out")
        await outbox.until(lambda: outbox.outcomes["result", "retried"])

    async def after(outbox: Watched) -> None:
        clock.now += 299
        await outbox.accept(other)
        await outbox.conclude(other.target, "released")
        await outbox.until_settled(other.target)
        assert len(backend.of(task_id)) == 1
        clock.now += 1
        await outbox.until(lambda: outbox.outcomes["result", "retried"])
        assert rows(tmp_path)[0]["tries"] == 2
        clock.now += 600
        await outbox.until_settled(job.target)

    run(tmp_path, before, clock)
    run(tmp_path, after, clock)
    assert durable(backend, task_id) == [(RESULTS[0], 503), (RESULTS[0], 500), *OK]
    assert len({call.webhook_id for call in backend.of(task_id)[:3]}) == 1


def test_a_clock_that_was_set_back_keeps_nothing_waiting(
    backend: Backend, tmp_path: Path, task_id: str
) -> None:
    clock = FixedClock()
    backend.answer_next("completed", 500)
    job = dispatch(backend, task_id)

    async def test(outbox: Watched) -> None:
        await outbox.accept(job)
        await outbox.conclude(job.target, "completed")
        await outbox.until(lambda: outbox.outcomes["status", "retried"])
        clock.now -= 30 * 24 * 3600
        await outbox.until_settled(job.target)

    run(tmp_path, test, clock)
    assert backend.statuses(task_id) == ["completed"]


def test_pauses_between_tries() -> None:
    for tries in range(40):
        pauses = [backoff(tries, 0) for _ in range(200)]
        ceiling = min(600, 0.01 * 2**tries)
        assert all(0 <= pause <= ceiling for pause in pauses)
        assert max(pauses) > ceiling / 2  # by chance once in 2^200
        assert len(set(pauses)) > 1
    assert backoff(0, 7) == 7
    assert backoff(0, 10**9) == 600


def test_flush_waits_for_what_can_be_sent_and_for_no_more(
    backend: Backend, tmp_path: Path, task_id: str
) -> None:
    backend.answer_next("result", (503, {}, {"Retry-After": "600"}))
    stuck, quick = dispatch(backend, task_id), dispatch(backend, str(uuid.uuid4()))

    async def test(outbox: Watched) -> None:
        await outbox.accept(stuck)
        await compute(outbox, stuck.target, tmp_path / "out")
        await outbox.until(lambda: outbox.outcomes["result", "retried"])
        await outbox.accept(quick)
        await compute(outbox, quick.target, tmp_path / "out")
        await outbox.flush(60)
        assert backend.statuses(quick.target.task_id) == ["completed"]
        assert await outbox.depth() == Depth(4, 0)

    run(tmp_path, test)


def test_a_stop_does_not_wait_for_a_backend_that_hangs(
    tmp_path: Path, task_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was cut off is sent at the next start, as the same message."""
    monkeypatch.setattr("worker.outbox.outbox.STOP_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = Target(task_id, 1, f"http://127.0.0.1:{server.getsockname()[1]}/callback")

        async def hang(outbox: Watched) -> None:
            await outbox.accept(Dispatch(target, b""))
            await outbox.conclude(target, "released")
            calls.append(await asyncio.to_thread(server.accept))

        async def answer(outbox: Watched) -> None:
            calls.append(await asyncio.to_thread(server.accept))
            calls[1][0].sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            await outbox.until_settled(target)

        calls: list[tuple[socket.socket, object]] = []
        run(tmp_path, hang)
        run(tmp_path, answer)
    ids = []
    for connection, _ in calls:
        with connection, connection.makefile("rb") as stream:
            ids += [line for line in stream if line.lower().startswith(b"webhook-id:")]
    assert len(ids) == 2
    assert ids[0] == ids[1]
