# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls Blender's exporters so that a model arrives upright, in its real size, with scale 1 and rotation 0.

The objects have no transforms of their own, and the scene contains nothing else.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import bpy

from ...errors import MeshToolError, one_line
from ...tool_settings import Export
from ..import_model import call_operator

_log = logging.getLogger(__name__)

ENDINGS: Final[Mapping[tuple[str, str], str]] = {
    ("GLB", "PACKED"): ".glb",
    ("GLB", "SEPARATE"): ".gltf",
    ("FBX", "PACKED"): ".fbx",
    ("FBX", "SEPARATE"): ".fbx",
    ("USD", "PACKED"): ".usdz",
    ("USD", "SEPARATE"): ".usdc",
}
"""The ending of the exported file, by format and place of the textures."""

_METERS: Final = {"apply_scale_options": "FBX_SCALE_UNITS", "axis_forward": "-Z", "axis_up": "Y"}
"""Numbers in meters, and the unit says so (UnitScaleFactor 100). Unity's importer leaves scale 1 and rotation 0."""
_CENTIMETERS: Final = {"apply_scale_options": "FBX_SCALE_NONE", "axis_forward": "-Z", "axis_up": "Y"}
"""Numbers in centimeters, which is FBX's own unit (UnitScaleFactor 1), Y up."""
_UNREAL: Final = {"apply_scale_options": "FBX_SCALE_NONE", "axis_forward": "Y", "axis_up": "Z"}
"""Centimeters and Z up, as in Unreal Engine: right whether or not its importer converts scene and unit."""
_FBX_SPACE: Final = {"UNITY": _METERS, "GODOT": _METERS, "UNREAL": _UNREAL, "OTHER": _CENTIMETERS}


def write(path: Path, settings: Export, textures: Path, *, tangents: bool) -> None:
    """Write the scene to a file. Raises MeshToolError.

    `textures`: the folder for separate images. `tangents`: write those that normal maps need.
    """
    if settings.file_format == "USD" and not bpy.app.build_options.usd:
        raise MeshToolError("This Blender was built without USD. Choose glTF or FBX.")
    operator, options = _OPERATORS[settings.file_format]
    try:
        call_operator(operator(), options(path, settings, textures, tangents), path)
    except RuntimeError as error:
        _log.warning("%s", error)
        # The exporters in Python give a traceback, and Blender adds where the operator was called.
        lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Location:")]
        reason = one_line(lines[-1] if lines else "unknown")
        raise MeshToolError("Blender's exporter failed ({reason}).", reason=reason) from error
    if not path.is_file():
        raise MeshToolError("Blender's exporter wrote no file.")


def _reason(text: str) -> str:
    """Returns the line of a report that says why; the exporters in Python report a traceback, which may be cut off."""
    lines = text.strip().splitlines() or [""]
    return one_line(next((line for line in reversed(lines) if re.match(r"\w+Error\b", line)), lines[0]))


def _gltf(path: Path, settings: Export, textures: Path, tangents: bool) -> dict[str, Any]:
    return {
        "export_format": "GLB" if settings.textures == "PACKED" else "GLTF_SEPARATE",
        "export_texture_dir": textures.name,
        "export_image_format": "AUTO",
        "export_tangents": tangents,
        "export_animations": False,
        "export_cameras": False,
        "export_lights": False,
        "export_extras": False,
    }


def _fbx(path: Path, settings: Export, textures: Path, tangents: bool) -> dict[str, Any]:
    packed = settings.textures == "PACKED"
    return {
        **_FBX_SPACE[settings.engine],
        "bake_space_transform": True,
        "object_types": {"MESH", "EMPTY"},
        "use_mesh_modifiers": False,
        "mesh_smooth_type": "FACE",
        "use_tspace": tangents,
        "bake_anim": False,
        "path_mode": "COPY" if packed else "RELATIVE",
        "embed_textures": packed,
    }


def _usd(path: Path, settings: Export, textures: Path, tangents: bool) -> dict[str, Any]:
    packed = settings.textures == "PACKED"
    identifier = re.sub(r"[^A-Za-z0-9_]", "_", path.stem)
    return {
        "root_prim_path": "/" + (identifier if not identifier[0].isdigit() else f"_{identifier}"),
        "export_textures": packed,
        "export_textures_mode": "NEW" if packed else "KEEP",
        "overwrite_textures": True,
        "relative_paths": True,
        "export_cameras": False,
        "export_lights": False,
        "convert_world_material": False,
        "export_custom_properties": False,
        "author_blender_name": False,
    }


_OPERATORS: Final[Mapping[str, tuple[Any, Any]]] = {
    "GLB": (lambda: bpy.ops.export_scene.gltf, _gltf),
    "FBX": (lambda: bpy.ops.export_scene.fbx, _fbx),
    "USD": (lambda: bpy.ops.wm.usd_export, _usd),
}
"""Each format's exporter and its options; those that this Blender's exporter does not have are left out."""
