# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported objects made into one model that stands as the artist wants it: whole, light, sized, on its origin.

A single still mesh ends as one object without rotation or scale. Anything more (several meshes, a rig,
an animation) keeps its own hierarchy under one empty, and nothing is applied into it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix, Vector

from ..errors import ImportFailedError
from ..placement import Placement
from . import normals

_log = logging.getLogger(__name__)

COINCIDENT: Final = 1e-6
"""Vertices closer than this share of the model's size are one: seams that a file format had to cut open."""
LARGEST: Final = 1e7
"""Scene units beyond which a size is taken for damage: single precision has no detail left there."""


@dataclass(slots=True)
class Shaped:
    """What came of it."""

    root: bpy.types.Object
    objects: list[bpy.types.Object]
    mended: list[str] = field(default_factory=list)
    """What had to be put right, in an artist's words."""


def shape(objects: Sequence[bpy.types.Object], placement: Placement, name: str) -> Shaped:
    """Make one model of imported `objects`.

    Raises ImportFailedError where there is nothing to see in them.
    """
    mended: list[str] = []
    model = list(objects)
    bpy.context.view_layer.update()
    low, high = bounds(model)
    _check_size(low, high)
    if placement.merge_distance or placement.triangle_budget or placement.shade_smooth:
        size = float((high - low).max())
        mended += simplify(model, placement, COINCIDENT * size)
        if placement.shade_smooth:
            _smooth(model)
    low, high = bounds(model)
    _check_size(low, high)
    shift, scale, lift = _placement_transform(low, high, placement)
    single = _single_still(model)
    if single is not None and _apply(single, shift, scale):
        for item in model:
            if item != single:
                bpy.data.objects.remove(item)
        model = [single]
        root = single
    else:
        root = _under_one_root(model, shift, scale, name)
        model.insert(0, root)
    root.location.z = lift
    for mesh in meshes(model):
        normals.optimize(mesh)
        if mesh.shape_keys is None:
            mesh.update()
    return Shaped(root, model, mended)


def meshes(objects: Iterable[bpy.types.Object]) -> list[bpy.types.Mesh]:
    """The meshes of `objects`, each once."""
    found = {item.data.session_uid: item.data for item in objects if isinstance(item.data, bpy.types.Mesh)}
    return list(found.values())


def triangle_count(objects: Iterable[bpy.types.Object]) -> int:
    """Triangles of all objects, shared meshes counted each time they stand there."""
    return sum(_triangles(item.data) for item in objects if isinstance(item.data, bpy.types.Mesh))


def _triangles(mesh: bpy.types.Mesh) -> int:
    return len(mesh.loops) - 2 * len(mesh.polygons)


