# SPDX-License-Identifier: GPL-3.0-or-later
"""Names an artist finds again: everything of a model is called after its image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import bpy

from ..errors import one_line

LONGEST: Final = 60
"""Bytes of a name: Blender before 5.0 keeps 63, and a number may come behind it."""


def name_all(root: bpy.types.Object, objects: Sequence[bpy.types.Object], name: str) -> None:
    """Call the model's objects, meshes, materials and images after `name`.

    What is there once bears the name alone; of several, each keeps its own name behind it.
    """
    name = one_line(name) or "Model"
    others = [item for item in objects if item is not root]
    _name(others, name)
    root.name = cut(name)
    data = _each_once(item.data for item in objects if item.data is not None)
    materials = _each_once(m for x in data if isinstance(x, bpy.types.Mesh) for m in x.materials if m is not None)
    for group in (
        [x for x in data if isinstance(x, bpy.types.Mesh)],
        [x for x in data if not isinstance(x, bpy.types.Mesh)],
        materials,
        _each_once(image for material in materials for image in material_images(material)),
    ):
        if len(group) == 1:
            group[0].name = cut(name)
        else:
            _name(group, name)


def keep_record(root: bpy.types.Object, record: Mapping[str, str | int | float]) -> None:
    """Custom properties that say where the model came from, readable without the add-on."""
    for key, value in record.items():
        fits = not isinstance(value, int) or -(2**31) <= value < 2**31
        root[key] = value if fits else str(value)


def material_images(material: bpy.types.Material) -> list[bpy.types.Image]:
    """The images that a material's own nodes show."""
    nodes = material.node_tree.nodes if material.node_tree is not None else ()
    return _each_once(node.image for node in nodes if getattr(node, "image", None) is not None)


def cut(name: str) -> str:
    """As much of `name` as Blender keeps, without half a character at the end."""
    return name.encode()[:LONGEST].decode("utf-8", "ignore")


def _name(items: Sequence[bpy.types.ID], name: str) -> None:
    for item in items:
        item.name = cut(f"{cut(name)[:40]} {one_line(item.name)}")


def _each_once(items: Iterable[Any]) -> list[Any]:
    return list({item.session_uid: item for item in items}.values())
