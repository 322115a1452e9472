# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces the triangles of a shape by quads, in one of three ways. What comes out is checked against the shape."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from typing import Final

import bpy
import numpy as np
from mathutils import Matrix

from ...errors import MeshToolError, one_line
from ..face_direction import turn_outward
from ..mesh_data import apply_modifier, positions, read
from . import deviation, symmetry
from .fill_holes import fill_holes
from .manifold import is_closed, manifold_copy, volume_and_area
from .topology import border_length, read_topology, size_of, smooth_border_length

ENOUGH_TRIANGLES: Final = 4
"""Triangles for each wanted quad; more are reduced first. That makes them even, and QuadriFlow then keeps closer to the
wanted number of faces. What is lost is regained by moving the result onto the surface."""
_FEWEST: Final = 10_000
"""Triangles that are never reduced first."""
VOXELS: Final = 200
"""Voxels along the diagonal."""
_MOST_VOXELS: Final = 450
_MAX_MEAN: Final = 0.01
"""Largest mean distance, as a share of the size."""
_MAX_DISTANCE: Final = 0.04
"""Largest distance, as a share of the size: more means that a leg or a rim was lost."""
_MIN_BORDER: Final = 0.5
"""Least length of an open sheet's border, relative to the original's: QuadriFlow makes flat pillows of small sheets."""
_JAGS: Final = 4.0
"""Edges of the result along which the original's border is averaged first."""
_TOO_FEW: Final = 0.55
"""Share of the wanted faces below which QuadriFlow is asked for more, once."""
_FACTORS: Final = (1, 2, 4, 8)
"""How many times the wanted faces the last method makes, at most."""
_FAR: Final = 0.03
_MAX_LOST: Final = 0.02
"""Largest share of the surface that may be farther than `_FAR` from the result."""


class _OtherShapeError(MeshToolError):
    """A method's result has not the shape of the original."""

    default_advice = "The object is unchanged. Choose more faces, then try again."


def remesh(source: bpy.types.Object, faces: int, method: str, mirrored: bool) -> bpy.types.Object:
    """Returns a new object with about `faces` quads on the surface of `source`. Raises MeshToolError.

    The last method makes more if so few would lose what is thin, or one of many parts.
    `mirrored`: the source is symmetric about its center, and so is the result.
    """
    for more in _FACTORS[:-1] if method == "DECIMATE" else ():
        with contextlib.suppress(_OtherShapeError):
            return _remesh(source, more * faces, method, mirrored)
    return _remesh(source, _FACTORS[-1] * faces if method == "DECIMATE" else faces, method, mirrored)


def _remesh(source: bpy.types.Object, faces: int, method: str, mirrored: bool) -> bpy.types.Object:
    x = symmetry.center(source.data)
    result = METHODS[method](source, faces, x if mirrored else None)
    if not len(result.data.polygons):
        raise _OtherShapeError("The result would have been empty.")
    wrap = {"wrap_method": "NEAREST_SURFACEPOINT", "wrap_mode": "ON_SURFACE"}
    apply_modifier(result, "SHRINKWRAP", target=source, **wrap)
    if mirrored:
        symmetry.mirror(result, x, 0.5 * _edge_length(result.data))
    if is_closed(source.data) and not is_closed(result.data):
        fill_holes(result)
    turn_outward(result.data, 0.5)
    result.data.shade_smooth()
    check(result, source)
    return result


def check(result: bpy.types.Object, source: bpy.types.Object) -> None:
    """Raises MeshToolError if the result is not the shape of the source."""
    wanted_volume, wanted_area = volume_and_area(source.data)
    volume, area = volume_and_area(result.data)
    if is_closed(source.data):
        if not is_closed(result.data):
            raise _OtherShapeError("The result would have had holes.")
        if abs(volume) < 0.5 * abs(wanted_volume):
            raise _OtherShapeError("The result would have been an empty shell.")
    elif _lost_border(result, source, wanted_area):
        raise _OtherShapeError("The result would have had two sides where the original is an open sheet.")
    if area < 0.5 * wanted_area:
        raise _OtherShapeError("The result would have lost a large part of the surface.")
    found = deviation.measure(result, source)
    if (found.back > _FAR).mean() > _MAX_LOST or (found.there > _FAR).mean() > _MAX_LOST:
        raise _OtherShapeError("The result would have lost a large part of the surface.")
    if found.mean > _MAX_MEAN or found.largest > _MAX_DISTANCE:
        raise _OtherShapeError("The result would have deviated too much from the original.")


def _lost_border(result: bpy.types.Object, source: bpy.types.Object, area: float) -> bool:
    """Whether a sheet's border is missing. Where more than two faces meet, there is a border, too."""
    shape = manifold_copy(source)
    window = _JAGS * math.sqrt(area / len(result.data.polygons))
    wanted = smooth_border_length(read_topology(shape.data), window)
    bpy.data.objects.remove(shape)
    return wanted**2 > area and border_length(read_topology(result.data)) < _MIN_BORDER * wanted


