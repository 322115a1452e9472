# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what a glTF contains before Blender's importer reads it: the importer takes minutes for tens of thousands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import NO_MESSAGE, Message

MAX_PARTS: Final = 20_000
"""Nodes with their instances, primitives, or animation channels."""
MAX_MATERIALS: Final = 1000
"""Of more, the first ones are used: the importer takes a time that grows with the square of their number."""
_INSTANCING: Final = "EXT_mesh_gpu_instancing"


def part_count(document: Mapping[str, Any]) -> int:
    """Returns the largest number of parts of one kind. 0 if the document can't be understood: the importer decides."""
    try:
        nodes = document.get("nodes") or ()
        instances = sum(_instances(document, node) for node in nodes if _INSTANCING in (node.get("extensions") or ()))
        primitives = sum(len(mesh.get("primitives") or ()) for mesh in document.get("meshes") or ())
        channels = sum(len(animation.get("channels") or ()) for animation in document.get("animations") or ())
        return max(len(nodes) + instances, primitives, channels)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return 0


def _instances(document: Mapping[str, Any], node: Mapping[str, Any]) -> int:
    attributes = node["extensions"][_INSTANCING].get("attributes") or {}
    return max((int(document["accessors"][number]["count"]) for number in attributes.values()), default=0)


def limit_materials(document: dict[str, Any]) -> Message:
    """Leave out the materials that are too many; their meshes have none. Returns what to tell the artist."""
    materials = document.get("materials") or []
    if len(materials) <= MAX_MATERIALS:
        return NO_MESSAGE
    document["materials"] = materials[:MAX_MATERIALS]
    for mesh in document.get("meshes") or ():
        for primitive in mesh.get("primitives") or ():
            (primitive.get("extensions") or {}).pop("KHR_materials_variants", None)
            if primitive.get("material", 0) >= MAX_MATERIALS:
                del primitive["material"]
    left_out, total = f"{len(materials) - MAX_MATERIALS:,}", f"{len(materials):,}"
    return Message("{count} of {total} materials were left out", {"count": left_out, "total": total})
