# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports files that have points but no faces, and draws them as points in their colors with geometry nodes.

A file of Gaussian splats is a PLY of such points; their colors are the constant part of their spherical harmonics.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np
from mathutils import Vector, kdtree

from ..errors import Action, ImportFailedError, Message, counted
from ..formats import ply
from ..formats.sniff import FormatError
from . import vertex_colors
from .mesh_data import Array, positions
from .source_file import DAMAGED_ADVICE

COLOR_LAYER: Final = "Col"
"""As Blender's PLY importer names it."""
_SAMPLES: Final = 500
_MAX_NEIGHBORS: Final = 100_000
_CAPPED_RADIUS: Final = 0.02
"""Relative to the size of the cloud."""
_POINTS: Final = "the file has {count} points instead of a mesh and was imported as a point cloud; GLB gives a mesh"
_SPLATS: Final = (
    "the file has {count} Gaussian splats instead of a mesh and was imported as a point cloud; GLB gives a mesh"
)


def has_only_points(path: Path) -> bool:
    """Whether a PLY has vertices but no faces. False if it can't be understood."""
    try:
        with path.open("rb") as file:
            header = ply.read_header(file.read(ply.MAX_HEADER))
    except FormatError:
        return False
    counts = {element.name: element.count for element in header.elements}
    return bool(counts.get("vertex")) and not any(counts.get(name) for name in ("face", "tristrips"))


def import_ply(path: Path, repairs: list[Message]) -> None:
    """Import the points of a PLY as a mesh without faces. Raises ImportFailedError. Appends to `repairs`."""
    try:
        with path.open("rb") as file:
            points = ply.read_points(file)
    except (FormatError, ValueError, OverflowError) as error:
        reason = error.reason if isinstance(error, FormatError) else Message("its points can't be read")
        raise ImportFailedError(
            "The model file can't be read: {reason}.",
            advice=DAMAGED_ADVICE,
            action=Action.DOWNLOAD_AGAIN,
            reason=reason,
        ) from error
    valid = np.isfinite(points.positions).all(axis=1)
    if not valid.all():
        repairs.append(invalid_points(int((~valid).sum())))
    x, y, z = points.positions[valid].T
    mesh = bpy.data.meshes.new("Points")
    mesh.vertices.add(int(valid.sum()))
    # Y up and facing -Z, like every other format.
    mesh.attributes["position"].data.foreach_set("vector", np.stack((x, -z, y), -1).astype(np.float32).ravel())
    if points.colors is not None:
        colors = np.ones((int(valid.sum()), 4), np.float32)
        colors[:, :3] = _linear(points.colors[valid])
        mesh.color_attributes.new(COLOR_LAYER, "FLOAT_COLOR", "POINT").data.foreach_set("color", colors.ravel())
    mesh.update()
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Points", mesh))
    repairs.append(_description(int(valid.sum()), points.splats))


def _description(count: int, splats: bool) -> Message:
    return Message(_SPLATS if splats else _POINTS, {"count": f"{count:,}"})


def invalid_points(count: int) -> Message:
    """Returns what the artist is told about points that were removed."""
    one, many = "1 point without valid coordinates was removed", "{count} points without valid coordinates were removed"
    return counted(count, one, many)


def without_strays(objects: Sequence[bpy.types.Object], repairs: list[Message]) -> list[bpy.types.Object]:
    """Remove loose points and lines beside a model with faces: no render shows them. Returns the other objects."""
    found = [item for item in objects if isinstance(item.data, bpy.types.Mesh)]
    parents = {item.parent for item in objects}
    strays = {item for item in found if not len(item.data.polygons) and not item.modifiers and item not in parents}
    if not strays or not any(len(item.data.polygons) for item in found):
        return list(objects)
    count = sum(len(item.data.vertices) for item in strays)
    if count:
        one, many = "1 loose point beside the model was left out", "{count} loose points beside the model were left out"
        repairs.append(counted(count, one, many))
    kept = [item for item in objects if item not in strays]
    bpy.data.batch_remove(strays)
    return kept


def draw(objects: Sequence[bpy.types.Object]) -> list[Message]:
    """Draw meshes without faces as points. Returns a description if there are no others, for the artist."""
    found = [item for item in objects if isinstance(item.data, bpy.types.Mesh) and len(item.data.vertices)]
    clouds = [item for item in found if not len(item.data.polygons)]
    for item in clouds:
        if not any(modifier.type == "NODES" for modifier in item.modifiers):
            _draw(item)
    if clouds and len(clouds) == len(found):
        return [_description(sum(len(item.data.vertices) for item in clouds), splats=False)]
    return []


def _draw(item: bpy.types.Object) -> None:
    mesh = item.data
    if len(mesh.color_attributes):
        layer = vertex_colors.activate(mesh)
        material = vertex_colors.new_material(layer)
        material.diffuse_color = (*vertex_colors.mean_color(mesh.color_attributes[layer].data), 1.0)
    else:
        material = next(filter(None, mesh.materials), None) or vertex_colors.new_material("")
    mesh.materials.clear()
    mesh.materials.append(material)
    item.modifiers.new("Points", "NODES").node_group = _node_group(_radius(positions(mesh)), material)


def _node_group(radius: float, material: bpy.types.Material) -> bpy.types.NodeTree:
    tree = bpy.data.node_groups.new("Points", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    source, points, paint, target = (
        tree.nodes.new(kind)
        for kind in ("NodeGroupInput", "GeometryNodeMeshToPoints", "GeometryNodeSetMaterial", "NodeGroupOutput")
    )
    for column, node in enumerate((source, points, paint, target)):
        node.location = (200 * column, 0)
    points.inputs["Radius"].default_value = radius
    paint.inputs["Material"].default_value = material
    tree.links.new(source.outputs["Geometry"], points.inputs["Mesh"])
    tree.links.new(points.outputs["Points"], paint.inputs["Geometry"])
    tree.links.new(paint.outputs["Geometry"], target.inputs["Geometry"])
    return tree


def _radius(points: Array) -> float:
    """Returns a radius with which the points cover a surface.

    It follows from the median distance to the fourth neighbor: the nearest ones can all be in one direction.
    """
    size = float(np.ptp(points, axis=0).max())
    if len(points) > _MAX_NEIGHBORS:
        # Of a part of the points on a surface, the neighbors are farther away by the root of the ratio.
        scale = (_MAX_NEIGHBORS / len(points)) ** 0.5
        points = points[np.random.default_rng(0).choice(len(points), _MAX_NEIGHBORS, replace=False)]
    else:
        scale = 1.0
    tree = kdtree.KDTree(len(points))
    for index, point in enumerate(points.tolist()):
        tree.insert(point, index)
    tree.balance()
    tested = points[:: max(1, len(points) // _SAMPLES)].tolist()
    # The nearest is the point itself; coinciding points say nothing.
    found = [[d for *_, d in tree.find_n(Vector(point), 9) if d > 0][:4] for point in tested]
    distances = [near[-1] for near in found if near]
    median = float(np.median(distances)) * scale if distances else size
    return min(0.6 * median, _CAPPED_RADIUS * size)


def _linear(colors: Array) -> Array:
    """Returns sRGB colors as linear ones."""
    values = np.clip(colors, 0.0, 1.0)
    result: Any = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return result
