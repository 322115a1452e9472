# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a Blender object from a surface: textured, simplified, and exported. Main thread only.

The longest side is 1. In Blender it is Z up and faces −Y; in all file formats it is Y up and faces +Z, as in glTF, so
that they contain the same coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np

from ...imaging.raster import to_rgba
from ...worker.images import write_image
from ...worker.import_model import AXES, call_operator
from ...worker.mesh_data import apply_modifier, corner_vertices, positions
from .surface import Surface
from .texture import Texture

_GLTF_OPTIONS: Final = {
    "export_format": "GLB",
    "use_selection": True,
    "export_animations": False,
    "export_skins": False,
    "export_morph": False,
    "export_vertex_color": "NONE",
}
_SELECTED: Final = {"export_selected_objects": True, **AXES}
_TRIANGLES: Final = {"export_triangulated_mesh": True, **_SELECTED}
_EXPORTERS: Final[Mapping[str, tuple[Any, Mapping[str, Any]]]] = {
    "glb": (bpy.ops.export_scene.gltf, _GLTF_OPTIONS),
    "obj": (bpy.ops.wm.obj_export, {"path_mode": "RELATIVE", **_TRIANGLES}),
    "stl": (bpy.ops.wm.stl_export, _SELECTED),
    "ply": (bpy.ops.wm.ply_export, {"export_normals": True, "export_uv": False, **_TRIANGLES}),
}
"""Each format's exporter and the options in which we differ from its defaults."""


def clear_scene() -> None:
    """Remove everything of the last job."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def build(
    surface: Surface, steps: float, texture: Texture, name: str, folder: Path, simplify: float
) -> bpy.types.Object:
    """Build the object, remove the fraction `simplify` of its triangles, and write its texture as PNG into `folder`.

    `steps`: grid steps along the longest side, which becomes 1 long.
    """
    center = 0.5 * (surface.vertices.max(axis=0) + surface.vertices.min(axis=0))
    scaled = (surface.vertices - center) / steps
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(np.stack([scaled[:, 0], -scaled[:, 2], scaled[:, 1]], axis=-1), [], surface.quads)
    model = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(model)
    bpy.context.view_layer.objects.active = model
    model.select_set(True)
    apply_modifier(model, "DECIMATE", ratio=1.0 - simplify, use_collapse_triangulate=True)
    mesh.shade_smooth()
    points = positions(mesh) * np.array([1.0, -1.0, 1.0], np.float32)
    coordinates = texture.coordinates(points[:, (0, 2, 1)] * steps + center)
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", coordinates[corner_vertices(mesh)].ravel())
    # The same colors at the vertices, for the formats without texture.
    colors = mesh.color_attributes.new("Color", "BYTE_COLOR", "POINT").data
    colors.foreach_set("color_srgb", to_rgba(texture.colors_at(coordinates)[:, None]).ravel())
    mesh.materials.append(_material(texture, name, folder / f"{name}.png"))
    return model


def _material(texture: Texture, name: str, path: Path) -> bpy.types.Material:
    """Returns a plain, slightly rough material with the texture."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = 0.7
    node = tree.nodes.new("ShaderNodeTexImage")
    write_image(to_rgba(texture.colors), path)
    node.image = bpy.data.images.load(str(path), check_existing=False)  # the exporters need an image with a file
    node.image.name = name
    node.extension = "EXTEND"
    tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    return material


def export(model: bpy.types.Object, folder: Path, format: str) -> list[Path]:
    """Export the object as `format` (glb, obj, stl, ply) into the folder. Returns the files."""
    path = folder / f"{model.name}.{format}"
    texture = path.with_suffix(".png")
    call_operator(*_EXPORTERS[format], path)
    if format == "obj":
        return [path, path.with_suffix(".mtl"), texture]
    texture.unlink(missing_ok=True)
    return [path]
