# SPDX-License-Identifier: GPL-3.0-or-later
"""Make Printable: one watertight solid without voids, nowhere thinner than the printer can print, on a flat base.

1. The mesh is cleaned up, turned upright if it is flat, and scaled to millimeters.
2. A surface that is one solid, does not cross itself, and is thick enough is kept (`print_solid`). Otherwise:
3. Slabs thicken what is thinner than the smallest wall: sheets, legs, the walls of a cup (`wall_thickness`).
   A voxel remesh unites all of it to one outer surface (`voxel_solid`). What is still too thin is thickened again.
   Crumbs are dropped, and parts that do not touch are connected by rods (`print_parts`).
4. The underside is cut flat, and gets a foot where the print would fall over (`print_base`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np
from mathutils import Matrix

from ...errors import MeshToolError, Message, WorkerError
from ...formats import print_file
from ...setting_rows import checked
from ...tool_settings import CleanUp, Print
from . import blend_exchange, clean_up, print_base, print_parts, print_solid, voxel_solid
from .print_openings import is_opening
from .triangle_mesh import TriangleMesh, from_object, is_solid, joined, merged, parts, to_mesh
from .wall_thickness import sampled

WALLS: Final = {"FILAMENT": 1.2, "RESIN": 0.5}
"""The thinnest wall in millimeters."""
MAX_TRIANGLES: Final = 500_000
"""An STL file of 25 MB: more detail than a printer prints would only make the slicer slow."""
_FLAT: Final = 1 / 8
"""Height, relative to the longest side, below which a model is flat: lying, it would be too wide for a printer."""
_ATTEMPTS: Final = (1, 0.97, 0.91, 0.83)
_SHARP: Final = np.radians(40)


def run(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "print" request. Returns the result of `blend_exchange.write_result`.

    The request's other keys: transform (see `blend_exchange.transform_of`), file (where to write the solid:
    in millimeters, Z up, standing on the center of the bed). Facts: volume_cm3, thinnest_before_mm, thinnest_after_mm,
    contact_mm2, triangles, height_mm.
    """
    settings = Print(**checked(Print, request["settings"]))
    item = blend_exchange.read_joined(request)
    to_millimeters, notes = upright(from_object(item), blend_exchange.transform_of(request), settings.height)
    item.data.transform(to_millimeters)
    if to_millimeters.determinant() < 0:
        item.data.flip_normals()
    notes += _clean(item)
    progress(0.2)
    made = print_solid.make(from_object(item), WALLS[settings.process], lambda done: progress(0.2 + 0.5 * done))
    notes += made.notes
    solid, on_bed = _based(made, settings, notes)
    progress(0.9)
    try:
        print_file.write(Path(request["file"]), settings.file_format, solid.points, solid.triangles)
    except OSError as error:
        raise WorkerError("The result can't be written: {reason}.", cause=error) from error
    facts = {
        "volume_cm3": solid.volume() / 1000,
        "thinnest_before_mm": made.before,
        "thinnest_after_mm": sampled(solid, made.wall),
        "contact_mm2": print_base.contact_area(solid),
        "triangles": len(solid.triangles),
        "height_mm": float(np.ptp(solid.points[:, 2])),
    }
    item.data = _overlaying(solid, on_bed @ to_millimeters)
    return blend_exchange.write_result(request, [item], notes, facts) | {"files": [Path(request["file"]).name]}


def upright(shape: TriangleMesh, to_scene: Matrix, height: float) -> tuple[Matrix, list[Message]]:
    """Returns the transform from the object to millimeters, and a note if that turns it. Raises MeshToolError."""
    matrix, notes = to_scene, []
    size = _size(shape, matrix)
    if size[2] < _FLAT * size.max():
        # The longer side becomes the height.
        turn = Matrix.Rotation(np.pi / 2, 4, "Y") if size[0] > size[1] else Matrix.Rotation(np.pi / 2, 4, "X")
        matrix = turn @ matrix
        size = _size(shape, matrix)
        notes.append(Message("The model is flat: in the file, it stands upright on its shorter side"))
    if not 0 < size[2] < np.inf:
        raise MeshToolError("The object has no size.")
    return Matrix.Scale(height / float(size[2]), 4) @ matrix, notes


