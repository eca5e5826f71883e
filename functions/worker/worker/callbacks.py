"""Tells the backend: results and status by signed callbacks, retried until they are taken.

Messages are kept in memory only: what is not delivered when the process ends is given back by its
`released`, or noticed by the backend when the lease runs out.
"""

import asyncio
import hashlib
import json
import logging
import mimetypes
import random
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from worker.dispatch import Target
from worker.signing import Signer

log = logging.getLogger(__name__)

MULTIPART_MAX = 5 * 1024 * 1024
"""A result whose whole form is larger takes the direct route."""

RETRY_BASE, RETRY_CAP, RETRY_FOR = 0.5, 600.0, 24 * 3600.0
"""Seconds: before the first retry, at most between two, and until a message is given up."""

GRANTS_MAX = 3
"""How many upload URLs in a row may be refused by the storage before the result counts as refused."""

PROGRESS_TIMEOUT = 5.0

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


class Undeliverable(Exception):
    """No answer for RETRY_FOR."""


class _Retry(Exception):
    """Try again, not before `after` seconds."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class Callbacks:
    """Sends for any number of tasks at a time. Who needs an order awaits each call before the next."""

    def __init__(self, http: httpx.AsyncClient, signer: Signer) -> None:
        self._http = http
        self._signer = signer

    async def progress(self, target: Target, **fields: object) -> None:
        """Sends `processing` once, best effort. Raises Unwanted; other trouble is logged and forgotten."""
        message = _status(target, "processing", fields)
        try:
            async with asyncio.timeout(PROGRESS_TIMEOUT):
                await self._send(message)
        except (TimeoutError, _Retry, Refused) as error:
            extra = {"taskId": target.task_id, "reason": str(error) or type(error).__name__}
            log.info("progress not taken", extra=extra)

    async def status(self, target: Target, status: str, error: Mapping[str, str] | None = None) -> None:
        """Delivers `completed`, `failed` or `released`. Raises Unwanted, Refused or Undeliverable."""
        await self._deliver(_status(target, status, {"error": error} if error else {}))

    async def result(self, target: Target, path: Path) -> None:
        """Delivers one file by its name. Raises Unwanted, Refused, Undeliverable, or OSError for the file."""
        size, sha256 = await asyncio.to_thread(_measure, path)
        if size < MULTIPART_MAX:
            message = await asyncio.to_thread(_result_form, target, path, sha256)
            if len(message.body) <= MULTIPART_MAX:
                await self._deliver(message)
                return
        await self._result_direct(target, path, size, sha256)

    async def _result_direct(self, target: Target, path: Path, size: int, sha256: str) -> None:
        """Asks for an upload URL, puts the file there, and says that it is there."""
        about = {
            "name": path.name,
            "size": size,
            "sha256": sha256,
            "contentType": _content_type(path),
            "attempt": target.attempt,
        }
        deadline, refusals = time.monotonic() + RETRY_FOR, 0
        for retry in range(_FOREVER):
            grant = await self._deliver(_json(target.uploads, "upload", target, about))
            if grant.get("duplicate") is True:
                return  # an earlier try got through after all
            try:
                await self._put(grant, path, size)
                break
            except Refused:
                refusals += 1
                if refusals == GRANTS_MAX:
                    raise
                await _pause(retry, 0.0, deadline, path.name)
            except _Retry as error:
                await _pause(retry, error.after, deadline, path.name)
        await self._deliver(_json(target.results, "result", target, about))

    async def _put(self, grant: Mapping[str, object], path: Path, size: int) -> None:
        url, headers = grant.get("url"), grant.get("headers") or {}
        if not isinstance(url, str) or not isinstance(headers, dict):
            raise _Retry("the answer has no upload URL")
        headers = {str(name).lower(): str(value) for name, value in headers.items()}
        headers["content-length"] = str(size)
        try:
            answer = await self._http.put(url, headers=headers, content=_chunks(path))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _Retry(f"storage: {type(error).__name__}") from error
        if 400 <= answer.status_code < 500 and answer.status_code != 429:
            # An URL that ran out is refused like a bad one; the next grant tells them apart.
            raise Refused(answer.status_code, "storage_refused", "the storage refused the upload")
        if not answer.is_success:
            raise _Retry(f"storage: {answer.status_code}", _retry_after(answer))

    async def _deliver(self, message: "_Message") -> dict[str, object]:
        """Sends until there is a final answer: the JSON of a 2xx."""
        deadline = time.monotonic() + RETRY_FOR
        for retry in range(_FOREVER):
            try:
                return await self._send(message)
            except _Retry as error:
                extra = {"webhookId": message.id, "retry": retry, "reason": str(error)}
                log.warning("callback not answered", extra=extra)
                await _pause(retry, error.after, deadline, message.id)
        raise AssertionError("unreachable")

    async def _send(self, message: "_Message") -> dict[str, object]:
        """One try, with a fresh timestamp and signature. Raises _Retry, Refused or Unwanted."""
        headers = self._signer.sign(message.id, message.body) | {"content-type": message.content_type}
        try:
            answer = await self._http.post(message.url, content=message.body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _Retry(f"{type(error).__name__}: {error}") from error
        try:
            document = answer.json()
        except ValueError:
            document = {}
        if not isinstance(document, dict):
            document = {}
        if answer.is_success:
            return document
        if answer.status_code == 429 or not 400 <= answer.status_code < 500:
            raise _Retry(f"answer {answer.status_code}", _retry_after(answer))
        code, detail = str(document.get("code", "")), str(document.get("detail", ""))
        if answer.status_code == 404 or code in _UNWANTED:
            raise Unwanted(code or "not found")
        missing = document.get("missing")
        names = [str(name) for name in missing] if isinstance(missing, list) else []
        raise Refused(answer.status_code, code, detail, names)


_FOREVER = 10**9


@dataclass(frozen=True)
class _Message:
    """What stays the same over all tries of it."""

    id: str
    url: str
    content_type: str
    body: bytes


def _message_id(kind: str, target: Target) -> str:
    return f"{kind}:{target.task_id}:{target.attempt}:{uuid.uuid4().hex}"


def _json(url: str, kind: str, target: Target, document: Mapping[str, object]) -> _Message:
    return _Message(_message_id(kind, target), url, "application/json", json.dumps(document).encode())


def _status(target: Target, status: str, fields: Mapping[str, object]) -> _Message:
    document = {"taskId": target.task_id, "status": status, "attempt": target.attempt, **fields}
    return _json(target.status, "status", target, document)


def _result_form(target: Target, path: Path, sha256: str) -> _Message:
    fields = {"name": path.name, "attempt": str(target.attempt), "sha256": sha256}
    file = (path.name, path.read_bytes(), _content_type(path))
    request = httpx.Request("POST", target.results, data=fields, files={"file": file})
    content_type = request.headers["content-type"]
    return _Message(_message_id("result", target), target.results, content_type, request.read())


def _content_type(path: Path) -> str:
    return "model/gltf-binary" if path.suffix == ".glb" else mimetypes.guess_type(path.name)[0] or _BINARY


_BINARY = "application/octet-stream"


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), sha256


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, 1 << 18):
            yield chunk


async def _pause(retry: int, after: float, deadline: float, what: str) -> None:
    """Full jitter (Brooker 2015) under an exponential ceiling, but not before `after` seconds."""
    ceiling = min(RETRY_CAP, RETRY_BASE * 2 ** min(retry, 20))
    delay = max(random.uniform(0, ceiling), min(after, RETRY_CAP))  # noqa: S311 - not for secrecy
    if time.monotonic() + delay > deadline:
        raise Undeliverable(what)
    await asyncio.sleep(delay)


def _retry_after(answer: httpx.Response) -> float:
    """Seconds that the answer asks to wait, by a number or a date (RFC 9110); else 0."""
    value = answer.headers.get("retry-after", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0
