# SPDX-License-Identifier: GPL-3.0-or-later
"""Is this a whole file of the format it should be? Told by the file alone, since names and headers lie.

The checks read little and in pieces: they run beside an artist's work, on files of any size that
somebody else made. What a file says of its own lengths and counts is believed only if the file is
large enough for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import ResultDamagedError, StorageError, one_line
from . import glb, ply
from .glb import FormatError

FIRST_BYTES: Final = 512
"""How much of a file `sniff` wants to see."""

_AT_ONCE: Final = 1024 * 1024


def sniff(first: bytes) -> str:
    """What a file is by its first bytes.

    One of "glb", "ply", "stl", "obj", "mp4", "webm", "gif", "png", "jpg", "webp" and "html"; "" where
    they don't tell: a binary STL has no mark of its own.
    """
    for mark, name in (
        (b"glTF", "glb"), (b"ply\n", "ply"), (b"ply\r", "ply"), (b"\x1aE\xdf\xa3", "webm"), (b"GIF8", "gif"),
        (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpg"),
    ):  # fmt: skip
        if first.startswith(mark):
            return name
    if first[4:8] == b"ftyp":
        return "mp4"
    if first.startswith(b"RIFF") and first[8:12] == b"WEBP":
        return "webp"
    start = first.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"<error")):
        return "html"
    if start.startswith(b"solid") and b"\0" not in first and b"facet" in first.lower():
        return "stl"
    if b"\0" not in first and re.search(rb"^(?:mtllib|usemtl|o|g|v|vn|vt|f|s) +\S", first, re.M):
        return "obj"
    return ""


def wrong_start(first: bytes, format: str) -> str:
    """What a file really is, in words, where its first bytes already show that it isn't of the format; else ""."""
    found = sniff(first)
    if not found or found == format or (format, found) in _LOOK_ALIKES or (format in _VIDEO_NAMES and found in _VIDEOS):
        return ""
    return _AS_WORDS[found]


def check_file(path: Path, format: str) -> None:
    """Accept a whole file of the format, in bounded memory, or raise ResultDamagedError.

    `format`: "glb", "obj", "stl", "ply"; "mtl", "png", "jpg", "webp" for what comes with a model;
    "video", or a video's extension, for any kind of video: their names lie most.
    Raises StorageError where the file can't be read.
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
        raise ResultDamagedError(f"The {format.upper()} file is damaged: {error}.") from error
    except OSError as error:
        raise StorageError(f"The file can't be read: {one_line(error.strerror or error, 80)}.") from error


def _check_stl(file: BinaryIO, size: int) -> None:
    head = file.read(84)
    triangles = int.from_bytes(head[80:84], "little")
    if len(head) == 84 and size == 84 + 50 * triangles:
        if triangles == 0:
            raise FormatError("it has no triangles")
        return
    if not head.lstrip().lower().startswith(b"solid"):
        raise FormatError("its length is not what its number of triangles needs")
    file.seek(0)
    facets = 0
    previous = b""
    for block in _blocks(file):
        if b"\0" in block:
            raise FormatError("it holds bytes that are no text")
        # A mark may lie across two blocks.
        facets += (previous[-7:] + block).lower().count(b"endfacet")
        previous = block
    if facets == 0 or b"endsolid" not in _last(file, size, 512).lower():
        raise FormatError("it ends too early")


def _check_obj(file: BinaryIO, size: int) -> None:
    vertices = faces = 0
    previous = b"\n"
    for block in _blocks(file):
        if b"\0" in block:
            raise FormatError("it holds bytes that are no text")
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
                raise FormatError("it names vertices that it does not have")


def _check_mp4(file: BinaryIO, size: int) -> None:
    place, kinds = 0, set()
    for _ in range(10_000):
        if place == size:
            break
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - place
        if len(head) < 8 or length < 8 or place + length > size:
            raise FormatError("it ends too early")
        kinds.add(head[4:8])
        place += length
    if place != size or not kinds >= {b"moov", b"mdat"}:
        raise FormatError("it ends too early")


def _check_gif(file: BinaryIO, size: int) -> None:
    if size < 14 or not _last(file, size, 1) == b";":
        raise FormatError("it ends too early")


def _check_png(file: BinaryIO, size: int) -> None:
    place = 8
    for _ in range(20_000):
        file.seek(place)
        head = file.read(8)
        place += 12 + int.from_bytes(head[:4], "big")
        if len(head) < 8 or place > size:
            break
        if head[4:8] == b"IEND":
            return
    raise FormatError("it ends too early")


def _check_jpg(file: BinaryIO, size: int) -> None:
    # Some cameras and programs put something of their own behind the end mark.
    if b"\xff\xd9" not in _last(file, size, 65536):
        raise FormatError("it ends too early")


def _check_webp(file: BinaryIO, size: int) -> None:
    if int.from_bytes(file.read(8)[4:8], "little") + 8 > size:
        raise FormatError("it ends too early")


def _check_text(file: BinaryIO, size: int) -> None:
    if size > 16 * 1024 * 1024 or any(b"\0" in block for block in _blocks(file)):
        raise FormatError("it holds bytes that are no text")


def _check_start(file: BinaryIO, size: int) -> None:
    """The first bytes, which were looked at already, are all that can be told cheaply."""
    if size < 64:
        raise FormatError("it ends too early")


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_AT_ONCE), b"")


def _last(file: BinaryIO, size: int, count: int) -> bytes:
    file.seek(max(size - count, 0))
    return file.read(count)


_VIDEOS: Final = frozenset({"mp4", "webm", "gif"})
_VIDEO_NAMES: Final = _VIDEOS | {"video", "mov", "m4v"}

_LOOK_ALIKES: Final = frozenset({("mtl", "obj"), ("obj", "stl"), ("stl", "obj"), ("jpeg", "jpg")})
"""(Format, what its first bytes may be taken for): a comment or a name can look like another format's line."""

_AS_WORDS: Final = {"html": "a web page"} | {
    name: f"a file of the kind {name.upper()}"
    for name in ("glb", "ply", "stl", "obj", "mp4", "webm", "gif", "png", "jpg", "webp")
}

_CHECKS: Final[dict[str, Callable[[BinaryIO, int], None]]] = {
    "glb": glb.check,
    "ply": ply.check,
    "stl": _check_stl,
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
