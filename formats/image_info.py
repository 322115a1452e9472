# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an image's header: format, size, alpha, EXIF orientation. No decoding, no bpy, safe on any thread.

Most images can be uploaded unchanged, and no background Blender is needed to find that out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import ImageError, one_line
from .image_complete import check_image
from .sniff import FormatError, last_bytes, sniff

MAX_SIDE: Final = 4096
"""Pixels; a larger image is scaled down before the upload."""
MAX_PIXELS: Final = 250_000_000
"""An image that claims more is refused before it is decoded: it would fill the memory (decompression bomb)."""
MAX_FILE_BYTES: Final = 1 << 30
_HEAD: Final = 1 << 20
"""Bytes in which every header ends."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What an image's header says."""

    mime: str
    width: int
    height: int
    """Both as stored, before any rotation."""
    alpha: bool = False
    """It can hold transparency; whether it does, only decoding tells."""
    orientation: int = 1
    """EXIF: 1 is upright, 2 to 8 are mirrored or rotated."""
    plain: bool = True
    """8 bits per channel, RGB or gray: any service can read it."""
    complete: bool = True
    """It ends as its format requires."""


def uploadable_unchanged(path: Path, max_bytes: int) -> ImageInfo | None:
    """Returns the header of an upright PNG or JPEG of at most `max_bytes`; None if the image must be converted.

    Raises ImageError if the file can't be read, or claims an absurd size.
    """
    info = read_image_info(path)
    require_complete(path)
    if info is None or info.mime not in {"image/png", "image/jpeg"}:
        return None
    fits = path.stat().st_size <= max_bytes and max(info.width, info.height) <= MAX_SIDE
    return info if fits and info.plain and info.complete and info.orientation == 1 else None