def _quadriflow(source: bpy.types.Object, faces: int, x: float | None) -> bpy.types.Object:
    shape = manifold_copy(source)
    most = max(ENOUGH_TRIANGLES * faces, _FEWEST)
    if len(shape.data.polygons) > 1.2 * most:
        apply_modifier(shape, "DECIMATE", ratio=most / len(shape.data.polygons))
        reduced, shape = shape, manifold_copy(shape)
        bpy.data.objects.remove(reduced)
    return _run_quadriflow(shape, faces, x)


def _run_quadriflow(shape: bpy.types.Object, faces: int, x: float | None) -> bpy.types.Object:
    """Returns the object after QuadriFlow; with `x`, only the half right of it."""
    if x is not None:
        symmetry.keep_half(shape, x)
        faces //= 2
    turn_outward(shape.data, 0.5)
    # QuadriFlow refuses edges shorter than 1e-4 units.
    size = max(size_of(shape.data), 1e-30)
    _scale(shape.data, 1000 / size)
    untouched = shape.data.copy()
    _call_quadriflow(shape, faces)
    first = shape.data
    found = len(first.polygons)
    if 0 < found < _TOO_FEW * faces:  # uneven triangles mislead it
        shape.data = untouched
        _call_quadriflow(shape, min(faces * faces // found, 2 * faces))
        if abs(len(shape.data.polygons) - faces) > faces - found:
            shape.data = first
    _scale(shape.data, size / 1000)
    return shape


def _call_quadriflow(shape: bpy.types.Object, faces: int) -> None:
    with bpy.context.temp_override(object=shape, active_object=shape, selected_objects=[shape]):
        try:
            done = bpy.ops.object.quadriflow_remesh(
                use_preserve_boundary=True, mode="FACES", target_faces=faces, seed=0
            )
        except RuntimeError as error:
            raise MeshToolError("QuadriFlow failed ({reason}).", reason=one_line(error)) from error
    if done != {"FINISHED"}:
        raise MeshToolError("QuadriFlow found no solution for this mesh.")


def _scale(mesh: bpy.types.Mesh, factor: float) -> None:
    if len(mesh.vertices):
        mesh.transform(Matrix.Scale(factor, 4))
        mesh.update()


def _voxel_quadriflow(source: bpy.types.Object, faces: int, x: float | None) -> bpy.types.Object:
    if not is_closed(source.data):
        raise MeshToolError("The mesh is open, so it encloses no volume to fill with voxels.")
    shape = manifold_copy(source)
    size = size_of(shape.data)
    volume, area = volume_and_area(shape.data)
    thickness = 2 * abs(volume) / max(area, 1e-30)
    apply_modifier(
        shape, "REMESH", mode="VOXEL", voxel_size=max(min(size / VOXELS, thickness / 4), size / _MOST_VOXELS)
    )
    if abs(volume_and_area(shape.data)[0]) < 0.5 * abs(volume):
        raise _OtherShapeError("The result would have been an empty shell.")
    return _quadriflow(shape, faces, x)


def _decimate(source: bpy.types.Object, faces: int, x: float | None) -> bpy.types.Object:
    """Fewer triangles, pairs of them joined, then each face split into quads at its center: always works."""
    shape = manifold_copy(source)
    if x is not None:
        symmetry.keep_half(shape, x)
        faces //= 2
    # Pairs become 4 quads, triangles that stay single 3.
    apply_modifier(shape, "DECIMATE", ratio=min(1.0, 0.48 * faces / len(shape.data.polygons)))
    with bpy.context.temp_override(object=shape, active_object=shape, selected_objects=[shape]):
        bpy.context.view_layer.objects.active = shape
        bpy.ops.object.mode_set(mode="EDIT")
        bpy.ops.mesh.select_all(action="SELECT")
        bpy.ops.mesh.tris_convert_to_quads()
        bpy.ops.object.mode_set(mode="OBJECT")
    apply_modifier(shape, "SUBSURF", subdivision_type="SIMPLE", levels=1)
    return shape


METHODS: Final[Mapping[str, Callable[[bpy.types.Object, int, float | None], bpy.types.Object]]] = {
    "QUADRIFLOW": _quadriflow,
    "VOXEL_QUADRIFLOW": _voxel_quadriflow,
    "DECIMATE": _decimate,
}
"""What a "remesh_quads" request can ask for, in the order to try them."""


def quad_share(mesh: bpy.types.Mesh) -> float:
    """Returns the share of faces that are quads."""
    return float((read(mesh.polygons, "loop_total", kind=np.int32) == 4).mean())


def _edge_length(mesh: bpy.types.Mesh) -> float:
    ends = positions(mesh)[read(mesh.edges, "vertices", 2, np.int32)]
    return float(np.median(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)))
