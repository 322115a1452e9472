# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a free spot for a new model: beside what stands at its location already, never inside it.

A model steps aside along X. What is much larger than the model is its surroundings (a ground, a room, a terrain), and
what only touches it from below carries it; both are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import bpy
from mathutils import Matrix, Vector

from . import placeholder

GAP: Final = 0.25
"""Distance to what stands there, in widths of the model."""
SURROUNDINGS: Final = 5.0
"""What is this many times as wide or deep as the model is ignored."""
_MAX_OBJECTS: Final = 5_000
"""Objects of a scene that are looked at; more would be a noticeable stall."""
_TOUCH: Final = 0.01
"""Overlap that is no obstacle, in widths of the model."""


def beside(location: Vector, size: Vector, layer: bpy.types.ViewLayer) -> Vector:
    """Returns the first free location for a model of this size. The location is the center of its underside."""
    width = max(size.x, 1e-3)
    touch = _TOUCH * width
    obstacles = [
        (low, high)
        for low, high in _boxes(layer)
        if max(high.x - low.x, high.y - low.y) < SURROUNDINGS * max(size.x, size.y)
        and low.y + touch < location.y + size.y / 2
        and high.y - touch > location.y - size.y / 2
        and low.z + touch < location.z + size.z
        and high.z - touch > location.z
    ]
    x = location.x
    for low, high in sorted(obstacles, key=lambda box: box[0].x):
        if low.x + touch < x + width / 2 and high.x - touch > x - width / 2:
            x = high.x + GAP * width + width / 2
    return Vector((x, location.y, location.z))


def _boxes(layer: bpy.types.ViewLayer) -> Iterator[tuple[Vector, Vector]]:
    """Yields the lowest and the highest corner of each placeholder and each visible mesh, in world space."""
    for item in layer.objects[:_MAX_OBJECTS]:
        if item.get(placeholder.JOB_PROPERTY):
            corners = placeholder.corners(item)
        elif item.type == "MESH" and item.visible_get(view_layer=layer):
            where = _matrix(item)
            corners = [where @ Vector(corner) for corner in item.bound_box]
        else:
            continue
        yield Vector(map(min, zip(*corners, strict=True))), Vector(map(max, zip(*corners, strict=True)))


def _matrix(item: bpy.types.Object) -> Matrix:
    """Returns where an object is, also if it was just placed: Blender computes `matrix_world` later."""
    simple = item.parent is None and not item.constraints and not any(item.delta_location)
    return item.matrix_basis if simple else item.matrix_world
