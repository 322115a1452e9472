# SPDX-License-Identifier: GPL-3.0-or-later
"""Names a model's data after its image, and stores the model's provenance in custom properties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import bpy

from ..errors import one_line

MAX_NAME_BYTES: Final = 60
"""Blender before 5.0 keeps 63 bytes of a name, and may append a number."""


def name_all(root: bpy.types.Object, objects: Sequence[bpy.types.Object], name: str) -> None:
    """Name the model's objects, meshes, materials and images after `name`.

    The only one of its kind gets the name alone; of several, each keeps its own name behind it.
    """
    name = one_line(name) or "Model"
    others = [item for item in objects if item is not root]
    _name(others, name)
    root.name = truncated(name)
    data = _unique(item.data for item in objects if item.data is not None)
    materials = _unique(m for x in data if isinstance(x, bpy.types.Mesh) for m in x.materials if m is not None)
    for group in (
        [x for x in data if isinstance(x, bpy.types.Mesh)],
        [x for x in data if not isinstance(x, bpy.types.Mesh)],
        materials,
        _unique(image for material in materials for image in material_images(material)),
    ):
        if len(group) == 1:
            group[0].name = truncated(name)
        else:
            _name(group, name)


def store_provenance(root: bpy.types.Object, record: Mapping[str, str | int | float]) -> None:
    """Set custom properties that say how the model was made, readable without the add-on."""
    for key, value in record.items():
        fits = not isinstance(value, int) or -(2**31) <= value < 2**31
        root[key] = value if fits else str(value)


def material_images(material: bpy.types.Material) -> list[bpy.types.Image]:
    """Returns the images that a material's own nodes use."""
    nodes = material.node_tree.nodes if material.node_tree is not None else ()
    return _unique(node.image for node in nodes if getattr(node, "image", None) is not None)


def truncated(name: str) -> str:
    """Returns as much of the name as Blender keeps, without a partial character at its end."""
    return name.encode()[:MAX_NAME_BYTES].decode("utf-8", "ignore")


def _name(items: Sequence[bpy.types.ID], name: str) -> None:
    for item in items:
        item.name = truncated(f"{truncated(name)[:40]} {one_line(item.name)}")


def _unique(items: Iterable[Any]) -> list[Any]:
    return list({item.session_uid: item for item in items}.values())
