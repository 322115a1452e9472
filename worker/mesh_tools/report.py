# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the mesh report of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import bpy
import numpy as np

from ...mesh_report import MeshReport
from .. import naming, textures, transform
from ..face_direction import turned_faces
from ..mesh_data import Array, meshes, positions, read, unique
from .part_measures import PartMeasures, measure_parts
from .surface import Surface, read_surface

_SEED: Final = 20260301


def measure(objects: Iterable[bpy.types.Object]) -> MeshReport:
    """Returns the report on objects that are one model. A mesh that several objects share counts for each of them."""
    found = [item for item in objects if isinstance(item.data, bpy.types.Mesh)]
    with_faces = [item for item in found if len(item.data.polygons)]
    if not with_faces:
        return MeshReport(objects=len(found))
    low, high = transform.bounds(found)
    total: Counter[str] = Counter()
    volume = 0.0
    for item in found:
        total["vertices"] += len(item.data.vertices)
        _count_loose(item.data, total)
    for item in with_faces:
        volume += _count_object(item, total)
    images = naming.materials_and_images(meshes(found))[1]
    report = MeshReport(
        objects=len(found),
        **total,
        uv_maps=min(_uv_maps(mesh) for mesh in meshes(with_faces)),
        materials=len(unique(material for mesh in meshes(found) for material in mesh.materials)),
        texture_sizes=tuple(side for image in images for side in _size(image)),
        dimensions=tuple(float(x) for x in high - low),
        volume=volume,
    )
    return report if report.watertight else replace(report, volume=0.0)


def _count_loose(mesh: bpy.types.Mesh, total: Counter[str]) -> None:
    """Count edges without a face, and vertices without an edge."""
    with_face = np.zeros(len(mesh.edges), np.bool_)
    with_edge = np.zeros(len(mesh.vertices), np.bool_)
    if len(mesh.edges):
        with_edge[read(mesh.attributes[".edge_verts"].data, "value", 2, np.int32)] = True
    if len(mesh.loops):
        with_face[read(mesh.attributes[".corner_edge"].data, "value", kind=np.int32)] = True
    total["loose_edges"] += int((~with_face).sum())
    total["loose_vertices"] += int((~with_edge).sum())


def _count_object(item: bpy.types.Object, total: Counter[str]) -> float:
    """Add the numbers of one object with faces. Returns the volume that it bounds if it is watertight."""
    mesh, matrix = item.data, np.array(item.matrix_world, np.float64)
    points = positions(mesh)
    if not np.allclose(matrix, np.eye(4)):
        points = (points @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
    surface = read_surface(mesh, points)
    parts = measure_parts(surface, mirrored=bool(np.linalg.det(matrix[:3, :3]) < 0))
    with_two = surface.faces_of_edges == 2
    inconsistent = int((with_two & (surface.forth != 1)).sum())
    total["triangles"] += len(mesh.loops) - 2 * len(mesh.polygons)
    total["faces"] += len(mesh.polygons)
    total["quads"] += int((surface.totals == 4).sum())
    total["duplicate_vertices"] += len(mesh.vertices) - len(surface.part)
    total["open_edges"] += int((surface.faces_of_edges == 1).sum())
    total["non_manifold_edges"] += int((surface.faces_of_edges > 2).sum())
    total["inconsistent_edges"] += inconsistent
    total["degenerate_faces"] += int(parts.without_area.sum())
    if parts.count > 1 or (surface.faces_of_edges > 2).any():  # else each edge of a duplicate would have more faces
        total["duplicate_faces"] += _duplicate_faces(surface, parts.without_area)
    _count_parts(parts, total)
    if inconsistent or parts.inside_out:
        total["flipped_faces"] += int(turned_faces(mesh).sum())
    return parts.volume


def _count_parts(parts: PartMeasures, total: Counter[str]) -> None:
    total["parts"] += parts.count
    total["small_parts"] += parts.small
    total["inner_parts"] += parts.inner
    total["sheets"] += parts.sheets
    total["holes"] += parts.holes


def _duplicate_faces(surface: Surface, without_area: Array) -> int:
    """Returns how many faces have the same corners as another one, in any order.

    Each place has a random number; faces are the same if the sums of their corners' numbers are. Chance makes two of a
    million faces the same once in ten million meshes.
    """
    random = np.random.default_rng(_SEED).integers(0, 2**64, len(surface.part), np.uint64)
    numbers = random[surface.corners]
    sums = np.add.reduceat(numbers, surface.starts) if (surface.totals != 3).any() else numbers.reshape(-1, 3).sum(1)
    sums = np.sort(sums[~without_area])
    return int((sums[1:] == sums[:-1]).sum())


def _uv_maps(mesh: bpy.types.Mesh) -> int:
    """Returns the number of UV maps in which not all UVs are the same."""
    layers = [read(mesh.attributes[layer.name].data, "vector", 2) for layer in mesh.uv_layers]
    return sum(bool((uvs != uvs[0]).any()) for uvs in layers)


def _size(image: bpy.types.Image) -> tuple[int, int]:
    """Returns the width and height of a texture in pixels; 0 if it can't be read."""
    if image.packed_file is not None:
        return textures.size(image)
    width, height = image.size
    return width, height
