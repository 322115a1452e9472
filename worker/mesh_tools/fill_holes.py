# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills holes. An open sheet, such as a leaf, cloth or a plane, stays open.

The rule: a circle with the length of a hole's border has less than half of the area of the part around it
(`SHEET_SHARE`). Around a flat or bent sheet, that circle has at least the area of the sheet (the isoperimetric
inequality); for an open hemisphere, it has half. Bending does not change lengths and areas, so a rolled leaf counts as
a sheet, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import bmesh
import bpy
import numpy as np

from ..mesh_data import Array
from .topology import Topology, open_loops, part_areas, places, read_topology

SHEET_SHARE: Final = 0.5
"""Area of the circle with a border's length, relative to the part's area, from which the border is that of a sheet."""
_SAME_UV: Final = 1e-4


def fill_holes(item: bpy.types.Object, stays_open: Callable[[Topology, list[int]], bool] | None = None) -> int:
    """Fill the holes of a mesh with triangles. Returns the number of holes.

    `stays_open`: whether a loop of places is to stay open although it is a hole by the rule above.

    They get the material of a neighbor. Their UVs continue those around the hole; if a seam meets the hole, each
    triangle has the color of one point of its border.
    """
    mesh = item.data
    if not len(mesh.polygons):
        return 0
    topology = read_topology(mesh)
    loops = [loop for loop in holes(topology) if stays_open is None or not stays_open(topology, loop)]
    if not loops:
        return 0
    vertex_of_place = np.zeros(len(topology.part), np.int64)
    vertex_of_place[topology.merged] = np.arange(len(topology.merged))
    work = bmesh.new()
    work.from_mesh(mesh)
    work.verts.ensure_lookup_table()
    borders = [[work.verts[index] for index in vertex_of_place[loop].tolist()] for loop in loops]
    seams = [not _is_continuous(work, border) for border in borders]
    added = [_fill(work, border) for border in borders]
    whole = [face for faces, seam in zip(added, seams, strict=True) if not seam for face in faces]
    split = [face for faces, seam in zip(added, seams, strict=True) if seam for face in faces]
    # Each call looks at the whole mesh: two calls instead of one for each hole.
    for faces, seam in ((whole, False), (split, True)):
        triangles = bmesh.ops.triangulate(work, faces=faces, ngon_method="BEAUTY")["faces"] if faces else []
        if seam:
            _color_by_one_corner({*triangles, *(face for face in faces if face.is_valid)})
    work.to_mesh(mesh)
    work.free()
    mesh.update()
    return sum(map(bool, added))


def holes(topology: Topology) -> list[list[int]]:
    """Returns the loops of open edges that are not the border of a sheet."""
    areas = part_areas(topology)
    at = places(topology)

    def is_hole(loop: Sequence[int]) -> bool:
        points: Array = at[loop]
        length = float(np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1).sum())
        return length**2 / (4 * math.pi) < SHEET_SHARE * float(areas[topology.part[loop[0]]])

    return [loop for loop in open_loops(topology) if is_hole(loop)]


def _fill(work: bmesh.types.BMesh, border: list[bmesh.types.BMVert]) -> list[bmesh.types.BMFace]:
    """Fill one hole with a face, or with triangles if its corners are connected by other edges. Returns them.

    Each of their corners has the attributes of the neighbor's there. A border that is a face's own is that of one which
    hangs between holes, by its corners only: it is deleted.
    """
    neighbors = [_border_corner(corner, border[i - 1]) for i, corner in enumerate(border)]
    example = next((found for found in neighbors if found is not None), None)
    if example is None:
        return []
    try:
        faces = _fan(work, border) if len(border) > 3 and _has_chord(border) else [work.faces.new(border)]
    except ValueError:
        _delete_hanging(work, border)
        return []
    known = dict(zip(border, neighbors, strict=True))
    for face in faces:
        face.material_index, face.smooth = example.face.material_index, example.face.smooth
        own = [known.get(loop.vert) for loop in face.loops]
        other = next((found for found in own if found is not None), example)
        for loop, found in zip(face.loops, own, strict=True):
            loop.copy_from(found or other)
    return faces


def _delete_hanging(work: bmesh.types.BMesh, border: list[bmesh.types.BMVert]) -> None:
    face = work.faces.get(border)
    if face is None or any(len(edge.link_faces) > 1 for edge in face.edges):
        return
    edges = list(face.edges)
    work.faces.remove(face)
    for edge in edges:
        work.edges.remove(edge)
    for vertex in border:
        if not vertex.link_edges:
            work.verts.remove(vertex)


def _color_by_one_corner(faces: Iterable[bmesh.types.BMFace]) -> None:
    """Give all corners of each face the UV of its first one."""
    for face in faces:
        first, *others = face.loops
        for loop in others:
            loop.copy_from(first)


def _border_corner(vertex: bmesh.types.BMVert, previous: bmesh.types.BMVert) -> Any:
    """Returns the face corner at a vertex that lies at the open edge to `previous`, or another one; None without."""
    for edge in vertex.link_edges:
        if edge.other_vert(vertex) is previous and edge.link_loops:
            loop = edge.link_loops[0]
            return loop if loop.vert is vertex else loop.link_loop_next
    return vertex.link_loops[0] if vertex.link_loops else None


def _has_chord(corners: list[bmesh.types.BMVert]) -> bool:
    """Whether an edge connects two corners that are not next to each other: another one there would not be manifold."""
    place = {vertex: index for index, vertex in enumerate(corners)}
    count = len(corners)
    for vertex, index in place.items():
        for edge in vertex.link_edges:
            other = place.get(edge.other_vert(vertex))
            if other is not None and (other - index) % count not in (1, count - 1):
                return True
    return False


def _fan(work: bmesh.types.BMesh, corners: list[bmesh.types.BMVert]) -> list[bmesh.types.BMFace]:
    """Returns new triangles around a new vertex in the middle of the corners."""
    middle = work.verts.new(np.mean([vertex.co[:] for vertex in corners], axis=0))
    return [work.faces.new((corners[i - 1], vertex, middle)) for i, vertex in enumerate(corners)]


def _is_continuous(work: bmesh.types.BMesh, corners: list[bmesh.types.BMVert]) -> bool:
    """Whether no UV seam ends at the hole: at each of its vertices, all corners have the same UV."""
    layer = work.loops.layers.uv.active
    if layer is None:
        return True
    for vertex in corners:
        values = [loop[layer].uv for loop in vertex.link_loops if loop[layer].uv.length_squared]
        if any((value - values[0]).length_squared > _SAME_UV**2 for value in values[1:]):
            return False
    return True
