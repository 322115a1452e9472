# SPDX-License-Identifier: GPL-3.0-or-later
"""Joins the meshes of a model that consists of very many objects: they would slow the artist's scene down.

Blender's own operator takes a time that grows with the square of their number.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

import bpy
import numpy as np

from ..errors import Message
from .mesh_data import Array, corner_vertices, meshes, positions, read, unique

MAX_OBJECTS: Final = 300
"""More objects are joined into one."""
_LAYERS: Final = {"FLOAT2": ("vector", 2), "FLOAT_COLOR": ("color", 4), "BYTE_COLOR": ("color", 4)}
"""Attribute types that are kept, with the property and the size of their values."""


def join_many(objects: Sequence[bpy.types.Object], repairs: list[Message]) -> list[bpy.types.Object]:
    """Returns the objects; if they are too many, with the static meshes joined into one. Appends to `repairs`."""
    joined = [item for item in objects if _is_static(item)] if len(objects) > MAX_OBJECTS else []
    if len(joined) < 2:
        return list(objects)
    bpy.context.view_layer.update()
    mesh = _joined_mesh(joined)
    result = bpy.data.objects.new("Joined", mesh)
    bpy.context.scene.collection.objects.link(result)
    kept = _needed(objects, joined)
    removed = [item for item in objects if item not in kept]
    data = meshes(removed)
    bpy.data.batch_remove(removed)
    bpy.data.batch_remove([item for item in data if not item.users])
    repairs.append(Message("{count} objects were joined into one", {"count": f"{len(joined):,}"}))
    return [result, *(item for item in objects if item in kept)] if kept else [result]


def _is_static(item: bpy.types.Object) -> bool:
    mesh = item.data
    if not isinstance(mesh, bpy.types.Mesh) or mesh.shape_keys is not None or item.modifiers or item.constraints:
        return False
    return item.animation_data is None and item.parent_type == "OBJECT"


def _needed(objects: Sequence[bpy.types.Object], joined: Sequence[bpy.types.Object]) -> set[bpy.types.Object]:
    """Returns what must stay beside the joined mesh: other geometry, rigs, and their parents."""
    going = set(joined)
    needed = {item for item in objects if item not in going and (item.type != "EMPTY" or item.animation_data)}
    for item in list(needed):
        parent = item.parent
        while parent is not None and parent not in needed:
            needed.add(parent)
            parent = parent.parent
    return needed


class _Part:
    """What a mesh contributes; read once, however many objects use it."""

    def __init__(self, mesh: bpy.types.Mesh, slots: dict[int, int], layers: dict[str, tuple[str, str]]) -> None:
        self.points = positions(mesh)
        self.corners = corner_vertices(mesh)
        self.lengths = read(mesh.polygons, "loop_total", kind=np.int32)
        self.normals = read(mesh.corner_normals, "vector", 3) if mesh.has_custom_normals else None
        self.smooth = ~_flags(mesh, "sharp_face")
        used = np.array([slots[m.session_uid] if m is not None else 0 for m in mesh.materials] or [0], np.int32)
        index = mesh.attributes.get("material_index")
        own = read(index.data, "value", kind=np.int32) if index is not None else np.zeros(len(self.lengths), np.int32)
        self.materials = used[np.clip(own, 0, len(used) - 1)]
        self.layers = {name: self._layer(mesh, name, kind) for name, (kind, _) in layers.items()}

    def _layer(self, mesh: bpy.types.Mesh, name: str, kind: str) -> Array:
        """Returns an attribute's values per corner; those that a mesh doesn't have are 0, or white."""
        prop, width = _LAYERS[kind]
        found = mesh.attributes.get(name)
        if found is None or found.data_type not in _LAYERS or _LAYERS[found.data_type] != (prop, width):
            return np.full((len(self.corners), width), float(prop == "color"), np.float32)
        values = read(found.data, prop, width)
        return values if found.domain == "CORNER" else values[self.corners]

    def turned(self) -> _Part:
        """Returns it with the corners of each face in reverse order, as a mirrored object needs them."""
        starts = np.cumsum(self.lengths) - self.lengths
        order = np.repeat(2 * starts + self.lengths - 1, self.lengths) - np.arange(len(self.corners))
        result = copy.copy(self)
        result.corners = self.corners[order]
        result.normals = None if self.normals is None else self.normals[order]
        result.layers = {name: values[order] for name, values in self.layers.items()}
        return result

    def normals_after(self, matrix: Array) -> Array:
        """Returns the normals of the corners after a transform; zero: Blender computes them."""
        if self.normals is None:
            return np.zeros((len(self.corners), 3), np.float32)
        turned = self.normals @ np.linalg.pinv(matrix[:3, :3])  # normals need the inverse transpose
        lengths = np.linalg.norm(turned, axis=1, keepdims=True)
        return (turned / np.maximum(lengths, 1e-20)).astype(np.float32)


def _flags(mesh: bpy.types.Mesh, name: str) -> Array:
    found = mesh.attributes.get(name)
    return read(found.data, "value", kind=np.bool_) if found is not None else np.zeros(len(mesh.polygons), np.bool_)


def _joined_mesh(objects: Sequence[bpy.types.Object]) -> bpy.types.Mesh:
    sources = meshes(objects)
    materials = unique(material for mesh in sources for material in mesh.materials)
    slots = {material.session_uid: number for number, material in enumerate(materials)}
    layers = _layers(sources)
    read_parts = {mesh.session_uid: _Part(mesh, slots, layers) for mesh in sources}
    turned = {number: part.turned() for number, part in read_parts.items()}
    parts: list[tuple[_Part, Array]] = []
    for item in objects:
        matrix = np.array(item.matrix_world, np.float64)
        choice = turned if np.linalg.det(matrix[:3, :3]) < 0 else read_parts
        parts.append((choice[item.data.session_uid], matrix))
    mesh = bpy.data.meshes.new("Joined")
    for material in materials:
        mesh.materials.append(material)
    _fill(mesh, parts)
    for name, (kind, _) in layers.items():
        values = np.concatenate([part.layers[name] for part, _ in parts])
        if kind == "FLOAT2":
            layer: Any = mesh.uv_layers.new(name=name, do_init=False)
            mesh.attributes[layer.name].data.foreach_set("vector", values.ravel())
        else:
            mesh.color_attributes.new(name, kind, "CORNER").data.foreach_set("color", values.ravel())
    mesh.update(calc_edges=True)
    if any(part.normals is not None for part in read_parts.values()):
        mesh.normals_split_custom_set(np.concatenate([part.normals_after(matrix) for part, matrix in parts]))
    return mesh


def _layers(sources: Sequence[bpy.types.Mesh]) -> dict[str, tuple[str, str]]:
    """Returns the type and domain of the UV maps and colors of all meshes, by name."""
    found: dict[str, tuple[str, str]] = {}
    for mesh in sources:
        for attribute in (*(mesh.attributes[layer.name] for layer in mesh.uv_layers), *mesh.color_attributes):
            if attribute.data_type in _LAYERS:
                found.setdefault(attribute.name, (attribute.data_type, attribute.domain))
    return dict(list(found.items())[:8])  # as many UV maps as Blender has


def _fill(mesh: bpy.types.Mesh, parts: Sequence[tuple[_Part, Array]]) -> None:
    points, corners, offset = [], [], 0
    for part, matrix in parts:
        points.append(part.points @ matrix[:3, :3].T + matrix[:3, 3])
        corners.append(part.corners + offset)
        offset += len(part.points)
    lengths = np.concatenate([part.lengths for part, _ in parts])
    mesh.vertices.add(offset)
    mesh.attributes["position"].data.foreach_set("vector", np.concatenate(points).astype(np.float32).ravel())
    mesh.loops.add(int(lengths.sum()))
    mesh.loops.foreach_set("vertex_index", np.concatenate(corners).astype(np.int32))
    mesh.polygons.add(len(lengths))
    mesh.polygons.foreach_set("loop_start", np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int32))
    mesh.polygons.foreach_set("material_index", np.concatenate([part.materials for part, _ in parts]))
    mesh.polygons.foreach_set("use_smooth", np.concatenate([part.smooth for part, _ in parts]))
