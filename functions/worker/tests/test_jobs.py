"""A job from its dispatch to its last callback: order, retries, duplicates, ends of every kind."""

import json
import signal
import time
import uuid

import httpx
import pytest

from tests.backend import Answer
from tests.conftest import StartWorker, Worker
from tests.test_api import assert_problem

REQUIRED = ["pixel_images.png", "xyz_images.png", "output3d.zip"]


def test_results_in_order_then_completed(worker: Worker, task_id: str, ball: bytes) -> None:
    backend = worker.backend
    assert worker.dispatch(task_id, ball).status_code == 202
    backend.wait_for_status(task_id, "completed")
    durable = [c for c in backend.of(task_id) if c.document.get("status") != "processing"]
    names = [c.document.get("name", c.document.get("status")) for c in durable]
    assert names[:3] == REQUIRED
    assert names[-2:] == ["report.json", "completed"]
    assert len(set(names)) == len(names)
    assert len({c.webhook_id for c in backend.of(task_id)}) == len(backend.of(task_id))

    processing = [c.document for c in backend.of(task_id, "status")][:-1]
    assert {document["status"] for document in processing} == {"processing"}
    assert processing[0]["stage"] == "queued"
    assert processing[0]["queuePosition"] == 0
    assert all(0 <= document["progress"] <= 100 for document in processing)
    progress = [document["progress"] for document in processing]
    assert progress == sorted(progress)
    assert backend.unsigned == 0


def test_the_same_attempt_again_starts_nothing(worker: Worker, task_id: str, ball: bytes) -> None:
    backend = worker.backend
    assert [worker.dispatch(task_id, ball).status_code for _ in range(3)] == [202, 202, 202]
    backend.wait_for_status(task_id, "completed")
    assert worker.dispatch(task_id, ball).status_code == 202
    # Another job after it: had the late duplicate started anything, it would have come first.
    other = str(uuid.uuid4())
    assert worker.dispatch(other, ball).status_code == 202
    backend.wait_for_status(other, "completed")
    assert len(backend.of(task_id, "result")) == len(backend.results(task_id))
    assert backend.statuses(task_id) == ["completed"]


def test_files_are_gone_afterwards(start_worker: StartWorker, task_id: str, ball: bytes) -> None:
    worker = start_worker()
    assert worker.dispatch(task_id, ball).status_code == 202
    worker.backend.wait_for_status(task_id, "completed")
    assert worker.stop() == 0
    assert worker.files() == []


def test_a_killed_worker_goes_on_where_it_was(start_worker: StartWorker, ball: bytes) -> None:
    worker = start_worker()
    backend = worker.backend
    task_ids = [str(uuid.uuid4()) for _ in range(3)]
    for task_id in task_ids:
        assert worker.dispatch(task_id, ball).status_code == 202
    backend.wait(lambda: len(backend.of(task_ids[0], "result")) > 0)
    worker.stop(signal.SIGKILL)
    worker = start_worker()
    for task_id in task_ids:
        backend.wait_for_status(task_id, "completed")
        assert backend.statuses(task_id) == ["completed"]
        for name in REQUIRED:
            assert len({c.file for c in backend.of(task_id, "result") if c.document["name"] == name}) == 1
    _idle(worker)
    assert worker.stop() == 0
    assert worker.files() == []


def test_every_message_is_retried_as_it_was(start_worker: StartWorker, task_id: str, ball: bytes) -> None:
    worker = start_worker()
    backend = worker.backend
    backend.answer_next("result", 500, (503, {}, {"Retry-After": "1"}), (429, {}, {}))
    backend.answer_next("completed", 502)
    assert worker.dispatch(task_id, ball).status_code == 202
    backend.wait_for_status(task_id, "completed")
    tries = backend.of(task_id, "result")[:4]
    assert [c.answer for c in tries] == [500, 503, 429, 200]
    assert len({(c.webhook_id, c.document["name"], c.file) for c in tries}) == 1
    assert tries[2].timestamp > tries[1].timestamp  # waited as told, and signed afresh
    assert list(backend.results(task_id))[:3] == REQUIRED
    completed = [c for c in backend.of(task_id, "status") if c.document["status"] == "completed"]
    assert [c.answer for c in completed] == [502, 200]
    assert len({c.webhook_id for c in completed}) == 1


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("result", (409, {"code": "task_finished"}, {})),
        ("result", (409, {"code": "attempt_superseded"}, {})),
        ("processing", (404, {"code": "task_not_found"}, {})),
    ],
)
def test_work_that_is_no_longer_wanted_stops(
    start_worker: StartWorker, task_id: str, ball: bytes, kind: str, answer: Answer
) -> None:
    worker = start_worker()
    backend = worker.backend
    backend.answer_next(kind, answer)
    if kind == "processing":
        _hold(worker, task_id)  # nothing else is said meanwhile
    else:
        assert worker.dispatch(task_id, ball).status_code == 202
    backend.wait(lambda: any(c.answer == answer[0] for c in backend.of(task_id)))
    _idle(worker)
    assert worker.stop() == 0
    refused = next(i for i, c in enumerate(backend.of(task_id)) if c.answer == answer[0])
    after = backend.of(task_id)[refused + 1 :]
    # At most one heartbeat that was on its way at that moment; nothing durable.
    assert all(c.document.get("status") == "processing" for c in after)
    assert len(after) <= 1
    assert backend.statuses(task_id) == []


