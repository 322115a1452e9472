# SPDX-License-Identifier: GPL-3.0-or-later
"""Simplify: fewer triangles, with UVs and textures kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import Message
from ...setting_rows import checked
from ...tool_settings import Simplify
from ..mesh_data import apply_modifier
from . import blend_exchange


def run(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "simplify" request. Returns the result of `blend_exchange.write_result`."""
    settings = Simplify(**checked(Simplify, request["settings"]))
    objects = blend_exchange.read_objects(request)
    progress(0.2)
    before = sum(len(item.data.polygons) for item in objects)
    for item in objects:
        apply_modifier(item, "DECIMATE", ratio=settings.ratio)
    after = sum(len(item.data.polygons) for item in objects)
    note = Message("{before} faces became {after}", {"before": f"{before:,}", "after": f"{after:,}"})
    return blend_exchange.write_result(request, objects, [note])
