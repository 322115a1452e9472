# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh tools and their settings, defined once.

The dialogs, the scripting API, the command line and docs/mesh-tools.md are generated from these dataclasses. To add a
setting, add a field with `setting(…)`, and use it in the tool's module in `worker.mesh_tools`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .setting_rows import Choice, setting

TEXTURE_SIZES: Final = tuple(Choice(str(n), str(n), f"{n} × {n} pixels") for n in (512, 1024, 2048, 4096))

LOD_RATIOS: Final = (1.0, 0.5, 0.25, 0.1)
"""The triangles of each level of detail, as a fraction of the original's."""


class Tool(enum.StrEnum):
    """A mesh tool."""

    CHECK = "CHECK"
    CLEAN_UP = "CLEAN_UP"
    SIMPLIFY = "SIMPLIFY"
    REMESH = "REMESH"
    PRINT = "PRINT"
    LODS = "LODS"
    EXPORT = "EXPORT"


@dataclass(frozen=True, slots=True)
class Check:
    """Measure the mesh and look for problems. Nothing is changed."""


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Repair the mesh, and keep its UVs and textures."""

    merge: bool = setting(
        True, "Merge by Distance", "Merge vertices at the same position, such as those that UV seams split"
    )
    loose_parts: bool = setting(True, "Delete Loose Parts", "Delete parts smaller than 0.5% of the model")
    fill_holes: bool = setting(True, "Fill Holes", "Close holes in the surface. Open sheets stay open")
    normals: bool = setting(True, "Recalculate Normals", "Make all faces point outward")


@dataclass(frozen=True, slots=True)
class Simplify:
    """Reduce the number of triangles, and keep UVs and textures."""

    ratio: float = setting(0.5, "Ratio", "Share of the triangles to keep", minimum=0.001, maximum=1.0)


@dataclass(frozen=True, slots=True)
class Remesh:
    """Replace the triangles by evenly sized quads, with new UVs and baked textures."""

    faces: int = setting(5000, "Faces", "Approximate number of faces", minimum=500, maximum=50_000)
    texture_size: str = setting("2048", "Texture Size", "Size of the baked textures in pixels", choices=TEXTURE_SIZES)
    normal_map: bool = setting(True, "Normal Map", "Bake the surface detail of the original to a normal map")
    symmetry: str = setting(
        "OFF",
        "Symmetry",
        "Mirror one half of the model onto the other",
        choices=(
            Choice("OFF", "Off", "No symmetry"),
            Choice("X", "X", "Mirror across the YZ plane at the model's center"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Print:
    """Make a watertight copy for 3D printing, and write it to a file in millimeters."""

    height: float = setting(80.0, "Height (mm)", "Height of the print in millimeters", minimum=1.0, maximum=2000.0)
    process: str = setting(
        "FILAMENT",
        "Process",
        "How the model is printed, which decides how thin its walls may be",
        choices=(
            Choice("FILAMENT", "Filament", "Walls of at least 1.2 mm"),
            Choice("RESIN", "Resin", "Walls of at least 0.5 mm"),
        ),
    )
    flat_base: bool = setting(True, "Flat Base", "Cut the underside flat, so that the print stands on the bed")
    file_format: str = setting(
        "STL",
        "File Format",
        "Format of the file for the slicer",
        choices=(
            Choice("STL", "STL", "Read by every slicer"),
            Choice("3MF", "3MF", "Smaller, and stores the unit of length"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Lods:
    """Make levels of detail: LOD0 to LOD3 with 100%, 50%, 25% and 10% of the triangles."""

    collision: bool = setting(
        False, "Collision Mesh", "Add a convex hull of at most 255 triangles for the engine's physics"
    )


@dataclass(frozen=True, slots=True)
class Export:
    """Write the model to a file for a game engine, with its levels of detail if there are any."""

    engine: str = setting(
        "UNREAL",
        "Game Engine",
        "Write names, scale and axes as this engine expects them",
        choices=(
            Choice("UNITY", "Unity", "Unity"),
            Choice("UNREAL", "Unreal Engine", "Unreal Engine"),
            Choice("GODOT", "Godot", "Godot"),
            Choice("OTHER", "Other", "According to the standard of the file format"),
        ),
    )
    file_format: str = setting(
        "GLB",
        "File Format",
        "Format of the file",
        choices=(
            Choice("GLB", "glTF", "For Godot, Unreal Engine and most programs; .glb, or .gltf with separate textures"),
            Choice("FBX", "FBX", "For Unity and Unreal Engine, which import levels of detail only from this format"),
            Choice("USD", "USD", "Universal Scene Description; .usdz, or .usdc with separate textures"),
        ),
    )
    textures: str = setting(
        "PACKED",
        "Textures",
        "Where the textures are stored",
        choices=(
            Choice("PACKED", "In the File", "Packed into the exported file"),
            Choice("SEPARATE", "Separate Files", "Image files beside the exported file"),
        ),
    )


TABLES: Final[Mapping[Tool, type[Any]]] = {
    Tool.CHECK: Check,
    Tool.CLEAN_UP: CleanUp,
    Tool.SIMPLIFY: Simplify,
    Tool.REMESH: Remesh,
    Tool.PRINT: Print,
    Tool.LODS: Lods,
    Tool.EXPORT: Export,
}
"""The settings of each tool."""

ENGINE_FORMATS: Final[Mapping[str, str]] = {"UNITY": "FBX", "UNREAL": "FBX", "GODOT": "GLB", "OTHER": "GLB"}
"""The file format that each engine reads best. The dialog suggests it."""

NEEDS_TEXTURES: Final = frozenset({Tool.CHECK, Tool.REMESH, Tool.EXPORT})
"""These read materials and textures. All others keep the artist's materials as they are."""
