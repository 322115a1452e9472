# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands objects over to a background Blender, as they are on the screen: with modifiers, unsaved changes, and pose.

Copies of the evaluated meshes share their data with the scene, so only the writing takes time: about 20 ms for 500,000
triangles. Main thread only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import bpy
from mathutils import Matrix

from ..bl_ids import LOD, MATERIAL_NUMBER
from ..errors import MeshToolError, StorageError, one_line
from . import variations

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FORMS: Final[frozenset[str]] = frozenset({"MESH", "CURVE", "SURFACE", "META", "FONT"})
"""Types of objects that have faces."""
_INSTANCING: Final[frozenset[str]] = frozenset({"NODES", "PARTICLE_SYSTEM"})
"""Types of modifiers that can show instances."""
MOST_INSTANCES: Final = 1000
"""More would take a noticeable time to hand over."""


def root_of(item: bpy.types.Object | None) -> bpy.types.Object | None:
    """Returns the object that a tool replaces: of a generated model that is its root. None: no tool can work on it.

    Costs little, for panels. That a mesh has no faces, or a model no visible parts, is found when the tool starts.
    """
    if item is None:
        return None
    if is_level(item) and item.parent is not None and is_level(item.parent):
        item = item.parent
    return variations.model_of(item) or (item if item.type in _FORMS else None)


def sources(
    item: bpy.types.Object | None, *, lods: bool = False
) -> tuple[bpy.types.Object | None, list[bpy.types.Object]]:
    """Returns the object that a tool replaces, and the objects with faces that it works on.

    Of a generated model that is its root, and all of its visible parts. `lods`: the other levels of detail and the
    collision mesh, too. (None, []): there is nothing to work on.
    """
    root = root_of(item)
    if root is None:
        return None, []
    if is_level(root):
        return root, [root, *(child for child in root.children if lods and is_level(child))]
    if variations.model_of(root) is None:
        return root, [root]
    parts = [part for part in variations.parts(root) if part.type in _FORMS and not part.hide_viewport]
    return (root, parts) if parts else (None, [])


def is_level(item: Any) -> bool:
    """Whether an object is a level of detail, or their collision mesh."""
    return LOD in item


class HandedOver(NamedTuple):
    """What belongs to the .blend that was written, and is not in it."""

    materials: tuple[int, ...] = ()
    """`session_uid` of the materials that stand-ins replace, by the number in the stand-in's `MATERIAL_NUMBER`."""
    pixels: tuple[tuple[str, tuple[int, int], NDArray[np.float32]], ...] = ()
    """Images with unsaved changes: name, width and height, and their pixels."""


def write(
    root: bpy.types.Object, objects: Sequence[bpy.types.Object], target: Path, *, textured: bool = True
) -> HandedOver:
    """Write copies of the objects to a .blend, with transforms relative to `root`.

    `textured`: with materials and textures; else stand-ins replace the materials, and `share_materials` replaces these
    in the result. Raises MeshToolError, StorageError.
    """
    for item in objects:
        if item.mode != "OBJECT":
            item.update_from_editmode()
    copies: list[bpy.types.Object] = []
    stand_ins: dict[int, bpy.types.Material] = {}
    try:
        with _evaluated(objects) as graph:
            inverse = _inverse(root)
            for item in objects:
                mesh = bpy.data.meshes.new_from_object(
                    item.evaluated_get(graph), preserve_all_data_layers=True, depsgraph=graph
                )
                copies.append(_object(item.name, mesh, item.matrix_world))
                _set_materials(item, mesh)
            _add_instances(copies, objects, graph)
        for copy in copies:
            copy.matrix_basis = inverse @ copy.matrix_basis
        if root in objects:  # without what rounding leaves: the result then needs no root of its own
            copies[objects.index(root)].matrix_basis = Matrix()
        for mesh in {copy.data.session_uid: copy.data for copy in copies}.values() if not textured else ():
            for number, material in enumerate(mesh.materials):
                mesh.materials[number] = None if material is None else _stand_in(material, stand_ins)
        wanted: set[bpy.types.ID] = {copy for copy in copies if len(copy.data.polygons)}
        if not wanted:
            raise MeshToolError("{name} has no faces.", name=root.name)
        bpy.data.libraries.write(str(target), wanted, path_remap="ABSOLUTE", fake_user=False, compress=False)
        return HandedOver(tuple(stand_ins), _unsaved_pixels(copies) if textured else ())
    except (OSError, RuntimeError) as error:
        raise StorageError(
            "The object can't be written: {reason}.",
            advice="Make room on the disk, then retry.",
            reason=one_line(error),
        ) from error
    finally:
        meshes = {copy.data.session_uid: copy.data for copy in copies}
        bpy.data.batch_remove(copies)
        bpy.data.batch_remove(list(meshes.values()))
        bpy.data.batch_remove(list(stand_ins.values()))


