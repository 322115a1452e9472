# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an image's header: format, size, alpha, EXIF orientation. No decoding, no bpy, safe on any thread.

Most images can be uploaded unchanged, and no background Blender is needed to find that out.
"""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import ImageError, one_line
from .containers import Data, iso_boxes, jpeg_segments, png_chunks, riff_chunks, tiff_directory
from .image_complete import is_complete
from .sniff import FIRST_BYTES, FormatError, sniff

MAX_SIDE: Final = 4096
"""Pixels; a larger image is scaled down before the upload."""
MAX_PIXELS: Final = 250_000_000
"""An image that claims more is refused before it is decoded: it would fill the memory (decompression bomb)."""
MAX_FILE_BYTES: Final = 1 << 30
MIN_SIDE: Final = 8
"""Pixels; an image, or what is visible in it, is refused if it is narrower: no service makes a model of it."""
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


def uploadable_unchanged(path: Path, max_bytes: int) -> ImageInfo | None:
    """Returns the header of an upright PNG or JPEG of at most `max_bytes`; None if the image must be converted.

    If it can hold transparency, only decoding tells whether anything is visible. Raises ImageError if the file can't be
    read, is damaged, too small, or claims an absurd size.
    """
    info = read_image_info(path)
    if info is None:
        return None
    if min(info.width, info.height) < MIN_SIDE:
        raise ImageError(
            "The image is too small ({width} × {height} pixels) to make a model from.",
            width=info.width,
            height=info.height,
        )
    if info.mime not in {"image/png", "image/jpeg"}:
        return None
    fits = path.stat().st_size <= max_bytes and max(info.width, info.height) <= MAX_SIDE
    return info if fits and info.plain and info.orientation == 1 and is_complete(path) else None


def upload_type(content: bytes) -> str:
    """Returns the MIME type of a prepared image by its content, whatever its file is called. Raises ImageError."""
    mime = {"png": "image/png", "jpg": "image/jpeg"}.get(sniff(content[:FIRST_BYTES]), "")
    if not mime:
        raise ImageError("The prepared image is neither a PNG nor a JPEG.")
    return mime


def read_image_info(path: Path) -> ImageInfo | None:
    """Returns what the file's header says; None for a format not known here.

    Raises ImageError for a file that can't be read, is empty, or claims too many pixels.
    """
    try:
        size = path.stat().st_size
        if not size:
            raise ImageError("The image file is empty.")
        if size > MAX_FILE_BYTES:
            raise ImageError("The image file is too large: {size} GB.", size=f"{size / 1e9:.1f}")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            info = read_info(data, path.suffix.lower())
    except OSError as error:
        raise ImageError("The image can't be read: {reason}.", reason=one_line(error.strerror or error)) from error
    if info is not None:
        if info.width <= 0 or info.height <= 0:
            raise ImageError("The image is damaged: it has no size.")
        require_pixels(info.width, info.height, MAX_PIXELS)
    return info


def require_pixels(width: int, height: int, most: int) -> None:
    """Raises ImageError if an image has more than `most` pixels."""
    if width * height > most:
        raise ImageError(
            "The image is too large: {width} × {height} pixels.",
            advice="Scale it down and try again.",
            width=width,
            height=height,
        )


def read_info(data: Data, suffix: str = "") -> ImageInfo | None:
    """Returns what the header at the start of `data` says; None for a format not known here. Raises ImageError."""
    head = data[:_HEAD]
    try:
        match sniff(head[:FIRST_BYTES]):
            case "png":
                return _png(data)
            case "jpg":
                return _jpeg(data)
            case "webp":
                return _webp(data)
            case "gif":
                width, height = struct.unpack_from("<HH", head, 6)
                return ImageInfo("image/gif", width, height, alpha=True, plain=False)
            case ("avif" | "heic") as format:
                return _ispe(head, format)
            case "bmp":
                old = head[14:18] == b"\x0c\0\0\0"  # OS/2
                width, height = struct.unpack_from("<HH" if old else "<ii", head, 18)
                return ImageInfo("image/bmp", abs(width), abs(height), plain=False)
            case "tif":
                return _tiff(data)
            case "exr":
                return _exr(data)
            case "hdr":
                return _hdr(head)
            case "psd":
                height, width = struct.unpack_from(">II", head, 14)
                return ImageInfo("image/vnd.adobe.photoshop", width, height, alpha=True, plain=False)
            case "jp2":
                return _jp2(data)
            case "dds":
                height, width = struct.unpack_from("<II", head, 12)
                return ImageInfo("image/vnd-ms.dds", width, height, alpha=True, plain=False)
            case "" if suffix == ".tga" and head:  # TGA has no magic bytes
                width, height = struct.unpack_from("<HH", head, 12)
                return ImageInfo("image/x-tga", width, height, alpha=True, plain=False)
    except FormatError as error:
        raise ImageError("The image is damaged: {reason}.", reason=error.reason) from error
    except (struct.error, ValueError, IndexError):
        raise ImageError("The image is damaged: its header is cut off.") from None
    return None


def _png(data: Data) -> ImageInfo:
    width, height, depth, color = struct.unpack_from(">IIBB", data, 16)
    alpha, orientation = color in {4, 6}, 1
    for kind, body, _ in png_chunks(data):
        if kind in {b"IDAT", b"IEND"}:
            break
        if kind == b"tRNS":
            alpha = True
        if kind == b"eXIf":
            orientation = exif_orientation(body)
    return ImageInfo("image/png", width, height, alpha, orientation, depth <= 8)


def _jpeg(data: Data) -> ImageInfo | None:
    orientation, size, plain = 1, (0, 0), False
    for kind, body in jpeg_segments(data):
        if kind == 0xE1 and body.startswith(b"Exif\0\0"):
            orientation = exif_orientation(body[6:])
        elif 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:
            depth, height, width, channels = struct.unpack_from(">BHHB", body)
            plain = depth == 8 and channels in {1, 3} and kind <= 0xC2
            size = (width, height)
        elif kind == 0xDA:
            return ImageInfo("image/jpeg", *size, False, orientation, plain)
    return None


def _webp(data: Data) -> ImageInfo:
    kind, orientation = data[12:16], 1
    if kind == b"VP8X":
        alpha = bool(data[20] & 0x10)
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        for name, body in riff_chunks(data):
            if name == b"EXIF":
                orientation = exif_orientation(body.removeprefix(b"Exif\0\0"))
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    else:
        width, height = (x & 0x3FFF for x in struct.unpack_from("<HH", data, 26))
        alpha = False
    return ImageInfo("image/webp", width, height, alpha, orientation, plain=False)


def _tiff(data: Data) -> ImageInfo:
    tags = {tag: values[0] for tag, values in tiff_directory(data).items() if values}
    width, height = tags.get(256, 0), tags.get(257, 0)
    return ImageInfo("image/tiff", width, height, tags.get(277, 3) in {2, 4}, tags.get(274, 1), plain=False)


def _ispe(head: bytes, format: str) -> ImageInfo | None:
    """AVIF and HEIC have one size ("ispe") for each image, tile and thumbnail: the largest counts."""
    sizes = [struct.unpack_from(">II", head, found.end() + 4) for found in re.finditer(b"ispe", head[:65536])]
    if not sizes:
        return None
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return ImageInfo(f"image/{format}", width, height, alpha=True, plain=False)


def _exr(data: Data) -> ImageInfo | None:
    """An EXR can have several parts: the largest counts. Attributes are walked: their values may look like others."""
    at, largest = 8, None
    has_parts = bool(data[5] & 0x10)
    while data[at] or (has_parts and data[at + 1]):
        if not data[at]:
            at += 1  # the next part's header
        kind, begin = _terminated(data, _terminated(data, at)[1])
        (length,) = struct.unpack_from("<I", data, begin)
        if kind == b"box2i" and data[at : at + 11] == b"dataWindow\0":
            left, top, right, bottom = struct.unpack_from("<iiii", data, begin + 4)
            found = ImageInfo("image/x-exr", right - left + 1, bottom - top + 1, alpha=True, plain=False)
            if largest is None or found.width * found.height > largest.width * largest.height:
                largest = found
        at = begin + 4 + length
    return largest


def _terminated(data: Data, at: int) -> tuple[bytes, int]:
    """Returns the text that ends with a zero byte, and the position behind it. Raises ValueError."""
    end = data.find(b"\0", at, at + 256)
    if end < 0:
        raise ValueError("no end")
    return data[at:end], end + 1


def _hdr(head: bytes) -> ImageInfo | None:
    """The size is in the first line behind an empty one; before it, a comment may say anything."""
    words = head.partition(b"\n\n")[2][:256].partition(b"\n")[0].split()
    if len(words) == 4 and words[0] in {b"-Y", b"+Y"} and words[2] in {b"-X", b"+X"}:
        return ImageInfo("image/vnd.radiance", int(words[3][:10]), int(words[1][:10]), plain=False)
    return None


def _jp2(data: Data) -> ImageInfo | None:
    """The codestream's own size counts; the box before it only repeats it."""
    for kind, start, _ in iso_boxes(data):
        if kind == b"jp2c" and data[start : start + 4] == b"\xff\x4f\xff\x51":
            right, bottom, left, top = struct.unpack_from(">IIII", data, start + 8)
            return ImageInfo("image/jp2", right - left, bottom - top, plain=False)
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
