# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns faces that are inside out, where that is certain.

Generated meshes often have some faces turned: they are black or missing wherever back faces are shaded differently.
Two faces that share an edge are consistent if they run through it in opposite directions. Consistent faces form
patches; whole patches are turned until their neighbors agree. Which side is outside is then decided by the volume of a
closed piece, or by a clear majority of an open one. Without either, nothing is turned.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import bmesh
import bpy
import numpy as np

from ..errors import Message, counted
from . import normals
from .mesh_data import Array, corner_vertices, positions, read

MAJORITY: Final = 0.75
"""Share of an open piece's area that must agree before the rest is turned."""
_WELD_STEPS: Final = 1 << 20
"""Vertices closer than the mesh's size divided by this are the same: formats split them at seams."""
_MAX_GAP: Final = 0.02
"""Total length of a closed piece's holes, relative to the square root of its area: its volume is still certain."""
_MIN_SATISFIED: Final = 0.75
_ALL: Final = 0.95
"""Share of the closed surface that must be inside out to turn the rest, too."""


@dataclass(frozen=True, slots=True)
class _Surface:
    """A mesh as arrays. `centers` and `vectors`: per face; a vector is the normal, its length the area.

    `at` and `corners`: position and merged vertex of each face corner.
    """

    at: Array
    corners: Array
    face_of_corner: Array
    next_corner: Array
    centers: Array
    vectors: Array

    @property
    def faces(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True, slots=True)
class _Neighbors:
    """Pairs of faces that share an edge, and whether they are consistent. `gaps`: length of other edges per face."""

    first: Array
    second: Array
    consistent: Array
    gaps: Array


def fix(meshes: Sequence[bpy.types.Mesh]) -> list[Message]:
    """Turn the faces that are certainly inside out. Returns what was turned, for the artist."""
    total = sum(turn_outward(mesh) for mesh in meshes)
    one, many = "1 face was inside out and turned", "{count} faces were inside out and turned"
    return [counted(total, one, many)] if total else []


def turn_outward(mesh: bpy.types.Mesh, majority: float = MAJORITY) -> int:
    """Turn a mesh's faces that are inside out. Returns their number. `majority`: see `MAJORITY`."""
    if not len(mesh.polygons):
        return 0
    turned = turned_faces(mesh, majority)
    if turned.any():
        _turn(mesh, turned)
    return int(turned.sum())


def turned_faces(mesh: bpy.types.Mesh, majority: float = MAJORITY) -> Array:
    """Returns which faces are inside out."""
    surface = _surface(mesh)
    pairs = _neighbors(surface)
    pieces = components(surface.faces, pairs.first, pairs.second)
    flips, contradictory = _consistent_flips(surface.faces, pairs, pieces)
    count = int(pieces.max()) + 1

    def per_piece(values: Array) -> Array:
        return np.bincount(pieces, values, count) if count > 1 else values.sum(keepdims=True)

    area = np.sqrt(np.einsum("ij,ij->i", surface.vectors, surface.vectors))
    areas = np.maximum(per_piece(area), 1e-30)
    middle = np.stack([per_piece(surface.centers[:, i]) / np.bincount(pieces, minlength=count) for i in range(3)], -1)
    signed = np.einsum("ij,ij->i", surface.centers - middle[pieces], surface.vectors) / 3
    volumes = per_piece(np.where(flips, -signed, signed))
    gaps = per_piece(pairs.gaps)
    certain = np.abs(volumes) > 1e-5 * areas**1.5 + gaps**2 * np.sqrt(areas)
    closed = (gaps < _MAX_GAP * np.sqrt(areas)) & certain & ~contradictory[:count]
    closed &= ~_enclosed(surface, pieces, count)
    share = per_piece(np.where(flips, area, 0.0)) / areas
    keep = np.where(closed, volumes > 0, share <= 1 - majority)
    invert = np.where(closed, volumes <= 0, share >= majority)
    if _is_inverted(areas, closed, invert):  # with the pieces that do not show it: open ones, and inner walls
        undecided = ~closed & (share == 0.0)
        keep, invert = keep & ~undecided, invert | undecided
    result: Array = (flips & keep[pieces]) | (~flips & invert[pieces])
    return result


