"""What the worker answers, row by row of the contract."""

import base64
import hashlib
import time
from http.server import BaseHTTPRequestHandler

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from standardwebhooks import Webhook
from standardwebhooks.webhooks import hmac_data

from tests import shapes
from tests.backend import OLD_SECRET, SECRET
from tests.conftest import Worker
from tests.loopback import Loopback
from worker.signing import Signer, decode_secret

OTHER_SECRET = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA=="


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    document: dict[str, object] = answer.json()
    assert set(document) - {"errors"} == {"type", "title", "status", "detail", "code", "requestId"}
    assert (document["status"], document["code"], document["type"]) == (status, code, "about:blank")
    assert document["requestId"] == answer.headers["x-request-id"]
    return document


def test_health(worker: Worker) -> None:
    answer = worker.http.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "models_loaded": True,
        "engine": "quick",
        "state": "ready",
        "problems": [],
        "queue": {"running": 0, "queued": 0, "limit": 8, "delivering": 0},
        "outbox": {"pending": 0, "dead": 0},
    }
    assert worker.http.head("/health").status_code == 200


def test_metrics(worker: Worker, task_id: str, ball: bytes) -> None:
    assert worker.dispatch(task_id, ball).status_code == 202
    worker.backend.wait_for_status(task_id, "completed")
    worker.until(lambda: worker.http.get("/health").json()["queue"]["delivering"] == 0)
    answer = worker.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["recon3d_worker_jobs", ("phase", "queued")] == 0
    assert samples["recon3d_worker_engine_state", ("state", "ready")] == 1
    assert samples["recon3d_worker_engine_state", ("state", "failed")] == 0
    assert samples["recon3d_worker_outbox_messages", ("state", "pending")] == 0
    assert samples["recon3d_worker_jobs_ended_total", ("outcome", "completed")] >= 1
    assert samples["recon3d_worker_callbacks_total", ("kind", "result"), ("outcome", "sent")] >= 3
    assert samples["recon3d_worker_stage_seconds_count", ("engine", "quick"), ("stage", "matte")] >= 1
    assert samples["recon3d_worker_queue_seconds_count",] >= 1


@pytest.mark.parametrize("path", ["/", "/generate3d/", "/generate3d/a/b", "/docs", "/openapi.json"])
def test_unknown_paths(worker: Worker, path: str) -> None:
    assert_problem(worker.http.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/generate3d", "POST"),
        ("POST", "/generate3d/some-task", "DELETE"),
        ("POST", "/health", "GET, HEAD"),
    ],
)
def test_wrong_methods_name_the_right_ones(worker: Worker, method: str, path: str, allow: str) -> None:
    answer = worker.http.request(method, path)
    assert_problem(answer, 405, "method_not_allowed")
    assert sorted(answer.headers["allow"].split(", ")) == allow.split(", ")


def _request(worker: Worker, task_id: str, ball: bytes) -> httpx.Request:
    files = {"image": ("x", ball, "image/png")}
    return worker.http.build_request("POST", "/generate3d", data=worker.form(task_id), files=files)


@pytest.mark.parametrize("how", ["unsigned", "other secret", "stale", "future", "changed", "garbage"])
def test_what_is_not_signed_is_refused(worker: Worker, task_id: str, ball: bytes, how: str) -> None:
    request = _request(worker, task_id, ball)
    body, message_id = request.read(), f"dispatch:{task_id}:1:n"
    match how:
        case "unsigned":
            answer = worker.http.send(request)
        case "other secret":
            answer = worker.send(request, message_id, OTHER_SECRET)
        case "changed":
            changed = worker.http.build_request(
                "POST", "/generate3d", content=body.replace(b"name=", b"Name=", 1)
            )
            changed.headers["content-type"] = request.headers["content-type"]
            changed.headers.update(_signed_at(int(time.time()), message_id, body))
            answer = worker.http.send(changed)
        case "garbage":
            request.headers.update(_signed_at(int(time.time()), message_id, body))
            request.headers["webhook-signature"] = "v1, v2,x v1 v1,=== ,"
            answer = worker.http.send(request)
        case _:
            offset = -301 if how == "stale" else 360  # which gets less while the request is under way
            request.headers.update(_signed_at(int(time.time()) + offset, message_id, body))
            answer = worker.http.send(request)
    assert_problem(answer, 401, "signature_invalid")
    assert worker.http.get("/health").json()["queue"]["queued"] == 0


