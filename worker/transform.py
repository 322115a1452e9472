# SPDX-License-Identifier: GPL-3.0-or-later
"""Combines imported objects into one model and applies the placement settings: triangle budget, size, origin.

A single static mesh becomes one object without rotation or scale. Anything else (several meshes, a rig, an animation)
keeps its hierarchy under one empty, and no transform is applied to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector

from ..errors import Action, ImportFailedError, Message
from ..mesh_report import MERGE_SHARE
from ..placement import Placement
from . import normals
from .mesh_data import Array, apply_modifier, meshes, positions
from .source_file import DAMAGED_ADVICE

MAX_EXTENT: Final = 1e7
"""Scene units; a larger model is refused: single precision has no detail left there."""


@dataclass(slots=True)
class PreparedModel:
    """The model in this Blender's data. `repairs`: what was repaired or skipped, for the artist."""

    root: bpy.types.Object
    objects: list[bpy.types.Object]
    repairs: list[Message] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    """See `convert_model.measure`."""


def apply_placement(objects: Sequence[bpy.types.Object], placement: Placement, name: str) -> PreparedModel:
    """Combine objects into one model with the placement applied. Raises ImportFailedError if they have no geometry."""
    model = list(objects)
    _rotate(model, placement)
    bpy.context.view_layer.update()
    repairs: list[Message] = []
    low, high = _checked_bounds(model)
    if placement.merge_distance or placement.triangle_budget or placement.shade_smooth:
        size = float((high - low).max())
        repairs += simplify(model, placement, MERGE_SHARE * size)
        for mesh in meshes(model) if placement.shade_smooth else ():
            normals.clear(mesh)
            mesh.shade_smooth()
            normals.remove_attribute(mesh, "sharp_edge")
        low, high = _checked_bounds(model)
    middle = (low + high) / 2
    origins = {"BOTTOM": (middle[0], middle[1], low[2]), "CENTER": middle}
    shift = -Vector(origins.get(placement.origin, (0.0, 0.0, 0.0)))
    scale = placement.size / float((high - low).max()) if placement.size > 0 else 1.0
    single = _single_static(model)
    if single is not None and _apply_transform(single, shift, scale):
        for item in model:
            if item != single:
                bpy.data.objects.remove(item)
        root, model = single, [single]
    else:
        root = _parent_to_empty(model, shift, scale, name)
        model.insert(0, root)
    if placement.on_ground:
        root.location.z = -(float(low[2]) + shift.z) * scale
    for mesh in meshes(model):
        normals.optimize(mesh)
        if mesh.shape_keys is None:
            mesh.update()
    return PreparedModel(root, model, repairs)


def _rotate(objects: Sequence[bpy.types.Object], placement: Placement) -> None:
    """Turn the model's top upward. (An animated object without a parent keeps its own rotation.)"""
    up = Matrix.Rotation(math.radians(-90.0 if placement.up_axis == "Z" else 0.0), 4, "X")
    turn = Euler([math.radians(angle) for angle in placement.rotation]).to_matrix().to_4x4() @ up
    for item in objects:
        if item.parent is None:
            item.matrix_basis = turn @ item.matrix_basis


def triangle_count(objects: Iterable[bpy.types.Object]) -> int:
    """Returns the number of triangles of all objects; a shared mesh counts once per object."""
    found = [item.data for item in objects if isinstance(item.data, bpy.types.Mesh)]
    return sum(len(mesh.loops) - 2 * len(mesh.polygons) for mesh in found)


def bounds(objects: Iterable[bpy.types.Object]) -> tuple[Array, Array]:
    """Returns the lowest and highest corner of the objects' visible geometry, in world space.

    Raises ImportFailedError if there is none.
    """
    graph = bpy.context.evaluated_depsgraph_get()
    corners: list[Array] = []
    for item in objects:
        if not isinstance(item.data, bpy.types.Mesh):
            continue
        evaluated = item.evaluated_get(graph) if item.modifiers or item.data.shape_keys else item
        points = positions(evaluated.data)
        if not len(points):  # modifiers turn a point cloud's vertices into points
            points = positions(item.data)
        if len(points):
            matrix = np.array(item.matrix_world, np.float64)
            points = points @ matrix[:3, :3].T.astype(np.float32) + matrix[:3, 3].astype(np.float32)
            corners += (points.min(axis=0), points.max(axis=0))
    if not corners:
        raise ImportFailedError("The model file has no geometry.", advice=DAMAGED_ADVICE, action=Action.DOWNLOAD_AGAIN)
    return np.min(corners, axis=0).astype(np.float64), np.max(corners, axis=0).astype(np.float64)