def _is_inverted(areas: Array, closed: Array, invert: Array) -> bool:
    """Whether the whole mesh is inside out: nearly all that is closed is, and that is most of the surface."""
    known = float(areas[closed].sum())
    return known > 0.5 * float(areas.sum()) and float(areas[closed & invert].sum()) > _ALL * known


def _surface(mesh: bpy.types.Mesh) -> _Surface:
    points = positions(mesh).astype(np.float64)
    low = points.min(axis=0)
    points -= low
    corners = corner_vertices(mesh)
    totals = read(mesh.polygons, "loop_total", kind=np.int32)
    starts = np.cumsum(totals) - totals
    face_of_corner = np.repeat(np.arange(len(totals)), totals)
    following = np.arange(1, len(corners) + 1)
    following[starts + totals - 1] = starts
    at = points[corners]
    if (totals == 3).all():  # several times faster than the general case
        a, b, c = at[0::3], at[1::3], at[2::3]
        centers, vectors = (a + b + c) / 3, _cross(b - a, c - a) / 2
    else:
        centers = np.stack([np.bincount(face_of_corner, at[:, i]) / totals for i in range(3)], -1)
        local = at - centers[face_of_corner]
        crosses = _cross(local, local[following]) / 2
        vectors = np.stack([np.bincount(face_of_corner, crosses[:, i]) for i in range(3)], -1)
    steps = np.round(points * (_WELD_STEPS / max(points.max(), 1e-30))).astype(np.int64)
    key = (steps[:, 0] << 42) | (steps[:, 1] << 21) | steps[:, 2]
    merged = np.unique(key, return_inverse=True)[1].reshape(-1)
    return _Surface(at, merged[corners], face_of_corner, following, centers, vectors)


def _cross(first: Array, second: Array) -> Array:
    """Returns the cross products of n pairs of vectors, in half of the time that `np.cross` takes."""
    (a, b, c), (d, e, f) = first.T, second.T
    return np.stack([b * f - c * e, c * d - a * f, a * e - b * d], -1)


def _neighbors(surface: _Surface) -> _Neighbors:
    start, end = surface.corners, surface.corners[surface.next_corner]
    # An edge whose ends were merged has no length, and a face with fewer than three others has no area.
    edges = np.bincount(surface.face_of_corner[start != end], minlength=surface.faces)
    real = np.flatnonzero((start != end) & (edges[surface.face_of_corner] >= 3))
    start, end, face = start[real], end[real], surface.face_of_corner[real]
    key = np.minimum(start, end).astype(np.int64) * (int(surface.corners.max()) + 1) + np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    new = np.flatnonzero(np.diff(key[order], prepend=-1))
    counts = np.diff(np.append(new, len(order)))
    a, b = order[new[counts == 2]], order[new[counts == 2] + 1]
    other = order[np.repeat(counts != 2, counts)]
    ends = surface.at[surface.next_corner[real[other]]]
    lengths = np.linalg.norm(surface.at[real[other]] - ends, axis=1)
    gaps = np.bincount(face[other], lengths, surface.faces)
    return _Neighbors(face[a], face[b], start[a] != start[b], gaps)


def components(count: int, first: Array, second: Array) -> Array:
    """Returns for each of `count` things the number of the group that the pairs connect it to (union-find)."""
    labels = np.arange(count)
    while True:
        a, b = labels[first], labels[second]
        differ = a != b
        if not differ.any():
            roots = labels == np.arange(count)
            return (np.cumsum(roots) - 1)[labels]
        first, second, a, b = first[differ], second[differ], a[differ], b[differ]
        # Of several pairs with the same label, any one counts; the others come in the next round.
        labels[np.maximum(a, b)] = np.minimum(a, b)
        while (labels != (further := labels[labels])).any():
            labels = further


