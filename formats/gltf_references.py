# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes what leads out of a glTF's JSON: every `uri` that is not data embedded in it.

Blender's importer opens a `uri` as a path unless it starts with "data:" and has ";base64," (exactly so). Only what it
decodes itself is kept, so it opens no file and connects to nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

_SEPARATOR: Final = ";base64,"


@dataclass(frozen=True, slots=True)
class Removal:
    """What `remove_references` did."""

    changed: bool = False
    shape_is_missing: bool = False
    """Vertices, faces or the like were in another file."""


def remove_references(document: Json, binary_length: int) -> Removal:
    """Remove every reference to something outside from a glTF's JSON, whatever else it is. Changes it.

    `binary_length`: of the GLB's own binary chunk, in bytes.
    """
    changed = False
    missing = set()
    for number, buffer in enumerate(_objects(document, "buffers")):
        if "uri" in buffer and not is_embedded(buffer["uri"]) and not _is_binary_chunk(number, buffer, binary_length):
            missing.add(number)
    for part in dicts(document):
        if "uri" in part and not is_embedded(part["uri"]):
            del part["uri"]
            changed = True
    if not missing:
        return Removal(changed)
    views = {n for n, x in enumerate(_objects(document, "bufferViews")) if _number(x.get("buffer")) in missing}
    for image in _objects(document, "images"):
        if _number(image.get("bufferView")) in views:
            del image["bufferView"]
    return Removal(changed, any(_number(part.get("bufferView")) in views for part in dicts(document)))


def is_embedded(uri: object) -> bool:
    """Whether Blender's importer takes a `uri` for embedded data, and can decode it."""
    if not isinstance(uri, str) or not uri.startswith("data:"):
        return False
    start = uri.find(_SEPARATOR)
    try:
        return start >= 0 and bool(base64.b64decode(uri[start + len(_SEPARATOR) :]))
    except ValueError:
        return False


def dicts(content: Any) -> Iterator[Json]:
    """Yields every object in a JSON value, without recursion: somebody else chose how deep it is."""
    pending = [content]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield value
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _objects(document: Json, name: str) -> list[Json]:
    """Returns a list of the document, with an empty object for each entry that is none."""
    found = document.get(name)
    return [item if isinstance(item, dict) else {} for item in found] if isinstance(found, list) else []


def _is_binary_chunk(number: int, buffer: Json, binary_length: int) -> bool:
    """Whether the importer takes the GLB's own binary chunk for a buffer once it has no `uri`."""
    length = buffer.get("byteLength")
    return number == 0 and isinstance(length, (int, float)) and 0 < length <= binary_length


def _number(value: object) -> int:
    """Returns an index as the importer understands it; -1 if it is none."""
    return int(value) if isinstance(value, (int, float)) and value == value // 1 else -1
