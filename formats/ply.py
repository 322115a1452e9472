# SPDX-License-Identifier: GPL-3.0-or-later
"""PLY: reads its header, and checks that there is as much data as the header announces.

Lenient like Blender's importer: unknown lines in the header are ignored, data behind the announced end is allowed.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from .sniff import FormatError, require, text_blocks

MAX_HEADER: Final = 64 * 1024
"""Bytes."""
_MAX_ELEMENTS: Final = 200_000_000
_MAX_LISTS: Final = 5_000_000
"""Elements with lists of different lengths that are walked one by one; of more, only the minimal length is checked."""

TYPES: Final = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
"""NumPy's code of each property type; its last character is the size in bytes."""
_HARMONIC: Final = 0.28209479177387814
"""The constant spherical harmonic, 1 / (2 √π): a Gaussian splat's color is 0.5 plus this times its f_dc."""
_COLOR_NAMES: Final = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))
_COUNTERS: Final = {1: "B", 2: "H", 4: "I"}


@dataclass
class Element:
    """One kind of element: vertex, face, …"""

    name: str
    count: int
    properties: list[tuple[str, str]] = field(default_factory=list)
    """(Name, NumPy type) of the properties of fixed size, in order."""
    lists: list[tuple[int, int, int]] = field(default_factory=list)
    """Per list property: fixed bytes before it, bytes of its counter, bytes of an item."""

    @property
    def fixed_bytes(self) -> int:
        return sum(int(kind[-1]) for _, kind in self.properties)


@dataclass(frozen=True, slots=True)
class PlyHeader:
    """A PLY's header."""

    order: str
    """Byte order for struct and NumPy: "<" or ">"; "" for a text file."""
    elements: list[Element]
    data_start: int
    """Where the data starts in the file."""


def read_header(data: bytes | mmap.mmap) -> PlyHeader:
    """Returns the header at the start of `data`. Raises FormatError if it is cut off or unreadable."""
    head = data[:MAX_HEADER]
    end = head.find(b"end_header")
    # Files from old Macs end their lines with a carriage return only.
    start = max(head.find(b"\n", end), -1) + 1 or max(head.find(b"\r", end), -1) + 1
    require(head.startswith(b"ply") and end >= 0 and start > 0, "its header is cut off")
    order: str | None = None
    elements: list[Element] = []
    try:
        for line in head[:end].decode("ascii", "replace").splitlines()[1:]:
            match line.split():
                case ["format", kind, "1.0"]:
                    order = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}[kind]
                case ["element", name, count]:
                    require(re.fullmatch("[0-9]{1,15}", count), "its header can't be read")
                    elements.append(Element(name, int(count)))
                case ["property", "list", counter, item, _]:
                    sizes = int(TYPES[counter][-1]), int(TYPES[item][-1])
                    elements[-1].lists.append((elements[-1].fixed_bytes, *sizes))
                case ["property", kind, name]:
                    elements[-1].properties.append((name, TYPES[kind]))
                case ["element" | "property" | "format", *_]:
                    raise FormatError("its header can't be read")
    except (KeyError, IndexError):
        raise FormatError("its header can't be read") from None
    if order is None:
        raise FormatError("its header can't be read")
    return PlyHeader(order, elements, start)


@dataclass(frozen=True, slots=True)
class Points:
    """The vertices of a PLY. `colors`: sRGB, 0 to 1; None if it has none."""

    positions: Any
    colors: Any
    splats: bool
    """Whether they are Gaussian splats."""


def read_points(file: BinaryIO) -> Points:
    """Returns the vertices of a PLY, as NumPy arrays n × 3. Raises FormatError if they can't be read."""
    import numpy as np

    header = read_header(file.read(MAX_HEADER))
    before: list[Element] = []
    for vertices in header.elements:
        if vertices.name == "vertex":
            break
        before.append(vertices)
    else:
        raise FormatError("it has no vertices")
    names = [name for name, _ in vertices.properties]
    packed = any(name.startswith("packed_") for name in names)
    require(not packed, "it has compressed Gaussian splats, which Blender has no importer for")
    require({"x", "y", "z"} <= set(names) and len(set(names)) == len(names), "its vertices have no coordinates")
    require(not vertices.lists and not any(element.lists for element in before), "its vertices can't be read")
    if header.order:
        file.seek(header.data_start + sum(element.count * element.fixed_bytes for element in before))
        data = file.read(vertices.count * vertices.fixed_bytes)
        require(len(data) == vertices.count * vertices.fixed_bytes, "it ends too early")
        table = np.frombuffer(data, [(name, header.order + kind) for name, kind in vertices.properties])
        columns = {name: table[name] for name in names}
    else:
        file.seek(header.data_start)
        lines = file.read().splitlines()[sum(element.count for element in before) :][: vertices.count]
        table = np.array([line.split()[: len(names)] for line in lines], np.float64)
        require(table.shape == (vertices.count, len(names)), "it ends too early")
        columns = {name: table[:, index] for index, name in enumerate(names)}
    positions = np.stack([columns[axis] for axis in "xyz"], -1).astype(np.float64)
    splats = {"f_dc_0", "f_dc_1", "f_dc_2"} <= set(names)
    return Points(positions, _colors(vertices, columns, splats), splats)