def _consistent_flips(faces: int, pairs: _Neighbors, pieces: Array) -> tuple[Array, Array]:
    """Returns which faces to turn to make each piece consistent, and per piece whether that is impossible."""
    contradictory = np.zeros(faces, np.bool_)
    wrong = ~pairs.consistent
    if not wrong.any():
        return np.zeros(faces, np.bool_), contradictory
    patches = components(faces, pairs.first[pairs.consistent], pairs.second[pairs.consistent])
    sizes = np.bincount(patches)
    piece_of_patch = np.zeros(len(sizes), np.int64)
    piece_of_patch[patches] = pieces
    a, b = patches[pairs.first[wrong]], patches[pairs.second[wrong]]
    contradictory[piece_of_patch[a[a == b]]] = True  # a patch that is its own neighbor: like a Möbius strip
    borders, lengths = np.unique(np.minimum(a, b).astype(np.int64) * len(sizes) + np.maximum(a, b), return_counts=True)
    around: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for border, length in zip(borders.tolist(), lengths.tolist(), strict=True):
        one, two = divmod(border, len(sizes))
        if one != two:
            around[one].append((two, length))
            around[two].append((one, length))
    flipped = _two_color(around, sizes)
    for patch, neighbors in around.items():
        against = sum(length for other, length in neighbors if flipped[other] == flipped[patch])
        if against:
            contradictory[piece_of_patch[patch]] = True
    result = np.zeros(len(sizes), np.bool_)
    for patch, neighbors in around.items():
        satisfied = sum(length for other, length in neighbors if flipped[other] != flipped[patch])
        result[patch] = flipped[patch] and satisfied >= _MIN_SATISFIED * sum(length for _, length in neighbors)
    return result[patches], contradictory


def _two_color(around: dict[int, list[tuple[int, int]]], sizes: Array) -> dict[int, bool]:
    """Returns whether each patch is turned: neighbors get different values, the largest patch of a piece False.

    The longest borders are followed first: the most certain ones.
    """
    flipped: dict[int, bool] = {}
    for start in sorted(around, key=lambda patch: -int(sizes[patch])):
        pending = [(0, start, False)]
        while pending:
            _, patch, value = heapq.heappop(pending)
            if patch not in flipped:
                flipped[patch] = value
                for other, length in around[patch]:
                    if other not in flipped:
                        heapq.heappush(pending, (-length, other, not value))
    return flipped


def _enclosed(surface: _Surface, pieces: Array, count: int) -> Array:
    """Returns which pieces lie inside the bounding box of another: an inner wall is meant to face inward."""
    if count == 1:
        return np.zeros(1, np.bool_)
    corner_piece = pieces[surface.face_of_corner]
    order = np.argsort(corner_piece, kind="stable")
    starts = np.searchsorted(corner_piece[order], np.arange(count))
    at = surface.at[order]
    low, high = np.minimum.reduceat(at, starts), np.maximum.reduceat(at, starts)
    result = np.zeros(count, np.bool_)
    for piece in np.argsort(-(high - low).max(axis=1))[:64].tolist():
        result |= ((low > low[piece]) & (high < high[piece])).all(axis=1)
    return result


def _turn(mesh: bpy.types.Mesh, which: Array) -> None:
    """Turn faces. Custom normals keep pointing outward."""
    custom = read(mesh.corner_normals, "vector", 3) if mesh.has_custom_normals else None
    outward = -_surface(mesh).vectors  # of the turned faces; 4.5 does not compute `polygon_normals` again
    before = corner_vertices(mesh)
    work = bmesh.new()
    work.from_mesh(mesh)
    work.faces.ensure_lookup_table()
    bmesh.ops.reverse_faces(work, faces=[work.faces[index] for index in np.flatnonzero(which).tolist()])
    work.to_mesh(mesh)
    work.free()
    mesh.update()
    if custom is None:
        return
    totals = read(mesh.polygons, "loop_total", kind=np.int32)
    starts = np.cumsum(totals) - totals
    after = corner_vertices(mesh)
    for face in np.flatnonzero(which).tolist():
        corners = slice(starts[face], starts[face] + totals[face])
        place = {vertex: index for index, vertex in enumerate(before[corners].tolist())}
        moved = custom[corners][[place[vertex] for vertex in after[corners].tolist()]]
        inward = moved @ outward[face] < 0
        moved[inward] *= -1
        custom[corners] = moved
    normals.clear(mesh)
    mesh.normals_split_custom_set(custom.tolist())
