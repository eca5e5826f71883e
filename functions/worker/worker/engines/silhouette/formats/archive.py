"""Zip archives without anything in them that changes from run to run."""

import io
import struct
import zipfile
from collections.abc import Mapping

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Every member's time, the earliest that there is."""

LOCAL_HEADER = 30
"""Bytes before a member's name; after that comes the extra field, whose own header has four."""

PADDING = 0x1986
"""The kind of extra field that pads a member of a USDZ package (Pixar's own writer uses the same)."""


def archive(members: Mapping[str, bytes]) -> bytes:
    """The members by name, in this order; PNG files are stored, they are deflated already."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            kind = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            file.writestr(_info(name), content, kind, compresslevel=6)
    return buffer.getvalue()


def aligned_archive(members: Mapping[str, bytes], boundary: int) -> bytes:
    """The members by name, in this order, all stored, each one's content at a multiple of `boundary`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            info = _info(name)
            begin = buffer.tell() + LOCAL_HEADER + len(name.encode()) + 4
            padding = -begin % boundary
            info.extra = struct.pack("<HH", PADDING, padding) + bytes(padding)
            file.writestr(info, content)
    return buffer.getvalue()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.external_attr = 0o644 << 16
    return info