def _size(shape: TriangleMesh, matrix: Matrix) -> Any:
    return np.ptp(shape.points @ np.array(matrix.to_3x3()).T, axis=0)


def _clean(item: bpy.types.Object) -> list[Message]:
    """Clean the mesh up, but leave the openings of vases open. Returns what was repaired."""
    item.data.materials.clear()
    done = clean_up.clean(item, CleanUp(fill_holes=False, normals=False))
    if not len(item.data.polygons):
        raise MeshToolError("Nothing remains of this mesh: its faces have no area.")
    done["holes"] = clean_up.fill_holes(item, is_opening)
    done["turned"] = clean_up.recalculate_normals(item)
    return clean_up.notes(done) if any(done.values()) else []


def _based(made: print_solid.Outcome, settings: Print, notes: list[Message]) -> tuple[TriangleMesh, Matrix]:
    """Returns the solid in its final place with a flat base, if wanted, and the transform to there.

    Raises MeshToolError if it is not one closed solid.
    """
    shape, pieces, at = made.shape, made.pieces, None
    kept = made.is_kept and len(shape.triangles) <= MAX_TRIANGLES
    if settings.flat_base and not (kept and print_base.stands(shape)):
        at, foot = print_base.plan(shape, made.wall, 0 if kept else 0.25 * made.voxel)
        if foot is not None:
            notes[:] = [note for note in notes if note != print_solid.KEPT]
            notes.append(Message("A foot was added, so that it stands"))
            pieces = joined([pieces, foot])
            shape = _united(pieces, made, made.voxel)
    for finer in _ATTEMPTS:
        # Where voxels lie exactly on a surface, edges with four triangles can result. Other voxels lie elsewhere.
        again = shape if finer == 1 else _united(pieces, made, made.voxel * finer)
        again = again if again is made.pieces else voxel_solid.reduced(again, made.voxel)
        solid, on_bed = _on_bed(again, at, made.wall, settings.height)
        if is_solid(solid) and not parts(solid).any():
            return solid, on_bed
    raise MeshToolError("This mesh can't be made a watertight solid.")


def _united(pieces: TriangleMesh, made: print_solid.Outcome, voxel: float) -> TriangleMesh:
    return print_parts.choose(voxel_solid.union(pieces, voxel), made.wall).shape


def _on_bed(shape: TriangleMesh, at: float | None, wall: float, height: float) -> tuple[TriangleMesh, Matrix]:
    """Returns the solid, cut at a height, in its final place and number of triangles, and the transform to there."""
    shape = voxel_solid.simplified(shape, MAX_TRIANGLES)
    if at is not None:
        shape = print_base.cut(shape, at)
    shape = print_parts.choose(merged(shape), wall).shape
    low, high = shape.points.min(axis=0), shape.points.max(axis=0)
    factor = height / float(high[2] - low[2])
    shift = np.array([*(-(low + high)[:2] / 2), -low[2]]) * factor
    solid = merged(TriangleMesh(shape.points * factor + shift, shape.triangles))
    return solid, Matrix.Translation(shift.tolist()) @ Matrix.Scale(factor, 4)


def _overlaying(solid: TriangleMesh, to_print: Matrix) -> bpy.types.Mesh:
    """Returns the print's mesh in the space of the object, so that it lies over the original."""
    mesh = to_mesh(solid, "Print")
    mesh.transform(to_print.inverted())
    if to_print.determinant() < 0:
        mesh.flip_normals()
    mesh.set_sharp_from_angle(angle=_SHARP)
    return mesh
