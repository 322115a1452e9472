# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares materials for FBX, whose exporter finds only textures that are connected directly to the surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import bpy

from ...errors import Message

_COLORS: Final = ("Base Color", "Emission Color")
_DATA: Final = ("Metallic", "Roughness")


def surface_of(material: bpy.types.Material) -> Any:
    """Returns the Principled BSDF node of a material, or None."""
    nodes = material.node_tree.nodes if material.node_tree is not None else ()
    return next((node for node in nodes if node.bl_idname == "ShaderNodeBsdfPrincipled"), None)


def has_normal_map(material: bpy.types.Material) -> bool:
    """Whether something is connected to the surface's normal."""
    surface = surface_of(material)
    return surface is not None and surface.inputs["Normal"].is_linked


def connect_textures(materials: Sequence[bpy.types.Material]) -> list[Message]:
    """Connect the image behind each color directly, without the nodes between. Returns notes on what FBX can't hold."""
    colors = data = 0
    for material in materials:
        surface = surface_of(material)
        if surface is None:
            continue
        for name in _COLORS:
            socket = surface.inputs[name]
            if socket.is_linked and socket.links[0].from_node.bl_idname != "ShaderNodeTexImage":
                image = _image_behind(socket)
                colors += image is None or _changes_color(socket.links[0].from_node)
                if image is not None:
                    material.node_tree.links.new(image.outputs["Color"], socket)
        data += any(surface.inputs[name].is_linked for name in _DATA)
    notes = []
    if colors:
        text = "FBX files can't store colors that nodes compute. Remesh to Quads bakes them to a texture"
        notes.append(Message(text))
    if data:
        notes.append(Message("Engines import metallic and roughness textures from glTF files, but not from FBX files"))
    return notes


def _image_behind(socket: Any) -> Any:
    """Returns the first image node behind a socket, or None."""
    waiting, seen = [socket], set()
    while waiting:
        for link in waiting.pop(0).links:
            node = link.from_node
            if node.bl_idname == "ShaderNodeTexImage":
                return node if node.image is not None else None
            if node.name not in seen:
                seen.add(node.name)
                waiting += [each for each in node.inputs if each.is_linked]
    return None


def _changes_color(node: Any) -> bool:
    """Whether a node makes another color of its image. The glTF importer's mix with white does not."""
    plain = [each for each in node.inputs if each.enabled and not each.is_linked and each.type == "RGBA"]
    linked = [each for each in node.inputs if each.enabled and each.is_linked and each.type == "RGBA"]
    white = all(min(each.default_value[:3]) > 0.999 for each in plain)
    return not (node.bl_idname in {"ShaderNodeMix", "ShaderNodeMixRGB"} and white and len(linked) == 1)
