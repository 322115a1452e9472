# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that a downloaded file is complete: magic bytes, length, closed structure.

The checks read little, in pieces: they run beside an artist's work, on files of any size from somebody else. They
are never stricter than Blender's own importers. Lengths and counts in a file are believed only if the file is large
enough for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import ResultDamagedError, StorageError, one_line
from . import glb, ply, stl
from .sniff import FIRST_BYTES, VIDEOS, FormatError, sniff

_BLOCK: Final = 1024 * 1024


def wrong_start(first: bytes, format: str) -> str:
    """Returns what a file is ("a web page"), if its first bytes show that it isn't of the format; else ""."""
    found = sniff(first)
    if not found or found == format or (format, found) in _LOOK_ALIKES or (format in _VIDEO_NAMES and found in VIDEOS):
        return ""
    return "a web page" if found == "html" else f"a file in {found.upper()} format"


def check_file(path: Path, format: str) -> None:
    """Raises ResultDamagedError unless the file is a complete file of the format. Needs little memory.

    `format`: "glb", "obj", "stl", "ply"; "mtl", "png", "jpg", "webp" for a model's companions; "video", or a
    video's extension, for any kind of video. Raises StorageError if the file can't be read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(FIRST_BYTES)
            file.seek(0)
            if size == 0:
                raise FormatError("it is empty")
            wrong = wrong_start(first, format)
            if wrong:
                raise FormatError(f"it is {wrong}")
            check = _CHECKS.get(sniff(first) if format in _VIDEO_NAMES else format)
            if check is None:
                raise FormatError("it is something else")
            check(file, size)
    except FormatError as error:
        raise ResultDamagedError(
            "The {format} file is damaged: {reason}.", format=format.upper(), reason=str(error)
        ) from error
    except OSError as error:
        raise StorageError("The file can't be read: {reason}.", reason=one_line(error.strerror or error, 80)) from error


def _check_obj(file: BinaryIO, size: int) -> None:
    vertices = faces = 0
    previous = b"\n"
    for block in _blocks(file):
        if b"\0" in block:
            raise FormatError("it contains bytes that are not text")
        text = previous[-2:] + block
        vertices += text.count(b"\nv ") + text.count(b"\nv\t")
        faces += text.count(b"\nf ") + text.count(b"\nf\t")
        previous = block
    if vertices < 3 or faces < 1:
        raise FormatError("it has no faces")
    lines = _last(file, size, 4096).split(b"\n")
    words = (lines[-1].split() or lines[-2].split()) if len(lines) > 1 else lines[-1].split()
    if words and words[0] in (b"v", b"vn", b"f") and len(words) < 4:
        raise FormatError("it ends too early")
    if words and words[0] == b"f":
        for word in words[1:]:
            index = word.partition(b"/")[0]
            if not re.fullmatch(rb"-?\d{1,10}", index) or abs(int(index)) > vertices or int(index) == 0:
                raise FormatError("it refers to vertices that it does not have")


def _check_mp4(file: BinaryIO, size: int) -> None:
    position, kinds = 0, set()
    for _ in range(10_000):
        if position == size:
            break
        file.seek(position)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - position
        if len(head) < 8 or length < 8 or position + length > size:
            raise FormatError("it ends too early")
        kinds.add(head[4:8])
        position += length
    if position != size or not kinds >= {b"moov", b"mdat"}:
        raise FormatError("it ends too early")


def _check_gif(file: BinaryIO, size: int) -> None:
    if size < 14 or not _last(file, size, 1) == b";":
        raise FormatError("it ends too early")


def _check_png(file: BinaryIO, size: int) -> None:
    position = 8
    for _ in range(20_000):
        file.seek(position)
        head = file.read(8)
        position += 12 + int.from_bytes(head[:4], "big")
        if len(head) < 8 or position > size:
            break
        if head[4:8] == b"IEND":
            return
    raise FormatError("it ends too early")


def _check_jpg(file: BinaryIO, size: int) -> None:
    # some cameras and programs write data of their own behind the end marker
    if b"\xff\xd9" not in _last(file, size, 65536):
        raise FormatError("it ends too early")


def _check_webp(file: BinaryIO, size: int) -> None:
    if int.from_bytes(file.read(8)[4:8], "little") + 8 > size:
        raise FormatError("it ends too early")


def _check_text(file: BinaryIO, size: int) -> None:
    if size > 16 * 1024 * 1024 or any(b"\0" in block for block in _blocks(file)):
        raise FormatError("it contains bytes that are not text")


def _check_start(file: BinaryIO, size: int) -> None:
    """Only the first bytes, which were checked already, can be checked cheaply."""
    if size < 64:
        raise FormatError("it ends too early")


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_BLOCK), b"")


def _last(file: BinaryIO, size: int, count: int) -> bytes:
    file.seek(max(size - count, 0))
    return file.read(count)


_VIDEO_NAMES: Final = VIDEOS | {"video", "mov", "m4v"}

_LOOK_ALIKES: Final = frozenset({("mtl", "obj"), ("obj", "stl"), ("stl", "obj"), ("jpeg", "jpg")})
"""(Format, what it may be mistaken for): a comment or a name can look like another format's line."""

_CHECKS: Final[dict[str, Callable[[BinaryIO, int], None]]] = {
    "glb": glb.check,
    "ply": ply.check,
    "stl": stl.check,
    "obj": _check_obj,
    "mp4": _check_mp4,
    "webm": _check_start,
    "gif": _check_gif,
    "png": _check_png,
    "jpg": _check_jpg,
    "jpeg": _check_jpg,
    "webp": _check_webp,
    "mtl": _check_text,
}
