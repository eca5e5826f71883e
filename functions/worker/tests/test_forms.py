"""Dispatches and signatures of any form: each is taken for what it says, or refused as its sender's fault."""

import asyncio
import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from tests.backend import SECRET
from worker.dispatch import Dispatch, RemoteImage, parse, read_form
from worker.problems import Problem
from worker.signing import SignatureInvalid, Signer, _signature, decode_secret

TASK = "01a20812-cfbe-7e37-aed2-c61cd7b96a2b"
GOOD = {"task_id": TASK, "attempt": "1", "callback_url": "http://backend.test/callback"}

Part = tuple[str, str | None, bytes]
"""Name, filename (None: a field), content."""

names = st.sampled_from(
    [*GOOD, "result_url", "upload_url", "status_url", "formats", "image", "image_url", "image_sha256", "x"]
)
words = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [*GOOD.values(), "stl 3mf", "0", "01", "1" * 10, "١", "http://[", "http://a:0", "0" * 64]
    ),
)
parts = st.tuples(
    names, st.one_of(st.none(), st.just("a.png")), st.one_of(words.map(str.encode), st.binary(max_size=40))
)


def multipart(form: Sequence[Part], boundary: str = "b") -> bytes:
    body = b""
    for name, filename, content in form:
        file = f'; filename="{filename}"' if filename is not None else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def read(body: bytes, content_type: str = "multipart/form-data; boundary=b") -> Dispatch | int:
    """What is taken of a body, or the status that it is refused with."""

    async def whole() -> Dispatch:
        form = await read_form(Headers({"content-type": content_type}), body)
        try:
            return await parse(form)
        finally:
            await form.close()

    try:
        return asyncio.run(whole())
    except Problem as problem:
        return problem.status


def check(dispatch: Dispatch) -> None:
    target = dispatch.target
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", target.task_id, re.ASCII)
    assert 1 <= target.attempt < 10**9
    for url in (target.results, target.uploads, target.status):
        assert re.match(r"https?://", url, re.IGNORECASE)
    assert len(set(dispatch.formats)) == len(dispatch.formats)
    if isinstance(dispatch.image, RemoteImage):
        assert re.fullmatch(r"[0-9a-f]{64}", dispatch.image.sha256, re.ASCII)


@given(st.lists(parts, max_size=8))
def test_forms_of_any_parts(form: list[Part]) -> None:
    taken = read(multipart(form))
    if isinstance(taken, int):
        assert taken in (400, 422)
        return
    check(taken)


@given(
    st.lists(parts.filter(lambda part: part[0] not in (*GOOD, "image", "image_url")), max_size=3), st.binary()
)
def test_what_is_complete_is_taken_as_it_is(more: list[Part], picture: bytes) -> None:
    assume(b"\r\n--b" not in picture)
    good: list[Part] = [(name, None, value.encode()) for name, value in GOOD.items()]
    taken = read(multipart([*good, ("image", "a.png", picture), *more]))
    if isinstance(taken, Dispatch):
        assert taken.target.task_id == TASK
        assert taken.image == picture
        check(taken)
    else:
        assert more, "refused for nothing"
        assert taken in (400, 422)


@given(st.data())
def test_a_form_that_is_cut_is_refused(data: st.DataObject) -> None:
    good: list[Part] = [(name, None, value.encode()) for name, value in GOOD.items()]
    body = multipart([*good, ("image", "a.png", b"a picture")])
    cut = data.draw(st.integers(0, len(body) - len("--\r\n") - 1))
    assert read(body[:cut]) == 400


@given(st.binary(max_size=300), st.text(alphabet=st.characters(codec="latin-1"), max_size=40))
@example(b"--b", "multipart/form-data; boundary=")
@example(b"", "multipart/form-data; boundary=" + "b" * 300)
@example(b"--\xe9--\r\n", "multipart/form-data; boundary=\xe9")
def test_any_bytes_of_any_type(body: bytes, parameters: str) -> None:
    assert read(body, f"multipart/form-data;{parameters}") in (400, 422)
    if parameters.partition(";")[0].strip().lower() != "multipart/form-data":
        assert read(body, parameters) == 415


signer = Signer((decode_secret(SECRET),))
headers = st.text(alphabet=st.characters(codec="latin-1"), max_size=90)


@given(headers, headers, headers, st.binary(max_size=20))
def test_signatures_that_are_none(message_id: str, timestamp: str, signature: str, body: bytes) -> None:
    signed = signer.sign(f"dispatch:{TASK}:1:n", b"{}")
    for field, value in (
        ("webhook-id", message_id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ):
        assume(value != signed[field])
        with pytest.raises(SignatureInvalid):
            signer.verify(signed | {field: value}, b"{}")
    if body != b"{}":
        with pytest.raises(SignatureInvalid):
            signer.verify(signed, body)


@given(st.integers(-(10**13), 10**13))
def test_timestamps_are_five_minutes_off_at_most(ahead: int) -> None:
    signed = signer.sign(f"dispatch:{TASK}:1:n", b"{}")
    assume(abs(abs(ahead) - 300) > 2)
    message = Signer((decode_secret(SECRET),))
    at = str(int(time.time()) + ahead)
    signed |= {
        "webhook-timestamp": at,
        "webhook-signature": _signature(decode_secret(SECRET), signed["webhook-id"], at, b"{}"),
    }
    if abs(ahead) < 300:
        assert message.verify(signed, b"{}").task == TASK
    else:
        with pytest.raises(SignatureInvalid):
            message.verify(signed, b"{}")
