# SPDX-License-Identifier: GPL-3.0-or-later
"""Simplify: fewer triangles, with UVs and textures kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import MeshToolError, Message
from ...setting_rows import checked
from ...tool_settings import Simplify
from . import blend_exchange
from .decimate import reduce_triangles, triangle_count


def run(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "simplify" request. Returns the result of `blend_exchange.write_result`."""
    settings = Simplify(**checked(Simplify, request["settings"]))
    objects = blend_exchange.read_objects(request)
    before = sum(triangle_count(item) for item in objects)
    by_mesh = blend_exchange.by_mesh(objects)
    for number, users in enumerate(by_mesh):
        progress(0.1 + 0.8 * number / len(by_mesh))
        with blend_exchange.shared_mesh(users) as item:
            reduce_triangles(item, settings.ratio)
    after = sum(triangle_count(item) for item in objects)
    if not after:
        raise MeshToolError("Nothing remains of this mesh: its faces have no area.")
    note = (
        Message("{before} triangles became {after}", {"before": f"{before:,}", "after": f"{after:,}"})
        if after < before
        else Message("This mesh can't be reduced further")
    )
    return blend_exchange.write_result(
        request,
        blend_exchange.under_one_root(request, objects),
        [note],
        {"triangles_before": before, "triangles": after},
    )
