# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean Up: merges vertices, deletes loose parts, fills holes, turns faces outward. UVs and textures stay.

Its steps take one mesh object, and are what other tools begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import bpy

from ...errors import MeshToolError, Message, counted
from ...setting_rows import checked
from ...tool_settings import CleanUp
from .. import face_direction
from . import blend_exchange
from .custom_normals import kept_normals
from .fill_holes import fill_holes
from .flat_faces import dissolve_flat_faces
from .merge import delete_loose_parts, merge_vertices

__all__ = ["delete_loose_parts", "fill_holes", "merge_vertices", "recalculate_normals", "run"]

_MAJORITY = 0.5


def run(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "clean_up" request. Returns the result of `blend_exchange.write_result`."""
    settings = CleanUp(**checked(CleanUp, request["settings"]))
    objects = blend_exchange.read_objects(request)
    done = dict.fromkeys(("merged", "flat", "parts", "holes", "turned"), 0)
    by_mesh = blend_exchange.by_mesh(objects)
    for number, users in enumerate(by_mesh):
        progress(0.1 + 0.8 * number / len(by_mesh))
        with blend_exchange.shared_mesh(users) as item, kept_normals(item):
            for name, count in clean(item, settings).items():
                done[name] += count * len(users)
    if not any(len(item.data.polygons) for item in objects):
        raise MeshToolError("Nothing remains of this mesh: its faces have no area.")
    return blend_exchange.write_result(request, blend_exchange.under_one_root(request, objects), notes(done), done)


def clean(item: bpy.types.Object, settings: CleanUp) -> dict[str, int]:
    """Clean one mesh object up. Returns the numbers of what was merged, dissolved, deleted, filled, turned."""
    return {
        "merged": merge_vertices(item) if settings.merge else 0,
        "flat": dissolve_flat_faces(item) if settings.merge else 0,
        "parts": delete_loose_parts(item) if settings.loose_parts else 0,
        "holes": fill_holes(item) if settings.fill_holes else 0,
        "turned": recalculate_normals(item) if settings.normals else 0,
    }


def recalculate_normals(item: bpy.types.Object) -> int:
    """Make the faces of a mesh consistent and point outward. Returns how many were turned.

    An inner wall of a closed part keeps facing inward. In an open part, the majority of the area decides.
    """
    return face_direction.turn_outward(item.data, _MAJORITY)


def notes(done: Mapping[str, int]) -> list[Message]:
    """Returns what was repaired, for the artist."""
    wordings = {
        "merged": ("1 vertex was merged", "{count} vertices were merged"),
        "flat": ("1 face without area was dissolved", "{count} faces without area were dissolved"),
        "parts": ("1 loose part was deleted", "{count} loose parts were deleted"),
        "holes": ("1 hole was filled", "{count} holes were filled"),
        "turned": ("1 face was flipped", "{count} faces were flipped"),
    }
    found = [counted(done[name], one, many) for name, (one, many) in wordings.items() if done[name]]
    return found or [Message("There was nothing to repair")]
