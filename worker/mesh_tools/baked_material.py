# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the material of a remeshed model: bakes the textures that it needs, and connects them.

Color always; a normal map if wanted; roughness and metalness, transparency, and emission only if the original's
materials vary in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

from . import bake
from .pixels import read_pixels, write_pixels
from .surface_channels import ALPHA, BASE_COLOR, CHANNELS, EMISSION, METALLIC, ROUGHNESS, connect
from .unwrap import NAME as UV_NAME


def bake_material(
    baker: bake.Baker, name: str, normal_map: bool, progress: Callable[[float], None]
) -> bpy.types.Material:
    """Returns the new material of `baker.low`, with packed textures. `progress` is called with 0 to 1."""
    images: dict[str, bpy.types.Image] = {}
    if normal_map:  # first: it needs the materials as they are
        images["Normal"] = baker.normals(f"{name} Normal")
    progress(0.3)
    channels = bake.Channels(baker.high)
    channels.show(BASE_COLOR)
    images[BASE_COLOR] = baker.emission(f"{name} Color", color=True)
    progress(0.7)
    if channels.constant(ALPHA) is None:
        channels.show(ALPHA)
        _add_alpha(images[BASE_COLOR], baker.emission("Alpha", color=False))
    if channels.constant(ROUGHNESS) is None or channels.constant(METALLIC) is None:
        channels.show_three(ALPHA, ROUGHNESS, METALLIC)
        images[ROUGHNESS] = baker.emission(f"{name} Roughness Metallic", color=False)
    strength = 1.0
    if channels.constant(EMISSION) is None:
        channels.show(EMISSION)
        images[EMISSION], strength = baker.bright_emission(f"{name} Emission")
    for image in images.values():
        image.pack()
    material = _material(name, channels, images)
    _connect_emission(material.node_tree, channels.constant(EMISSION), strength)
    return material


def _add_alpha(image: bpy.types.Image, alpha: bpy.types.Image) -> None:
    """Move a baked transparency to the alpha of an image."""
    pixels = read_pixels(image)
    pixels[..., 3] = read_pixels(alpha)[..., 0]
    write_pixels(image, pixels)
    bpy.data.images.remove(alpha)


def _material(name: str, channels: bake.Channels, images: dict[str, bpy.types.Image]) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # before 5.0
        material.use_nodes = True
    tree = material.node_tree
    surface = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    nodes = {key: _texture(tree, image, number) for number, (key, image) in enumerate(images.items())}
    tree.links.new(nodes[BASE_COLOR].outputs["Color"], surface.inputs[BASE_COLOR])
    for channel in (ALPHA, ROUGHNESS, METALLIC):
        value = channels.constant(channel)
        surface.inputs[channel].default_value = CHANNELS[channel] if value is None else value
    if channels.constant(ALPHA) is None:
        tree.links.new(nodes[BASE_COLOR].outputs["Alpha"], surface.inputs[ALPHA])
    if ROUGHNESS in nodes:
        _connect_roughness(tree, nodes[ROUGHNESS], surface)
    if EMISSION in nodes:
        tree.links.new(nodes[EMISSION].outputs["Color"], surface.inputs["Emission Color"])
    if "Normal" in nodes:
        normal = tree.nodes.new("ShaderNodeNormalMap")
        normal.uv_map, normal.location = UV_NAME, (-200, nodes["Normal"].location.y)
        tree.links.new(nodes["Normal"].outputs["Color"], normal.inputs["Color"])
        tree.links.new(normal.outputs["Normal"], surface.inputs["Normal"])
    material.diffuse_color = (*_mean_color(images[BASE_COLOR]), 1.0)
    return material


def _texture(tree: Any, image: bpy.types.Image, number: int) -> Any:
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image, node.location = image, (-500, 300 - 300 * number)
    return node


def _connect_roughness(tree: Any, texture: Any, surface: Any) -> None:
    """Green is roughness, blue is metalness: glTF's layout, which exporters recognize."""
    separate = tree.nodes.new("ShaderNodeSeparateColor")
    separate.location = (-200, texture.location.y)
    tree.links.new(texture.outputs["Color"], separate.inputs["Color"])
    tree.links.new(separate.outputs["Green"], surface.inputs[ROUGHNESS])
    tree.links.new(separate.outputs["Blue"], surface.inputs[METALLIC])


def _connect_emission(tree: Any, constant: Any, strength: float) -> None:
    """Set the emission. `constant`: its color, or None if that is a texture; `strength`: of the texture's white."""
    surface = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled")
    if constant is not None:
        connect(tree, constant, surface.inputs["Emission Color"])
    if constant is None or any(constant[:3]):
        surface.inputs["Emission Strength"].default_value = strength


def _mean_color(image: bpy.types.Image) -> tuple[float, float, float]:
    """Returns the mean of an sRGB image, linear, for Solid view."""
    red, green, blue = (read_pixels(image)[::8, ::8, :3].astype(np.float64) ** 2.2).mean(axis=(0, 1))
    return float(red), float(green), float(blue)