def _colors(vertices: Element, columns: Mapping[str, Any], splats: bool) -> Any:
    """Returns the vertices' colors, n × 3, sRGB from 0 to 1; None if there are none."""
    import numpy as np

    if splats:
        return 0.5 + _HARMONIC * np.stack([columns[f"f_dc_{i}"] for i in range(3)], -1).astype(np.float64)
    for triple in _COLOR_NAMES:
        if all(name in columns for name in triple):
            kinds = dict(vertices.properties)
            highest = {"u1": 255.0, "u2": 65535.0}.get(kinds[triple[0]], 1.0)
            return np.stack([columns[name] for name in triple], -1).astype(np.float64) / highest
    return None


def check(file: BinaryIO, size: int) -> None:
    """Raises FormatError unless this is a complete PLY with vertices."""
    header = read_header(file.read(MAX_HEADER))
    require(next((e.count for e in header.elements if e.name == "vertex"), 0), "it has no vertices")
    require(sum(e.count for e in header.elements) <= _MAX_ELEMENTS, "it announces more than any file has")
    if not header.order:
        _check_text(file, header)
        return
    position = header.data_start
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for element in header.elements:
            if not element.lists:
                position += element.count * element.fixed_bytes
            elif _all_triangles(data, position, size, element):
                position = size
            else:
                position = _skip_lists(data, position, size, header.order, element)
            require(position <= size, "it ends too early")


def _all_triangles(data: Any, position: int, size: int, element: Element) -> bool:
    """Whether the rest of the file is exactly as long as triangles need, so that they need not be walked."""
    if len(element.lists) != 1 or element.count == 0:
        return False
    before, counter_bytes, item_bytes = element.lists[0]
    return (
        counter_bytes == 1
        and position + element.count * (element.fixed_bytes + 1 + 3 * item_bytes) == size
        and data[position + before] == 3
    )


def _skip_lists(data: Any, position: int, size: int, order: str, element: Element) -> int:
    """Returns the position behind an element whose lists have lengths of their own."""
    steps: list[tuple[int, struct.Struct, int]] = []
    done = 0
    for before, counter_bytes, item_bytes in element.lists:
        require(counter_bytes in _COUNTERS, "its header can't be read")
        steps.append((before - done, struct.Struct(order + _COUNTERS[counter_bytes]), item_bytes))
        done = before
    rest = element.fixed_bytes - done
    walked = min(element.count, _MAX_LISTS)
    for _ in range(walked):
        for before, counter, item_bytes in steps:
            position += before
            if position + counter.size > size:
                raise FormatError("it ends too early")
            length = counter.unpack_from(data, position)[0]
            if not length and element.name == "face":  # Blender refuses it, too: the data is shifted or damaged
                raise FormatError("it has faces without corners")
            position += counter.size + length * item_bytes
        position += rest
        if position > size:
            raise FormatError("it ends too early")
    shortest = element.fixed_bytes + sum(counter.size for _, counter, _ in steps)
    return position + (element.count - walked) * shortest


def _check_text(file: BinaryIO, header: PlyHeader) -> None:
    """A text file needs a line per element, and a complete last line."""
    file.seek(header.data_start)
    lines, last = 0, b""
    for block in text_blocks(file):
        lines += block.count(b"\n") or block.count(b"\r")
        last = (last + block)[-65536:]
    text = last.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b" \t")
    lines += bool(text) and not text.endswith(b"\n")
    element = next(e for e in reversed(header.elements) if e.count)
    words = text.rstrip().rpartition(b"\n")[2].split()
    needed = len(element.properties) + len(element.lists)
    if len(element.lists) == 1 and not element.properties and words and words[0].isdigit() and len(words[0]) < 10:
        needed = 1 + int(words[0])
    require(lines >= sum(e.count for e in header.elements) and len(words) >= needed, "it ends too early")
