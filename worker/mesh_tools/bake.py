# SPDX-License-Identifier: GPL-3.0-or-later
"""Bakes what a detailed mesh shows to images for a simpler mesh, with Cycles on the CPU (high to low).

Rays start above the simple mesh and look for the detailed one. Pixels that find nothing get the color of the nearest
pixels that did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import addon_utils
import bpy

from ...errors import MeshToolError, one_line
from .pixels import as_srgb, fill_empty, read_pixels, write_pixels
from .surface_channels import Value, connect, read_channels

MARGIN: Final = 8
"""Pixels around each island that continue its color."""
MAX_CAGE: Final = 0.02
"""The largest distance of the rays' start from the simple mesh, relative to the size."""
_MIN_CAGE: Final = 0.002
MAX_RAY: Final = 0.05
"""How far rays look, relative to the size."""


@dataclass(frozen=True, slots=True)
class Baker:
    """What every bake of one pair of objects shares. `cage` and `ray`: distances in the objects' units."""

    high: bpy.types.Object
    low: bpy.types.Object
    side: int
    cage: float
    ray: float

    def normals(self, name: str) -> bpy.types.Image:
        """Returns the normals of the detailed mesh in the simple one's tangent space, with its own normal maps."""
        image = self._image(name, color=False)
        self._bake(image, "NORMAL")
        fill_empty(image, (0.5, 0.5, 1.0, 1.0))
        return image

    def emission(self, name: str, *, color: bool) -> bpy.types.Image:
        """Returns what the detailed mesh emits: see `Channels.show`."""
        image = self._image(name, color=color)
        self._bake(image, "EMIT")
        fill_empty(image, (0.5, 0.5, 0.5, 1.0))
        return image

    def bright_emission(self, name: str) -> tuple[bpy.types.Image, float]:
        """Returns what the detailed mesh emits as colors up to 1, and the factor for those that are brighter."""
        raw = self._image(name, color=False, bright=True)
        self._bake(raw, "EMIT")
        fill_empty(raw, (0.0, 0.0, 0.0, 1.0))
        pixels = read_pixels(raw)
        bpy.data.images.remove(raw)
        strength = max(float(pixels[..., :3].max()), 1.0)
        pixels[..., :3] = as_srgb(pixels[..., :3] / strength)
        image = self._image(name, color=True)
        write_pixels(image, pixels)
        return image, strength

    def _image(self, name: str, *, color: bool, bright: bool = False) -> bpy.types.Image:
        image = bpy.data.images.new(name, self.side, self.side, alpha=True, float_buffer=bright)
        image.colorspace_settings.name = "sRGB" if color else "Non-Color"
        return image

    def _bake(self, image: bpy.types.Image, kind: str) -> None:
        node = _bake_node(self.low.data.materials[0])
        node.image = image
        bpy.context.view_layer.update()  # before 5.2, new objects could be selected without
        for item in bpy.context.view_layer.objects:
            item.select_set(item in (self.high, self.low))
        bpy.context.view_layer.objects.active = self.low
        try:
            bpy.ops.object.bake(
                type=kind,
                use_selected_to_active=True,
                cage_extrusion=self.cage,
                max_ray_distance=self.ray,
                margin=MARGIN,
                use_clear=True,
                normal_space="TANGENT",
            )
        except RuntimeError as error:
            raise MeshToolError("The textures can't be baked ({reason}).", reason=one_line(error)) from error


def baker(high: bpy.types.Object, low: bpy.types.Object, side: int, size: float, deviation: float) -> Baker:
    """Returns what bakes from `high` to `low`. `deviation`: their largest distance, relative to the size.

    The rays start just above the detailed mesh: farther out, in a narrow gap, they would find its other side.
    """
    cage = min(max(1.5 * deviation, _MIN_CAGE), MAX_CAGE)
    _configure()
    material = bpy.data.materials.new("Bake")
    if material.node_tree is None:  # before 5.0
        material.use_nodes = True
    low.data.materials.clear()
    low.data.materials.append(material)
    return Baker(high, low, side, cage * size, min(2.5 * cage, MAX_RAY) * size)


def _bake_node(material: bpy.types.Material) -> Any:
    """Returns the image node that bakes write to: the active one."""
    nodes = material.node_tree.nodes
    node = nodes.get("Bake") or nodes.new("ShaderNodeTexImage")
    node.name, node.select = "Bake", True
    nodes.active = node
    return node


def _configure() -> None:
    if not hasattr(bpy.types.Scene, "cycles"):
        addon_utils.enable("cycles")
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = 1
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False
    scene.render.bake.target = "IMAGE_TEXTURES"
    scene.render.use_simplify = False


class Channels:
    """The channels of the detailed mesh's materials, and what its materials show while they are baked."""

    def __init__(self, high: bpy.types.Object) -> None:
        mesh = high.data
        if not len(mesh.materials):
            mesh.materials.append(None)
        copies: dict[int, bpy.types.Material] = {}
        for slot, material in enumerate(mesh.materials):
            key = material.session_uid if material is not None else 0
            copies[key] = copies.get(key) or (material.copy() if material else bpy.data.materials.new("Plain"))
            mesh.materials[slot] = copies[key]
        self._values = [(copy, read_channels(copy)) for copy in copies.values()]
        self._emitters = [_replace_surface(copy) for copy, _ in self._values]

    def values(self, channel: str) -> Sequence[Value]:
        """Returns each material's value of a channel."""
        return [values[channel] for _, values in self._values]

    def constant(self, channel: str) -> Any:
        """Returns a channel's value if all materials have the same plain one; None if it must be baked."""
        first, *others = self.values(channel)
        is_plain = not isinstance(first, bpy.types.NodeSocket)
        return first if is_plain and all(other == first for other in others) else None

    def show(self, channel: str) -> None:
        """Let all materials emit a channel."""
        self._show_parts({"Color": channel})

    def show_three(self, red: str, green: str, blue: str) -> None:
        """Let all materials emit three channels that are numbers."""
        self._show_parts({"Red": red, "Green": green, "Blue": blue})

    def _show_parts(self, wanted: Mapping[str, str]) -> None:
        for (material, values), emission in zip(self._values, self._emitters, strict=True):
            tree = material.node_tree
            for link in list(emission.inputs["Color"].links):
                tree.links.remove(link)
            if "Color" in wanted:
                connect(tree, values[wanted["Color"]], emission.inputs["Color"])
                continue
            combine = tree.nodes.new("ShaderNodeCombineColor")
            for part, channel in wanted.items():
                connect(tree, values[channel], combine.inputs[part])
            tree.links.new(combine.outputs["Color"], emission.inputs["Color"])


def _replace_surface(material: bpy.types.Material) -> Any:
    """Replace the material's outputs by an emission shader. Returns it."""
    if material.node_tree is None:  # before 5.0
        material.use_nodes = True
    tree = material.node_tree
    for node in [node for node in tree.nodes if node.bl_idname == "ShaderNodeOutputMaterial"]:
        tree.nodes.remove(node)
    emission, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(emission.outputs["Emission"], output.inputs["Surface"])
    return emission