@contextlib.contextmanager
def _evaluated(objects: Sequence[bpy.types.Object]) -> Iterator[bpy.types.Depsgraph]:
    """Context: a dependency graph in which the objects have their modifiers.

    It is that of the open scene, unless an object is hidden there: Blender does not evaluate these.
    """
    graph = bpy.context.evaluated_depsgraph_get()
    if all(item.visible_get() for item in objects):
        yield graph
        return
    scene = bpy.data.scenes.new("Hidden Objects")
    scene.frame_current, scene.frame_subframe = bpy.context.scene.frame_current, bpy.context.scene.frame_subframe
    hidden = [item for item in objects if item.hide_viewport]
    try:
        for item in objects:
            scene.collection.objects.link(item)
        for item in hidden:
            item.hide_viewport = False
        layer = scene.view_layers[0]
        layer.update()
        yield layer.depsgraph
    finally:
        for item in hidden:
            item.hide_viewport = True
        bpy.data.scenes.remove(scene)


def share_materials(objects: Iterable[bpy.types.Object], materials: Sequence[int]) -> None:
    """Replace the stand-ins in a tool's result by the materials that they stand for. Deleted ones are left out."""
    by_uid = {material.session_uid: material for material in bpy.data.materials}
    replaced: dict[int, bpy.types.Material] = {}
    meshes = {item.data.session_uid: item.data for item in objects if isinstance(item.data, bpy.types.Mesh)}
    for mesh in meshes.values():
        for number, stand_in in enumerate(mesh.materials):
            slot = stand_in.get(MATERIAL_NUMBER) if stand_in is not None else None
            if isinstance(slot, int):
                mesh.materials[number] = by_uid.get(materials[slot]) if 0 <= slot < len(materials) else None
                replaced[stand_in.session_uid] = stand_in
    bpy.data.batch_remove(list(replaced.values()))


def _object(name: str, mesh: bpy.types.Mesh, matrix: Matrix) -> bpy.types.Object:
    made = bpy.data.objects.new(name, mesh)
    made.matrix_basis = matrix
    return made


def _add_instances(
    copies: list[bpy.types.Object], objects: Sequence[bpy.types.Object], graph: bpy.types.Depsgraph
) -> None:
    """Add copies of what the objects show as instances, as geometry nodes make them. Raises MeshToolError."""
    instancers = {item for item in objects if item.is_instancer or _INSTANCING & {each.type for each in item.modifiers}}
    meshes: dict[int, bpy.types.Mesh] = {}
    most = len(copies) + MOST_INSTANCES
    for each in graph.object_instances if instancers else ():
        shown, parent = each.object, each.parent
        if not each.is_instance or parent is None or parent.original not in instancers:
            continue
        if not isinstance(shown.data, bpy.types.Mesh) or not len(shown.data.polygons):
            continue
        if len(copies) >= most:
            count = f"{MOST_INSTANCES:,}"
            raise MeshToolError("{name} shows more than {count} instances.", name=parent.name, count=count)
        key = shown.data.session_uid
        if key not in meshes:
            meshes[key] = shown.data.copy()
            _set_materials(shown, meshes[key])
        copies.append(_object(shown.name, meshes[key], each.matrix_world.copy()))


def _set_materials(item: bpy.types.Object, mesh: bpy.types.Mesh) -> None:
    """Give a copy of an evaluated mesh the materials that are shown. (Geometry nodes can add some to the slots.)"""
    for number, slot in zip(range(len(mesh.materials)), item.material_slots, strict=False):
        mesh.materials[number] = slot.material.original if slot.material is not None else None


def _stand_in(material: bpy.types.Material, known: dict[int, bpy.types.Material]) -> bpy.types.Material:
    if material.session_uid not in known:
        stand_in = bpy.data.materials.new(material.name)
        stand_in[MATERIAL_NUMBER] = len(known)
        known[material.session_uid] = stand_in
    return known[material.session_uid]


def _unsaved_pixels(
    objects: Iterable[bpy.types.Object],
) -> tuple[tuple[str, tuple[int, int], NDArray[np.float32]], ...]:
    """Returns the pixels of painted images: a .blend has only what was saved or packed."""
    trees = [m.node_tree for item in objects for m in item.data.materials if m is not None and m.node_tree is not None]
    images = {}
    while trees:
        for node in trees.pop().nodes:
            if isinstance(node, bpy.types.ShaderNodeGroup) and node.node_tree is not None:
                trees.append(node.node_tree)
            image = getattr(node, "image", None)
            if image is not None and image.is_dirty and image.has_data and image.source != "TILED":
                images[image.session_uid] = image
    if not images:
        return ()
    import numpy as np

    found = []
    for image in images.values():
        pixels = np.empty(image.size[0] * image.size[1] * image.channels, np.float32)
        content: Any = image.pixels
        content.foreach_get(pixels)
        found.append((image.name, (image.size[0], image.size[1]), pixels))
    return tuple(found)


def _inverse(root: bpy.types.Object) -> Matrix:
    """Returns the inverse of the object's transform. Raises MeshToolError if it is flat."""
    if abs(root.matrix_world.determinant()) < 1e-30:
        raise MeshToolError("{name} is scaled to zero.", advice="Correct the scale.", name=root.name)
    return root.matrix_world.inverted()