def read_image_info(path: Path) -> ImageInfo | None:
    """Returns what the file's header says; None for a format not known here.

    Raises ImageError for a file that can't be read, is empty, or claims too many pixels.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
            info = _read_header(head, last_bytes(file, size, 64), file, path.suffix.lower())
    except OSError as error:
        raise ImageError("The image can't be read: {reason}.", reason=one_line(error.strerror or error)) from error
    if not head:
        raise ImageError("The image file is empty.")
    if size > MAX_FILE_BYTES:
        raise ImageError("The image file is too large: {size} GB.", size=f"{size / 1e9:.1f}")
    if info is not None:
        if info.width <= 0 or info.height <= 0:
            raise ImageError("The image is damaged: it has no size.")
        if info.width * info.height > MAX_PIXELS:
            raise ImageError(
                "The image is too large: {width} × {height} pixels.",
                advice="Scale it down and try again.",
                width=info.width,
                height=info.height,
            )
    return info


def require_complete(path: Path) -> None:
    """Raises ImageError if a part of the image is missing: it would be sent and paid for as if it were whole."""
    try:
        check_image(path)
    except FormatError as error:
        raise ImageError("The image is damaged: {reason}.", reason=str(error)) from error
    except OSError as error:
        raise ImageError("The image can't be read: {reason}.", reason=one_line(error.strerror or error)) from error


def _read_header(head: bytes, tail: bytes, file: BinaryIO, suffix: str) -> ImageInfo | None:
    try:
        match sniff(head[:512]):
            case "png":
                return _png(head, tail)
            case "jpg":
                return _jpeg(file)
            case "webp":
                return _webp(head, file)
            case "gif":
                width, height = struct.unpack_from("<HH", head, 6)
                return ImageInfo("image/gif", width, height, alpha=True, plain=False)
            case "bmp":
                old = head[14:18] == b"\x0c\0\0\0"  # OS/2
                width, height = struct.unpack_from("<HH" if old else "<ii", head, 18)
                return ImageInfo("image/bmp", abs(width), abs(height), plain=False)
            case "tif":
                return _tiff(head, file)
            case "exr":
                return _exr(head)
            case "hdr":
                return _hdr(head)
            case "psd":
                height, width = struct.unpack_from(">II", head, 14)
                return ImageInfo("image/vnd.adobe.photoshop", width, height, alpha=True, plain=False)
            case "jp2" if (at := head.find(b"ihdr")) > 0:
                height, width = struct.unpack_from(">II", head, at + 4)
                return ImageInfo("image/jp2", width, height, plain=False)
            case "dds":
                height, width = struct.unpack_from("<II", head, 12)
                return ImageInfo("image/vnd-ms.dds", width, height, alpha=True, plain=False)
            case "" if suffix == ".tga" and head:  # TGA has no magic bytes
                width, height = struct.unpack_from("<HH", head, 12)
                return ImageInfo("image/x-tga", width, height, alpha=True, plain=False)
    except (struct.error, ValueError, IndexError):
        raise ImageError("The image is damaged: its header is cut off.") from None
    return None


def _png(head: bytes, tail: bytes) -> ImageInfo:
    width, height, depth, color = struct.unpack_from(">IIBB", head, 16)
    alpha, orientation, at = color in {4, 6}, 1, 8
    while at + 8 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, at)
        if kind in {b"IDAT", b"IEND"}:
            break
        if kind == b"tRNS":
            alpha = True
        if kind == b"eXIf":
            orientation = exif_orientation(head[at + 8 : at + 8 + length])
        at += 12 + length
    return ImageInfo("image/png", width, height, alpha, orientation, depth <= 8, b"IEND\xaeB`\x82" in tail)


def _jpeg(file: BinaryIO) -> ImageInfo | None:
    """Read segment by segment: thumbnails and profiles before the size can be longer than `_HEAD`."""
    file.seek(2)
    orientation, size = 1, None
    for _ in range(1000):
        byte = file.read(1)
        while byte == b"\xff":
            marker = file.read(1)
            if marker != b"\xff":
                break
        else:
            return None
        kind = marker[0]
        if kind in {0xD9, 0xDA}:
            break
        (length,) = struct.unpack(">H", file.read(2))
        if kind == 0xE1 and length > 8:
            body = file.read(length - 2)
            if body.startswith(b"Exif\0\0"):
                orientation = exif_orientation(body[6:])
        elif 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:
            body = file.read(length - 2)
            depth, height, width, channels = struct.unpack_from(">BHHB", body)
            size = (width, height, depth == 8 and channels in {1, 3} and kind <= 0xC2)
        else:
            file.seek(length - 2, 1)
    if size is None:
        return None
    complete = b"\xff\xd9" in last_bytes(file, file.seek(0, 2), 65536)
    width, height, plain = size
    return ImageInfo("image/jpeg", width, height, False, orientation, plain, complete)


def _webp(head: bytes, file: BinaryIO) -> ImageInfo:
    kind, orientation = head[12:16], 1
    if kind == b"VP8X":
        alpha = bool(head[20] & 0x10)
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
        at = 12
        for _ in range(64):
            file.seek(at)
            chunk = file.read(8)
            if len(chunk) < 8:
                break
            name, length = struct.unpack("<4sI", chunk)
            if name == b"EXIF":
                orientation = exif_orientation(file.read(min(length, _HEAD)).removeprefix(b"Exif\0\0"))
            at += 8 + length + length % 2
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    else:
        width, height = (x & 0x3FFF for x in struct.unpack_from("<HH", head, 26))
        alpha = False
    return ImageInfo("image/webp", width, height, alpha, orientation, plain=False)


def _tiff(head: bytes, file: BinaryIO) -> ImageInfo | None:
    order = "<" if head[:1] == b"I" else ">"
    file.seek(struct.unpack_from(order + "I", head, 4)[0])
    tags = _directory(file.read(65536), order)
    width, height = tags.get(256, 0), tags.get(257, 0)
    return ImageInfo("image/tiff", width, height, tags.get(277, 3) in {2, 4}, tags.get(274, 1), plain=False)


def _exr(head: bytes) -> ImageInfo | None:
    at = head.find(b"dataWindow\0box2i\0")
    if at < 0:
        return None
    left, top, right, bottom = struct.unpack_from("<iiii", head, at + 21)
    return ImageInfo("image/x-exr", right - left + 1, bottom - top + 1, alpha=True, plain=False)


def _hdr(head: bytes) -> ImageInfo | None:
    for line in head[:65536].split(b"\n"):
        words = line.split()
        if len(words) == 4 and words[0] in {b"-Y", b"+Y"} and words[2] in {b"-X", b"+X"}:
            return ImageInfo("image/vnd.radiance", int(words[3]), int(words[1]), plain=False)
    return None


def exif_orientation(block: bytes) -> int:
    """Returns the orientation in an EXIF block, 1 to 8; 1 if it has none or is damaged."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return 1
    (start,) = struct.unpack_from(order + "I", block, 4)
    value = _directory(block[start:], order).get(274, 1)
    return value if 1 <= value <= 8 else 1


def _directory(block: bytes, order: str) -> dict[int, int]:
    """Returns the single numbers in a TIFF directory, by tag; cut-off entries are left out."""
    if len(block) < 2:
        return {}
    (count,) = struct.unpack_from(order + "H", block)
    tags: dict[int, int] = {}
    for index in range(min(count, (len(block) - 2) // 12)):
        tag, kind, amount = struct.unpack_from(order + "HHI", block, 2 + 12 * index)
        if amount == 1 and kind in {3, 4}:
            (tags[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), block, 10 + 12 * index)
    return tags