def bounds(objects: Iterable[bpy.types.Object]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lowest and highest corner of what is seen of `objects`, in world space.

    Raises ImportFailedError where nothing is seen.
    """
    graph = bpy.context.evaluated_depsgraph_get()
    lows, highs = [], []
    for item in objects:
        if not isinstance(item.data, bpy.types.Mesh):
            continue
        seen = item.evaluated_get(graph) if item.modifiers or item.data.shape_keys else item
        points = positions(seen.data)
        if len(points):
            matrix = np.array(item.matrix_world, np.float64)
            points = points @ matrix[:3, :3].T.astype(np.float32) + matrix[:3, 3].astype(np.float32)
            lows.append(points.min(axis=0))
            highs.append(points.max(axis=0))
    if not lows:
        raise ImportFailedError("There is no shape in the model file.")
    return np.min(lows, axis=0).astype(np.float64), np.max(highs, axis=0).astype(np.float64)


def positions(mesh: bpy.types.Mesh) -> npt.NDArray[np.float32]:
    """The vertices' coordinates, n × 3."""
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.attributes["position"].data.foreach_get("vector", points) if len(mesh.vertices) else None
    return points.reshape(-1, 3)


def _check_size(low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> None:
    longest = float((high - low).max())
    if not longest > 0:
        raise ImportFailedError("The model in the file has no extent: all its points lie in one place.")
    if not max(abs(low).max(), abs(high).max()) < LARGEST:
        raise ImportFailedError(f"The model in the file is too large to work with: {longest:.3g} units.")


def simplify(objects: Sequence[bpy.types.Object], placement: Placement, coincident: float) -> list[str]:
    """Merge close vertices and reduce triangles as asked. Where something could not be done, that in words."""
    told = []
    total = triangle_count(objects)
    ratio = placement.triangle_budget / total if 0 < placement.triangle_budget < total else 1.0
    for item in objects:
        mesh = item.data
        if not isinstance(mesh, bpy.types.Mesh) or not len(mesh.polygons):
            continue
        if mesh.shape_keys is not None:
            told.append(f"{item.name} has shape keys and was left as it is")
            continue
        if mesh.users > 1:
            item.data = mesh.copy()
        budget = max(4, int(_triangles(mesh) * ratio))
        # What a format cut open along UV seams must be whole, or simplifying and smoothing tear it there.
        _weld(item, max(placement.merge_distance, coincident))
        if ratio < 1.0:
            _decimate(item, budget)
    return told


def _weld(item: bpy.types.Object, distance: float) -> None:
    modifier = item.modifiers.new("weld", "WELD")
    scale = max(abs(s) for s in item.matrix_world.to_scale()) or 1.0
    modifier.merge_threshold = distance / scale
    _make_real(item, modifier)


def _decimate(item: bpy.types.Object, budget: int) -> None:
    """Down to at most `budget` triangles, as near to it as the shape allows."""
    for _ in range(3):
        mesh = item.data
        assert isinstance(mesh, bpy.types.Mesh)
        count = _triangles(mesh)
        if count <= budget:
            return
        normals.clear(mesh)
        modifier = item.modifiers.new("decimate", "DECIMATE")
        modifier.ratio = budget / count
        modifier.use_collapse_triangulate = True
        _make_real(item, modifier)


def _make_real(item: bpy.types.Object, modifier: bpy.types.Modifier) -> None:
    """Replace the object's mesh by what this one modifier makes of it; the others stay as they are."""
    shown = [(other, other.show_viewport) for other in item.modifiers if other != modifier]
    for other, _ in shown:
        other.show_viewport = False
    old = item.data
    assert isinstance(old, bpy.types.Mesh)
    graph = bpy.context.evaluated_depsgraph_get()
    graph.update()
    new = bpy.data.meshes.new_from_object(item.evaluated_get(graph), preserve_all_data_layers=True, depsgraph=graph)
    item.modifiers.remove(modifier)
    item.data = new
    name = old.name
    if not old.users:
        bpy.data.meshes.remove(old)
    new.name = name
    for other, was in shown:
        other.show_viewport = was


def _smooth(objects: Sequence[bpy.types.Object]) -> None:
    for mesh in meshes(objects):
        normals.clear(mesh)
        mesh.shade_smooth()
        sharp = mesh.attributes.get("sharp_edge")
        if sharp is not None:
            mesh.attributes.remove(sharp)


def _placement_transform(
    low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], placement: Placement
) -> tuple[Vector, float, float]:
    """What to add to each point, what to multiply it by after that, and how high to lift the whole then."""
    longest = float((high - low).max())
    scale = placement.size / longest if placement.size > 0 else 1.0
    middle = (low + high) / 2
    match placement.origin:
        case "BOTTOM":
            shift = -np.array((middle[0], middle[1], low[2]))
        case "CENTER":
            shift = -middle
        case _:
            shift = np.zeros(3)
    lift = -float(low[2] + shift[2]) * scale if placement.on_ground else 0.0
    return Vector(shift.tolist()), scale, lift


def _single_still(objects: Sequence[bpy.types.Object]) -> bpy.types.Object | None:
    """The model's only mesh, if there is but one and nothing moves it."""
    found = [item for item in objects if item.type != "EMPTY"]
    if len(found) != 1 or not isinstance(found[0].data, bpy.types.Mesh):
        return None
    moved = any(item.animation_data or item.constraints or item.modifiers for item in objects)
    keys = found[0].data.shape_keys
    return None if moved or (keys is not None and keys.animation_data) else found[0]


def _apply(item: bpy.types.Object, shift: Vector, scale: float) -> bool:
    """Put the object's place, turn and scale into its mesh. False, and nothing done, where that would bend normals."""
    mesh = item.data
    assert isinstance(mesh, bpy.types.Mesh)
    matrix = Matrix.Scale(scale, 4) @ Matrix.Translation(shift) @ item.matrix_world
    turn = matrix.to_3x3()
    size = abs(turn.determinant())
    if size < 1e-18:
        return False
    # Where normals can only be kept as angles, keeping them twice would cost precision.
    custom = normals.per_vertex(mesh) if mesh.has_custom_normals and normals.FREE_NORMALS else None
    if mesh.has_custom_normals and custom is None and not _keeps_angles(turn):
        return False
    if mesh.users > 1:
        return False
    item.parent = None
    if matrix != Matrix.Identity(4):
        mesh.transform(matrix, shape_keys=True)
        if turn.determinant() < 0:
            mesh.flip_normals()
        if custom is not None:
            straight = np.array(turn.inverted().transposed(), np.float32)
            custom = custom @ straight.T
            custom /= np.maximum(np.linalg.norm(custom, axis=1, keepdims=True), 1e-20)
    if custom is not None:
        normals.set_per_vertex(mesh, custom)
    item.matrix_basis = Matrix.Identity(4)
    item.rotation_mode = "XYZ"
    return True


def _keeps_angles(turn: Matrix) -> bool:
    """Whether it only turns and scales evenly: normals stored as angles stay right then."""
    square = turn.transposed() @ turn
    mean = (square[0][0] + square[1][1] + square[2][2]) / 3
    even = all(abs(square[i][j] - (mean if i == j else 0)) < 1e-5 * mean for i in range(3) for j in range(3))
    return even and turn.determinant() > 0


def _under_one_root(objects: Sequence[bpy.types.Object], shift: Vector, scale: float, name: str) -> bpy.types.Object:
    """An empty above the model, without touching what moves below it."""
    root = bpy.data.objects.new(name, None)
    root.empty_display_size = 0.2
    root.scale = (scale, scale, scale)
    for item in objects:
        if item.parent is None:
            item.parent = root
            item.matrix_parent_inverse = Matrix.Translation(shift)
    return root
