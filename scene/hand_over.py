# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands objects over to a background Blender, as they are on the screen: with modifiers, unsaved changes, and pose.

Copies of the evaluated meshes share their data with the scene, so only the writing takes time: about 20 ms for 500,000
triangles. Main thread only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
from mathutils import Matrix

from ..errors import MeshToolError, StorageError, one_line
from . import variations

_FORMS: frozenset[str] = frozenset({"MESH", "CURVE", "SURFACE", "META", "FONT"})
"""Types of objects that have faces."""


def root_of(item: bpy.types.Object | None) -> bpy.types.Object | None:
    """Returns the object that a tool replaces: of a generated model that is its root. None: no tool can work on it.

    Costs little, for panels. That a mesh has no faces, or a model no visible parts, is found when the tool starts.
    """
    if item is None:
        return None
    return variations.model_of(item) or (item if item.type in _FORMS else None)


def sources(item: bpy.types.Object | None) -> tuple[bpy.types.Object | None, list[bpy.types.Object]]:
    """Returns the object that a tool replaces, and the objects with faces that it works on.

    Of a generated model that is its root, and all of its visible parts. (None, []): there is nothing to work on.
    """
    root = root_of(item)
    if root is None or variations.model_of(root) is None:
        return (root, [root]) if root is not None else (None, [])
    parts = [part for part in variations.parts(root) if part.type in _FORMS and not part.hide_viewport]
    return (root, parts) if parts else (None, [])


def write(root: bpy.types.Object, objects: Sequence[bpy.types.Object], target: Path) -> None:
    """Write copies of the objects to a .blend, with transforms relative to `root`.

    Raises MeshToolError, StorageError.
    """
    for item in objects:
        if item.mode != "OBJECT":
            item.update_from_editmode()
    graph = bpy.context.evaluated_depsgraph_get()
    inverse = _inverse(root)
    copies: list[bpy.types.Object] = []
    try:
        for item in objects:
            evaluated = item.evaluated_get(graph)
            mesh = bpy.data.meshes.new_from_object(evaluated, preserve_all_data_layers=True, depsgraph=graph)
            copy = bpy.data.objects.new(item.name, mesh)
            copies.append(copy)
            copy.matrix_basis = inverse @ item.matrix_world
            for number, slot in enumerate(item.material_slots):
                if slot.link == "OBJECT" and number < len(mesh.materials):
                    mesh.materials[number] = slot.material
        if not any(len(copy.data.polygons) for copy in copies):
            raise MeshToolError("{name} has no faces.", name=root.name)
        wanted: set[bpy.types.ID] = set(copies)
        bpy.data.libraries.write(str(target), wanted, path_remap="ABSOLUTE", fake_user=False, compress=False)
    except (OSError, RuntimeError) as error:
        raise StorageError("The object can't be written: {reason}.", reason=one_line(error)) from error
    finally:
        meshes = [copy.data for copy in copies]
        bpy.data.batch_remove(copies)
        bpy.data.batch_remove(meshes)


def _inverse(root: bpy.types.Object) -> Matrix:
    """Returns the inverse of the object's transform. Raises MeshToolError if it is flat."""
    if abs(root.matrix_world.determinant()) < 1e-30:
        raise MeshToolError("{name} is scaled to zero.", advice="Correct the scale.", name=root.name)
    return root.matrix_world.inverted()
