# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes vertex colors visible: importers read them, but a mesh is gray until a material uses them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import bpy
import numpy as np

from .mesh_data import Array, read

_GRAY_TOLERANCE: Final = 0.02
_MIN_GRAY: Final = 0.5
"""A material without a texture whose color is at least this bright a gray specifies no color of its own."""


def show(meshes: Sequence[bpy.types.Mesh]) -> None:
    """Make the vertex colors of meshes visible in renders, Material Preview and, as their mean, in Solid view.

    Materials with a texture or a color of their own stay as they are.
    """
    colored = [mesh for mesh in meshes if len(mesh.polygons) and len(mesh.color_attributes)]
    plain_users = {m.session_uid for mesh in meshes if mesh not in colored for m in mesh.materials if m is not None}
    made: dict[tuple[int, str], bpy.types.Material] = {}
    for mesh in colored:
        layer = activate(mesh)
        color = mean_color(mesh.color_attributes[layer].data)
        if not len(mesh.materials):
            mesh.materials.append(None)
        for slot, material in enumerate(mesh.materials):
            key = (material.session_uid if material is not None else 0, layer)
            if material is None:
                material = made.get(key) or new_material(layer)
            elif key in made:
                material = made[key]
            elif _has_plain_gray(material):
                # A mesh without vertex colors would be black with this material.
                material = material.copy() if key[0] in plain_users else material
                _link_color(material, layer)
            elif not _uses_colors_only(material, layer):
                continue
            material.diffuse_color = (*color, 1.0)
            made[key] = made[material.session_uid, layer] = material
            mesh.materials[slot] = material


def activate(mesh: bpy.types.Mesh) -> str:
    """Make the first color attribute the active one, also for renders. Returns its name."""
    name = mesh.color_attributes[0].name
    mesh.color_attributes.active_color_index = 0
    mesh.color_attributes.render_color_index = 0
    return str(name)


def new_material(layer: str) -> bpy.types.Material:
    """Returns a new material whose base color is a color attribute, of a mesh or a point cloud; plain if ""."""
    material = bpy.data.materials.new("Vertex Colors")
    if material.node_tree is None:  # before 5.0
        material.use_nodes = True
    if layer:
        _link_color(material, layer)
    return material


def mean_color(data: Any) -> tuple[float, float, float]:
    """Returns the mean of a color attribute, linear."""
    values: Array = read(data, "color", 4)
    red, green, blue = np.clip(values[:, :3].mean(axis=0), 0, 1) if len(values) else (0.8, 0.8, 0.8)
    return float(red), float(green), float(blue)


def _surface(material: bpy.types.Material) -> Any:
    nodes = material.node_tree.nodes if material.node_tree is not None else ()
    return next((node for node in nodes if node.bl_idname == "ShaderNodeBsdfPrincipled"), None)


def _has_plain_gray(material: bpy.types.Material) -> bool:
    """Whether the material's base color is a bright gray without anything linked to it."""
    surface = _surface(material)
    if surface is None or surface.inputs["Base Color"].is_linked:
        return False
    color = tuple(surface.inputs["Base Color"].default_value)[:3]
    return min(color) >= _MIN_GRAY and max(color) - min(color) <= _GRAY_TOLERANCE


def _uses_colors_only(material: bpy.types.Material, layer: str) -> bool:
    """Whether the glTF importer already uses the vertex colors, without a texture. Names the attribute in its node."""
    nodes = list(material.node_tree.nodes) if material.node_tree is not None else []
    readers = [node for node in nodes if node.bl_idname == "ShaderNodeVertexColor"]
    for node in readers:
        node.layer_name = node.layer_name or layer
    surface = _surface(material)
    linked = surface is not None and surface.inputs["Base Color"].is_linked
    return bool(readers) and linked and not any(node.bl_idname == "ShaderNodeTexImage" for node in nodes)


def _link_color(material: bpy.types.Material, layer: str) -> None:
    surface = _surface(material)
    if surface is None:
        return
    tree = material.node_tree
    node = tree.nodes.new("ShaderNodeVertexColor")
    node.layer_name = layer
    node.location = (surface.location.x - 220, surface.location.y)
    tree.links.new(node.outputs["Color"], surface.inputs["Base Color"])
