# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and modifies mesh data: what the modules that prepare or make models share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import bpy
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

DATA_KINDS: Final = (
    "objects", "collections", "meshes", "curves", "armatures", "cameras", "lights", "materials", "images", "textures",
    "node_groups", "actions", "worlds", "texts", "shape_keys",
)  # fmt: skip
"""Collections of `bpy.data` that a model or its preview can fill; screens and the like belong to this Blender."""


def read(data: Any, name: str, width: int = 1, kind: Any = np.float32) -> Array:
    """Returns a property of all elements of a collection: n values, or n × `width`."""
    values = np.empty(len(data) * width, kind)
    if len(data):
        data.foreach_get(name, values)
    return values if width == 1 else values.reshape(-1, width)


def positions(mesh: bpy.types.Mesh) -> Array:
    """Returns the vertices' coordinates, n × 3."""
    # An attribute is one copy; `vertices` and `loops` are read one by one (100 ms at 500,000 triangles).
    return read(mesh.attributes["position"].data if len(mesh.vertices) else (), "vector", 3)


def corner_vertices(mesh: bpy.types.Mesh) -> Array:
    """Returns the vertex index of each face corner."""
    return read(mesh.attributes[".corner_vert"].data if len(mesh.loops) else (), "value", kind=np.int32)


def unique(items: Iterable[Any]) -> list[Any]:
    """Returns Blender data without duplicates and None."""
    return list({item.session_uid: item for item in items if item is not None}.values())


def meshes(objects: Iterable[bpy.types.Object]) -> list[bpy.types.Mesh]:
    """Returns the meshes of the objects, each once."""
    return unique(item.data for item in objects if isinstance(item.data, bpy.types.Mesh))


def apply_modifier(item: bpy.types.Object, kind: str, **settings: Any) -> None:
    """Apply a new modifier to the object's mesh. Its other modifiers stay as they are."""
    modifier = item.modifiers.new(kind, kind)
    for name, value in settings.items():
        setattr(modifier, name, value)
    with bpy.context.temp_override(object=item, active_object=item, selected_objects=[item]):
        bpy.ops.object.modifier_apply(modifier=modifier.name)


def clear_data() -> None:
    """Remove all data, so that nothing of one model gets into the next. For the background Blender only."""
    for kind in DATA_KINDS:
        bpy.data.batch_remove(list(getattr(bpy.data, kind)))
    for scene in bpy.data.scenes[1:]:
        bpy.data.scenes.remove(scene)
