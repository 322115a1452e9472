# SPDX-License-Identifier: GPL-3.0-or-later
"""How far one surface is from another: distances from points spread evenly over each to the other's surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import bpy
import numpy as np

from ..mesh_data import Array, apply_modifier, positions, read
from .topology import size_of

SAMPLES: Final = 100_000
"""Points on each surface."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """Distances relative to the size of the original. `there`: from the result to it; `back`: from it to the result."""

    there: Array
    back: Array

    @property
    def largest(self) -> float:
        """The largest distance."""
        return float(max(self.there.max(), self.back.max()))

    @property
    def mean(self) -> float:
        """The mean distance, in the direction in which it is larger."""
        return float(max(self.there.mean(), self.back.mean()))

    def facts(self) -> dict[str, float]:
        """Returns what is stored on the object, in percent."""
        return {"deviation_largest": round(100 * self.largest, 3), "deviation_mean": round(100 * self.mean, 4)}


def measure(result: bpy.types.Object, original: bpy.types.Object) -> Deviation:
    """Returns the deviation of two objects without transforms."""
    size = max(size_of(original.data), 1e-30)
    there = distances(samples(result.data, SAMPLES), original) / size
    return Deviation(there, distances(samples(original.data, SAMPLES), result) / size)


def samples(mesh: bpy.types.Mesh, count: int) -> Array:
    """Returns points on the faces, spread by area; always the same ones."""
    mesh.calc_loop_triangles()
    at = positions(mesh).astype(np.float64)[read(mesh.loop_triangles, "vertices", 3, np.int32)]
    a, b, c = at[:, 0], at[:, 1], at[:, 2]
    total = np.cumsum(np.linalg.norm(np.cross(b - a, c - a), axis=1))
    random = np.random.default_rng(0)
    index = np.searchsorted(total, (np.arange(count) + 0.5) / count * total[-1])
    u, v = random.random((2, count, 1))
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    points: Array = a[index] + u * (b - a)[index] + v * (c - a)[index]
    return points


def distances(points: Array, surface: bpy.types.Object) -> Array:
    """Returns each point's distance to the nearest point on a surface. Blender's modifier uses all processor cores."""
    mesh = bpy.data.meshes.new("Samples")
    mesh.vertices.add(len(points))
    mesh.attributes["position"].data.foreach_set("vector", np.ascontiguousarray(points, np.float32).reshape(-1))
    item = bpy.data.objects.new("Samples", mesh)
    bpy.context.scene.collection.objects.link(item)
    apply_modifier(item, "SHRINKWRAP", target=surface, wrap_method="NEAREST_SURFACEPOINT", wrap_mode="ON_SURFACE")
    moved: Array = np.linalg.norm(positions(item.data) - points, axis=1)
    bpy.data.objects.remove(item)
    bpy.data.meshes.remove(mesh)
    return moved
