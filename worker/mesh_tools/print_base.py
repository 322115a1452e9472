# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a print a flat base that it stands on: cuts its underside, and adds a foot where it would fall over."""

from __future__ import annotations

from typing import Final

import bmesh
import numpy as np
from mathutils import Vector
from mathutils.geometry import convex_hull_2d

from ..mesh_data import Array
from .triangle_mesh import TriangleMesh, from_mesh, joined, merged, search_tree, to_mesh

CUTS: Final = (0.0005, 0.002, 0.005, 0.01, 0.02)
"""How much of the height may be cut away: the least of them with enough contact."""
ENOUGH_CONTACT: Final = 0.04
"""Contact area, relative to the area of the model seen from above, from which no more is cut away."""
_NEARLY: Final = 0.75
"""Where no cut has enough contact, such as a chair's legs: share of the largest contact from which none is deeper."""
_LEAST_CONTACT: Final = 0.003
"""Contact area, relative to the square of the height, without which a print gets a foot."""
_BALANCE: Final = 0.02
"""How far inside of its base the center of mass must be, relative to the height."""
_FLOOR: Final = 0.97
_MOST_THIN: Final = 0.2
"""Share of what is cut away that may be thin: the rim of each base is."""
_FOOT_RADIUS: Final = 0.15
_FOOT_HEIGHT: Final = 0.02
_FOOT_MARGIN: Final = 0.02
_FOOT_SIDES: Final = 64


def section_area(shape: TriangleMesh, height: float) -> float:
    """Returns the area of the solid's cross-section."""
    # Each triangle that crosses the height has a line of the outline; it gives the area by Gauss's formula.
    corners = shape.corners()
    crossing = corners[(corners[:, :, 2].min(axis=1) <= height) & (corners[:, :, 2].max(axis=1) > height)]
    tail, head = crossing, np.roll(crossing, -1, axis=1)
    above = head[:, :, 2] > height
    passes = above != (tail[:, :, 2] > height)
    share = (height - tail[:, :, 2]) / np.where(passes, head[:, :, 2] - tail[:, :, 2], 1)
    places = (tail + share[:, :, None] * (head - tail))[:, :, :2]
    (x, y), (u, v) = places[passes & ~above].T, places[passes & above].T
    return float((x * v - u * y).sum() / 2)


def stands(shape: TriangleMesh) -> bool:
    """Whether the underside is flat as it is, so that nothing need be cut away."""
    lying = shape.corners()[_lies(shape)][:, :, :2].reshape(-1, 2)
    inside = _inside(lying, _center_of_mass(shape)[:2])
    tall = float(np.ptp(shape.points[:, 2]))
    return contact_area(shape) >= ENOUGH_CONTACT * _area_from_above(shape) and inside >= _BALANCE * tall


def plan(shape: TriangleMesh, wall: float, least: float) -> tuple[float, TriangleMesh | None]:
    """Returns the height at which to cut the underside away, and a plate to unite with the solid before.

    The solid needs no plate (None) if it stands after the cut: its contact is not tiny, and its center of mass is above
    the inside of its base. If the cut would make a floor thinner than `wall`, there is a plate instead of it.
    `least`: how much is cut away at least.
    """
    low, tall = float(shape.points[:, 2].min()), float(np.ptp(shape.points[:, 2]))
    heights = [low + max(share * tall, least) for share in CUTS]
    seen = _area_from_above(shape)
    center = _center_of_mass(shape)[:2]
    areas = [section_area(shape, each) for each in heights]
    wanted = min(ENOUGH_CONTACT * seen, _NEARLY * max(areas))
    height = next(each for each, area in zip(heights, areas, strict=True) if area >= wanted)
    contact = _below(shape, height)
    enough = section_area(shape, height) >= max(_LEAST_CONTACT * tall**2, (2 * wall) ** 2)
    thin = _floor_is_thin(shape, height, wall)
    if enough and not thin and _inside(contact, center) >= _BALANCE * tall:
        return height, None
    height = heights[0] if thin else height
    top = height + max(2 * wall, _FOOT_HEIGHT * tall)
    # The plate reaches down to the lowest point, below the cut, so that the cut goes through it.
    return height, _plate(_outline(contact, center, tall, wall), low, top)


def _below(shape: TriangleMesh, height: float) -> Array:
    """Returns where the surface below a height and its cross-section are, seen from above."""
    corners = shape.corners()
    tail, head = corners.reshape(-1, 3), np.roll(corners, -1, axis=1).reshape(-1, 3)
    crosses = (tail[:, 2] <= height) & (head[:, 2] > height)
    tail, head = tail[crosses], head[crosses]
    share = (height - tail[:, 2:]) / (head[:, 2:] - tail[:, 2:])
    lower = shape.points[shape.points[:, 2] <= height]
    return np.concatenate((lower, tail + share * (head - tail)))[:, :2]


