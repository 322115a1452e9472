# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the connected parts of a mesh: areas, volume, holes, what is small, and what lies inside another part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...mesh_report import MERGE_SHARE
from ..face_direction import components
from ..mesh_data import Array
from .fill_holes import SHEET_SHARE
from .merge import loose_parts
from .surface import Surface

_CHUNK: Final = 1 << 18
"""Faces that are computed at once, which limits the memory."""
_MAX_OUTER: Final = 16
"""So many of the largest parts are searched for inner ones."""
_MAX_COMPARED: Final = 100_000_000
"""Triangles that are compared with a point in that search: about 0.3 s."""
_INSIDE: Final = np.array([0.53, 0.29, 0.18])
"""Where in a face the point of a part is that is looked for in others: unlikely to lie behind an edge of theirs."""


@dataclass(frozen=True, slots=True)
class PartMeasures:
    """Numbers of parts, and what else is measured with them. `without_area`: per face.

    `inside_out`: whether a closed part that is not inside another has a negative volume. `volume`: of all parts.
    """

    without_area: Array
    volume: float
    inside_out: bool
    count: int
    small: int
    inner: int
    sheets: int
    holes: int


def measure_parts(surface: Surface, *, mirrored: bool) -> PartMeasures:
    """Returns the measures. `mirrored`: by the object's scale."""
    areas, volumes, without_area = measure_faces(surface)
    with_faces = surface.faces_of_edges > 0
    labels = np.flatnonzero(np.bincount(surface.part[surface.tails[with_faces]], minlength=1))
    index = np.full(int(surface.part.max()) + 1, -1)
    index[labels] = np.arange(len(labels))
    part = index[surface.part]  # per place; -1 without faces
    part_of_face = part[surface.corners[surface.starts]]
    real = part_of_face >= 0  # a face all of whose corners are at two places belongs to no part
    count = len(labels)
    part_areas, part_volumes = (
        np.bincount(part_of_face[real], values[real], count) if count != 1 else values.sum(keepdims=True)
        for values in (areas, -volumes if mirrored else volumes)
    )
    open_edges = np.flatnonzero(surface.faces_of_edges == 1)
    closed = np.bincount(part[surface.tails[open_edges]], minlength=count) == 0
    holes, sheets = _holes(surface, part, part_areas, open_edges)
    inner = np.zeros(count, np.bool_)
    small_parts = 0
    if count > 1:
        low, high = _boxes(surface, part, count)
        faces = np.bincount(part_of_face[real], minlength=count)
        small_parts = int(loose_parts(low, high, part_areas, faces).sum())
        inner = _inner(surface, part_of_face, closed, low, high)
    return PartMeasures(
        without_area=without_area,
        volume=float(part_volumes.sum()),
        inside_out=bool((closed & ~inner & (part_volumes < 0)).any()),
        count=count,
        small=small_parts,
        inner=int(inner.sum()),
        sheets=sheets,
        holes=holes,
    )


def measure_faces(surface: Surface) -> tuple[Array, Array, Array]:
    """Returns the area of each face, its signed volume with the center, and whether it has no area."""
    count = len(surface.totals)
    low, high = surface.at.min(axis=0), surface.at.max(axis=0)
    at, size = surface.at - (low + high) / 2, float((high - low).max())
    areas, volumes, thin = np.empty(count), np.empty(count), np.empty(count, np.bool_)
    triangles, starts = bool((surface.totals == 3).all()), surface.starts
    for begin in range(0, count, _CHUNK):
        chunk = slice(begin, begin + _CHUNK)
        totals, first = surface.totals[chunk], starts[chunk]
        at_corners = at[surface.corners[first[0] : first[-1] + totals[-1]]]
        compute = _of_triangles if triangles else _of_polygons
        vectors, longest, volumes[chunk] = compute(at_corners, totals)
        doubled = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        areas[chunk] = doubled / 2
        thin[chunk] = doubled <= MERGE_SHARE * size * longest
    return areas, volumes, thin


def _of_triangles(at: Array, _totals: Array) -> tuple[Array, Array, Array]:
    """Returns per triangle the normal as long as twice its area, the longest edge, and the signed volume."""
    a, b, c = at[0::3], at[1::3], at[2::3]
    first, second = b - a, c - a
    vectors = _cross(first, second)
    squares = [np.einsum("ij,ij->i", edge, edge) for edge in (first, second, c - b)]
    return vectors, np.sqrt(np.maximum.reduce(squares)), np.einsum("ij,ij->i", a, vectors) / 6


