# SPDX-License-Identifier: GPL-3.0-or-later
"""Levels of detail: the model with 100%, 50%, 25% and 10% of its triangles, and a convex hull for collisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import bpy

from ...bl_ids import LOD
from ...errors import Message
from ...setting_rows import checked
from ...tool_settings import LOD_RATIOS, Lods
from ..mesh_data import positions
from . import blend_exchange, engine_names
from .convex_hull import convex_hull
from .decimate import reduce_triangles, triangle_count


def run(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "lods" request; its key `name` is the model's. Returns the result of `blend_exchange.write_result`.

    The objects are at the same place, and share their materials: the levels, then the collision mesh if there is one.
    LOD0 has the source's mesh as it is. facts: triangles_LOD0 and so on, triangles_collision.
    """
    settings = Lods(**checked(Lods, request["settings"]))
    first = blend_exchange.read_joined(request)
    name = engine_names.role_of(str(request["name"])).model
    objects = [first]
    first.name = first.data.name = engine_names.level_name(name, 0)
    for level in range(1, len(LOD_RATIOS)):
        progress(0.1 + 0.8 * level / len(LOD_RATIOS))
        item = _copy(objects[-1])  # from the level before: half the time, and no visible difference
        item.name = item.data.name = engine_names.level_name(name, level)
        reduce_triangles(item, LOD_RATIOS[level] / LOD_RATIOS[level - 1])
        objects.append(item)
    for level, item in enumerate(objects):
        item[LOD] = level
    counts = [triangle_count(item) for item in objects]
    facts = {f"triangles_LOD{level}": count for level, count in enumerate(counts)}
    listed = " / ".join(f"{count:,}" for count in counts)
    notes = [Message("LOD0 to LOD3 have {counts} triangles", {"counts": listed})]
    if settings.collision:
        hull = _collision(first, engine_names.collision_name(name))
        hull[LOD] = -1
        objects.append(hull)
        facts["triangles_collision"] = triangle_count(hull)
        notes.append(Message("The collision mesh has {count} triangles", {"count": str(triangle_count(hull))}))
    return blend_exchange.write_result(request, objects, notes, facts)


def _copy(item: bpy.types.Object) -> bpy.types.Object:
    """Returns a copy of an object with its own mesh, and the same materials."""
    result = item.copy()
    result.data = item.data.copy()
    bpy.context.scene.collection.objects.link(result)
    return result


def _collision(item: bpy.types.Object, name: str) -> bpy.types.Object:
    """Returns the convex hull of an object, drawn as wires and not rendered."""
    result = bpy.data.objects.new(name, convex_hull(positions(item.data), name))
    result.display_type = "WIRE"
    result.hide_render = True
    bpy.context.scene.collection.objects.link(result)
    return result
