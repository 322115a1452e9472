# SPDX-License-Identifier: GPL-3.0-or-later
"""Remesh to Quads: a new, even mesh on the surface of a model, with new UVs and textures baked from it.

It is done in three requests, each from one .blend to the next: QuadriFlow can't be interrupted, so the artist's Blender
ends this one when it takes too long, and asks a new one for the next of `quads.METHODS`.

    remesh_prepare  hand-over → prepared: one repaired object
    remesh_quads    prepared → quads: the new mesh, without UVs
    remesh_finish   quads, and `original` (the prepared .blend) → the result with UVs, material and textures
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import bpy

from ...errors import MeshToolError, Message
from ...setting_rows import checked
from ...tool_settings import CleanUp, Remesh
from .. import vertex_colors
from ..mesh_data import meshes
from . import bake, blend_exchange, clean_up, deviation, quads, symmetry
from .baked_material import bake_material
from .custom_normals import kept_normals
from .topology import size_of
from .unwrap import unwrap

_MORE: Final = 1.6
"""How many times the wanted faces are worth a note."""

Progress = Callable[[float], None]


def prepare(request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Handle a "remesh_prepare" request. Returns the result of `blend_exchange.write_result`."""
    settings = _settings(request)
    item = blend_exchange.read_joined(request)
    if not any(item.data.materials):
        vertex_colors.show(meshes([item]))
    progress(0.2)
    with kept_normals(item):
        done = clean_up.clean(item, CleanUp())
        if not len(item.data.polygons):
            raise MeshToolError("Nothing remains of this mesh: its faces have no area.")
        progress(0.7)
        if settings.symmetry == "X":
            x = symmetry.center(item.data)
            symmetry.keep_half(item, x)
            symmetry.mirror(item, x, 0.0)
    return blend_exchange.write_result(request, [item], clean_up.notes(done) if any(done.values()) else [], done)


def make_quads(request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Handle a "remesh_quads" request; `method`: one of `quads.METHODS`. Returns as `prepare` does."""
    settings = _settings(request)
    method = str(request["method"])
    source = blend_exchange.read_joined(request)
    progress(0.1)
    made = quads.remesh(source, settings.faces, method, settings.symmetry == "X")
    made.name = source.name
    return blend_exchange.write_result(request, [made], facts={"method": method})


def finish(request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Handle a "remesh_finish" request. Returns as `prepare` does.

    Its facts: faces, quads (share of the faces), deviation_largest and deviation_mean (percent of the size).
    """
    settings = _settings(request)
    low = blend_exchange.read_joined(request)
    high = blend_exchange.append_joined(request["original"], {"images": request.get("images", ())})
    name = str(request.get("name") or high.name)
    unwrap(low)
    progress(0.1)
    found = deviation.measure(low, high)
    progress(0.15)
    baker = bake.baker(high, low, int(settings.texture_size), size_of(high.data), found.largest)
    material = bake_material(baker, name, settings.normal_map, lambda done: progress(0.15 + 0.8 * done))
    low.data.materials.clear()
    low.data.materials.append(material)
    bpy.data.objects.remove(high)
    low.name = low.data.name = name
    faces = len(low.data.polygons)
    facts = {"faces": faces, "quads": round(quads.quad_share(low.data), 4), **found.facts()}
    notes = [
        Message("{faces} faces, {quads}% quads", {"faces": f"{faces:,}", "quads": f"{100 * facts['quads']:.0f}"}),
        Message(
            "Deviation from the original: {mean}% of its size on average, {largest}% at most",
            {"mean": f"{facts['deviation_mean']:.2f}", "largest": f"{facts['deviation_largest']:.2f}"},
        ),
    ]
    if faces > _MORE * settings.faces:
        notes.append(Message("Fewer faces would have lost a part of the surface"))
    return blend_exchange.write_result(request, [low], notes, facts)


def _settings(request: Mapping[str, Any]) -> Remesh:
    return Remesh(**checked(Remesh, request["settings"]))
