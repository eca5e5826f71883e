"""Pictures as files that name the engine which made them."""

import io

from PIL import Image, PngImagePlugin

from worker.engines.silhouette.arrays import Bytes

SOFTWARE = "recon3d silhouette"
"""What every result names as its maker."""


def png(image: Bytes) -> bytes:
    """An RGB or RGBA image as a PNG file; its `tEXt` Software is SOFTWARE."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", SOFTWARE)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=4, pnginfo=text)
    return buffer.getvalue()