def test_a_refused_result_fails_the_task(start_worker: StartWorker, task_id: str, ball: bytes) -> None:
    worker = start_worker()
    backend = worker.backend
    backend.answer_next("result", 200, (409, {"code": "result_conflict"}, {}))
    assert worker.dispatch(task_id, ball).status_code == 202
    backend.wait_for_status(task_id, "failed")
    error = backend.failure(task_id)
    assert error["code"] == "worker_failed"
    assert "xyz_images.png" in error["message"]
    assert len(backend.of(task_id, "result")) == 2


@pytest.mark.parametrize(("missing", "end"), [(["output3d.zip"], "completed"), (["else.bin"], "failed")])
def test_missing_results_are_sent_once_more(
    start_worker: StartWorker, task_id: str, ball: bytes, missing: list[str], end: str
) -> None:
    worker = start_worker()
    backend = worker.backend
    backend.answer_next("completed", (409, {"code": "results_missing", "missing": missing}, {}))
    assert worker.dispatch(task_id, ball).status_code == 202
    backend.wait_for_status(task_id, end)
    sent = [c.document["name"] for c in backend.of(task_id, "result")]
    again = [name for name in missing if name in REQUIRED]
    assert sorted(name for name in set(sent) if sent.count(name) > 1) == sorted(again)


def _hold(worker: Worker, task_id: str, attempt: int = 1) -> None:
    """Dispatches a job that waits for its picture until the backend's gate opens."""
    url, sha256 = f"{worker.backend.url}/gated/{task_id}", "0" * 64
    worker.backend.waiting.clear()
    answer = worker.dispatch(task_id, attempt=attempt, changes={"image_url": url, "image_sha256": sha256})
    assert answer.status_code == 202
    assert worker.backend.waiting.wait(30)


def _until_queue(worker: Worker, **counts: int) -> None:
    """Asks the worker until its queue has these counts; the bound only ends a broken test."""
    end = time.monotonic() + 30
    while not counts.items() <= worker.http.get("/health").json()["queue"].items():
        assert time.monotonic() < end
        time.sleep(0.02)


def _idle(worker: Worker) -> None:
    _until_queue(worker, running=0, queued=0, delivering=0)


def test_a_full_queue_says_when_to_come_again(start_worker: StartWorker, task_id: str, ball: bytes) -> None:
    worker = start_worker(QUEUE_MAX="0")
    _hold(worker, task_id)
    other = str(uuid.uuid4())
    answer = worker.dispatch(other, ball)
    assert_problem(answer, 503, "unavailable")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    # A duplicate and a higher attempt of what is here need no place.
    assert worker.dispatch(task_id, ball).status_code == 202
    assert worker.dispatch(task_id, ball, attempt=2).status_code == 202
    worker.backend.wait_for_status(task_id, "completed")
    _idle(worker)
    assert worker.dispatch(other, ball).status_code == 202
    worker.backend.wait_for_status(other, "completed")


def test_waiting_jobs_tell_their_place(start_worker: StartWorker, task_id: str, ball: bytes) -> None:
    worker = start_worker()
    backend = worker.backend
    _hold(worker, task_id)
    other = str(uuid.uuid4())
    _hold(worker, other)
    backend.wait(lambda: len(backend.of(other, "status")) >= 3)  # heartbeats, too, while it waits
    documents = [c.document for c in backend.of(other, "status")]
    assert {(d["stage"], d["progress"], d["queuePosition"]) for d in documents} == {("queued", 0, 1)}
    assert all(d["etaSeconds"] >= 1 for d in documents)
    assert worker.cancel(task_id).status_code == 202
    backend.wait(lambda: backend.of(other, "status")[-1].document["queuePosition"] == 0)


