"""Reads a picture file of any kind that users have into 8-bit RGBA, upright.

The pixel count is read from the header and bounded before anything is decoded, for a file of a
hundred bytes can claim gigabytes of pixels.
"""

import io
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 40_000_000
FORMATS = ("JPEG", "PNG", "WEBP")

Source = bytes | Path


class UnknownType(Exception):
    """The bytes are no JPEG, PNG or WebP."""


class Undecodable(Exception):
    """The bytes are of a known type and damaged."""


class TooManyPixels(Exception):
    """The header claims more than MAX_PIXELS."""


def check(source: Source) -> None:
    """Reads the header and decodes once, as cheaply as the format allows, to find truncated files.

    Raises UnknownType, TooManyPixels or Undecodable.
    """
    with _open(source) as image:
        # A JPEG is decoded at an eighth of its size: all of its entropy-coded data is still read.
        image.draft("RGB", (image.width // 8 or 1, image.height // 8 or 1))
        _decode(image)


def read(source: Source, max_side: int) -> npt.NDArray[np.uint8]:
    """The picture as uint8 RGBA of shape (height, width, 4), the longer side at most `max_side`.

    EXIF orientation is applied; of an animation it is the first frame. Raises as `check` does.
    """
    with _open(source) as image:
        image.draft("RGB", (max_side, max_side))
        _decode(image)
        try:
            upright = ImageOps.exif_transpose(image)
            rgba = _rgba(upright)
        except (OSError, ValueError, SyntaxError, ArithmeticError) as error:
            raise Undecodable("the picture's metadata is damaged") from error
        if max(rgba.size) > max_side:
            # Colours under full transparency are arbitrary and must not bleed into the rim.
            rgba = rgba.convert("RGBa")
            rgba.thumbnail((max_side, max_side), Image.Resampling.BOX, reducing_gap=2)
            rgba = rgba.convert("RGBA")
        return np.asarray(rgba, dtype=np.uint8)


def _open(source: Source) -> Image.Image:
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    with warnings.catch_warnings():
        # Pillow's own limits are replaced by MAX_PIXELS, its complaints about odd EXIF are no use.
        warnings.simplefilter("ignore")
        try:
            image = Image.open(stream, formats=FORMATS)
        except UnidentifiedImageError as error:
            if _magic(source):
                raise Undecodable("the picture's header is damaged") from error
            raise UnknownType("this is no JPEG, PNG or WebP picture") from error
        except Image.DecompressionBombError as error:
            raise TooManyPixels(_TOO_MANY) from error
        except (OSError, ValueError, SyntaxError) as error:
            raise Undecodable("the picture's header is damaged") from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise TooManyPixels(_TOO_MANY)
    return image


_TOO_MANY = f"the picture has more than {MAX_PIXELS // 1_000_000} megapixels"


def _magic(source: Source) -> bool:
    if isinstance(source, bytes):
        head = source[:12]
    else:
        with source.open("rb") as file:
            head = file.read(12)
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    )


def _decode(image: Image.Image) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image.load()
        except Exception as error:
            # Decoders meet hostile bytes here, and Pillow's plugins raise whatever they stumble
            # over (struct.error, IndexError, zlib.error, …); each means the same to the caller.
            raise Undecodable("the picture is cut off or damaged") from error


def _rgba(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling.
        grey = np.asarray(image, dtype=np.float32)
        return Image.fromarray((grey / 257.0).clip(0, 255).astype(np.uint8)).convert("RGBA")
    return image.convert("RGBA")
