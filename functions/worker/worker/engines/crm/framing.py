"""The picture as CRM was trained to see it: the object alone, amid a square, before a grey background."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

SIDE = 512
"""Of the square, in pixels. CRM itself reduces it, to 256 for the diffusions and to 224 for CLIP."""

GREY = 127
"""CRM's background in every picture and map."""

FILL = 0.9
"""The share of the square that the object's longer side takes: the space that CRM leaves around its meshes.

CRM's own programs frame the whole picture, so that a small object in a large picture becomes a blurred model.
"""

Array = npt.NDArray[Any]


def frame(rgba: Array, matte: Array) -> Image.Image:
    """The object of `rgba`, uint8 (h, w, 4), that `matte` cuts out, float32 in 0..1 of any size, as RGB."""
    height, width = rgba.shape[:2]
    alpha = cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    picture = rgba[..., :3] * alpha + GREY * (1 - alpha)

    top, bottom = _span(alpha.max(axis=(1, 2)))
    left, right = _span(alpha.max(axis=(0, 2)))
    side = round(max(bottom - top, right - left) / FILL)
    top, left = (top + bottom - side) // 2, (left + right - side) // 2

    margin = max(0, -top, -left, top + side - height, left + side - width)
    padded = cv2.copyMakeBorder(
        picture, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(GREY, GREY, GREY)
    )
    square = padded[top + margin : top + margin + side, left + margin : left + margin + side]
    method = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    scaled = cv2.resize(square, (SIDE, SIDE), interpolation=method)
    return Image.fromarray(scaled.round().clip(0, 255).astype(np.uint8))


def _span(coverage: Array) -> tuple[int, int]:
    """The first index that is covered and the one after the last, by half of the most there is."""
    covered = np.flatnonzero(coverage > 0.5 * coverage.max())
    return int(covered[0]), int(covered[-1]) + 1
