# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports a model file with Blender's own importers, with the same orientation in every format."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import bpy

from ..errors import Action, ImportFailedError, one_line
from . import point_cloud, source_file
from .mesh_data import meshes
from .source_file import DAMAGED_ADVICE

_log = logging.getLogger(__name__)

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
_OPTIONS: Final = re.compile(r"^(?:-\w+\s+(?:(?:-?[\d.]+|on|off|[rgbmlz]|sphere|cube_\w+)\s+)*)*", re.IGNORECASE)
"""The options before a texture's name in an MTL file, which may contain spaces itself."""
_HELPER_COLLECTION: Final = "glTF_not_exported"
"""The glTF importer's collection for its own helper shapes."""


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that belongs to a model: a material library, a texture."""

    file: Path
    name: str
    """The name that the model uses for it."""


def import_file(
    source: Path, format: str, companions: Sequence[Companion], repairs: list[str]
) -> list[bpy.types.Object]:
    """Import a file. Returns its objects. Images are packed; none from elsewhere on the disk is used.

    Appends to `repairs` what could not be kept, for the artist.

    Raises ImportFailedError if Blender's importer can't read it or finds nothing.
    """
    if format not in _IMPORTERS:
        raise ImportFailedError("There is no importer for the format {format}.", format=one_line(format))
    with source_file.prepared(source, format, repairs) as file, _with_companions(file, companions) as path:
        helpers = bpy.data.collections.get(_HELPER_COLLECTION)
        before = {item.session_uid for item in (*bpy.data.objects, *bpy.data.images)}
        if format == "ply" and point_cloud.has_only_points(path):
            point_cloud.import_ply(path, repairs)
        else:
            try:
                call_operator(*_IMPORTERS[format], path)
            except RuntimeError as error:
                raise source_file.read_failure(error, path) from error
        _pack_images([item for item in bpy.data.images if item.session_uid not in before], path.parent)
    new = [item for item in bpy.data.objects if item.session_uid not in before]
    objects = _without_extras(new, existing=helpers)
    if not objects:
        raise ImportFailedError("The model file has no geometry.", advice=DAMAGED_ADVICE, action=Action.DOWNLOAD_AGAIN)
    return objects


def call_operator(operator: Any, options: Mapping[str, Any], path: Path) -> None:
    """Call an importer or exporter for a file, with those options that it has in this Blender version."""
    known = operator.get_rna_type().properties
    operator(filepath=str(path), **{name: value for name, value in options.items() if name in known})


@contextlib.contextmanager
def _with_companions(source: Path, companions: Sequence[Companion]) -> Iterator[Path]:
    """Context: the model with its companions beside it, under the names that it uses for them."""
    if not companions:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="~companions-", dir=source.parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _link_or_copy(source, folder / source.name)
        for companion in companions:
            _link_or_copy(companion.file, folder / (_base_name(companion.name) or "companion"))
        _provide_missing_names(folder, source.name)
        yield folder / source.name


def _provide_missing_names(folder: Path, model: str) -> None:
    """Provide a missing file that the model refers to, if the service sent just one of its kind under another name."""
    texts = [folder / model, *folder.glob("*.mtl")]
    for text in texts:
        for reference in _references(text):
            wanted = _base_name(reference)
            if not wanted or (folder / wanted).exists():
                continue
            suffixes = (".mtl",) if text.name == model else (".png", ".jpg", ".jpeg", ".webp", ".tga", ".bmp")
            candidates = [item for item in folder.iterdir() if item.suffix.lower() in suffixes]
            if len(candidates) == 1:
                _link_or_copy(candidates[0], folder / wanted)
                if text.name == model:
                    texts.append(folder / wanted)


def _references(text: Path) -> set[str]:
    """Returns the file names in an OBJ's `mtllib` or an MTL's `map_…` lines."""
    if text.suffix.lower() not in {".obj", ".mtl"}:
        return set()
    with text.open("rb") as file:
        head = file.read(1 << 20).decode("utf-8", "replace")
    lines = (line.split(maxsplit=1) for line in head.splitlines() if line.startswith(("mtllib ", "map_", "norm ")))
    return {_OPTIONS.sub("", rest) for _, rest in (x for x in lines if len(x) == 2)}


def _base_name(reference: str) -> str:
    """Returns a path's last part, whichever slashes it has."""
    return PurePosixPath(reference.replace("\\", "/")).name


def _link_or_copy(file: Path, name: Path) -> None:
    """Provide a file under another name, without copying it if the file system allows that."""
    if name.exists():
        return
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)


def _pack_images(new_images: Sequence[bpy.types.Image], folder: Path) -> None:
    """Pack the images of the model, unchanged; remove those that are missing or elsewhere on this disk."""
    root = Path(os.path.realpath(folder))
    for image in new_images:
        path = Path(os.path.realpath(bpy.path.abspath(image.filepath))) if image.filepath else None
        if path is not None and not path.is_relative_to(root):
            _log.warning("removed an image that is not part of the model: %s", one_line(image.filepath))
            _remove_image(image)
            continue
        try:
            if image.packed_file is None:
                image.pack()
            image.filepath_raw = ""  # it is in the .blend from now on; its old path means nothing there
        except RuntimeError as error:
            _log.warning("removed an image that is missing: %s", one_line(error))
            _remove_image(image)


def _remove_image(image: bpy.types.Image) -> None:
    """Remove an image and the nodes that use it, so that the material's plain color is used instead."""
    for material in bpy.data.materials:
        nodes = material.node_tree.nodes if material.node_tree is not None else ()
        for node in [node for node in nodes if getattr(node, "image", None) == image]:
            nodes.remove(node)
    bpy.data.images.remove(image)


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
