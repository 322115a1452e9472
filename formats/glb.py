# SPDX-License-Identifier: GPL-3.0-or-later
"""GLB (glTF 2.0 binary): reads its JSON document, and checks that the file is complete and self-contained.

Format: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#glb-file-format-specification
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from .sniff import FormatError, require

_MAX_CHECKED_JSON: Final = 4 * 1024 * 1024
"""Bytes; parsing more would stall the artist's Blender, in whose process files are checked."""
_MAX_ELEMENTS: Final = 100_000_000
"""Of all accessors together: an importer would allocate memory for them."""


@dataclass(frozen=True, slots=True)
class GlbDocument:
    """A GLB's JSON, and where its binary chunk is in the file (0 and 0 if there is none)."""

    json: dict[str, Any]
    binary_start: int
    binary_length: int


def read_document(file: BinaryIO, size: int) -> GlbDocument:
    """Returns the document of a GLB of `size` bytes. Raises FormatError if a chunk is cut off or unreadable."""
    json_length = _read_head(file, size)
    description = file.read(json_length)
    start, length = _find_binary(file, 20 + json_length, size)
    return GlbDocument(_parse(description), start, length)


def _read_head(file: BinaryIO, size: int) -> int:
    """Read up to the JSON. Returns its length. Raises FormatError."""
    head = file.read(20)
    require(len(head) == 20, "it ends too early")
    magic, version, length, json_length, json_kind = struct.unpack("<4sIII4s", head)
    require(magic == b"glTF" and version == 2, "it is not a GLB of version 2")
    require(length == size, "it ends too early, or has data behind its end")
    require(json_kind == b"JSON" and 20 + json_length <= size, "its description is cut off")
    return int(json_length)


def read_any_document(file: BinaryIO, size: int) -> GlbDocument:
    """Returns the document of a GLB or of a glTF in text form, as Blender's importer tells them apart.

    The text is decoded and parsed just as there. Raises FormatError.
    """
    is_binary = file.read(4) == b"glTF"
    file.seek(0)
    return read_document(file, size) if is_binary else GlbDocument(_parse(file.read()), 0, 0)


def _parse(description: bytes) -> dict[str, Any]:
    try:
        document = json.loads(description.decode("utf-8"))
    except (ValueError, RecursionError, MemoryError):
        document = None
    if not isinstance(document, dict):
        raise FormatError("its description can't be read")
    return document


def write_changed(source: BinaryIO, document: GlbDocument, changed: Mapping[str, Any], target: BinaryIO) -> None:
    """Write a GLB with other JSON and the binary chunk of `source`, from which `document` was read."""
    text = json.dumps(changed, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    has_binary = document.binary_length > 0
    padding = -document.binary_length % 4
    length = 20 + len(text) + (8 + document.binary_length + padding) * has_binary
    target.write(struct.pack("<4sIII4s", b"glTF", 2, length, len(text), b"JSON") + text)
    if has_binary:
        target.write(struct.pack("<I4s", document.binary_length + padding, b"BIN\0"))
        source.seek(document.binary_start)
        left = document.binary_length
        while left and (block := source.read(min(left, 1 << 20))):
            target.write(block)
            left -= len(block)
        target.write(b"\0" * padding)


def check(file: BinaryIO, size: int) -> None:
    """Raises FormatError unless this is a complete GLB. Of a long JSON, only the two ends are looked at."""
    json_length = _read_head(file, size)
    if json_length > _MAX_CHECKED_JSON:
        first = file.read(1)
        file.seek(20 + json_length - 8)
        require(first == b"{" and file.read(8).rstrip(b" \0").endswith(b"}"), "its description can't be read")
        _find_binary(file, 20 + json_length, size)
        return
    file.seek(0)
    document = read_document(file, size)
    try:
        require(str(document.json["asset"]["version"]).startswith("2"), "it has an unknown version")
        _check_references(document.json, document.binary_length)
    except FormatError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError):
        raise FormatError("its description is invalid") from None


def _find_binary(file: BinaryIO, position: int, size: int) -> tuple[int, int]:
    """Returns start and length of the BIN chunk. Raises FormatError if any chunk is cut off."""
    found = (0, 0)
    while position < size:
        file.seek(position)
        head = file.read(8)
        require(len(head) == 8, "it ends too early")
        length, kind = struct.unpack("<I4s", head)
        require(position + 8 + length <= size, "one of its parts is cut off")
        if kind == b"BIN\0" and not found[1]:
            found = (position + 8, length)
        position += 8 + length
    return found


def _check_references(document: Mapping[str, Any], binary_length: int) -> None:
    """Every buffer view lies inside its buffer, and the shape is in this file.

    Other references to other files are removed by `gltf_references` later.
    """
    lengths = []
    for number, buffer in enumerate(_list(document, "buffers")):
        require(number > 0 or "uri" not in buffer or buffer["uri"][:5].lower() == "data:", "it refers to other files")
        lengths.append(_unsigned(buffer["byteLength"]))
        # A compressed file may name buffers that exist only once it is decompressed: they are empty here.
        require(number > 0 or "uri" in buffer or lengths[0] <= binary_length, "its data is cut off")
    views = _list(document, "bufferViews")
    for view in views:
        end = _unsigned(view.get("byteOffset", 0)) + _unsigned(view["byteLength"])
        require(end <= lengths[_unsigned(view["buffer"])], "its data is cut off")
    for image in _list(document, "images"):
        # One in another file costs its texture only: `gltf_references` removes it.
        if "bufferView" in image:
            views[_unsigned(image["bufferView"])]
    elements = sum(_unsigned(accessor["count"]) for accessor in _list(document, "accessors"))
    require(elements <= _MAX_ELEMENTS, "it needs more memory than a model should")


def _list(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = document.get(name, [])
    if not isinstance(found, list):
        raise TypeError(name)
    return found


def _unsigned(value: object) -> int:
    """Returns an integer from 0 on; a negative one would be valid JSON, and index from the end in Python."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(value)
    return value
