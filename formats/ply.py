# SPDX-License-Identifier: GPL-3.0-or-later
"""The structure of a PLY: is there as much data as its header announces?"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from .glb import FormatError

_LONGEST_HEADER: Final = 64 * 1024
_MOST_ELEMENTS: Final = 200_000_000
_MOST_LISTS: Final = 5_000_000
"""Of those that have to be walked one by one, because they are not all triangles."""
_SPARE: Final = 2
"""Bytes: some end a binary file with a line's end."""

_BYTES: Final = {
    "char": 1, "int8": 1, "uchar": 1, "uint8": 1, "short": 2, "int16": 2, "ushort": 2, "uint16": 2,
    "int": 4, "int32": 4, "uint": 4, "uint32": 4, "float": 4, "float32": 4, "double": 8, "float64": 8,
}  # fmt: skip
_UNSIGNED: Final = {1: "B", 2: "H", 4: "I"}


@dataclass
class _Element:
    name: str
    count: int
    fixed: int = 0
    """Bytes of its properties of fixed size."""
    properties: int = 0
    lists: list[tuple[int, int, int]] = field(default_factory=list)
    """(Fixed bytes before it, bytes of its count, bytes of an item)."""


def check(file: BinaryIO, size: int) -> None:
    """Raise FormatError unless this is a whole PLY with vertices in it."""
    header = file.read(_LONGEST_HEADER)
    end = header.find(b"end_header")
    if not header.startswith(b"ply") or end < 0:
        raise FormatError("its header is cut off")
    start = header.find(b"\n", end) + 1
    if start == 0:
        # Files from old Macs end their lines with a carriage return only.
        start = header.find(b"\r", end) + 1
    if start == 0:
        raise FormatError("its header is cut off")
    order, elements = _read_header(header[:end])
    vertices = next((e for e in elements if e.name == "vertex"), None)
    if vertices is None or vertices.count == 0:
        raise FormatError("it has no vertices")
    if sum(e.count for e in elements) > _MOST_ELEMENTS:
        raise FormatError("it announces more than any file has")
    if order:
        _check_binary(file, start, size, order, elements)
    else:
        _check_text(file, start, elements)


def _read_header(header: bytes) -> tuple[str, list[_Element]]:
    """Byte order for `struct` ("" for text), and the elements."""
    order = None
    elements: list[_Element] = []
    try:
        for line in header.decode("ascii", "replace").splitlines()[1:]:
            match line.split():
                case ["format", kind, "1.0"]:
                    order = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}[kind]
                case ["element", name, count] if count.isascii() and count.isdigit() and len(count) < 16:
                    elements.append(_Element(name, int(count)))
                case ["property", "list", count_type, item_type, _]:
                    element = elements[-1]
                    element.lists.append((element.fixed, _BYTES[count_type], _BYTES[item_type]))
                    element.properties += 1
                case ["property", kind, _]:
                    elements[-1].fixed += _BYTES[kind]
                    elements[-1].properties += 1
                case [] | ["comment" | "obj_info", *_]:
                    pass
                case _:
                    raise FormatError("its header can't be read")
    except (KeyError, IndexError):
        raise FormatError("its header can't be read") from None
    if order is None:
        raise FormatError("its header can't be read")
    return order, elements


def _check_binary(file: BinaryIO, place: int, size: int, order: str, elements: list[_Element]) -> None:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for element in elements:
            if not element.lists:
                place += element.count * element.fixed
            elif _all_triangles(data, place, size, element):
                place = size
            else:
                place = _walk(data, place, size, order, element)
            if place > size:
                raise FormatError("it ends too early")
    if size - place > _SPARE:
        raise FormatError("it has more data than its header announces")


def _all_triangles(data: mmap.mmap, place: int, size: int, element: _Element) -> bool:
    """Whether the rest of the file is just as long as triangles need: no need to walk them, then."""
    if len(element.lists) != 1 or element.count == 0:
        return False
    before, count_bytes, item_bytes = element.lists[0]
    return (
        count_bytes == 1
        and place + element.count * (element.fixed + 1 + 3 * item_bytes) == size
        and data[place + before] == 3
    )


def _walk(data: mmap.mmap, place: int, size: int, order: str, element: _Element) -> int:
    """The place behind an element whose lists have lengths of their own."""
    if element.count * len(element.lists) > _MOST_LISTS:
        raise FormatError("it has too many faces")
    steps: list[tuple[int, struct.Struct, int]] = []
    done = 0
    for before, count_bytes, item_bytes in element.lists:
        if count_bytes not in _UNSIGNED:
            raise FormatError("its header can't be read")
        steps.append((before - done, struct.Struct(order + _UNSIGNED[count_bytes]), item_bytes))
        done = before
    rest = element.fixed - done
    fewest = 3 if element.name == "face" and len(steps) == 1 else 0
    for _ in range(element.count):
        for before, counter, item_bytes in steps:
            place += before
            if place + counter.size > size:
                raise FormatError("it ends too early")
            length = counter.unpack_from(data, place)[0]
            if length < fewest:
                raise FormatError("it has faces without corners")
            place += counter.size + length * item_bytes
        place += rest
        if place > size:
            raise FormatError("it ends too early")
    return place


def _check_text(file: BinaryIO, start: int, elements: list[_Element]) -> None:
    needed = sum(e.count for e in elements)
    file.seek(start)
    lines = 0
    last = tail = b""
    while block := file.read(1024 * 1024):
        if b"\0" in block:
            raise FormatError("it holds bytes that are no text")
        lines += block.count(b"\n") or block.count(b"\r")
        last = (last + block)[-65536:]
    ended = last.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b" \t")
    if ended and not ended.endswith(b"\n"):
        lines += 1
    if lines < needed:
        raise FormatError("it ends too early")
    filled = [e for e in elements if e.count]
    tail = ended.rstrip().rpartition(b"\n")[2]
    words = tail.split()
    element = filled[-1]
    enough = element.properties
    if len(element.lists) == 1 == element.properties and words and words[0].isdigit() and len(words[0]) < 10:
        enough = 1 + int(words[0])
    if len(words) < enough:
        raise FormatError("it ends too early")
