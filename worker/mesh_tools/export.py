# SPDX-License-Identifier: GPL-3.0-or-later
"""Export: writes a model to a file for a game engine, with its levels of detail and collision meshes.

docs/engines.md says what each engine expects, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import bpy
from mathutils import Matrix

from ...errors import MeshToolError, Message
from ...setting_rows import checked
from ...tool_settings import Export
from .. import transform
from ..mesh_data import apply_modifier, meshes, read, unique
from . import blend_exchange, export_images, export_materials, exporters
from .decimate import triangle_count
from .engine_names import role_of, safe_name, unique_names
from .export_names import Plan, arrange

_LABELS: Final = {"UNITY": "Unity", "UNREAL": "Unreal Engine"}


def run(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle an "export" request. Raises MeshToolError.

    Its keys: source, settings, name (of the model), file (where to write; its ending follows from the settings),
    transform (optional, nine numbers: the rows of the selected object's rotation and scale, in meters).

    Returns the keys files (paths relative to the folder of `file`; the first is the one to open), notes (messages as
    plain data), facts (triangles; width, depth and height in meters, along X, Y and Z).
    """
    settings = Export(**checked(Export, request["settings"]))
    if settings.engine == "GODOT" and settings.file_format == "USD":
        raise MeshToolError("Godot does not read USD files. Choose glTF.")
    objects = blend_exchange.read_objects(request)
    progress(0.1)
    _apply_transforms(objects, blend_exchange.transform_of(request))
    groups = settings.file_format == "FBX" and settings.engine == "UNREAL"
    plan = arrange(objects, safe_name(role_of(str(request["name"])).model), settings.engine, groups=groups)
    _prepare_meshes(plan, triangulate=settings.engine != "OTHER")
    progress(0.3)
    files, notes = _write_files(plan, _target(request, settings), settings)
    low, high = transform.bounds(plan.shown or plan.collisions or plan.objects)
    size = [round(float(x), 4) for x in high - low]
    facts = dict(zip(("width", "depth", "height"), size, strict=True))
    triangles = sum(triangle_count(item) for item in plan.shown)
    return {
        "files": [file.relative_to(files[0].parent).as_posix() for file in files],
        "notes": [note.to_json() for note in _notes(plan, settings) + notes],
        "facts": {"triangles": triangles, **facts},
    }


def _target(request: Mapping[str, Any], settings: Export) -> Path:
    """Returns the path of the file to write."""
    wanted = Path(request["file"])
    known = {f".{each}" for each in ("glb", "gltf", "fbx", "usd", "usda", "usdc", "usdz")}
    stem = wanted.stem if wanted.suffix.lower() in known else wanted.name
    return wanted.with_name(safe_name(stem) + exporters.ENDINGS[settings.file_format, settings.textures])


def _apply_transforms(objects: Sequence[bpy.types.Object], own: Matrix) -> None:
    """Apply the objects' transforms, and the selected object's rotation and scale, to their meshes."""
    matrices = [own @ item.matrix_world for item in objects]
    for item, matrix in zip(objects, matrices, strict=True):
        if item.data.users > 1:
            item.data = item.data.copy()
        item.parent = None
        item.data.transform(matrix)
        if matrix.determinant() < 0:
            item.data.flip_normals()
        item.matrix_world = Matrix()
        item.hide_render = item.hide_viewport = False  # the exporters leave out what is hidden
        item.display_type = "TEXTURED"


def _prepare_meshes(plan: Plan, *, triangulate: bool) -> None:
    """Triangulate: a normal map depends on how the faces are divided."""
    for item in (*plan.objects, *plan.collisions):
        mesh = item.data
        if mesh is not None and triangulate and (read(mesh.polygons, "loop_total", kind="i") > 3).any():
            apply_modifier(item, "TRIANGULATE", keep_custom_normals=True)


def _write_files(plan: Plan, path: Path, settings: Export) -> tuple[list[Path], list[Message]]:
    """Write the model, its textures, and collision meshes. Returns the files and notes for the artist."""
    textures = path.with_name(f"{path.stem}_textures")
    materials: list[bpy.types.Material] = unique(
        material for mesh in meshes(plan.objects) for material in mesh.materials
    )
    notes = export_images.prepare(export_images.textures_of(materials), textures)
    _name_materials(materials)
    if settings.file_format == "FBX":
        notes += export_materials.connect_textures(materials)
    by_us = settings.textures == "SEPARATE" and settings.file_format != "GLB"  # the glTF exporter writes them itself
    images = export_images.write(export_images.textures_of(materials)) if by_us else []
    tangents = any(export_materials.has_normal_map(material) for material in materials)
    files = _write_objects(plan.objects, path, settings, textures, tangents)
    files += images or (sorted(textures.iterdir()) if textures.is_dir() else [])
    if plan.collisions:
        other = path.with_name(f"{path.stem}_Collision{path.suffix}")
        files += _write_objects(plan.collisions, other, settings, textures, False)
        notes.append(Message("The collision mesh is in a separate file: {name}", {"name": other.name}))
    return files, notes


def _write_objects(
    objects: Iterable[bpy.types.Object], path: Path, settings: Export, textures: Path, tangents: bool
) -> list[Path]:
    """Write objects to a file. Returns it, with the file beside it that holds a glTF's numbers."""
    shown = bpy.context.scene.collection.objects
    for item in list(shown):
        shown.unlink(item)
    for item in objects:
        shown.link(item)
    bpy.context.view_layer.update()
    exporters.write(path, settings, textures, tangents=tangents)
    numbers = path.with_suffix(".bin")
    return [path, numbers] if path.suffix == ".gltf" and numbers.is_file() else [path]


def _name_materials(materials: Sequence[bpy.types.Material]) -> None:
    names = unique_names(material.name for material in materials)
    for material in materials:
        material.name = "~"
    for material, name in zip(materials, names, strict=True):
        material.name = name


def _notes(plan: Plan, settings: Export) -> list[Message]:
    """Returns what the artist must know about levels of detail."""
    if plan.levels < 2:
        return []
    if settings.engine == "GODOT":
        return [Message("Only LOD0 was exported: Godot makes levels of detail itself when it imports a model")]
    if settings.engine in _LABELS and settings.file_format != "FBX":
        text = (
            "{engine} imports levels of detail only from FBX files; from this file it imports them as separate meshes"
        )
        return [Message(text, {"engine": _LABELS[settings.engine]})]
    return []
