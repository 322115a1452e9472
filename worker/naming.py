# SPDX-License-Identifier: GPL-3.0-or-later
"""Names a model's data after its image, and stores the model's provenance in a custom property."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import bpy

from ..bl_ids import MODEL_RECORD
from ..errors import one_line
from .mesh_data import meshes, unique

MAX_NAME_BYTES: Final = 60
"""Blender before 5.0 keeps 63 bytes of a name, and may append a number."""


def name_all(root: bpy.types.Object, objects: Sequence[bpy.types.Object], name: str) -> None:
    """Name the model's objects, meshes, materials and images after `name`.

    The only one of its kind gets the name alone; of several, each keeps its own name behind it.
    """
    name = one_line(name) or "Model"
    _name([item for item in objects if item is not root], name)
    root.name = truncated(name)
    others = [data for data in unique(item.data for item in objects) if not isinstance(data, bpy.types.Mesh)]
    for group in (meshes(objects), others, *materials_and_images(meshes(objects))):
        if len(group) == 1:
            group[0].name = truncated(name)
        else:
            _name(group, name)


def store_provenance(root: bpy.types.Object, record: Mapping[str, Any], measured: Mapping[str, Any]) -> None:
    """Store on the root object how the model was made, readable without the add-on. `measured`: see `measure`."""
    model = {**record.get("model", {}), **measured}
    report = {"report": found} if (found := model.pop("report", None)) else {}
    root[MODEL_RECORD] = _storable({**record, "model": model, **report})


def _storable(value: Any) -> Any:
    """Returns plain data in a form that a custom property can have: integers of 32 bits, lists of one type."""
    if isinstance(value, Mapping):
        return {str(name): _storable(each) for name, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        mixed = any(isinstance(each, float) for each in value)
        return [float(each) if mixed else _storable(each) for each in value]
    fits = not isinstance(value, int) or -(2**31) <= value < 2**31
    return value if fits else str(value)


def materials_and_images(meshes: Iterable[bpy.types.Mesh]) -> tuple[list[bpy.types.Material], list[bpy.types.Image]]:
    """Returns the materials of the meshes, and the images that the materials' own nodes use."""
    materials = unique(material for mesh in meshes for material in mesh.materials)
    trees = [material.node_tree for material in materials if material.node_tree is not None]
    return materials, unique(getattr(node, "image", None) for tree in trees for node in tree.nodes)


def truncated(name: str) -> str:
    """Returns as much of the name as Blender keeps, without a partial character at its end."""
    return name.encode()[:MAX_NAME_BYTES].decode("utf-8", "ignore")


def _name(items: Sequence[bpy.types.ID], name: str) -> None:
    for item in items:
        item.name = truncated(f"{truncated(name)[:40]} {one_line(item.name)}")
