# SPDX-License-Identifier: GPL-3.0-or-later
"""What is connected to what in a mesh: parts, open edges, and the loops that these form.

Vertices at the same place count as one, even where a file format split them at the seams of UVs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import bpy
import numpy as np

from ..face_direction import components
from ..mesh_data import Array, corner_vertices, positions, read

MERGE_FRACTION: Final = 1e-5
"""Vertices closer than this fraction of the mesh's size are merged: more than the report counts (`MERGE_SHARE`)."""


@dataclass(frozen=True, slots=True)
class Topology:
    """A mesh as arrays. `merged`: per vertex, the number of its place; `start`, `end`: places of each face corner's
    edge; `face`: its face; `part`: per place, the number of the connected part; `points`: per vertex."""

    points: Array
    merged: Array
    start: Array
    end: Array
    face: Array
    part: Array


def size_of(mesh: bpy.types.Mesh) -> float:
    """Returns the diagonal of the mesh's bounding box, or 0."""
    points = positions(mesh)
    return float(np.linalg.norm(np.ptp(points.astype(np.float64), axis=0))) if len(points) else 0.0


def read_topology(mesh: bpy.types.Mesh) -> Topology:
    """Returns the mesh's topology."""
    points = positions(mesh).astype(np.float64)
    merged = _places(points)
    corners = merged[corner_vertices(mesh)]
    totals = read(mesh.polygons, "loop_total", kind=np.int32)
    following = np.arange(1, len(corners) + 1)
    starts = np.cumsum(totals) - totals
    following[starts + totals - 1] = starts
    start, end = corners, corners[following]
    edges = merged[read(mesh.edges, "vertices", 2, np.int32)]
    part = components(int(merged.max()) + 1, edges[:, 0], edges[:, 1])
    return Topology(points, merged, start, end, np.repeat(np.arange(len(totals)), totals), part)


def _places(points: Array) -> Array:
    """Returns the number of each point's place. Points on both sides of a rounding border are not found."""
    low = points.min(axis=0)
    step = max(float(np.linalg.norm(np.ptp(points, axis=0))) * MERGE_FRACTION, 1e-30)
    keys = np.round((points - low) / step).astype(np.int64)
    key = (keys[:, 0] << 42) | (keys[:, 1] << 21) | keys[:, 2]
    return np.unique(key, return_inverse=True)[1].reshape(-1)


def part_areas(topology: Topology) -> Array:
    """Returns the area of each part's faces."""
    at = places(topology)
    a, b = at[topology.start], at[topology.end]
    # The sum of the cross products around a face is twice its area vector, in any origin: its first corner's.
    first = np.flatnonzero(np.diff(topology.face, prepend=-1))
    origin = np.repeat(a[first], np.diff(np.append(first, len(a))), axis=0)
    vectors = np.add.reduceat(np.cross(a - origin, b - origin), first, axis=0) / 2
    face_part = topology.part[topology.start[first]]
    areas: Array = np.bincount(face_part, np.linalg.norm(vectors, axis=1), int(topology.part.max()) + 1)
    return areas


def open_edges(topology: Topology) -> tuple[Array, Array]:
    """Returns the places from and to which the edges run that only one face has."""
    start, end = topology.start, topology.end
    real = start != end
    start, end = start[real], end[real]
    key = np.minimum(start, end).astype(np.int64) * len(topology.part) + np.maximum(start, end)
    _, first, times = np.unique(key, return_index=True, return_counts=True)
    alone = first[times == 1]
    return start[alone], end[alone]


def border_length(topology: Topology) -> float:
    """Returns the total length of the open edges."""
    at = places(topology)
    start, end = open_edges(topology)
    return float(np.linalg.norm(at[start] - at[end], axis=1).sum())


def smooth_border_length(topology: Topology, window: float) -> float:
    """Returns the total length of the loops of open edges, after averaging each over `window` units along it.

    That of a jagged border is many times what a coarser mesh has around the same surface.
    """
    at = places(topology)
    total = 0.0
    for loop in open_loops(topology):
        points = at[loop]
        count = int(window * len(loop) / max(_loop_length(points), 1e-30))
        if 1 < count < len(loop):
            sums = np.cumsum(np.concatenate((np.zeros((1, 3)), points, points[:count])), axis=0)
            points = (sums[count:-1] - sums[: -count - 1]) / count
        total += _loop_length(points) if count < len(loop) else 0.0
    return total


def _loop_length(points: Array) -> float:
    return float(np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1).sum())


def places(topology: Topology) -> Array:
    """Returns the coordinates of each place."""
    at = np.zeros((len(topology.part), 3))
    at[topology.merged] = topology.points
    return at


def open_loops(topology: Topology) -> list[list[int]]:
    """Returns the closed loops of open edges, each as places in the order to make a face of them."""
    # A face that closes the hole runs through the edge in the other direction.
    following: dict[int, list[int]] = defaultdict(list)
    start, end = open_edges(topology)
    for tail, head in zip(end.tolist(), start.tolist(), strict=True):
        following[tail].append(head)
    return _closed_walks(following)


def _closed_walks(following: dict[int, list[int]]) -> list[list[int]]:
    """Returns walks that end where they start and pass no place twice. Uses up the edges."""
    loops: list[list[int]] = []
    for begin in list(following):
        while following[begin]:
            path, position = [begin], {begin: 0}
            while following[path[-1]]:
                place = following[path[-1]].pop()
                if place in position:
                    cut = position[place]
                    if len(path) - cut >= 3:
                        loops.append(path[cut:])
                    for passed in path[cut + 1 :]:
                        del position[passed]
                    del path[cut + 1 :]
                else:
                    position[place] = len(path)
                    path.append(place)
    return loops
