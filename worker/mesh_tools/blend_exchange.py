# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the objects that a mesh tool works on, and writes its result. Both are .blend files that only we exchange.

The objects come as they are on the screen: modifiers are applied, and the transforms are relative to the object that
the artist selected. So a result without transform stands where the selected object stands. A prepared model of ours is
read as well: the request names its root, and the same is done to its objects here.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import bmesh
import bpy
import numpy as np
from mathutils import Matrix

from ... import atomic_file
from ...bl_ids import LOD, MATERIAL_NUMBER
from ...errors import MeshToolError, Message, WorkerError, one_line
from ..blend_file import large_parts
from ..mesh_data import clear_data, meshes, positions, read, unique
from .report import measure

_NO_REQUEST: Final[Mapping[str, Any]] = {}
_FARTHEST: Final = 1e18
"""Units from which a vertex counts as infinitely far: the squares of its coordinates would be."""
SHARED_UV: Final = "Joined UVs"
"""The UV map of a mesh that was joined from some with UV maps of different names."""


def read_objects(request: Mapping[str, Any]) -> list[bpy.types.Object]:
    """Replace this Blender's data by the mesh objects of the request's `source`. Returns them. Raises MeshToolError."""
    clear_data()
    return append_objects(request["source"], request)


def transform_of(request: Mapping[str, Any]) -> Matrix:
    """Returns the transform from the objects' space to meters as they stand in the scene, without location."""
    rows = request.get("transform")
    return Matrix((rows[0:3], rows[3:6], rows[6:9])).to_4x4() if rows else Matrix()


def append_objects(path: str | Path, request: Mapping[str, Any] = _NO_REQUEST) -> list[bpy.types.Object]:
    """Append the mesh objects of a .blend to this Blender's data. Returns them. Raises MeshToolError.

    `request`: what belongs to the .blend: root, images, number_materials.
    """
    libraries: Any = bpy.data.libraries  # the stubs say that `load` returns nothing
    with libraries.load(str(path), link=False) as (there, here):
        here.objects = list(there.objects)
    found = [item for item in here.objects if item is not None and isinstance(item.data, bpy.types.Mesh)]
    root = bpy.data.objects.get(request.get("root") or "")
    for item in found if root is None else bpy.data.objects:  # what evaluating needs: parents, a rig
        bpy.context.scene.collection.objects.link(item)
    for name, file in request.get("images", ()):
        _set_pixels(name, Path(file))
    bpy.context.view_layer.update()
    if root is not None:
        _make_relative(found, root)
    for mesh in meshes(found):
        _delete_lost_vertices(mesh)
    if request.get("number_materials"):
        for number, material in enumerate(unique(each for item in found for each in item.data.materials)):
            material[MATERIAL_NUMBER] = number
    if not any(len(item.data.polygons) for item in found):
        raise MeshToolError("The object has no faces.")
    return found


def _delete_lost_vertices(mesh: bpy.types.Mesh) -> None:
    """Delete vertices with coordinates that are no numbers or infinite, with their faces."""
    lost = np.flatnonzero(~(np.abs(positions(mesh)) < _FARTHEST).all(axis=1)).tolist()
    if not lost:
        return
    work = bmesh.new()
    work.from_mesh(mesh)
    work.verts.ensure_lookup_table()
    bmesh.ops.delete(work, geom=[work.verts[number] for number in lost], context="VERTS")
    work.to_mesh(mesh)
    work.free()
    mesh.update()


def _make_relative(objects: Sequence[bpy.types.Object], root: bpy.types.Object) -> None:
    """Give the objects their evaluated meshes, and transforms relative to the root, without parents and asset marks."""
    graph = bpy.context.evaluated_depsgraph_get()
    evaluated = [item.evaluated_get(graph) for item in objects]
    inverse = root.evaluated_get(graph).matrix_world.inverted_safe()
    # Without what rounding leaves, the root alone needs no other root.
    matrices = [Matrix() if item.original == root else inverse @ item.matrix_world for item in evaluated]
    made = [
        bpy.data.meshes.new_from_object(shown, preserve_all_data_layers=True, depsgraph=graph)
        if item.modifiers or item.data.shape_keys
        else item.data
        for item, shown in zip(objects, evaluated, strict=True)
    ]
    for item, matrix, mesh in zip(objects, matrices, made, strict=True):
        item.animation_data_clear()
        item.constraints.clear()
        item.modifiers.clear()
        item.parent = None
        item.matrix_basis = matrix
        item.data = mesh
        item.asset_clear()
    bpy.context.view_layer.update()


