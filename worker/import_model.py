# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports a model file with Blender's own importers, with the same orientation in every format."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import bpy

from ..errors import ImportFailedError, one_line

_log = logging.getLogger(__name__)

_AXES: Final = {"forward_axis": "NEGATIVE_Z", "up_axis": "Y"}
"""The service's models are Y up and face -Z; glTF says so, the other formats are read the same way."""
_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "glb": {
        "import_pack_images": True,
        "merge_vertices": False,
        "import_shading": "NORMALS",
        "import_webp_texture": True,
        "import_select_created_objects": False,
        "import_scene_extras": False,
        "import_scene_as_collection": False,
        "disable_bone_shape": True,
    },
    "obj": {"use_split_objects": True, "use_split_groups": False, "validate_meshes": True, **_AXES},
    "stl": {"use_mesh_validate": True, "use_facet_normal": False, **_AXES},
    "ply": {"import_colors": "SRGB", "merge_verts": False, **_AXES},
}
_HELPER_COLLECTION: Final = "glTF_not_exported"
"""The glTF importer's collection for its own helper shapes."""


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that belongs to a model: a material library, a texture."""

    file: Path
    name: str
    """The name that the model uses for it."""


def import_file(source: Path, format: str, companions: Sequence[Companion] = ()) -> list[bpy.types.Object]:
    """Import a file. Returns its objects. Images are packed; none from elsewhere on the disk is used.

    Raises ImportFailedError if Blender's importer can't read it or finds nothing.
    """
    if format not in _OPTIONS:
        raise ImportFailedError("There is no importer for the format {format}.", format=one_line(format))
    with _with_companions(source, companions) as path:
        before = {item.session_uid for item in bpy.data.objects}
        helpers = bpy.data.collections.get(_HELPER_COLLECTION)
        images_before = {item.session_uid for item in bpy.data.images}
        try:
            _operator(format)(filepath=str(path), **_known_options(format))
        except RuntimeError as error:
            raise ImportFailedError("The model file can't be read: {reason}.", reason=_reason(error, path)) from error
        objects = [item for item in bpy.data.objects if item.session_uid not in before]
        _pack_images([item for item in bpy.data.images if item.session_uid not in images_before], path.parent)
    objects = _without_extras(objects, existing=helpers)
    if not objects:
        raise ImportFailedError("The model file has no geometry.")
    return objects


def _operator(format: str) -> Any:
    operators: dict[str, Any] = {
        "glb": bpy.ops.import_scene.gltf,
        "obj": bpy.ops.wm.obj_import,
        "stl": bpy.ops.wm.stl_import,
        "ply": bpy.ops.wm.ply_import,
    }
    return operators[format]


def _known_options(format: str) -> dict[str, Any]:
    """Returns the options that this Blender version's importer has."""
    known = _operator(format).get_rna_type().properties
    return {name: value for name, value in _OPTIONS[format].items() if name in known}


def _reason(error: RuntimeError, path: Path) -> str:
    """Returns the importer's own message, without the path on this disk."""
    lines = [line for line in str(error).replace(str(path), path.name).splitlines() if line.strip()]
    return one_line(lines[-1].removeprefix("Error: ") if lines else "the importer gave no reason", 200).rstrip(".")


@contextlib.contextmanager
def _with_companions(source: Path, companions: Sequence[Companion]) -> Iterator[Path]:
    """Context: the model with its companions beside it, under the names that it uses for them."""
    if not companions:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="~import-", dir=source.parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _link_or_copy(source, folder / source.name)
        for companion in companions:
            _link_or_copy(
                companion.file, folder / (PurePosixPath(companion.name.replace("\\", "/")).name or "companion")
            )
        _provide_missing_names(folder, source.name)
        yield folder / source.name


def _provide_missing_names(folder: Path, model: str) -> None:
    """Provide a missing file that the model refers to, if the service sent just one of its kind under another name."""
    texts = [folder / model, *folder.glob("*.mtl")]
    for text in texts:
        for reference in _references(text):
            wanted = PurePosixPath(reference.replace("\\", "/")).name
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
    # Options come before the name; a name with spaces is only supported without options.
    return {rest if not rest.startswith("-") else rest.split()[-1] for _, rest in (x for x in lines if len(x) == 2)}


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
        if image.packed_file is None:
            try:
                image.pack()
            except RuntimeError as error:
                _log.warning("removed an image that is missing: %s", one_line(error))
                _remove_image(image)
                continue
        if path is not None:
            image.filepath_raw = ""  # it is in the .blend from now on; its old path means nothing there


def _remove_image(image: bpy.types.Image) -> None:
    """Remove an image and the nodes that use it, so that the material's plain color is used instead."""
    for material in bpy.data.materials:
        if material.node_tree is None:
            continue
        nodes = material.node_tree.nodes
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
    if collection is not None:
        for item in objects:
            for bone in item.pose.bones if item.pose is not None else ():
                if bone.custom_shape in helpers:
                    bone.custom_shape = None
        if collection != existing:
            bpy.data.collections.remove(collection)
    parents = {item.parent for item in objects}
    extras = {x for x in objects if x in helpers or (x.type in {"CAMERA", "LIGHT"} and x not in parents)}
    kept = [item for item in objects if item not in extras]
    extra_data = {item.data for item in extras}
    for item in extras:
        bpy.data.objects.remove(item)
    for data in extra_data:
        if isinstance(data, bpy.types.Mesh) and not data.users:
            bpy.data.meshes.remove(data)
    return kept
