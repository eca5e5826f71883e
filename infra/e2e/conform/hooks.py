"""What the generated requests need beside data: pictures, things that are there, a worker's signature."""

import base64
import hashlib
import hmac
import json
import os
import re
import struct
import time
import uuid
import zlib
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import RejectedPositiveData

KEY = base64.b64decode(os.environ["CONFORM_SECRET"].removeprefix("whsec_"))
MARK = os.environ["CONFORM_MARK"]
KINDS = {"result": "result", "upload-url": "upload", "status": "status"}
NAME = re.compile("[A-Za-z0-9_-]+")
TASK = re.compile(rb'"taskId": ?"([0-9a-f-]{36})"')


class Signature(requests.auth.AuthBase):
    """Signs the body that is sent for the endpoint and the task that it goes to (Standard Webhooks 1.0.0)."""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        body = r.body.encode() if isinstance(r.body, str) else r.body or b""
        endpoint, _, task = r.path_url.partition("/callback/")[2].partition("/")
        if endpoint == "status":
            found = TASK.search(body)
            task = found[1].decode() if found else str(uuid.UUID(int=0))
        message_id = f"{KINDS[endpoint]}:{task}:0:{uuid.uuid4().hex}"
        now = str(int(time.time()))
        mac = hmac.digest(KEY, f"{message_id}.{now}.".encode() + body, hashlib.sha256)
        r.headers["webhook-id"] = message_id
        r.headers["webhook-timestamp"] = now
        r.headers["webhook-signature"] = "v1," + base64.b64encode(mac).decode()
        return r


def png(width: int, height: int) -> bytes:
    """A grey picture (PNG, ISO/IEC 15948)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(range(width)) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def post(path: str, body: bytes, content_type: str) -> str:
    """The id of what a call of the API made, which has to succeed."""
    headers = {"Authorization": f"Bearer {os.environ['CONFORM_TOKEN']}", "Content-Type": content_type}
    answer = requests.post(os.environ["CONFORM_URL"] + path, data=body, headers=headers, timeout=20)
    answer.raise_for_status()
    document = answer.json()
    made: str = document.get("taskId") or document["id"]
    return made


def picture() -> str:
    """The id of a new picture."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    return post("/picture/upload", head + png(8, 8) + b"\r\n--b--\r\n", "multipart/form-data; boundary=b")


def task() -> str:
    """The id of a new task, which a worker has taken."""
    order = json.dumps({"imageId": picture()}).encode()
    return post("/api/reconstruction/create-from-image", order, "application/json")


LIVING = {"id": picture, "taskId": task, "imageId": picture}


@schemathesis.hook
def map_case(context: HookContext, case: Case) -> Case:  # noqa: ARG001 - a hook's
    """Makes every other good request one about something that is there. Chains of requests have their own."""
    meta = case.meta
    if meta is None or meta.phase.name == TestPhase.STATEFUL or meta.generation.mode.is_negative:
        return case
    for values in (case.path_parameters, case.body):
        for name in LIVING.keys() & (values.keys() if isinstance(values, dict) else ()):
            if isinstance(values[name], str) and zlib.crc32(values[name].encode()) % 2:
                values[name] = LIVING[name]()
                if isinstance(case.body, dict) and "attempt" in case.body:
                    case.body["attempt"] = 1  # the only one that has begun
    return case


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:  # noqa: ARG001
    """Signs what has the mark of a right signature, and nothing whose headers are to be refused."""
    refused = case.meta is not None and case.meta.is_negative_at(ParameterLocation.HEADER)
    headers = case.headers or {}
    whole = headers.get("webhook-signature") == MARK and {"webhook-id", "webhook-timestamp"} <= headers.keys()
    if whole and not refused:
        kwargs["auth"] = Signature()


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Leaves out parts of a form that come more than once, or whose names are escaped in no agreed way.

    RFC 7578, section 5.1, says of the latter what is done.
    """
    form = context.operation and context.operation.get_request_payload_content_types() != ["application/json"]
    if not form or not isinstance(body, dict):
        return body
    return {
        name: value for name, value in body.items() if NAME.fullmatch(name) and not isinstance(value, list)
    }


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:  # noqa: ARG001
    """Lets pass what is refused for what no schema can say.

    What is stored, what was sent with the same key before, which attempt a task is at, what a cursor was.
    """
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 422:
        return True
    problem = response.json()
    fields = {error["field"] for error in problem.get("errors", [])}
    stored = problem["code"] in ("object_mismatch", "idempotency_conflict")
    return not stored and fields not in ({"attempt"}, {"cursor"})


# What a picture is can't be said in a schema.
schemathesis.openapi.media_type("image/png", st.builds(png, st.integers(1, 32), st.integers(1, 32)))
