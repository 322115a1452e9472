# SPDX-License-Identifier: GPL-3.0-or-later
"""The file format in which an image's pixels go from the artist's Blender to the background Blender.

Writing it needs no encoding, so that the main thread only copies memory. A file is `MAGIC`, the header's length (32
bit, little endian), the header (JSON), and the payload: the rows of pixels from the bottom up, or an OpenEXR file.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from ..errors import ImageError

SUFFIX: Final = ".i3dpx"
MAGIC: Final = b"I3DPX\x01\r\n"
BYTES, FLOATS, EXR = "uint8", "float32", "exr"
_MAX_HEADER: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class DumpHeader:
    """What the payload is, and how Blender shows it."""

    payload: str
    """`BYTES`, `FLOATS` (little endian), or `EXR`, an OpenEXR file. Linear light, if they are not bytes."""
    size: int
    """Bytes of the payload."""
    width: int = 0
    height: int = 0
    channels: int = 4
    premultiplied: bool = False
    colorspace: str = "sRGB"
    """Blender's name for the color space of bytes; "Non-Color" for data."""
    view: Mapping[str, Any] | None = None
    """The view settings with which the image is shown (scene.view_settings); None is the Standard view."""


def header_bytes(header: DumpHeader) -> bytes:
    """Returns what precedes the payload in a file."""
    text = json.dumps(asdict(header)).encode()
    return MAGIC + struct.pack("<I", len(text)) + text


def is_dump(path: Path) -> bool:
    """Whether a file has this format, by its content. Raises ImageError if it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise ImageError("The image can't be read: {reason}.", cause=error) from error


def read_header(path: Path) -> tuple[DumpHeader, int]:
    """Returns a file's header, and the payload's offset in bytes. Raises ImageError if the file is not complete."""
    try:
        with path.open("rb") as file:
            file.seek(len(MAGIC))
            (length,) = struct.unpack("<I", file.read(4))
            stored = json.loads(file.read(min(length, _MAX_HEADER)))
            known = {field.name for field in fields(DumpHeader)}
            header = DumpHeader(**{name: value for name, value in stored.items() if name in known})
            offset = len(MAGIC) + 4 + length
            complete = path.stat().st_size == offset + header.size
            if header.payload in (BYTES, FLOATS):
                item = 1 if header.payload == BYTES else 4
                complete &= header.width * header.height * header.channels * item == header.size > 0
    except OSError as error:
        raise ImageError("The image can't be read: {reason}.", cause=error) from error
    except (struct.error, ValueError, TypeError, AttributeError):
        complete = False
    if not complete:
        raise ImageError(
            "The image's pixels are not complete: Blender ended while they were stored.",
            advice="Generate from the image again.",
        )
    return header, offset