def _checked_bounds(objects: Sequence[bpy.types.Object]) -> tuple[Array, Array]:
    """Returns `bounds`. Raises ImportFailedError if the model has no extent, or too much."""
    low, high = bounds(objects)
    longest = float((high - low).max())
    if not longest > 0:
        raise ImportFailedError(
            "The model is empty: all points coincide.", advice=DAMAGED_ADVICE, action=Action.DOWNLOAD_AGAIN
        )
    if not max(abs(low).max(), abs(high).max()) < MAX_EXTENT:
        raise ImportFailedError("The model is too large to work with: {size} units.", size=f"{longest:.3g}")
    return low, high


def simplify(objects: Sequence[bpy.types.Object], placement: Placement, min_merge_distance: float) -> list[Message]:
    """Merge close vertices and reduce triangles as requested. Returns what could not be done, for the artist."""
    skipped: list[Message] = []
    total = triangle_count(objects)
    ratio = placement.triangle_budget / total if 0 < placement.triangle_budget < total else 1.0
    for item in objects:
        mesh = item.data
        if not isinstance(mesh, bpy.types.Mesh) or not len(mesh.polygons):
            continue
        if mesh.shape_keys is not None:
            skipped.append(Message("{name} has shape keys and was not simplified", {"name": item.name}))
            continue
        if mesh.users > 1:
            item.data = mesh.copy()
        budget = max(4, int(triangle_count([item]) * ratio)) if ratio < 1.0 else math.inf
        # Seams that the format split must be merged, or simplifying and smoothing tear the surface there.
        scale = max(abs(s) for s in item.matrix_world.to_scale()) or 1.0
        apply_modifier(item, "WELD", merge_threshold=max(placement.merge_distance, min_merge_distance) / scale)
        for _ in range(3):  # until the budget is met, as closely as the geometry allows
            count = triangle_count([item])
            if count > budget:
                normals.clear(item.data)
                apply_modifier(item, "DECIMATE", ratio=budget / count, use_collapse_triangulate=True)
    return skipped


def _single_static(objects: Sequence[bpy.types.Object]) -> bpy.types.Object | None:
    """Returns the model's only mesh object, if there is just one and nothing animates it."""
    found = [item for item in objects if item.type != "EMPTY"]
    if len(found) != 1 or not isinstance(found[0].data, bpy.types.Mesh):
        return None
    animated = any(item.animation_data or item.constraints or item.modifiers for item in objects)
    keys = found[0].data.shape_keys
    return None if animated or (keys is not None and keys.animation_data) else found[0]


def _apply_transform(item: bpy.types.Object, shift: Vector, scale: float) -> bool:
    """Apply the object's transform to its mesh. Returns False, with nothing changed, if that would distort normals."""
    mesh = item.data
    assert isinstance(mesh, bpy.types.Mesh)
    matrix = Matrix.Scale(scale, 4) @ Matrix.Translation(shift) @ item.matrix_world
    linear = matrix.to_3x3()
    if mesh.users > 1 or abs(linear.determinant()) < 1e-18:
        return False
    # Before 4.5, normals are stored as angles: storing them twice would cost precision.
    custom = normals.per_vertex(mesh) if mesh.has_custom_normals and normals.HAS_VECTOR_NORMALS else None
    if mesh.has_custom_normals and custom is None and not _preserves_angles(linear):
        return False
    item.parent = None
    if matrix != Matrix.Identity(4):
        mesh.transform(matrix, shape_keys=True)
        if linear.determinant() < 0:
            mesh.flip_normals()
        if custom is not None:
            custom = custom @ np.array(linear.inverted(), np.float32)  # normals need the inverse transpose
            custom /= np.maximum(np.linalg.norm(custom, axis=1, keepdims=True), 1e-20)
    if custom is not None:
        normals.set_per_vertex(mesh, custom)
    item.matrix_basis = Matrix.Identity(4)
    item.rotation_mode = "XYZ"
    return True


def _preserves_angles(linear: Matrix) -> bool:
    """Whether a 3 × 3 matrix only rotates and scales uniformly: normals stored as angles stay correct then."""
    square = np.array(linear.transposed() @ linear)
    mean = square.trace() / 3
    return bool((abs(square - mean * np.eye(3)) < 1e-5 * mean).all()) and linear.determinant() > 0


def _parent_to_empty(objects: Sequence[bpy.types.Object], shift: Vector, scale: float, name: str) -> bpy.types.Object:
    """Parent the model to an empty, without changing its animated objects. Returns the empty."""
    root = bpy.data.objects.new(name, None)
    root.empty_display_size = 0.2
    root.scale = (scale, scale, scale)
    for item in objects:
        if item.parent is None:
            item.parent = root
            item.matrix_parent_inverse = Matrix.Translation(shift)
    return root
