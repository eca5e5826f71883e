"""What is told of a job in its trace, and that nothing is where traces are off."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.backend import SECRET, Backend
from tests.collector import Collector, Span
from tests.conftest import ROOT, StartWorker, Worker
from tests.outboxes import dispatch
from worker.outbox.database import Database
from worker.outbox.files import Files
from worker.outbox.journal import Journal
from worker.tracing import Tracer, TracesUnavailable

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"

INTERNAL, SERVER, CLIENT = 1, 2, 3


@pytest.fixture
def collector() -> Iterator[Collector]:
    receiver = Collector()
    yield receiver
    receiver.close()


def _order(worker: Worker, task_id: str, image: bytes, traceparent: str = TRACEPARENT) -> None:
    worker.http.headers["traceparent"] = traceparent
    assert worker.dispatch(task_id, image).status_code == 202


def test_a_job_is_in_the_trace_of_its_dispatch(
    start_worker: StartWorker, backend: Backend, collector: Collector, ball: bytes, task_id: str
) -> None:
    backend.answer_next("completed", 503)
    worker = start_worker(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    _order(worker, task_id, ball)
    backend.wait_for_status(task_id, "completed")
    assert worker.stop() == 0  # which exports what is left

    spans = [s for s in collector.spans if s.trace == TRACE]
    assert spans == collector.spans  # probes are not traced
    assert {s.service for s in spans} == {"recon3d-worker"}
    (accept,) = (s for s in spans if s.kind == SERVER)
    assert (accept.name, accept.parent) == ("POST /generate3d", SPAN)
    (job,) = (s for s in spans if s.name == "reconstruct")
    assert (job.kind, job.parent, job.attributes["taskId"]) == (INTERNAL, accept.id, task_id)
    stages = [s for s in spans if s.kind == INTERNAL and s is not job]
    assert stages
    assert {s.parent for s in stages} == {job.id}

    callbacks = {s.id: s for s in spans if s.kind == CLIENT}
    assert {s.parent for s in callbacks.values()} == {accept.id}
    assert {s.name for s in callbacks.values()} == {"POST status", "POST result"}
    for call in backend.of(task_id):
        assert call.traceparent is not None
        version, trace, span, flags = call.traceparent.split("-")
        assert (version, trace, flags) == ("00", TRACE, "01")
        told: Span = callbacks[span]
        assert told.attributes["webhookId"] == call.webhook_id
        assert told.failed == (call.answer == 503)


def test_who_is_not_sampled_is_told_so_and_not_exported(
    start_worker: StartWorker, backend: Backend, collector: Collector, ball: bytes, task_id: str
) -> None:
    worker = start_worker(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    _order(worker, task_id, ball, f"00-{TRACE}-{SPAN}-00")
    backend.wait_for_status(task_id, "completed")
    assert worker.stop() == 0
    assert collector.spans == []
    for call in backend.of(task_id):
        assert call.traceparent is not None
        assert call.traceparent.startswith(f"00-{TRACE}-")
        assert call.traceparent.endswith("-00")


def test_off_no_header_is_passed_on(
    start_worker: StartWorker, backend: Backend, ball: bytes, task_id: str
) -> None:
    worker = start_worker()
    _order(worker, task_id, ball)
    backend.wait_for_status(task_id, "completed")
    assert {call.traceparent for call in backend.of(task_id)} == {None}


def test_off_nothing_that_exports_is_loaded() -> None:
    program = (
        "import sys; from worker.app import create_app; from worker.settings import Settings;"
        "create_app(Settings()); print(*(m for m in sys.modules if m.startswith('opentelemetry.')))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"CALLBACK_SECRETS": SECRET},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = ended.stdout.split()
    assert "opentelemetry.trace" in loaded
    assert [m for m in loaded if m.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))] == []


def test_a_receiver_that_is_away_costs_no_job(
    start_worker: StartWorker, backend: Backend, collector: Collector, ball: bytes, task_id: str
) -> None:
    url = collector.url
    collector.close()
    worker = start_worker(OTEL_EXPORTER_OTLP_ENDPOINT=url)
    _order(worker, task_id, ball)
    backend.wait_for_status(task_id, "completed")
    assert worker.stop() == 0


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(TracesUnavailable, match=r"requirements-traces\.txt"):
        Tracer("http://127.0.0.1:4318")


def test_the_trace_outlives_the_process(tmp_path: Path, backend: Backend) -> None:
    for task_id, traceparent in (("traced", TRACEPARENT), ("not traced", "")):
        database = Database(tmp_path)
        database.open()
        order = dispatch(backend, task_id)
        order = replace(order, target=replace(order.target, trace=traceparent))
        Journal(database, Files(tmp_path / "outbox"), lambda: 0.0).accept(order)
        database.close()
    database.open()
    found = Journal(database, Files(tmp_path / "outbox"), lambda: 0.0).unfinished()
    kept = [row["target"] for row in database.execute("SELECT target FROM jobs ORDER BY id")]
    database.close()
    assert [job.target.trace for job in found] == [TRACEPARENT, ""]
    assert ['"trace"' in target for target in kept] == [True, False]
