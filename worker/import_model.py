# SPDX-License-Identifier: GPL-3.0-or-later
"""A model file into Blender, by Blender's own importers, the same way up whichever format it is in."""

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
"""The service's models have Y up and look along -Z; glTF says so, the others are read alike."""
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
FORMATS: Final = tuple(_OPTIONS)
_SPECIAL: Final = "glTF_not_exported"
"""What the glTF importer calls the collection for shapes of its own."""


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that belongs to a model: a material library, a texture."""

    file: Path
    name: str
    """What the model's own text calls it."""


def import_file(source: Path, format: str, companions: Sequence[Companion] = ()) -> list[bpy.types.Object]:
    """The objects that `source` becomes. Images are packed, and none from elsewhere on the disk is let in.

    Raises ImportFailedError where Blender's importer can't read it or finds nothing.
    """
    if format not in _OPTIONS:
        raise ImportFailedError(f"There is no importer for the format {one_line(format)}.")
    with _gathered(source, companions) as path:
        before = {item.session_uid for item in bpy.data.objects}
        special = bpy.data.collections.get(_SPECIAL)
        new_images = {item.session_uid for item in bpy.data.images}
        try:
            _operator(format)(filepath=str(path), **_known_options(format))
        except RuntimeError as error:
            raise ImportFailedError(f"The model file can't be read: {_reason(error, path)}.") from error
        objects = [item for item in bpy.data.objects if item.session_uid not in before]
        _pack_images([item for item in bpy.data.images if item.session_uid not in new_images], path.parent)
    objects = _without_leftovers(objects, theirs=special)
    if not objects:
        raise ImportFailedError("There is no model in the file.")
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
    """Options come and go between Blender versions: those that this one's importer has."""
    known = _operator(format).get_rna_type().properties
    return {name: value for name, value in _OPTIONS[format].items() if name in known}


def _reason(error: RuntimeError, path: Path) -> str:
    """The importer's own last words, without where on this disk the file lies."""
    lines = [line for line in str(error).replace(str(path), path.name).splitlines() if line.strip()]
    return one_line(lines[-1].removeprefix("Error: ") if lines else "the importer gave no reason", 200).rstrip(".")


@contextlib.contextmanager
def _gathered(source: Path, companions: Sequence[Companion]) -> Iterator[Path]:
    """The model with its companions beside it, under the names by which its text calls them."""
    if not companions:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="~import-", dir=source.parent, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _stand_in(source, folder / source.name)
        for companion in companions:
            _stand_in(companion.file, folder / (PurePosixPath(companion.name.replace("\\", "/")).name or "companion"))
        _answer_to_names(folder, source.name)
        yield folder / source.name


def _answer_to_names(folder: Path, model: str) -> None:
    """Where a text names one file of a kind and the service sent just one under another name, that is it."""
    texts = [folder / model, *folder.glob("*.mtl")]
    for text in texts:
        for words in _references(text):
            wanted = PurePosixPath(words.replace("\\", "/")).name
            if not wanted or (folder / wanted).exists():
                continue
            kind = (".mtl",) if text.name == model else (".png", ".jpg", ".jpeg", ".webp", ".tga", ".bmp")
            sent = [item for item in folder.iterdir() if item.suffix.lower() in kind]
            if len(sent) == 1:
                _stand_in(sent[0], folder / wanted)
                if text.name == model:
                    texts.append(folder / wanted)


def _references(text: Path) -> set[str]:
    """File names in an OBJ's `mtllib` or an MTL's `map_…` lines."""
    if text.suffix.lower() not in {".obj", ".mtl"}:
        return set()
    with text.open("rb") as file:
        head = file.read(1 << 20).decode("utf-8", "replace")
    lines = (line.split(maxsplit=1) for line in head.splitlines() if line.startswith(("mtllib ", "map_", "norm ")))
    # A map's options stand before its name; a name with spaces only comes without options.
    return {rest if not rest.startswith("-") else rest.split()[-1] for _, rest in (x for x in lines if len(x) == 2)}


def _stand_in(file: Path, name: Path) -> None:
    """`file` under another name, without copying where the disk allows it."""
    if name.exists():
        return
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)


def _pack_images(new_images: Sequence[bpy.types.Image], folder: Path) -> None:
    """Pack what came with the model, as it came; let go of what is missing or lies elsewhere on this disk."""
    root = Path(os.path.realpath(folder))
    for image in new_images:
        path = Path(os.path.realpath(bpy.path.abspath(image.filepath))) if image.filepath else None
        if path is not None and not path.is_relative_to(root):
            _log.warning("left out an image that is no part of the model: %s", one_line(image.filepath))
            _forget(image)
            continue
        if image.packed_file is None:
            try:
                image.pack()
            except RuntimeError as error:
                _log.warning("left out an image that is missing: %s", one_line(error))
                _forget(image)
                continue
        if path is not None:
            image.filepath_raw = ""  # it lies in the .blend from now on; where it came from means nothing there


def _forget(image: bpy.types.Image) -> None:
    """Remove an image and the nodes that show it, so that the material's plain colour is seen instead."""
    for material in bpy.data.materials:
        if material.node_tree is None:
            continue
        nodes = material.node_tree.nodes
        for node in [node for node in nodes if getattr(node, "image", None) == image]:
            nodes.remove(node)
    bpy.data.images.remove(image)


def _without_leftovers(
    objects: Sequence[bpy.types.Object], *, theirs: bpy.types.Collection | None
) -> list[bpy.types.Object]:
    """The model alone: no cameras and lights that shone on it, no helper shapes of the importer's.

    `theirs`: the importer's collection for such shapes, where one was there before.
    """
    special = bpy.data.collections.get(_SPECIAL)
    helpers = {item for item in objects if special is not None and special in item.users_collection}
    if special is not None:
        for item in objects:
            for bone in item.pose.bones if item.pose is not None else ():
                if bone.custom_shape in helpers:
                    bone.custom_shape = None
        if special != theirs:
            bpy.data.collections.remove(special)
    parents = {item.parent for item in objects}
    out = {x for x in objects if x in helpers or (x.type in {"CAMERA", "LIGHT"} and x not in parents)}
    kept = [item for item in objects if item not in out]
    shapes = {item.data for item in out}
    for item in out:
        bpy.data.objects.remove(item)
    for shape in shapes:
        if isinstance(shape, bpy.types.Mesh) and not shape.users:
            bpy.data.meshes.remove(shape)
    return kept