def _set_pixels(name: str, file: Path) -> None:
    """Give an image the pixels that the artist sees: it was painted, and not saved."""
    image = bpy.data.images.get(name)
    if image is None:
        return
    pixels = np.load(file, allow_pickle=False)
    height, width, channels = pixels.shape
    if tuple(image.size) != (width, height) or image.channels != channels:  # its file is missing, or another one
        space = image.colorspace_settings.name
        image.source = "GENERATED"
        image.generated_width, image.generated_height = width, height
        image.colorspace_settings.name = space
    content: Any = image.pixels
    if len(content) == pixels.size:
        content.foreach_set(pixels.ravel())
        image.pack()


def read_joined(request: Mapping[str, Any]) -> bpy.types.Object:
    """Returns the objects of the request's `source`, joined into one without transform. Raises MeshToolError."""
    clear_data()
    return append_joined(request["source"], request)


def append_joined(path: str | Path, request: Mapping[str, Any] = _NO_REQUEST) -> bpy.types.Object:
    """Returns the objects of a .blend, joined into one without transform. Raises MeshToolError."""
    found = append_objects(path, request)
    for item in found:
        if item.data.users > 1:
            item.data = item.data.copy()
        mirrored = item.matrix_world.determinant() < 0
        item.data.transform(item.matrix_world)
        if mirrored:
            item.data.flip_normals()
        item.matrix_world.identity()
    if len(found) > 1:
        _share_uv_map(meshes(found))
        with bpy.context.temp_override(active_object=found[0], object=found[0], selected_editable_objects=found):
            bpy.ops.object.join()
    bpy.context.view_layer.update()
    return found[0]


def _share_uv_map(found: Sequence[bpy.types.Mesh]) -> None:
    """Give the UV maps that materials use by default one name: joining keeps those of each name apart."""
    names = {layer.name for mesh in found for layer in mesh.uv_layers if layer.active_render}
    if len(names) < 2:
        return
    for mesh in found:
        used = next((layer for layer in mesh.uv_layers if layer.active_render), None)
        if used is not None:
            values = read(used.data, "uv", 2)
            shared = mesh.uv_layers.new(name=SHARED_UV, do_init=False)
            shared.data.foreach_set("uv", values.reshape(-1))
            shared.active = shared.active_render = True


def by_mesh(objects: Iterable[bpy.types.Object]) -> list[list[bpy.types.Object]]:
    """Returns the objects in groups that share a mesh."""
    groups: dict[Any, list[bpy.types.Object]] = defaultdict(list)
    for item in objects:
        groups[item.data].append(item)
    return list(groups.values())


@contextlib.contextmanager
def shared_mesh(users: Sequence[bpy.types.Object]) -> Iterator[bpy.types.Object]:
    """Context: an object whose mesh can be changed, and becomes that of all `users`."""
    first, *others = users
    if others:  # a modifier can't be applied to a shared mesh
        first.data = first.data.copy()
    yield first
    for item in others:
        item.data = first.data


def under_one_root(request: Mapping[str, Any], objects: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """Returns the objects so that the first one can replace the artist's object: it has no transform.

    Several objects, or one that has a transform, are put under an empty.
    """
    if len(objects) == 1 and objects[0].matrix_basis == Matrix.Identity(4):
        return list(objects)
    root = bpy.data.objects.new(str(request.get("name") or objects[0].name), None)
    root.empty_display_size = 0.2
    for item in objects:
        item.parent = root
    return [root, *objects]


def write_result(
    request: Mapping[str, Any],
    objects: Sequence[bpy.types.Object],
    notes: Sequence[Message] = (),
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the objects to the request's `target`. Returns the result of the request. Raises WorkerError.

    Its keys: objects (names), parts (see `convert_model.describe`), notes (messages as plain data: what was done, for
    the artist), facts (numbers and short texts, which are stored on the object, and the mesh report of the result).
    """
    target = Path(request["target"])
    temporary = target.with_name("~" + target.name)
    wanted: set[bpy.types.ID] = set(objects)
    try:
        bpy.data.libraries.write(str(temporary), wanted, fake_user=False, compress=False)
        atomic_file.replace(temporary, target)
    except OSError as error:
        raise WorkerError("The result can't be written: {reason}.", cause=error) from error
    except RuntimeError as error:
        raise WorkerError("The result can't be written: {reason}.", reason=one_line(error)) from error
    return {
        "objects": [item.name for item in objects],
        "parts": large_parts(objects),
        "notes": [note.to_json() for note in notes],
        "facts": {
            "report": measure([item for item in objects if _is_shown(item)]).to_json(),
            **(facts or {}),
        },
    }


def _is_shown(item: Any) -> bool:
    """Whether an object is a part of the model that the artist sees, and no lower level of detail."""
    return isinstance(item.data, bpy.types.Mesh) and item.get(LOD, 0) == 0