def _outline(contact: Array, center: Array, tall: float, wall: float) -> Array:
    """Returns the convex outline of a foot: around all that touches the bed, and around the center of mass."""
    angle = np.arange(_FOOT_SIDES) * (2 * np.pi / _FOOT_SIDES)
    circle = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    around = (_hull(contact)[:, None] + max(2 * wall, _FOOT_MARGIN * tall) * circle).reshape(-1, 2)
    return _hull(np.concatenate((around, center + _FOOT_RADIUS * tall * circle)))


def _plate(outline: Array, low: float, top: float) -> TriangleMesh:
    """Returns a closed plate with a convex, counterclockwise outline."""
    count, middle = len(outline), outline.mean(axis=0)
    flat = np.concatenate((outline, [middle]))
    points = np.concatenate([np.column_stack((flat, np.full(count + 1, z))) for z in (low, top)])
    i = np.arange(count)
    j, bottom, above = (i + 1) % count, np.full(count, count), np.full(count, 2 * count + 1)
    k, m = i + count + 1, j + count + 1
    faces = ((i, j, m), (i, m, k), (j, i, bottom), (k, m, above))
    return TriangleMesh(points, np.concatenate([np.stack(face, axis=1) for face in faces]))


def _floor_is_thin(shape: TriangleMesh, height: float, wall: float) -> bool:
    """Whether a cut would leave less than `wall` of a floor, such as the round one of a bowl."""
    low = shape.of_triangles(shape.corners()[:, :, 2].min(axis=1) < height + 2 * wall)
    down = low.area_vectors()
    middle = low.corners().mean(axis=1)
    cut_away = (middle[:, 2] < height) & (down[:, 2] < -0.7 * np.linalg.norm(down, axis=1))
    tree, up, thin = search_tree(low), Vector((0, 0, 1)), np.zeros(len(middle), bool)
    for index in np.flatnonzero(cut_away).tolist():
        place = Vector(middle[index].tolist())
        _, normal, _, _ = tree.ray_cast(place + up * wall * 1e-3, up, height - place.z + _FLOOR * wall)
        thin[index] = normal is not None and normal.z > 0
    return float(-down[thin, 2].sum()) > _MOST_THIN * float(-down[cut_away, 2].sum())


def cut(shape: TriangleMesh, height: float) -> TriangleMesh:
    """Returns what is above `height`, closed by a flat base."""
    is_low = shape.corners()[:, :, 2].min(axis=1) <= height
    mesh = to_mesh(shape.of_triangles(is_low), "Base")
    work = bmesh.new()
    work.from_mesh(mesh)
    upper = {edge for edge in work.edges if edge.is_boundary}
    plane = Vector((0, 0, height)), Vector((0, 0, 1))
    geometry = [*work.verts, *work.edges, *work.faces]
    bmesh.ops.bisect_plane(work, geom=geometry, plane_co=plane[0], plane_no=plane[1], clear_inner=True, dist=0)
    border = [edge for edge in work.edges if edge.is_boundary and edge not in upper]
    bmesh.ops.triangle_fill(work, edges=border, normal=-plane[1])
    work.to_mesh(mesh)
    work.free()
    return merged(joined([shape.of_triangles(~is_low), from_mesh(mesh)]))


def contact_area(shape: TriangleMesh) -> float:
    """Returns the area of the faces that lie on the bed."""
    return float(-shape.area_vectors()[_lies(shape), 2].sum())


def _lies(shape: TriangleMesh) -> Array:
    """Returns which triangles lie on the bed."""
    above = shape.corners()[:, :, 2].max(axis=1) - shape.points[:, 2].min()
    return np.asarray(above < 1e-4 * float(np.ptp(shape.points[:, 2])))


def _area_from_above(shape: TriangleMesh) -> float:
    return float(np.maximum(shape.area_vectors()[:, 2], 0).sum())


def _center_of_mass(shape: TriangleMesh) -> Array:
    weights = shape.volumes()
    return np.asarray((shape.corners().sum(axis=1) / 4 * weights[:, None]).sum(axis=0) / weights.sum())


def _inside(points: Array, place: Array) -> float:
    """Returns how far a place is inside of the convex hull of the points; negative if it is outside."""
    hull = _hull(points)
    return _least_distance(hull, place) if len(hull) > 2 else -1.0


def _hull(points: Array) -> Array:
    """Returns the corners of the convex hull, counterclockwise; all points if there are fewer than three."""
    places = np.unique(points, axis=0)
    if len(places) < 3:
        return places
    return np.asarray(places[convex_hull_2d([tuple(point) for point in places.tolist()])])


def _least_distance(hull: Array, place: Array) -> float:
    along = np.roll(hull, -1, axis=0) - hull
    across = np.stack((-along[:, 1], along[:, 0]), axis=1) / np.maximum(np.linalg.norm(along, axis=1), 1e-30)[:, None]
    return float(np.einsum("ij,ij->i", place - hull, across).min())
