"""Tells the backend: one try of one message, signed afresh, and what its answer means.

Who sends a durable message again, when, and in which order is the outbox's business.
"""

import asyncio
import hashlib
import json
import logging
import mimetypes
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
from opentelemetry.trace import SpanKind

from worker import tracing
from worker.dispatch import Target
from worker.signing import Signer
from worker.tracing import Tracer

log = logging.getLogger(__name__)

MULTIPART_MAX = 5 * 1024 * 1024
"""A result whose whole form is larger takes the direct route."""

POST_TIMEOUT, PROGRESS_TIMEOUT = 120.0, 5.0
"""Seconds for a whole call, however the bytes trickle; for a `PUT` of any size only its standstill counts."""

_UNWANTED = ("task_finished", "attempt_superseded", "task_not_found")


class Unwanted(Exception):
    """The backend no longer wants this attempt: its work stops and nothing more is sent for it."""


@dataclass
class Refused(Exception):
    """The backend's final word on a message."""

    status: int
    code: str
    detail: str = ""
    missing: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.detail}"


class Retry(Exception):
    """No answer, or none that decides: to be tried again, not before `after` seconds."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class UploadRefused(Retry):
    """The storage refused the file, or has not what was put there.

    An URL that ran out is refused like a bad one; whether the next one is tells them apart.
    """


class Callbacks:
    """Sends for any number of tasks at a time. Who needs an order awaits each call before the next."""

    def __init__(self, http: httpx.AsyncClient, signer: Signer, tracer: Tracer) -> None:
        self._http = http
        self._signer = signer
        self._tracer = tracer

    async def progress(self, target: Target, **fields: object) -> None:
        """Sends `processing` once, best effort. Raises Unwanted; other trouble is logged and forgotten."""
        try:
            async with asyncio.timeout(PROGRESS_TIMEOUT):
                await self._post(_status(target, "processing", fields))
        except (TimeoutError, Retry, Refused) as error:
            extra = {"taskId": target.task_id, "reason": str(error) or type(error).__name__}
            log.info("progress not taken", extra=extra)

    async def status(
        self, target: Target, status: str, error: Mapping[str, str] | None = None, *, n: str | None = None
    ) -> bool:
        """Sends `completed`, `failed` or `released`; true where the backend had it before.

        `n`, the last part of the `webhook-id`, is the same on every try. Raises Unwanted, Refused or Retry.
        """
        answer = await self._post(_status(target, status, {"error": error} if error else {}, n))
        return answer.get("duplicate") is True

    async def result(
        self, target: Target, path: Path, *, sha256: str | None = None, n: str | None = None
    ) -> bool:
        """Sends one file by its name; true where the backend had it before.

        `sha256` is what the file hashes to, where that is known. Raises Unwanted, Refused or Retry, and
        OSError for the file.
        """
        if sha256 is None:
            sha256 = await asyncio.to_thread(_sha256, path)
        size = (await asyncio.to_thread(path.stat)).st_size
        if size < MULTIPART_MAX:
            message = await asyncio.to_thread(_result_form, target, path, sha256, n)
            if len(message.body) <= MULTIPART_MAX:
                return (await self._post(message)).get("duplicate") is True
        return await self._result_direct(target, path, size, sha256, n)

    async def _result_direct(self, target: Target, path: Path, size: int, sha256: str, n: str | None) -> bool:
        """Asks for an upload URL, puts the file there, and says that it is there."""
        about = {
            "name": path.name,
            "size": size,
            "sha256": sha256,
            "contentType": _content_type(path),
            "attempt": target.attempt,
        }
        grant = await self._post(_json(target.uploads, "upload", target, about, n))
        if grant.get("duplicate") is True:
            return True  # an earlier try got through after all
        await self._put(grant, path, size)
        try:
            answer = await self._post(_json(target.results, "result", target, about, n))
        except Refused as error:
            if error.code == "object_mismatch":
                raise UploadRefused(str(error)) from error
            raise
        return answer.get("duplicate") is True

    async def _put(self, grant: Mapping[str, object], path: Path, size: int) -> None:
        url, headers = grant.get("url"), grant.get("headers") or {}
        if not isinstance(url, str) or not isinstance(headers, dict):
            raise Retry("the answer has no upload URL")
        headers = {str(name).lower(): str(value) for name, value in headers.items()}
        headers["content-length"] = str(size)
        try:
            answer = await self._http.put(url, headers=headers, content=_chunks(path))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Retry(f"storage: {type(error).__name__}") from error
        if 400 <= answer.status_code < 500 and answer.status_code != 429:
            raise UploadRefused(f"storage: {answer.status_code}")
        if not answer.is_success:
            raise Retry(f"storage: {answer.status_code}", _retry_after(answer))

    async def _post(self, message: "_Message") -> dict[str, object]:
        """The JSON of a 2xx. Raises Retry, Refused or Unwanted."""
        kind = message.id.partition(":")[0]
        with self._tracer.span(f"POST {kind}", message.trace, {"webhookId": message.id}, SpanKind.CLIENT):
            return _read(await self._send(message))

    async def _send(self, message: "_Message") -> httpx.Response:
        headers = self._signer.sign(message.id, message.body) | tracing.headers()
        headers["content-type"] = message.content_type
        try:
            async with asyncio.timeout(POST_TIMEOUT):
                return await self._http.post(message.url, content=message.body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise Retry(f"{type(error).__name__}: {error}") from error


def _read(answer: httpx.Response) -> dict[str, object]:
    """The JSON of a 2xx. Raises Retry, Refused or Unwanted."""
    try:
        document = answer.json()
    except ValueError:
        document = {}
    if not isinstance(document, dict):
        document = {}
    if answer.is_success:
        return document
    if answer.status_code == 429 or not 400 <= answer.status_code < 500:
        raise Retry(f"answer {answer.status_code}", _retry_after(answer))
    code, detail = str(document.get("code", ""))[:100], str(document.get("detail", ""))[:500]
    if answer.status_code == 404 or code in _UNWANTED:
        raise Unwanted(code or "not found")
    missing = document.get("missing")
    names = [str(name) for name in missing] if isinstance(missing, list) else []
    raise Refused(answer.status_code, code, detail, names)


@dataclass(frozen=True)
class _Message:
    """What stays the same over all tries of it."""

    id: str
    url: str
    content_type: str
    body: bytes
    trace: str


def _message_id(kind: str, target: Target, n: str | None) -> str:
    return f"{kind}:{target.task_id}:{target.attempt}:{n or uuid.uuid4().hex}"


def _json(
    url: str, kind: str, target: Target, document: Mapping[str, object], n: str | None = None
) -> _Message:
    body = json.dumps(document).encode()
    return _Message(_message_id(kind, target, n), url, "application/json", body, target.trace)


def _status(target: Target, status: str, fields: Mapping[str, object], n: str | None = None) -> _Message:
    document = {"taskId": target.task_id, "status": status, "attempt": target.attempt, **fields}
    return _json(target.status, "status", target, document, n)


def _result_form(target: Target, path: Path, sha256: str, n: str | None) -> _Message:
    fields = {"name": path.name, "attempt": str(target.attempt), "sha256": sha256}
    file = (path.name, path.read_bytes(), _content_type(path))
    request = httpx.Request("POST", target.results, data=fields, files={"file": file})
    content_type = request.headers["content-type"]
    return _Message(
        _message_id("result", target, n), target.results, content_type, request.read(), target.trace
    )


def _content_type(path: Path) -> str:
    return "model/gltf-binary" if path.suffix == ".glb" else mimetypes.guess_type(path.name)[0] or _BINARY


_BINARY = "application/octet-stream"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, 1 << 18):
            yield chunk


def _retry_after(answer: httpx.Response) -> float:
    """Seconds that the answer asks to wait, by a number or a date (RFC 9110); else 0."""
    value = answer.headers.get("retry-after", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0