def test_a_higher_attempt_replaces_a_lower_one(start_worker: StartWorker, task_id: str, ball: bytes) -> None:
    worker = start_worker()
    backend = worker.backend
    _hold(worker, task_id)
    assert worker.dispatch(task_id, ball, attempt=3).status_code == 202
    assert_problem(worker.dispatch(task_id, ball, attempt=2), 409, "attempt_superseded")
    backend.wait_for_status(task_id, "completed")
    assert_problem(worker.dispatch(task_id, ball, attempt=1), 409, "attempt_superseded")
    assert {c.attempt for c in backend.of(task_id, "result")} == {3}
    first_of_third = next(i for i, c in enumerate(backend.of(task_id)) if c.attempt == 3)
    assert sum(c.attempt == 1 for c in backend.of(task_id)[first_of_third:]) <= 1


def test_a_cancelled_job_says_nothing_more(start_worker: StartWorker, task_id: str, ball: bytes) -> None:
    worker = start_worker()
    backend = worker.backend
    _hold(worker, task_id)
    assert worker.cancel(task_id).status_code == 202
    _idle(worker)
    assert_problem(worker.cancel(task_id), 404, "task_not_found")
    said = len(backend.of(task_id))
    assert worker.dispatch(task_id, ball).status_code == 202  # this attempt was here: nothing starts
    other = str(uuid.uuid4())
    assert worker.dispatch(other, ball).status_code == 202
    backend.wait_for_status(other, "completed")
    assert len(backend.of(task_id)) == said
    assert backend.statuses(task_id) == []
    _idle(worker)
    assert worker.files() == []


def test_the_slot_is_free_while_callbacks_are_retried(
    start_worker: StartWorker, task_id: str, ball: bytes
) -> None:
    worker = start_worker()
    backend = worker.backend
    backend.answer_next("completed", (503, {}, {"Retry-After": "600"}))
    assert worker.dispatch(task_id, ball).status_code == 202
    backend.wait(lambda: any(c.answer == 503 for c in backend.of(task_id)))
    other = str(uuid.uuid4())
    assert worker.dispatch(other, ball).status_code == 202
    backend.wait_for_status(other, "completed")
    assert backend.statuses(task_id) == []
    _until_queue(worker, running=0, queued=0, delivering=1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_gives_back_what_waits_and_keeps_what_is_computed(
    start_worker: StartWorker, ball: bytes, number: int
) -> None:
    worker = start_worker()
    backend = worker.backend
    queued, undelivered = str(uuid.uuid4()), str(uuid.uuid4())
    _hold(worker, queued)
    backend.answer_next("result", *[503] * 1000)
    assert worker.dispatch(undelivered, ball).status_code == 202
    _until_queue(worker, delivering=1)
    backend.answer_next("released", 500)  # told twice
    assert worker.stop(number) == 0
    assert backend.statuses(queued) == ["released"]
    assert backend.of(queued)[-1].document["status"] == "released"
    assert backend.statuses(undelivered) == []
    assert worker.files() != []
    backend.script["result"].clear()
    start_worker()
    backend.wait_for_status(undelivered, "completed")
    assert set(REQUIRED) <= set(backend.results(undelivered))
    assert backend.statuses(queued) == ["released"]


def test_a_stop_does_not_wait_for_a_dead_backend(start_worker: StartWorker, task_id: str) -> None:
    worker = start_worker()
    _hold(worker, task_id)
    worker.backend.answer_next("released", *[500] * 1000)
    worker.process.send_signal(signal.SIGTERM)
    worker.backend.wait(
        lambda: "released" in [c.document["status"] for c in worker.backend.of(task_id, "status")]
    )
    with pytest.raises(httpx.ConnectError):  # as a dispatch is, which then goes elsewhere
        httpx.get(worker.http.base_url.join("/health"), trust_env=False)
    assert worker.stop() == 0
    assert worker.backend.statuses(task_id) == []
    worker.backend.script["released"].clear()
    start_worker()
    worker.backend.wait_for_status(task_id, "released")


def test_logs_are_json_lines_with_the_task(start_worker: StartWorker, task_id: str, ball: bytes) -> None:
    worker = start_worker()
    assert worker.dispatch(task_id, ball).status_code == 202
    worker.backend.wait_for_status(task_id, "completed")
    worker.stop()
    assert all({"time", "level", "msg"} <= set(line) for line in worker.log)
    mine = [line["msg"] for line in worker.log if line.get("taskId") == task_id]
    assert mine == ["accepted", "concluded", "delivered"]
    assert "whsec" not in json.dumps(worker.log)
