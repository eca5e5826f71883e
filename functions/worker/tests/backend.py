"""A backend that the worker calls: a real HTTP server which verifies, records, and fails when told to."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError, hmac_data

from tests.loopback import Loopback

SECRET = "whsec_" + base64.b64encode(b"the present secret of the tests!").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the former secret of the tests..").decode()

Answer = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class Call:
    """One request of the worker, after its signature was found to be right."""

    kind: str
    task_id: str
    attempt: int
    webhook_id: str
    timestamp: int
    document: dict[str, Any]
    """The JSON, or the form's text fields."""
    file: bytes | None = None
    answer: int = 0
    traceparent: str | None = None


@dataclass
class Backend:
    """`script[kind]` holds answers to give before the usual one; kinds are result, upload, status, put
    and the several statuses: `processing`, `completed`, …"""

    script: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    calls: list[Call] = field(default_factory=list)
    unsigned: int = 0
    stored: dict[str, bytes] = field(default_factory=dict)
    gate: threading.Event = field(default_factory=threading.Event)
    """`GET /gated/…` waits for it, so that a job can be held in the queue."""
    waiting: threading.Event = field(default_factory=threading.Event)
    """Set once such a request waits."""
    pictures: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._server = Loopback(_handler(self))

    @property
    def url(self) -> str:
        return self._server.url

    def close(self) -> None:
        self.gate.set()
        self._server.close()

    def answer_next(self, kind: str, *answers: int | Answer) -> None:
        for answer in answers:
            full = (answer, {"code": f"scripted_{answer}"}, {}) if isinstance(answer, int) else answer
            self.script[kind].append(full)

    def record(self, call: Call) -> Answer:
        """The scripted answer, else the usual one."""
        with self._changed:
            keys = [call.document["status"]] if call.kind == "status" else []
            queue = next((self.script[key] for key in [*keys, call.kind] if self.script[key]), None)
            answer = queue.popleft() if queue else (200, self._usual(call), {})
            call.answer = answer[0]
            self.calls.append(call)
            self._changed.notify_all()
            return answer

    def _usual(self, call: Call) -> dict[str, Any]:
        if call.kind == "upload":
            url = f"{self.url}/put/{call.task_id}/{call.document['name']}"
            return {"url": url, "method": "PUT", "headers": {"X-Granted": "yes"}, "expiresAt": "…"}
        if call.kind == "put":
            return {}
        return {"taskId": call.task_id, "duplicate": False}

    def of(self, task_id: str, kind: str | None = None) -> list[Call]:
        with self._changed:
            return [c for c in self.calls if c.task_id == task_id and kind in (None, c.kind)]

    def statuses(self, task_id: str) -> list[str]:
        """Durable statuses that were taken, in order."""
        taken = [c for c in self.of(task_id, "status") if c.answer == 200]
        return [c.document["status"] for c in taken if c.document["status"] != "processing"]

    def failure(self, task_id: str) -> dict[str, str]:
        """The error of its `failed`. A heartbeat that was on its way may have come after that."""
        documents = [c.document for c in self.of(task_id, "status")]
        error: dict[str, str] = next(d for d in documents if d["status"] == "failed")["error"]
        return error

    def results(self, task_id: str) -> dict[str, bytes]:
        return {
            c.document["name"]: c.file
            for c in self.of(task_id, "result")
            if c.file is not None and c.answer == 200
        }

    def wait(self, until: Callable[[], object], seconds: float = 30) -> None:
        """Waits until the condition holds, looking at each call; the bound only ends a broken test."""
        end = time.monotonic() + seconds
        with self._changed:
            while not until():
                left = end - time.monotonic()
                assert left > 0, (
                    f"it never came; calls: {[(c.kind, c.document, c.answer) for c in self.calls]}"
                )
                self._changed.wait(left)

    def wait_for_status(self, task_id: str, status: str) -> None:
        self.wait(lambda: status in self.statuses(task_id))


def _handler(backend: Backend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self.path.startswith("/gated/"):
                backend.waiting.set()
                backend.gate.wait(60)
            data = backend.pictures.get(self.path)
            self._send(404 if data is None else 200, data or b"", {})

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            _, _, task_id, name = self.path.split("/", 3)
            assert self.headers["x-granted"] == "yes"
            call = Call("put", task_id, 0, "", 0, {"name": name}, body)
            status, document, headers = backend.record(call)
            if status == 200:
                backend.stored[name] = body
            self._send(status, json.dumps(document).encode(), headers)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            call = self._read(body)
            if call is None:
                backend.unsigned += 1
                self._send(401, b'{"code":"signature_invalid"}', {})
                return
            status, document, headers = backend.record(call)
            self._send(status, json.dumps(document).encode(), headers)

        def _read(self, body: bytes) -> Call | None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            if not _signed(headers, body):
                return None
            kind, task_id, attempt, _ = headers["webhook-id"].split(":")
            document: dict[str, Any]
            file = None
            if headers["content-type"] == "application/json":
                document = json.loads(body)
            else:
                head = b"content-type: " + headers["content-type"].encode() + b"\r\n\r\n"
                message: Any = message_from_bytes(head + body)
                content: dict[str, bytes] = {
                    part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
                    for part in message.get_payload()
                }
                file = content.pop("file")
                document = {name: value.decode() for name, value in content.items()}
                assert hashlib.sha256(file).hexdigest() == document["sha256"]
            paths = {
                "result": f"/callback/result/{task_id}",
                "upload": f"/callback/upload-url/{task_id}",
                "status": "/callback/status",
            }
            assert self.path == paths[kind]
            assert int(document["attempt"]) == int(attempt)
            timestamp = int(headers["webhook-timestamp"])
            call = Call(kind, task_id, int(attempt), headers["webhook-id"], timestamp, document, file)
            call.traceparent = headers.get("traceparent")
            return call

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def handle(self) -> None:
            # A worker may hang up or be killed.
            with suppress(BrokenPipeError, ConnectionResetError):
                super().handle()

    return Handler


def _signed(headers: dict[str, str], body: bytes) -> bool:
    """By the standardwebhooks library; for bodies that are no text, by its HMAC alone."""
    try:
        Webhook(SECRET).verify(body, headers, json_parse=False)
        return True
    except WebhookVerificationError:
        return False
    except UnicodeDecodeError:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        expected = "v1," + base64.b64encode(hmac_data(key, signed)).decode()
        fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
        return fresh and hmac.compare_digest(headers["webhook-signature"], expected)