def _of_polygons(at: Array, totals: Array) -> tuple[Array, Array, Array]:
    """Returns the same for polygons, as fans of triangles: what these have too much cancels out."""
    starts = np.cumsum(totals) - totals
    following = np.arange(1, len(at) + 1)
    following[starts + totals - 1] = starts
    origin = np.repeat(at[starts], totals, axis=0)
    crosses = _cross(at - origin, at[following] - origin)
    vectors = np.add.reduceat(crosses, starts, axis=0)
    volumes = np.einsum("ij,ij->i", at[starts], vectors) / 6
    lengths = np.linalg.norm(at[following] - at, axis=1)
    return vectors, np.maximum.reduceat(lengths, starts), volumes


def _cross(first: Array, second: Array) -> Array:
    (a, b, c), (d, e, f) = first.T, second.T
    return np.stack([b * f - c * e, c * d - a * f, a * e - b * d], -1)


def _holes(surface: Surface, part: Array, part_areas: Array, open_edges: Array) -> tuple[int, int]:
    """Returns the number of holes, and of parts that are sheets.

    Open edges that are connected are one border, or several that touch: as many as there are independent loops. None if
    they end at an edge with more than two faces.
    """
    if not len(open_edges):
        return 0, 0
    places, ends = np.unique((surface.tails[open_edges], surface.heads[open_edges]), return_inverse=True)
    tails, heads = ends.reshape(2, -1)
    border = components(len(places), tails, heads)
    count = int(border.max()) + 1
    at = surface.at[places]
    lengths = np.bincount(border[tails], np.linalg.norm(at[tails] - at[heads], axis=1), count)
    loops = np.bincount(border[tails], minlength=count) - np.bincount(border, minlength=count) + 1
    part_of_border = np.zeros(count, np.int64)
    part_of_border[border] = part[places]
    sheet = lengths**2 / (4 * math.pi) >= SHEET_SHARE * part_areas[part_of_border]
    return int(loops[~sheet].sum()), len(np.unique(part_of_border[sheet]))


def _boxes(surface: Surface, part: Array, count: int) -> tuple[Array, Array]:
    """Returns the lowest and highest corner of the bounding box of each part."""
    order = np.argsort(part, kind="stable")
    first = np.searchsorted(part[order], np.arange(count))
    begin = first[0]  # places without faces come first
    at = surface.at[order[begin:]]
    return np.minimum.reduceat(at, first - begin), np.maximum.reduceat(at, first - begin)


def _inner(surface: Surface, part_of_face: Array, closed: Array, low: Array, high: Array) -> Array:
    """Returns which parts lie inside a closed one: a ray upward from them leaves it an odd number of times."""
    inner = np.zeros(len(closed), np.bool_)
    sizes = np.where(closed, np.linalg.norm(high - low, axis=1), -1.0)
    real = np.flatnonzero(part_of_face >= 0)
    faces = np.bincount(part_of_face[real], minlength=len(closed))
    example = np.zeros(len(closed), np.int64)
    example[part_of_face[real]] = real
    left = _MAX_COMPARED
    for outer in np.argsort(-sizes, kind="stable")[:_MAX_OUTER].tolist():
        within = ((low > low[outer]) & (high < high[outer])).all(axis=1) & ~inner
        tested = np.flatnonzero(within)[: left // max(int(faces[outer]), 1)].tolist()
        if not closed[outer] or not tested:
            continue
        left -= len(tested) * int(faces[outer])
        triangles = _triangles(surface, np.flatnonzero(part_of_face == outer))
        flat_low, flat_high = triangles[:, :, :2].min(axis=1), triangles[:, :, :2].max(axis=1)
        for part in tested:
            point = _INSIDE @ _triangles(surface, example[part : part + 1])[0]
            near = ((flat_low <= point[:2]) & (point[:2] <= flat_high)).all(axis=1)
            inner[part] = _crossings(triangles[near], point) % 2
    return inner


def _triangles(surface: Surface, faces: Array) -> Array:
    """Returns the triangles of the fans of faces: n × 3 corners × 3 coordinates."""
    counts = surface.totals[faces] - 2
    first = np.repeat(surface.starts[faces], counts)
    number = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    return surface.at[surface.corners[np.stack((first, first + number, first + number + 1), -1)]]


def _crossings(triangles: Array, point: Array) -> int:
    """Returns how many of the triangles a ray upward from the point crosses."""
    a, b, c = (triangles[:, i] - point for i in range(3))

    def side(one: Array, two: Array) -> Array:
        return one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]

    weights = np.stack((side(b, c), side(c, a), side(a, b)), -1)
    hit = (weights > 0).all(axis=1) | (weights < 0).all(axis=1)
    heights = np.stack((a[hit, 2], b[hit, 2], c[hit, 2]), -1)
    above = np.einsum("ij,ij->i", weights[hit], heights) / weights[hit].sum(axis=1)
    return int((above > 0).sum())
