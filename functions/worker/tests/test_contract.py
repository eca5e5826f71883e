"""The worker and the example messages that the Go functions are held to as well (`shared/contract`)."""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from tests.conftest import Worker
from worker.app import create_app
from worker.callbacks import Callbacks, Refused, Retry, Unwanted
from worker.dispatch import Target
from worker.settings import Settings
from worker.signing import MessageId, SignatureInvalid, Signer, decode_secret
from worker.tracing import Tracer

EXAMPLES = Path(__file__).parents[3] / "shared" / "contract"


def example(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
    return document


def cases(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EXAMPLES / "cases" / f"{name}.json").read_text("utf-8"))
    return document


READ: set[str] = set()
Test = TypeVar("Test", bound=Callable[..., None])


def reads(*names: str) -> Callable[[Test], Test]:
    """Says which examples a test is about."""
    READ.update(names)
    return lambda test: test


def invalid(*names: str) -> list[Any]:
    """The wrong forms of these examples which a reader in Python has to refuse."""
    found = []
    for name in names:
        for case in cases("invalid")[name]:
            if "python" in case["refusedBy"]:
                document = example(name)
                *path, last = case["at"].split("/")[1:]
                holder = document
                for step in path:
                    holder = holder[step]
                holder.pop(last)
                if "be" in case:
                    holder[last] = case["be"]
                found.append(pytest.param(document, id=f"{name}: {case['why']}"))
    assert found
    return found


def kinds(document: dict[str, Any]) -> dict[str, object]:
    """The members and the types of their values."""
    return {
        name: kinds(value) if isinstance(value, dict) else type(value) for name, value in document.items()
    }


WEBHOOK = example("webhook")
SIGNER = Signer((decode_secret(WEBHOOK["secret"]),))
TARGET = Target(example("callback-status-completed")["taskId"], 1, "http://backend.test/callback")

Call = Callable[[Callbacks], Awaitable[object]]


def say(call: Call, *answers: httpx.Response) -> list[httpx.Request]:
    """What the call sends to a backend that gives these answers."""
    sent: list[httpx.Request] = []
    waiting = list(answers)

    async def answer(request: httpx.Request) -> httpx.Response:
        await request.aread()
        sent.append(request)
        return waiting.pop(0)

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            await call(Callbacks(http, SIGNER, Tracer()))

    asyncio.run(run())
    assert not waiting
    return sent


def ok(name: str) -> httpx.Response:
    return httpx.Response(200, json=example(name))


def problem(name: str) -> httpx.Response:
    document = example(name)
    media_type = {"content-type": "application/problem+json"}
    return httpx.Response(document["status"], json=document, headers=media_type)


@reads("webhook")
def test_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(WEBHOOK["timestamp"]))
    body = WEBHOOK["body"].encode()
    headers = SIGNER.sign(WEBHOOK["id"], body)
    assert headers == {
        "webhook-id": WEBHOOK["id"],
        "webhook-timestamp": WEBHOOK["timestamp"],
        "webhook-signature": WEBHOOK["signature"],
    }
    assert SIGNER.verify(headers, body) == MessageId("status", TARGET.task_id, 1)


@pytest.mark.parametrize("message", invalid("webhook"))
def test_webhooks_that_are_refused(message: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(WEBHOOK["timestamp"]))
    headers = {f"webhook-{name}": message[name] for name in ("id", "timestamp", "signature")}
    with pytest.raises(SignatureInvalid):
        SIGNER.verify(headers, message["body"].encode())


PROCESSING = example("callback-status-processing")
FAILED = example("callback-status-failed")


@reads(*(f"callback-status-{name}" for name in ("processing", "completed", "failed", "released", "answer")))
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (
            lambda c: c.progress(
                TARGET, **{k: v for k, v in PROCESSING.items() if k not in ("taskId", "status", "attempt")}
            ),
            "processing",
        ),
        (lambda c: c.status(TARGET, "completed"), "completed"),
        (lambda c: c.status(TARGET, "failed", FAILED["error"]), "failed"),
        (lambda c: c.status(TARGET, "released"), "released"),
    ],
)
def test_status(call: Call, name: str) -> None:
    [request] = say(call, ok("callback-status-answer"))
    assert json.loads(request.content) == example(f"callback-status-{name}")


