# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives textured materials the color that Blender's Solid view shows: there, a model is gray until it has one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import bpy
import numpy as np

from ..errors import one_line
from ..imaging.raster import srgb_to_linear, to_rgba
from .mesh_data import Array, read, unique

_log = logging.getLogger(__name__)

_SIDE: Final = 128
"""Pixels; the size of the copy of a texture that is looked at."""
_MAX_SAMPLES: Final = 20_000
"""Face corners of a mesh whose colors are averaged."""
_MAX_NODES: Final = 20
"""Nodes that are followed from a material's base color to its texture."""


def set_colors(meshes: Sequence[bpy.types.Mesh]) -> None:
    """Set the viewport color of each textured material to the mean color of what its faces show."""
    for material in unique(material for mesh in meshes for material in mesh.materials):
        image, factor = _base_texture(material)
        if image is None:
            continue
        try:
            pixels = _small(image)
        except RuntimeError as error:
            _log.warning("%s could not be read: %s", one_line(image.name, 80), one_line(error))
            continue
        users = [mesh for mesh in meshes if mesh.materials.find(material.name) >= 0]
        colors = [_at(pixels, points) for mesh in users if len(points := _texture_points(mesh, material))]
        seen = np.concatenate(colors) if colors else pixels.reshape(-1, 4)
        weights = seen[:, 3:] if seen[:, 3].any() else np.ones((len(seen), 1), np.float32)
        mean = (seen[:, :3] * weights).sum(axis=0) / weights.sum()
        material.diffuse_color = (*np.clip(mean * factor, 0.0, 1.0), material.diffuse_color[3])


def _base_texture(material: bpy.types.Material) -> tuple[bpy.types.Image | None, Array]:
    """Returns the texture behind a material's base color, or None, and the color by which it is multiplied."""
    factor = np.ones(3, np.float32)
    tree: Any = material.node_tree
    nodes = tree.nodes if tree is not None else ()
    surface = next((node for node in nodes if node.bl_idname == "ShaderNodeBsdfPrincipled"), None)
    waiting = [surface.inputs["Base Color"]] if surface is not None else []
    for _ in range(_MAX_NODES):
        socket = waiting.pop(0) if waiting else None
        if socket is None:
            break
        if not socket.is_linked:
            continue
        node = socket.links[0].from_node
        if node.bl_idname == "ShaderNodeTexImage":
            return node.image, factor
        colors = [each for each in node.inputs if each.type == "RGBA" and each.enabled]
        if getattr(node, "blend_type", "") == "MULTIPLY":
            for each in colors:
                factor = factor if each.is_linked else factor * np.array(each.default_value[:3], np.float32)
        waiting += colors
    return None, factor


def _small(image: bpy.types.Image) -> Array:
    """Returns a small copy of an image, linear: rows × columns × 4. Raises RuntimeError."""
    copy = image.copy()
    try:
        copy.scale(_SIDE, _SIDE)
        flat = np.empty(len(copy.pixels), np.float32)
        if not len(flat) or len(flat) % (_SIDE * _SIDE):
            raise RuntimeError("it has no pixels")  # it could not be decoded
        copy.pixels.foreach_get(flat)
        pixels = to_rgba(flat.reshape(_SIDE, _SIDE, -1))
        if not copy.is_float:
            pixels[..., :3] = srgb_to_linear(pixels[..., :3])
        return np.nan_to_num(pixels)
    finally:
        bpy.data.images.remove(copy)


def _texture_points(mesh: bpy.types.Mesh, material: bpy.types.Material) -> Array:
    """Returns the UV coordinates of face corners with this material, at most `_MAX_SAMPLES`, n × 2."""
    layer = mesh.uv_layers.active
    if layer is None or not len(mesh.loops):
        return np.zeros((0, 2), np.float32)
    points: Array = read(mesh.attributes[layer.name].data, "vector", 2)
    if len(mesh.materials) > 1:
        slots: Array = read(mesh.polygons, "material_index", kind=np.int32)
        corners: Array = read(mesh.polygons, "loop_total", kind=np.int32)
        points = points[np.repeat(slots, corners) == mesh.materials.find(material.name)]
    return points[:: len(points) // _MAX_SAMPLES + 1]


def _at(pixels: Array, points: Array) -> Array:
    """Returns the colors of an image at UV coordinates; it repeats beyond 0 to 1."""
    columns, rows = ((np.nan_to_num(points) % 1.0) * (_SIDE - 1)).astype(np.int32).T
    colors: Array = pixels[rows, columns]
    return colors