def _signed_at(timestamp: int, message_id: str, body: bytes) -> dict[str, str]:
    """Headers as of another time, by the library's formula."""

    digest = hmac_data(decode_secret(SECRET), f"{message_id}.{timestamp}.".encode() + body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


@pytest.mark.parametrize(
    "message_id",
    [
        "cancel:{}:1:n",
        "dispatch:another-task:1:n",
        "dispatch:{}:2:n",
        "dispatch:{}:01:n",
        "dispatch:{}:1",
        "dispatch:{}:1:n:m",
        "{}",
    ],
)
def test_misdirected_messages_are_refused(worker: Worker, task_id: str, ball: bytes, message_id: str) -> None:
    answer = worker.send(_request(worker, task_id, ball), message_id.format(task_id))
    assert_problem(answer, 401, "signature_invalid")


def test_an_old_secret_of_the_list_still_verifies(worker: Worker, task_id: str, ball: bytes) -> None:
    request = _request(worker, task_id, ball)
    answer = worker.send(request, f"dispatch:{task_id}:1:n", OLD_SECRET)
    assert answer.status_code == 202
    assert answer.json() == {"status": "accepted", "task_id": task_id, "heartbeat_seconds": 1}
    worker.backend.wait_for_status(task_id, "completed")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"callback_url": None}, "callback_url"),
        ({"callback_url": "ftp://127.0.0.1/x"}, "callback_url"),
        ({"result_url": "nowhere"}, "result_url"),
        ({"image_url": "http://127.0.0.1/x"}, "image"),
    ],
)
def test_fields_that_are_missing_or_wrong_are_named(
    worker: Worker, task_id: str, ball: bytes, changes: dict[str, str | None], field: str
) -> None:
    document = assert_problem(worker.dispatch(task_id, ball, changes=changes), 422, "validation_failed")
    errors = document["errors"]
    assert isinstance(errors, list)
    assert [error["field"] for error in errors] == [field]


def test_a_packed_body_is_refused(worker: Worker, task_id: str, ball: bytes) -> None:
    request = _request(worker, task_id, ball)
    request.headers["content-encoding"] = "br"
    answer = worker.send(request, f"dispatch:{task_id}:1:n")
    assert_problem(answer, 415, "unsupported_media_type")


def test_a_dispatch_without_a_picture(worker: Worker, task_id: str) -> None:
    assert_problem(worker.dispatch(task_id), 422, "validation_failed")
    remote: dict[str, str | None] = {"image_url": "http://127.0.0.1/x"}
    assert_problem(worker.dispatch(task_id, changes=remote), 422, "validation_failed")
    assert_problem(
        worker.dispatch(task_id, changes=remote | {"image_sha256": "abc"}), 422, "validation_failed"
    )


@pytest.mark.parametrize("attempt", ["0", "-1", "x", "1.5", ""])
def test_attempts_count_from_one(worker: Worker, task_id: str, ball: bytes, attempt: str) -> None:
    form = worker.form(task_id) | {"attempt": attempt}
    request = worker.http.build_request("POST", "/generate3d", data=form, files={"image": ("x", ball)})
    answer = worker.send(request, f"dispatch:{task_id}:1:n")
    assert_problem(answer, 422, "validation_failed")


