# SPDX-License-Identifier: GPL-3.0-or-later
"""How a scene shows images and renders: its color management, as plain values for the background Blender."""

from __future__ import annotations

from typing import Any, Final

import bpy

_VALUES: Final = (
    "view_transform",
    "look",
    "exposure",
    "gamma",
    "use_white_balance",
    "white_balance_temperature",
    "white_balance_tint",
)


def read(scene: bpy.types.Scene) -> dict[str, Any]:
    """Returns the scene's display device and view settings (those that this Blender has)."""
    view: Any = scene.view_settings
    found = {name: getattr(view, name) for name in _VALUES if hasattr(view, name)}
    found["display_device"] = scene.display_settings.display_device
    if view.use_curve_mapping:
        mapping = view.curve_mapping
        found["curves"] = [[[*point.location, point.handle_type] for point in c.points] for c in mapping.curves]
        found["black_level"], found["white_level"] = list(mapping.black_level), list(mapping.white_level)
    return found
