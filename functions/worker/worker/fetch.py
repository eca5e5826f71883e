"""Fetches a picture that was too large to travel in the form."""

import asyncio
import hashlib
from pathlib import Path

import httpx

from worker.dispatch import RemoteImage
from worker.engine import ImageRejected

MAX_BYTES = 50 * 1024 * 1024
TRIES = 3


class FetchFailed(Exception):
    """The storage did not hand the picture out; with a fresh URL it may."""


async def fetch(http: httpx.AsyncClient, image: RemoteImage, into: Path) -> None:
    """Streams the picture into the file, no redirects followed.

    Raises ImageRejected where what is there is too large or not what the checksum says, FetchFailed
    where it can't be had, and OSError for the file.
    """
    for attempt in range(1, TRIES + 1):
        try:
            await _stream(http, image, into)
            return
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if attempt == TRIES:
                raise FetchFailed(f"{type(error).__name__} after {TRIES} tries") from error
            await asyncio.sleep(attempt)


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
        raise ImageRejected("The picture's bytes are not those that were announced. Upload it again.")
