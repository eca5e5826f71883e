"""Pictures whose solid is known: silhouettes drawn with coverage antialiasing on a transparent ground."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[Any]
SIDE = 400


def ball(radius: float = 150, centre: tuple[float, float] = (200, 200)) -> Picture:
    """A disc's coverage in 0..1, pixel centres at integers."""
    return np.clip(radius + 0.5 - _distance(centre), 0, 1)


def torus(outer: float = 160, inner: float = 80) -> Picture:
    return ball(outer) - ball(inner)


def box(half_width: float = 150, half_height: float = 100) -> Picture:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    inside = (abs(x - 200) <= half_width) & (abs(y - 200) <= half_height)
    return inside.astype(np.float64)


def _distance(centre: tuple[float, float]) -> Picture:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    return np.hypot(x - centre[0], y - centre[1])


def rgba(coverage: Picture) -> Picture:
    """Opaque where covered; red grows to the right, green downwards, so that orientation shows."""
    y, x = np.mgrid[0 : coverage.shape[0], 0 : coverage.shape[1]]
    red, green = x * 255 / coverage.shape[1], y * 255 / coverage.shape[0]
    channels = [red, green, np.full_like(red, 40), coverage * 255]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def on_colour(coverage: Picture, colour: tuple[int, int, int]) -> Picture:
    """The same object in front of one colour, without alpha."""
    picture = rgba(coverage)
    blended = picture[..., :3] * coverage[..., None] + np.array(colour) * (1 - coverage[..., None])
    return blended.round().astype(np.uint8)


def encoded(picture: Picture, kind: str = "PNG", **options: object) -> bytes:
    return encoded_image(Image.fromarray(picture), kind, **options)


def encoded_image(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A PNG of under 100 bytes that claims any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )
