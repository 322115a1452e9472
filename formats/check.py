# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that a downloaded file is complete: magic bytes, length, closed structure.

The checks read little, in pieces: they run beside an artist's work, on files of any size from somebody else. They
are never stricter than Blender's own importers. Lengths and counts in a file are believed only if the file is large
enough for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import NO_MESSAGE, Message, ResultDamagedError, StorageError, one_line
from . import archive, glb, ply, stl
from .sniff import FIRST_BYTES, VIDEOS, FormatError, last_bytes, require, sniff, text_blocks


def wrong_start(first: bytes, format: str) -> Message:
    """Returns what a file is ("a web page"), if its first bytes show that it isn't of the format; else no message."""
    found = sniff(first)
    if not found or found == format or (format, found) in _LOOK_ALIKES or (format in _VIDEO_NAMES and found in VIDEOS):
        return NO_MESSAGE
    if found == "html":
        return Message("a web page")
    return Message("a file in {format} format", {"format": found.upper()})


def check_file(path: Path, format: str) -> None:
    """Raises ResultDamagedError unless the file is a complete file of the format. Needs little memory.

    `format`: "glb", "obj", "stl", "ply"; "mtl", "png", "jpg", "webp" for a model's companions; "video", or a
    video's extension, for any kind of video. A model may be in a ZIP archive. Raises StorageError if the file can't be
    read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(FIRST_BYTES)
            file.seek(0)
            require(size, "it is empty")
            wrong = wrong_start(first, format)
            require(not wrong, "it is {kind}", kind=wrong)
            found = sniff(first)
            check = _CHECKS.get(found if format in _VIDEO_NAMES or (format, found) in _ARCHIVED else format)
            if check is None:
                raise FormatError("it is something else")
            check(file, size)
    except FormatError as error:
        raise ResultDamagedError(
            "The {format} file is damaged: {reason}.", format=format.upper(), reason=error.reason
        ) from error
    except OSError as error:
        raise StorageError("The file can't be read: {reason}.", reason=one_line(error.strerror or error, 80)) from error


def _check_obj(file: BinaryIO, size: int) -> None:
    vertices = faces = 0
    previous = b"\n"
    for block in text_blocks(file):
        text = previous[-2:] + block
        vertices += text.count(b"\nv ") + text.count(b"\nv\t")
        faces += text.count(b"\nf ") + text.count(b"\nf\t")
        previous = block
    require(vertices >= 3 and faces, "it has no faces")
    lines = last_bytes(file, size, 4096).split(b"\n")
    words = lines[-1].split() or b"".join(lines[-2:-1]).split()
    require(len(words) >= 4 or not words or words[0] not in (b"v", b"vn", b"f"), "it ends too early")
    for word in words[1:] if words[:1] == [b"f"] else ():
        index = word.partition(b"/")[0]
        is_index = re.fullmatch(rb"-?\d{1,10}", index) and 0 < abs(int(index)) <= vertices
        require(is_index, "it refers to vertices that it does not have")


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
        require(len(head) >= 8 and 8 <= length <= size - position, "it ends too early")
        kinds.add(head[4:8])
        position += length
    require(position == size and kinds >= {b"moov", b"mdat"}, "it ends too early")


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


def _check_gif(file: BinaryIO, size: int) -> None:
    require(size >= 14 and last_bytes(file, size, 1) == b";", "it ends too early")


def _check_jpg(file: BinaryIO, size: int) -> None:
    # some cameras and programs write data of their own behind the end marker
    require(b"\xff\xd9" in last_bytes(file, size, 65536), "it ends too early")


def _check_webp(file: BinaryIO, size: int) -> None:
    require(int.from_bytes(file.read(8)[4:8], "little") + 8 <= size, "it ends too early")


def _check_text(file: BinaryIO, size: int) -> None:
    require(size <= 16 * 1024 * 1024, "it contains bytes that are not text")
    for _ in text_blocks(file):
        pass  # reading them checks them


def _check_start(file: BinaryIO, size: int) -> None:
    """Only the first bytes, which were checked already, can be checked cheaply."""
    require(size >= 64, "it ends too early")


_VIDEO_NAMES: Final = VIDEOS | {"video", "mov", "m4v"}

_ARCHIVED: Final = frozenset((model, "zip") for model in archive.MODELS)

_LOOK_ALIKES: Final = frozenset({("mtl", "obj"), ("obj", "stl"), ("stl", "obj"), ("jpeg", "jpg"), *_ARCHIVED})
"""(Format, what it may be): a comment or a name can look like another format's line; a model may come in an archive."""

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
    "zip": archive.check,
}
