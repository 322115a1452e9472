# SPDX-License-Identifier: GPL-3.0-or-later
"""Merges vertices at the same place, and deletes loose parts. UVs and colors stay with the face corners."""

from __future__ import annotations

from typing import Final

import bpy
import numpy as np

from ..mesh_data import Array, apply_modifier
from .topology import MERGE_FRACTION, part_areas, read_topology, size_of

LOOSE_SHARE: Final = 0.005
"""A part whose diagonal is below this share of the model's is loose."""
_CRUMB_FACES: Final = 4
"""A part with at most so many faces is loose up to `_CRUMB_SHARES` times that size: what is left between two holes."""
_CRUMB_SHARES: Final = 4.0
_MOST_AREA: Final = 0.1
"""Small parts with more than this share of the area are what the model consists of, such as leaves or grass."""


def merge_vertices(item: bpy.types.Object) -> int:
    """Merge vertices closer than `MERGE_FRACTION` of the mesh's size. Returns how many were removed."""
    mesh = item.data
    before = len(mesh.vertices)
    if before:
        apply_modifier(item, "WELD", merge_threshold=max(size_of(mesh) * MERGE_FRACTION, 1e-12))
    return before - len(item.data.vertices)


def delete_loose_parts(item: bpy.types.Object, share: float = LOOSE_SHARE) -> int:
    """Delete parts whose diagonal is below `share` of the model's, and vertices and edges without faces.

    Returns the number of parts with faces that were deleted. The largest part always stays.
    """
    mesh = item.data
    if not len(mesh.polygons):
        return 0
    topology = read_topology(mesh)
    part = topology.part[topology.merged]
    count = int(part.max()) + 1
    order = np.argsort(part, kind="stable")
    first = np.searchsorted(part[order], np.arange(count))
    low, high = (f.reduceat(topology.points[order], first) for f in (np.minimum, np.maximum))
    areas = part_areas(topology)
    faces = np.bincount(
        topology.part[topology.start[np.flatnonzero(np.diff(topology.face, prepend=-1))]], minlength=count
    )
    empty = faces == 0
    small = np.zeros(count, np.bool_)
    small[~empty] = loose_parts(low[~empty], high[~empty], areas[~empty], faces[~empty], share)
    _delete(item, (small | empty)[part])
    return int(small.sum())


def loose_parts(low: Array, high: Array, areas: Array, faces: Array, share: float = LOOSE_SHARE) -> Array:
    """Returns which parts are loose.

    `low`, `high`: corners of their bounding boxes; `areas`, `faces`: the area and number of their faces.
    """
    diagonals = np.linalg.norm(high - low, axis=1)
    whole = float(np.linalg.norm(high.max(axis=0) - low.min(axis=0)))
    small: Array = diagonals < np.where(faces <= _CRUMB_FACES, _CRUMB_SHARES, 1.0) * share * whole
    small[int(np.argmax(diagonals))] = False
    if areas[small].sum() > _MOST_AREA * areas.sum():
        small[:] = False
    return small


def _delete(item: bpy.types.Object, vertices: Array) -> None:
    """Delete vertices with their faces. A modifier does it without a Python object for each."""
    if not vertices.any():
        return
    group = item.vertex_groups.new(name="Delete")
    name = group.name  # the reference does not survive the modifier
    group.add(np.flatnonzero(vertices).tolist(), 1.0, "REPLACE")
    apply_modifier(item, "MASK", vertex_group=name, invert_vertex_group=True)
    item.vertex_groups.remove(item.vertex_groups[name])
