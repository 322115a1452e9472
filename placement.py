# SPDX-License-Identifier: GPL-3.0-or-later
"""The placement settings, defined once: how a model is placed in the scene, and what is done to its mesh.

Validation, the Blender properties and docs/placement.md are generated from the fields of `Placement`. To add a setting,
add a field with `setting(…)`. Its group is where the panel shows it: "image", "placement", "mesh", "after_import",
"asset", or "script": nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from .errors import ParameterError
from .setting_rows import Choice, Setting, allowed, check, checked, defaults_of, setting, settings_of, shared
from .tool_settings import Print, Remesh, Tool

NO_TOOL: Final = "NONE"
_AFTER_IMPORT: Final = "after_import"
_OF_REMESH: Final[Mapping[str, Any]] = {"group": _AFTER_IMPORT, "only_with": (_AFTER_IMPORT, "REMESH")}
_OF_PRINT: Final[Mapping[str, Any]] = {"group": _AFTER_IMPORT, "only_with": (_AFTER_IMPORT, "PRINT")}


@dataclass(frozen=True, slots=True)
class Placement:
    """The placement settings of one model."""

    cut_out: bool = setting(
        False,
        "Cut Out Subject",
        "Make the image's background transparent before it is sent. This is not AI, so look at the preview",
        "image",
    )
    crop: bool = setting(
        False,
        "Crop to Square",
        "Center the subject in a square image with a small margin before it is sent",
        "image",
    )
    place: str = setting(
        "CURSOR",
        "Location",
        "Where the model is placed",
        "placement",
        choices=(
            Choice(
                "PLACEHOLDER",
                "With Placeholder",
                "Show the image at the 3D cursor; move, rotate or scale it while you wait",
            ),
            Choice("CURSOR", "3D Cursor", "Where the 3D cursor was when the job was started"),
            Choice("ORIGIN", "World Origin", "At the scene's origin"),
        ),
        panel_default="PLACEHOLDER",
    )
    collection: str = setting(
        "",
        "Collection",
        "Collection for the model, created if it does not exist; empty for the active one",
        "placement",
    )
    own_collection: bool = setting(
        False, "Collection per Model", "Put each model into a collection of its own, named after it", "placement"
    )
    select: bool = setting(True, "Select", "Select the model and make it active when it arrives", "placement")
    size: float = setting(
        0.0,
        "Size",
        "Length of the longest side; 0 keeps the original size",
        "placement",
        length=True,
        soft_maximum=100.0,
        when_on=1.0,
    )
    origin: str = setting(
        "BOTTOM",
        "Origin",
        "Where the object's origin is",
        "placement",
        choices=(
            Choice("BOTTOM", "Bottom", "At the center of the underside"),
            Choice("CENTER", "Center", "At the center of the bounding box"),
            Choice("DELIVERED", "Original", "Where the model file has it"),
        ),
    )
    on_ground: bool = setting(
        True, "On Ground", "Rest the model on the ground, at the height of its location", "placement"
    )
    up_axis: str = setting(
        "Y",
        "Up Axis",
        "The axis of the model file that points up; change it if models lie on their side",
        "placement",
        choices=(
            Choice("Y", "Y Up", "As glTF files and the service's models have it"),
            Choice("Z", "Z Up", "As CAD programs and 3D printing have it"),
        ),
    )
    rotation: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0), "Rotation", "Rotation about X, Y and Z in degrees, applied to the model file", "script"
    )
    shade_smooth: bool = setting(
        False, "Shade Smooth", "Shade the model smooth; otherwise the imported shading is kept", "mesh"
    )
    triangle_budget: int = setting(
        0,
        "Triangle Limit",
        "Reduce the model to this many triangles; 0 keeps all",
        "mesh",
        soft_maximum=500_000,
        when_on=20_000,
    )
    merge_distance: float = setting(
        0.0,
        "Merge Distance",
        "Merge vertices closer than this; 0 keeps all",
        "mesh",
        length=True,
        soft_maximum=0.1,
        when_on=0.0001,
    )
    after_import: str = setting(
        NO_TOOL,
        "After Import",
        "What is done to each model in the background before it is placed. The original is kept, hidden",
        _AFTER_IMPORT,
        choices=(
            Choice(NO_TOOL, "Nothing", "The model stays as it was generated"),
            Choice("CLEAN_UP", "Clean Up", "Merge vertices, delete loose parts, fill holes, recalculate normals"),
            Choice("REMESH", "Remesh to Quads", "Replace the triangles by evenly sized quads, with baked textures"),
            Choice("PRINT", "Make Printable", "Make it watertight, and write a file for 3D printing"),
        ),
    )
    faces: int = shared(Remesh, "faces", **_OF_REMESH)
    texture_size: str = shared(Remesh, "texture_size", **_OF_REMESH)
    normal_map: bool = shared(Remesh, "normal_map", **_OF_REMESH)
    symmetry: str = shared(Remesh, "symmetry", **_OF_REMESH)
    print_height: float = shared(Print, "height", **_OF_PRINT)
    print_process: str = shared(Print, "process", **_OF_PRINT)
    mark_as_asset: bool = setting(
        False, "Mark as Asset", "Make the model available in the Asset Browser, with a preview", "asset"
    )
    asset_catalog: str = setting(
        "", "Catalog", "Path (Props/Chairs) or UUID of an existing asset catalog; empty for none", "asset"
    )
    asset_author: str = setting("", "Author", "Author of the asset", "asset")
    asset_tags: tuple[str, ...] = setting((), "Tags", "Tags of the asset; in the panel separated by commas", "asset")

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """Returns a placement from a script's values. Raises ParameterError that names setting, value and range."""
        return cls(**checked(cls, values))

    @property
    def tool(self) -> Tool | None:
        """The mesh tool that is run on the model before it is placed; None for none."""
        return None if self.after_import == NO_TOOL else Tool(self.after_import)

    @property
    def tool_settings(self) -> dict[str, Any]:
        """The settings of that tool; those that are missing have its defaults."""
        if self.tool is Tool.REMESH:
            names = ("faces", "texture_size", "normal_map", "symmetry")
            return {name: getattr(self, name) for name in names}
        return {"height": self.print_height, "process": self.print_process} if self.tool is Tool.PRINT else {}

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"asset_tags": list(self.asset_tags), "rotation": list(self.rotation)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Returns a placement in `to_json`'s form, of any version: unknown settings and values are ignored."""
        known: dict[str, Any] = {}
        for name in SETTINGS.keys() & values.keys():
            with contextlib.suppress(ParameterError):
                known[name] = check(name, values[name], SETTINGS[name], DEFAULTS[name])
        return cls(**known)


SETTINGS: Final[Mapping[str, Setting]] = settings_of(Placement)
"""Every setting by name, in the order to show them."""

DEFAULTS: Final[Mapping[str, Any]] = defaults_of(Placement)


def range_text(name: str) -> str:
    """Returns the allowed values of a setting in English."""
    return str(allowed(SETTINGS[name], DEFAULTS[name]))
