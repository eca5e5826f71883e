"""Fetches a picture that was too large to travel in the form."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from worker.dispatch import RemoteImage
from worker.engine import ImageRejected

log = logging.getLogger(__name__)

MAX_BYTES = 50 * 1024 * 1024

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, *[30.0] * 7)
"""Seconds between the tries, four minutes in all: giving the job back costs one of its task's attempts, an
outage of the storage is no reason for that, and the URL works for ten minutes."""

REFUSALS = 3
"""How many answers 3xx and 4xx end it before: a URL that has run out stays so, and the next attempt brings
a fresh one."""

_PASSING = {408, 425, 429}


class FetchFailed(Exception):
    """The storage did not hand the picture out; with a fresh URL it may."""


class _OtherBytes(Exception):
    """What came is not what was announced: it was changed on the way, or another object is there."""


async def fetch(
    http: httpx.AsyncClient,
    image: RemoteImage,
    into: Path,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Streams the picture into the file, no redirects followed.

    Raises ImageRejected where what is there is too large or stays other than the checksum says, FetchFailed
    where it can't be had, and OSError for the file.
    """
    refusals = 0
    for pause in (*PAUSES, None):
        try:
            await _stream(http, image, into)
            return
        except (httpx.HTTPError, httpx.InvalidURL, _OtherBytes) as error:
            reason = _reason(error)
            refusals += _refused(error)
            if pause is None and isinstance(error, _OtherBytes):
                message = "The picture's bytes are not those that were announced. Upload it again."
                raise ImageRejected(message) from error
            if pause is None or refusals == REFUSALS:
                raise FetchFailed(reason) from error
        log.warning("picture not fetched", extra={"reason": reason, "pauseSeconds": pause})
        await sleep(pause)


def _refused(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code < 500 and error.response.status_code not in _PASSING
    return isinstance(error, httpx.InvalidURL)


def _reason(error: Exception) -> str:
    """In words without the URL, which is signed."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"answer {error.response.status_code}"
    return "other bytes" if isinstance(error, _OtherBytes) else type(error).__name__


async def _stream(http: httpx.AsyncClient, image: RemoteImage, into: Path) -> None:
    digest, size = hashlib.sha256(), 0
    async with http.stream("GET", image.url) as answer:
        answer.raise_for_status()
        with into.open("wb") as file:
            async for chunk in answer.aiter_bytes(1 << 18):
                size += len(chunk)
                if size > MAX_BYTES:
                    raise ImageRejected(
                        f"The picture has more than {MAX_BYTES >> 20} MiB. Use a smaller one."
                    )
                digest.update(chunk)
                await asyncio.to_thread(file.write, chunk)
    if digest.hexdigest() != image.sha256:
        raise _OtherBytes
