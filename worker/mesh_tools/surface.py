# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as arrays: which vertices are at the same place, how many faces run along each edge, what is connected.

Blender knows the edges of each face. So only the edges at places with several vertices have to be searched for others
at the same place, which is several times faster than sorting all edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ...mesh_report import MERGE_SHARE
from ..face_direction import components
from ..mesh_data import Array, corner_vertices, read


@dataclass(frozen=True, slots=True)
class Surface:
    """A mesh as arrays. A place has one or more vertices.

    `at`: coordinates of each place. `corners`: the place of each face corner. `totals`: the number of corners of each
    face. `tails`, `heads`: the two places of each edge, once for all that are at these places. `forth`, `back`: number
    of faces that run along the edge from tail to head, and from head to tail. `part`: per place, the number of the
    connected part; a place without faces has one of its own.
    """

    at: Array
    corners: Array
    totals: Array
    tails: Array
    heads: Array
    forth: Array
    back: Array
    part: Array

    @property
    def faces_of_edges(self) -> Array:
        """The number of faces of each edge."""
        return self.forth + self.back

    @property
    def starts(self) -> Array:
        """The first corner of each face."""
        return np.cumsum(self.totals) - self.totals


def read_surface(mesh: bpy.types.Mesh, points: Array) -> Surface:
    """Returns a mesh with faces as arrays. `points`: its vertices, in any space."""
    merged, repeated = _places(points)
    vertices = corner_vertices(mesh)
    totals = read(mesh.polygons, "loop_total", kind=np.int32)
    ends = read(mesh.attributes[".edge_verts"].data, "value", 2, np.int32)
    edges = read(mesh.attributes[".corner_edge"].data, "value", kind=np.int32)
    count = len(ends)
    zero = merged[ends[:, 0]] == merged[ends[:, 1]]
    counted = _corners_of_real_faces(zero[edges], totals) if zero.any() else slice(None)
    edges, runs_forth = edges[counted], vertices[counted] == ends[edges[counted], 0]
    forth = np.bincount(edges[runs_forth], minlength=count)
    back = np.bincount(edges, minlength=count) - forth
    tails, heads = merged[ends[:, 0]], merged[ends[:, 1]]
    swapped = tails > heads
    tails, heads = np.where(swapped, heads, tails), np.where(swapped, tails, heads)
    forth, back = np.where(swapped, back, forth), np.where(swapped, forth, back)
    if repeated.any():
        tails, heads, forth, back = _merged_edges(tails, heads, forth, back, repeated)
    with_faces = forth + back > 0
    part = components(len(repeated), tails[with_faces], heads[with_faces])
    at = np.empty((len(repeated), 3), np.float64)
    at[merged] = points
    return Surface(at, merged[vertices], totals, tails, heads, forth, back, part)


def _places(points: Array) -> tuple[Array, Array]:
    """Returns the number of each point's place, and per place whether it has several points."""
    low = points.min(axis=0)
    step = max(float((points.max(axis=0) - low).max()) * MERGE_SHARE, 1e-30)
    grid = np.round((points - low) / step).astype(np.int64)
    key = (grid[:, 0] << 42) | (grid[:, 1] << 21) | grid[:, 2]
    _, merged, counts = np.unique(key, return_inverse=True, return_counts=True)
    return merged.reshape(-1), counts > 1


def _corners_of_real_faces(zero: Array, totals: Array) -> Array:
    """Returns which corners belong to faces with at least three places. `zero`: corners whose edge has no length."""
    face = np.repeat(np.arange(len(totals)), totals)
    real = totals - np.bincount(face[zero], minlength=len(totals)) >= 3
    counted: Array = real[face] & ~zero
    return counted


def _merged_edges(tails: Array, heads: Array, forth: Array, back: Array, repeated: Array) -> tuple[Array, ...]:
    """Returns the edges with those between the same places counted as one, without those of no length."""
    real = tails != heads
    several = repeated[tails] | repeated[heads]
    alone = np.flatnonzero(real & ~several)
    found = np.flatnonzero(real & several)
    key = tails[found].astype(np.int64) * len(repeated) + heads[found]
    order = np.argsort(key)
    found = found[order]
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    summed = [np.add.reduceat(counts[found], first) if len(first) else counts[found] for counts in (forth, back)]
    return (
        np.concatenate((tails[alone], tails[found[first]])),
        np.concatenate((heads[alone], heads[found[first]])),
        *(np.concatenate((counts[alone], more)) for counts, more in zip((forth, back), summed, strict=True)),
    )
