# SPDX-License-Identifier: GPL-3.0-or-later
"""The structure of a GLB: does everything it speaks of lie inside it?"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

_LARGEST_DESCRIPTION: Final = 4 * 1024 * 1024
"""Bytes; as Python objects it is many times larger."""
_MOST_ELEMENTS: Final = 100_000_000
"""Of all accessors that have no bytes in the file: an importer would make room for them."""

_COMPONENT_BYTES: Final = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
_COMPONENTS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}


class FormatError(ValueError):
    """What is wrong with a file, as the end of a sentence."""


def check(file: BinaryIO, size: int) -> None:
    """Raise FormatError unless this is a whole GLB with a mesh in it, and nothing outside it."""
    head = file.read(20)
    if len(head) < 20:
        raise FormatError("it ends too early")
    magic, version, length, json_length, json_kind = struct.unpack("<4sIII4s", head)
    if magic != b"glTF" or version != 2:
        raise FormatError("it is no GLB of version 2")
    if length != size:
        raise FormatError(f"it says that it has {length:,} bytes, but has {size:,}")
    if json_kind != b"JSON" or 20 + json_length > size:
        raise FormatError("its description is cut off")
    if json_length > _LARGEST_DESCRIPTION:
        raise FormatError("its description is too long")
    description = file.read(json_length)
    binary = _binary_length(file, 20 + json_length, size)
    try:
        scene = json.loads(description.decode("utf-8"))
    except (ValueError, RecursionError, MemoryError):
        raise FormatError("its description can't be read") from None
    try:
        _check_scene(scene, binary)
    except FormatError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError):
        raise FormatError("its description makes no sense") from None


def _binary_length(file: BinaryIO, place: int, size: int) -> int:
    """Bytes in the BIN chunk; 0 where there is none."""
    binary = 0
    while place < size:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            raise FormatError("it ends too early")
        length, kind = struct.unpack("<I4s", head)
        place += 8 + length
        if place > size:
            raise FormatError("one of its parts is cut off")
        if kind == b"BIN\0" and not binary:
            binary = length
    return binary


def _check_scene(scene: Mapping[str, Any], binary: int) -> None:
    if not str(scene["asset"]["version"]).startswith("2"):
        raise FormatError("it is of an unknown version")
    buffers = [_buffer_length(b, i, binary) for i, b in enumerate(_parts(scene, "buffers"))]
    descriptions = _parts(scene, "bufferViews")
    views = [_view_length(v, buffers) for v in descriptions]
    unbacked = 0
    accessors = _parts(scene, "accessors")
    for accessor in accessors:
        unbacked += _check_accessor(accessor, descriptions, views)
    if unbacked > _MOST_ELEMENTS:
        raise FormatError("it asks for more memory than it can fill")
    for image in _parts(scene, "images"):
        _inside(image)
        if "bufferView" in image:
            views[_index(image["bufferView"])]
    corners = sum(
        accessors[_index(primitive["attributes"]["POSITION"])]["count"]
        for mesh in _parts(scene, "meshes")
        for primitive in mesh["primitives"]
    )
    if corners == 0:
        raise FormatError("it has no mesh")


def _parts(scene: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = scene.get(name, [])
    if not isinstance(found, list):
        raise TypeError(name)
    return found


def _buffer_length(buffer: Mapping[str, Any], number: int, binary: int) -> int:
    length = _index(buffer["byteLength"])
    _inside(buffer)
    # A compressed file may name buffers that exist only once it is unpacked: they are empty here.
    if number == 0 and "uri" not in buffer and length > binary:
        raise FormatError("its data is cut off")
    return length


def _inside(part: Mapping[str, Any]) -> None:
    """Only data that is in the file itself: an importer would read any other file it names."""
    if "uri" in part and not part["uri"][:5].lower() == "data:":
        raise FormatError("it refers to other files")


def _view_length(view: Mapping[str, Any], buffers: list[int]) -> int:
    length = _index(view["byteLength"])
    if _index(view.get("byteOffset", 0)) + length > buffers[_index(view["buffer"])]:
        raise FormatError("its data is cut off")
    return length


def _check_accessor(accessor: Mapping[str, Any], descriptions: list[Mapping[str, Any]], views: list[int]) -> int:
    """Check one accessor; the number of elements it has without bytes for them in the file."""
    count = _index(accessor["count"])
    element = _COMPONENT_BYTES[accessor["componentType"]] * _COMPONENTS[accessor["type"]]
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        if _index(sparse["count"]) > count:
            raise FormatError("its data is cut off")
        for part in (sparse["indices"], sparse["values"]):
            views[_index(part["bufferView"])]
    if "bufferView" not in accessor:
        return count
    number = _index(accessor["bufferView"])
    stride = _index(descriptions[number].get("byteStride", 0)) or element
    needed = _index(accessor.get("byteOffset", 0)) + (stride * (count - 1) + element if count else 0)
    if needed > views[number]:
        raise FormatError("its data is cut off")
    return 0


def _index(value: object) -> int:
    """A whole number from 0 on; JSON would also let a negative one through, which Python takes as "from the end"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(value)
    return value
