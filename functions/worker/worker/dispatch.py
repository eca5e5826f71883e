"""Reads a dispatch: the signed form by which the backend hands over a task."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from worker.engine import FORMATS
from worker.problems import Problem

MAX_BODY = 6 * 1024 * 1024
"""What the platform lets through: a picture of 5 MiB and the form around it."""

TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.A)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.A)


@dataclass(frozen=True)
class Target:
    """Whose work it is and where the callbacks about it go."""

    task_id: str
    attempt: int
    callback_url: str
    result_url: str | None = None
    upload_url: str | None = None
    status_url: str | None = None
    trace: str = ""
    """The traceparent of the dispatch, where it is traced."""

    @property
    def results(self) -> str:
        """Where results are posted."""
        return f"{self.result_url or self.callback_url + '/result'}/{self.task_id}"

    @property
    def uploads(self) -> str:
        """Where an URL for a large result is asked for."""
        return f"{self.upload_url or self.callback_url + '/upload-url'}/{self.task_id}"

    @property
    def status(self) -> str:
        """Where the task's status is posted."""
        return self.status_url or self.callback_url + "/status"


@dataclass(frozen=True)
class RemoteImage:
    """A picture too large for the form: where it is and what it must hash to."""

    url: str
    sha256: str


@dataclass(frozen=True)
class Dispatch:
    """A task to do."""

    target: Target
    image: bytes | RemoteImage
    formats: tuple[str, ...] = ()
    """Of `worker.engine.FORMATS`, what is wanted beside the usual results."""


async def read_body(request: Request) -> bytes:
    """The whole body. Raises Problem 413 as soon as it is known to be longer than MAX_BODY."""
    too_large = Problem(
        413,
        "payload_too_large",
        f"The body may have {MAX_BODY} bytes. Send larger pictures as image_url and image_sha256.",
    )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MAX_BODY:
        raise too_large
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise too_large
    except ClientDisconnect as error:
        raise Problem(400, "bad_request", "The body ended early.") from error
    return bytes(body)


async def read_form(headers: Headers, body: bytes) -> FormData:
    """The multipart form. Raises Problem 415 for a body of another type or a packed one, 400 for a broken."""
    if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise Problem(415, "unsupported_media_type", "Send the body as it is, without a Content-Encoding.")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        raise Problem(415, "unsupported_media_type", "Send multipart/form-data.")

    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    parser = _WholeForm(headers, once(), max_files=4, max_fields=32, max_part_size=16 * 1024)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Problem(400, "bad_request", "The form can't be parsed.") from error
    if not parser.ended:
        parser.close_files()
        raise Problem(400, "bad_request", "The form is cut off.")
    return form


class _WholeForm(MultiPartParser):
    """Notices whether the closing boundary came; Starlette takes what there is."""

    ended = False

    def on_end(self) -> None:
        self.ended = True

    def close_files(self) -> None:
        """Closes every file, also the one of a part that has no end and is not in the form."""
        for file in self._files_to_close_on_error:
            file.close()


async def parse(form: FormData) -> Dispatch:
    """What the form says. Raises Problem 422 that names every field which is missing or wrong."""
    errors: list[dict[str, str]] = []

    def wrong(field: str, message: str) -> None:
        errors.append({"field": field, "message": message})

    def text(field: str) -> str | None:
        values = form.getlist(field)
        if not values:
            return None
        if len(values) > 1 or not isinstance(values[0], str):
            wrong(field, "must be one text field")
            return None
        return values[0]

    def url(field: str) -> str | None:
        value = text(field)
        if value is not None and not _is_url(value):
            wrong(field, "must be an http or https URL")
            return None
        return value.rstrip("/") if value and field != "image_url" else value

    task_id, attempt = text("task_id") or "", text("attempt") or ""
    if not TASK_ID.fullmatch(task_id):
        wrong("task_id", "must be the task's id")
    if not re.fullmatch(r"[1-9]\d{0,8}", attempt, re.A):
        wrong("attempt", "must be a number from 1")
    callback_url = url("callback_url")
    if callback_url is None and not any(error["field"] == "callback_url" for error in errors):
        wrong("callback_url", "is missing")
    result_url, upload_url, status_url = url("result_url"), url("upload_url"), url("status_url")

    formats = tuple(dict.fromkeys((text("formats") or "").replace(",", " ").lower().split()))
    if unknown := [name for name in formats if name not in FORMATS]:
        wrong("formats", f"{', '.join(unknown)}: must be of {' '.join(FORMATS)}")

    image: bytes | RemoteImage = b""
    files, image_url = form.getlist("image"), url("image_url")
    if len(files) + len(form.getlist("image_url")) != 1:
        wrong("image", "there must be either one image or one image_url")
    elif image_url is not None:
        sha256 = text("image_sha256") or ""
        if not _SHA256.fullmatch(sha256):
            wrong("image_sha256", "must be 64 lower-case hexadecimal digits")
        image = RemoteImage(image_url, sha256)
    elif files and isinstance(files[0], UploadFile):
        image = await files[0].read()
    elif files:
        wrong("image", "must be a file")

    if errors:
        raise Problem(422, "validation_failed", "The dispatch is not complete.", errors=errors)
    target = Target(task_id, int(attempt), callback_url or "", result_url, upload_url, status_url)
    return Dispatch(target, image, formats)


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
