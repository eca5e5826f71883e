"""The picture that travels by URL, and a storage that has its moments."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from worker.dispatch import RemoteImage
from worker.engine import ImageRejected
from worker.fetch import PAUSES, REFUSALS, FetchFailed, fetch

PICTURE = b"picture" * 100_000
IMAGE = RemoteImage("http://storage/picture", hashlib.sha256(PICTURE).hexdigest())

Answer = Callable[[httpx.Request], httpx.Response]


def cut(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("the connection was closed in the body", request=request)


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody is there", request=request)


def answers(status: int, body: bytes = b"") -> Answer:
    return lambda _: httpx.Response(status, content=body)


GOOD, FLIPPED = answers(200, PICTURE), answers(200, b"q" + PICTURE[1:])


def fetched(into: Path, *storage: Answer) -> list[float]:
    """The pauses that were made. The last of what the storage does it goes on doing."""
    pauses: list[float] = []
    script = iter(storage)

    def answer(request: httpx.Request) -> httpx.Response:
        return next(script, storage[-1])(request)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
            await fetch(http, IMAGE, into, sleep)

    asyncio.run(run())
    return pauses


@pytest.mark.parametrize(
    "trouble", [answers(500), answers(503), answers(429), cut, away, FLIPPED, answers(200)]
)
def test_an_outage_of_minutes_is_waited_for(tmp_path: Path, trouble: Answer) -> None:
    assert fetched(tmp_path / "input", *[trouble] * len(PAUSES), GOOD) == list(PAUSES)
    assert (tmp_path / "input").read_bytes() == PICTURE
    assert sum(PAUSES) >= 180


def test_what_is_not_there_for_long_is_asked_for_anew(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="ConnectError"):
        fetched(tmp_path / "input", away)


@pytest.mark.parametrize("status", [302, 403, 404])
def test_a_url_that_is_refused_is_soon_given_back(tmp_path: Path, status: int) -> None:
    with pytest.raises(FetchFailed, match=str(status)):
        fetched(tmp_path / "input", away, *[answers(status)] * REFUSALS, GOOD)
    assert fetched(tmp_path / "input", *[answers(status)] * (REFUSALS - 1), GOOD) == list(
        PAUSES[: REFUSALS - 1]
    )


def test_bytes_that_stay_others_are_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageRejected, match="not those that were announced"):
        fetched(tmp_path / "input", FLIPPED)
