# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports a model file with Blender's own importers, with the same orientation in every format."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import bpy

from ..errors import Action, ImportFailedError, Message, one_line
from . import point_cloud, source_file, textures
from .mesh_data import DATA_KINDS, meshes
from .obj_folder import Companion
from .source_file import DAMAGED_ADVICE

AXES: Final = {"forward_axis": "NEGATIVE_Z", "up_axis": "Y"}
"""The service's models are Y up and face -Z; glTF says so, the other formats are read the same way."""
_GLTF_OPTIONS: Final = {
    "import_webp_texture": True,
    "import_select_created_objects": False,
    "import_scene_extras": False,
    "import_scene_as_collection": False,
    "disable_bone_shape": True,
}
_IMPORTERS: Final[Mapping[str, tuple[Any, Mapping[str, Any]]]] = {
    "glb": (bpy.ops.import_scene.gltf, _GLTF_OPTIONS),
    "obj": (bpy.ops.wm.obj_import, AXES),
    "stl": (bpy.ops.wm.stl_import, AXES),
    "ply": (bpy.ops.wm.ply_import, AXES),
}
"""Each format's importer and the options in which we differ from its defaults."""
_HELPER_COLLECTION: Final = "glTF_not_exported"
"""The glTF importer's collection for its own helper shapes."""


def import_file(
    source: Path, format: str, companions: Sequence[Companion], repairs: list[Message]
) -> list[bpy.types.Object]:
    """Import a file. Returns its objects. Images are packed; none from elsewhere on the disk is used.

    Appends to `repairs` what could not be kept, for the artist.

    Raises ImportFailedError if Blender's importer can't read it or finds nothing.
    """
    if format not in _IMPORTERS:
        raise ImportFailedError("There is no importer for the format {format}.", format=one_line(format))
    helpers = bpy.data.collections.get(_HELPER_COLLECTION)
    before = {item.session_uid for kind in DATA_KINDS for item in getattr(bpy.data, kind)}
    with source_file.prepared(source, format, companions, repairs) as path:
        if format == "ply" and point_cloud.has_only_points(path):
            point_cloud.import_ply(path, repairs)
        else:
            try:
                call_operator(*_IMPORTERS[format], path)
            except RuntimeError as error:
                raise source_file.read_failure(error, path) from error
        textures.pack([item for item in bpy.data.images if item.session_uid not in before], path.parent, repairs)
    _remove_custom_properties(before)
    new = [item for item in bpy.data.objects if item.session_uid not in before]
    objects = _without_extras(new, existing=helpers)
    if not objects:
        raise ImportFailedError("The model file has no geometry.", advice=DAMAGED_ADVICE, action=Action.DOWNLOAD_AGAIN)
    return objects


def call_operator(operator: Any, options: Mapping[str, Any], path: Path) -> None:
    """Call an importer or exporter for a file, with those options that it has in this Blender version."""
    known = operator.get_rna_type().properties
    operator(filepath=str(path), **{name: value for name, value in options.items() if name in known})


def _remove_custom_properties(existing: Collection[int]) -> None:
    """Remove the custom properties that a model brings (glTF extras): only what we store about it may pass for ours.

    They could also pass for another add-on's settings, which Blender stores in the same place. `existing`: the
    `session_uid` of the data that is not the model's.
    """
    for item in (item for kind in DATA_KINDS for item in getattr(bpy.data, kind)):
        if item.session_uid in existing:
            continue
        owners: list[Any] = [item]
        owners += item.bones if isinstance(item, bpy.types.Armature) else ()
        owners += item.pose.bones if isinstance(item, bpy.types.Object) and item.pose is not None else ()
        for owner in owners:
            for name in list(owner.keys()):
                del owner[name]


def _without_extras(
    objects: Sequence[bpy.types.Object], *, existing: bpy.types.Collection | None
) -> list[bpy.types.Object]:
    """Remove cameras, lights and the importer's helper shapes. Returns the objects of the model.

    `existing`: the importer's helper collection, if it was there before the import.
    """
    collection = bpy.data.collections.get(_HELPER_COLLECTION)
    helpers = {item for item in objects if collection is not None and collection in item.users_collection}
    for bone in (bone for item in objects if item.pose is not None for bone in item.pose.bones):
        if bone.custom_shape in helpers:
            bone.custom_shape = None
    if collection is not None and collection != existing:
        bpy.data.collections.remove(collection)
    parents = {item.parent for item in objects}
    extras = {x for x in objects if x in helpers or (x.type in {"CAMERA", "LIGHT"} and x not in parents)}
    kept = [item for item in objects if item not in extras]
    data = meshes(extras)
    bpy.data.batch_remove(extras)
    bpy.data.batch_remove([mesh for mesh in data if not mesh.users])
    return kept