@reads("callback-upload-url", "callback-result", "callback-result-answer")
def test_result_by_the_direct_route(tmp_path: Path) -> None:
    content = bytes(6 << 20)
    file = tmp_path / "output3d.zip"
    file.write_bytes(content)
    grant = example("callback-upload-url")
    asked, put, told = say(
        lambda c: c.result(TARGET, file),
        ok("callback-upload-url"),
        httpx.Response(200),
        ok("callback-result-answer"),
    )
    about = json.loads(asked.content)
    assert json.loads(told.content) == about
    assert kinds(about) == kinds(example("callback-result"))
    assert about["name"] == example("callback-result")["name"]
    assert about["contentType"] == example("callback-result")["contentType"]
    assert (about["size"], about["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (put.method, str(put.url)) == (grant["method"], grant["url"])
    assert put.headers["content-type"] == grant["headers"]["Content-Type"]
    assert put.content == content


@reads("callback-upload-url-duplicate")
def test_result_that_is_stored_already(tmp_path: Path) -> None:
    file = tmp_path / "output3d.zip"
    file.write_bytes(bytes(6 << 20))
    assert len(say(lambda c: c.result(TARGET, file), ok("callback-upload-url-duplicate"))) == 1


@pytest.mark.parametrize("grant", invalid("callback-upload-url", "callback-upload-url-duplicate"))
def test_grants_that_say_not_where(grant: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "output3d.zip"
    file.write_bytes(bytes(6 << 20))
    with pytest.raises(Retry):
        say(lambda c: c.result(TARGET, file), httpx.Response(200, json=grant))


@reads("problem-task-finished", "problem-attempt-superseded", "problem-task-not-found")
@pytest.mark.parametrize("name", ["task-finished", "attempt-superseded", "task-not-found"])
def test_answers_that_end_the_work(name: str) -> None:
    with pytest.raises(Unwanted):
        say(lambda c: c.status(TARGET, "completed"), problem(f"problem-{name}"))


@reads("problem-results-missing", "problem-validation-failed", "problem-signature-invalid")
@pytest.mark.parametrize("name", ["results-missing", "validation-failed", "signature-invalid"])
def test_answers_that_refuse_a_message(name: str) -> None:
    with pytest.raises(Refused) as refused:
        say(lambda c: c.status(TARGET, "completed"), problem(f"problem-{name}"))
    document = example(f"problem-{name}")
    assert (refused.value.status, refused.value.code) == (document["status"], document["code"])
    assert refused.value.missing == document.get("missing", [])


@reads("dispatch-accepted", "worker-health")
def test_answers_of_the_worker(worker: Worker, task_id: str, ball: bytes) -> None:
    answer = worker.dispatch(task_id, ball)
    assert answer.status_code == 202
    assert kinds(answer.json()) == kinds(example("dispatch-accepted"))
    assert kinds(worker.http.get("/health").json()) == kinds(example("worker-health"))
    worker.cancel(task_id)  # it may have ended by itself


@reads("worker-health-failed")
def test_health_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"ENGINE": "crm", "DATA_DIR": str(tmp_path), "CALLBACK_SECRETS": WEBHOOK["secret"]}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app = create_app(Settings())  # type: ignore[call-arg]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as http:
            while (health := await http.get("http://worker/health")).json()["state"] == "starting":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            return health

    health = asyncio.run(ask())
    assert health.status_code == 503
    assert kinds(health.json()) == kinds(example("worker-health-failed"))


def test_every_message_of_ours_is_tried() -> None:
    ours = {name for name, languages in cases("parties").items() if "python" in languages}
    assert ours == READ