def test_forms_that_are_broken(worker: Worker, task_id: str, ball: bytes) -> None:
    whole = _request(worker, task_id, ball)
    body, content_type = whole.read(), whole.headers["content-type"]
    tries = {
        "wrong boundary": (body, "multipart/form-data; boundary=other"),
        "no boundary": (body, "multipart/form-data"),
        "cut off": (body[:-10], content_type),
        "cut in the picture": (body[: len(body) // 2], content_type),
        "empty": (b"", content_type),
    }
    for name, (content, kind) in tries.items():
        request = worker.http.build_request(
            "POST", "/generate3d", content=content, headers={"content-type": kind}
        )
        answer = worker.send(request, f"dispatch:{task_id}:1:n")
        assert answer.status_code == 400, name
        assert_problem(answer, 400, "bad_request")
    request = worker.http.build_request("POST", "/generate3d", json={"task_id": task_id})
    assert_problem(worker.send(request, f"dispatch:{task_id}:1:n"), 415, "unsupported_media_type")


def test_bodies_that_are_too_large(worker: Worker, task_id: str) -> None:
    answer = worker.dispatch(task_id, bytes(6 * 1024 * 1024))
    assert_problem(answer, 413, "payload_too_large")
    chunks = (bytes(1024 * 1024) for _ in range(7))  # without a length
    answer = worker.http.post("/generate3d", content=chunks)
    assert_problem(answer, 413, "payload_too_large")


def test_pictures_that_can_not_be_done(worker: Worker, task_id: str, ball: bytes) -> None:
    jpeg = shapes.encoded(shapes.on_colour(shapes.ball(), (255, 255, 255)), "JPEG")
    assert_problem(worker.dispatch(task_id, b"a text"), 415, "unsupported_media_type")
    assert_problem(worker.dispatch(task_id, b""), 415, "unsupported_media_type")
    assert_problem(worker.dispatch(task_id, ball[: len(ball) // 2]), 422, "image_invalid")
    assert_problem(worker.dispatch(task_id, jpeg[: len(jpeg) // 2]), 422, "image_invalid")
    assert_problem(worker.dispatch(task_id, shapes.claiming(60_000, 60_000)), 422, "image_too_large")
    # None of it counts as an attempt that was here.
    assert worker.dispatch(task_id, ball).status_code == 202
    worker.backend.wait_for_status(task_id, "completed")


def test_cancel_of_what_is_not_here(worker: Worker, task_id: str) -> None:
    assert_problem(worker.cancel(task_id), 404, "task_not_found")
    assert_problem(worker.http.delete(f"/generate3d/{task_id}"), 401, "signature_invalid")
    request = worker.http.build_request("DELETE", f"/generate3d/{task_id}")
    assert_problem(worker.send(request, "cancel:other:1:n"), 401, "signature_invalid")


def test_a_picture_by_url(worker: Worker, task_id: str, ball: bytes) -> None:
    worker.backend.pictures["/ball.png"] = ball
    url, sha256 = f"{worker.backend.url}/ball.png", hashlib.sha256(ball).hexdigest()
    assert worker.dispatch(task_id, changes={"image_url": url, "image_sha256": sha256}).status_code == 202
    worker.backend.wait_for_status(task_id, "completed")
    assert "output3d.zip" in worker.backend.results(task_id)


def test_what_is_no_picture_behind_a_url_is_rejected(worker: Worker, task_id: str) -> None:
    worker.backend.pictures["/wrong.png"] = b"a text"
    sha256 = hashlib.sha256(b"a text").hexdigest()
    url = f"{worker.backend.url}/wrong.png"
    assert worker.dispatch(task_id, changes={"image_url": url, "image_sha256": sha256}).status_code == 202
    worker.backend.wait_for_status(task_id, "failed")
    error = worker.backend.failure(task_id)
    assert error["code"] == "image_rejected"


def test_a_picture_behind_a_redirect_is_not_fetched(worker: Worker, task_id: str, ball: bytes) -> None:
    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("location", f"{worker.backend.url}/ball.png")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    worker.backend.pictures["/ball.png"] = ball
    elsewhere = Loopback(Elsewhere)
    try:
        sha256 = hashlib.sha256(ball).hexdigest()
        changes = {"image_url": elsewhere.url, "image_sha256": sha256}
        assert worker.dispatch(task_id, changes=changes).status_code == 202
        worker.backend.wait(lambda: {"released", "completed"} & set(worker.backend.statuses(task_id)))
    finally:
        elsewhere.close()
    assert "completed" not in worker.backend.statuses(task_id)


def test_the_engine_silhouette(silhouette: Worker, task_id: str, ball: bytes) -> None:
    backend = silhouette.backend
    assert silhouette.dispatch(task_id, ball, changes={"formats": "stl"}).status_code == 202
    backend.wait_for_status(task_id, "completed")
    assert {"output3d.zip", "model.glb", "model.stl", "report.json"} <= set(backend.results(task_id))
    stages = [c.document["stage"] for c in backend.of(task_id, "status") if "stage" in c.document]
    assert {"matte", "mesh", "views"} & set(stages)
    assert silhouette.http.get("/health").json()["engine"] == "silhouette"


def test_a_picture_without_an_object_is_rejected_with_advice(silhouette: Worker, task_id: str) -> None:
    white = shapes.encoded(np.full((100, 100, 3), 255, np.uint8))
    assert silhouette.dispatch(task_id, white).status_code == 202
    silhouette.backend.wait_for_status(task_id, "failed")
    error = silhouette.backend.failure(task_id)
    assert error["code"] == "image_rejected"
    assert "Use a picture of one object" in error["message"]


def test_signatures_agree_with_the_library() -> None:
    body = b'{"a": "\xc3\xa4"}'
    headers = Signer((decode_secret(SECRET),)).sign("status:t:1:n", body)
    Webhook(SECRET).verify(body, headers, json_parse=False)
