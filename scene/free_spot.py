# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a free spot for a new model: beside what stands at its location already, never inside it.

A model steps aside along X. What is much larger than the model is its surroundings (a ground, a room, a terrain), and
what only touches it from below carries it; both are ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import bpy
from mathutils import Vector

from . import placeholder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

GAP: Final = 0.25
"""Distance to what stands there, in widths of the model."""
SURROUNDINGS: Final = 5.0
"""What is this many times as wide or deep as the model is ignored."""
_TOUCH: Final = 0.01
"""Overlap that is no obstacle, in widths of the model."""


def beside(location: Vector, size: Vector, layer: bpy.types.ViewLayer) -> Vector:
    """Returns the first free location for a model of this size. The location is the center of its underside."""
    width = max(size.x, 1e-3)
    touch = _TOUCH * width
    low, high = _boxes(layer)
    in_the_way = (
        ((high - low)[:, :2].max(axis=1) < SURROUNDINGS * max(size.x, size.y))
        & (low[:, 1] + touch < location.y + size.y / 2)
        & (high[:, 1] - touch > location.y - size.y / 2)
        & (low[:, 2] + touch < location.z + size.z)
        & (high[:, 2] - touch > location.z)
    )
    x = location.x
    for left, right in sorted(zip(low[in_the_way, 0].tolist(), high[in_the_way, 0].tolist(), strict=True)):
        if left + touch < x + width / 2 and right - touch > x - width / 2:
            x = right + GAP * width + width / 2
    return Vector((x, location.y, location.z))


def _boxes(layer: bpy.types.ViewLayer) -> tuple[Array, Array]:
    """Returns the lowest and the highest corners of all placeholders and visible meshes, in world space, each n × 3.

    Read at once: one by one, a thousand objects would take 20 ms instead of 2.
    """
    import numpy as np

    objects: Any = layer.objects
    _ = objects.active  # accessing this syncs the view layer: else objects that were just removed are listed
    bounds, world, basis = (
        _read(objects, name, width) for name, width in (("bound_box", 24), ("matrix_world", 16), ("matrix_basis", 16))
    )
    new = (world == np.eye(4, dtype=np.float32).ravel()).all(axis=1)  # Blender computes it later
    world[new] = basis[new]
    corners = np.ones((len(world), 8, 4), np.float32)
    corners[..., :3] = bounds.reshape(-1, 8, 3)
    placed = (corners @ world.reshape(-1, 4, 4))[..., :3]  # each matrix is stored by columns
    meshes, held = [], []
    for number, item in enumerate(objects):
        if item is None:
            continue
        if item.type == "MESH" and item.visible_get(view_layer=layer):
            meshes.append(number)
        elif item.type == "EMPTY" and item.get(placeholder.JOB_PROPERTY):
            held.append(placeholder.corners(item))
    found = np.concatenate([placed[meshes], np.array(held, np.float32).reshape(-1, 8, 3)])
    return found.min(axis=1), found.max(axis=1)


def _read(objects: Any, name: str, width: int) -> Array:
    import numpy as np

    values = np.empty(len(objects) * width, np.float32)
    objects.foreach_get(name, values)
    return values.reshape(-1, width)
