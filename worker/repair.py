# SPDX-License-Identifier: GPL-3.0-or-later
"""Repairs imported meshes: removes what breaks drawing or editing, turns faces outward, makes vertex colors visible.

Blender's importers silently replace non-finite coordinates (NaN, infinity) by zero, where they are the tips of long
spikes. In the imported mesh they can't be told from points that belong there, so the file is checked.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import bmesh
import bpy
import numpy as np

from ..errors import Action, ImportFailedError, Message
from ..formats import glb, ply, stl
from ..formats.sniff import FormatError
from . import face_direction, normals, vertex_colors
from .mesh_data import Array, meshes, positions, read
from .point_cloud import invalid_points
from .source_file import DAMAGED_ADVICE

_FLOAT: Final = 5126
"""glTF's code of single precision components."""
_NONFINITE: Final = re.compile(rb"nan|inf", re.IGNORECASE)
_COORDINATES: Final = re.compile(rb"\s*v[ \t]|.*\bvertex[ \t]", re.IGNORECASE)
_LINE_HEAD: Final = 1000
"""Bytes of a line that are looked at for the word that says what it is."""


def repair(objects: Sequence[bpy.types.Object], source: Path, format: str) -> list[Message]:
    """Repair the meshes imported from `source`. Returns what was repaired, for the artist.

    Importers themselves remove faces and edges that don't fit together. Raises ImportFailedError if nothing remains.
    """
    repairs: list[Message] = []
    nonfinite = has_nonfinite_points(source, format)
    for mesh in meshes(objects):
        points = positions(mesh)
        broken = ~points.any(axis=1) | ~np.isfinite(points).all(axis=1)
        if nonfinite and broken.any():
            repairs.append(invalid_points(int(broken.sum())))
            _remove_vertices(mesh, broken)
        if _repair_uvs(mesh):
            repairs.append(Message("invalid texture coordinates were set to zero"))
    if not any(len(mesh.vertices) for mesh in meshes(objects)):
        raise ImportFailedError("The model file has no geometry.", advice=DAMAGED_ADVICE, action=Action.DOWNLOAD_AGAIN)
    if format not in {"glb", "ply"} and not any(len(mesh.polygons) for mesh in meshes(objects)):
        # Only these formats have points on purpose.
        raise ImportFailedError(
            "The model file has points but no faces.", advice=DAMAGED_ADVICE, action=Action.DOWNLOAD_AGAIN
        )
    repairs += face_direction.fix(meshes(objects))
    vertex_colors.show(meshes(objects))
    return repairs


def has_nonfinite_points(path: Path, format: str) -> bool:
    """Whether any vertex coordinate in the file is infinite or NaN. False if the file can't be understood."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            match format:
                case "glb":
                    return _glb(data, glb.read_document(file, len(data)))
                case "ply":
                    return _ply(data)
                case "stl" if (count := stl.binary_triangles(data[: stl.HEADER_BYTES], len(data))) is not None:
                    # Each triangle's normal, 12 bytes, comes before its 9 coordinates.
                    return _any_nonfinite(data, stl.HEADER_BYTES + 12, count, stl.TRIANGLE_BYTES, 9)
            words = (b"nan", b"NaN", b"NAN", b"inf", b"Inf", b"INF")
            # Search for words first: the pattern alone takes half a second at 500,000 triangles.
            return any(data.find(word) >= 0 for word in words) and _has_nonfinite_line(data)
    except (FormatError, ValueError, KeyError, IndexError, TypeError, struct.error):
        return False  # the importer decides whether it is a model at all


def _has_nonfinite_line(data: mmap.mmap) -> bool:
    """Whether a line with coordinates has one that is not finite. Looks at each byte once: lines have any length."""
    position = 0
    while (found := _NONFINITE.search(data, position)) is not None:
        start = data.rfind(b"\n", position, found.start()) + 1 or position
        head = data[start : min(found.start(), start + _LINE_HEAD)]
        if b"#" not in head and _COORDINATES.match(head):
            return True
        end = data.find(b"\n", found.end())
        if end < 0:
            return False
        position = end + 1
    return False


def _any_nonfinite(data: Any, offset: int, count: int, stride: int, floats: int = 3) -> bool:
    """Whether any number is not finite in `count` rows of `floats`. Copies: a view would keep the file open."""
    block = data[offset : offset + count * stride]
    return not np.isfinite(np.ndarray((count, floats), "<f4", block, strides=(stride, 4))).all()


def _glb(data: Any, document: glb.GlbDocument) -> bool:
    parts = document.json
    wanted = {p["attributes"]["POSITION"] for m in parts["meshes"] for p in m["primitives"]}
    for index in wanted:
        accessor = parts["accessors"][index]
        if accessor["componentType"] != _FLOAT or "bufferView" not in accessor:
            continue
        view = parts["bufferViews"][accessor["bufferView"]]
        offset = document.binary_start + view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        stride = view.get("byteStride", 12)
        count = min(accessor["count"], (len(data) - offset) // stride)
        if count > 0 and _any_nonfinite(data, offset, count, stride):
            return True
    return False


def _ply(data: Any) -> bool:
    header = ply.read_header(data)
    vertices = header.elements[0]
    if vertices.name != "vertex" or vertices.lists:
        return False
    start, count = header.data_start, vertices.count
    if not header.order:
        lines = data[start : start + count * 400].split(b"\n", count)[:count]
        return any(re.search(rb"nan|inf", line, re.IGNORECASE) for line in lines)
    fields = [(name, header.order + kind) for name, kind in vertices.properties]
    table = np.frombuffer(data[start : start + count * vertices.fixed_bytes], fields)
    return not all(np.isfinite(table[name]).all() for name in ("x", "y", "z"))


def _remove_vertices(mesh: bpy.types.Mesh, which: Array) -> None:
    normals.clear(mesh)
    work = bmesh.new()
    work.from_mesh(mesh)
    wrong = [vertex for vertex, is_wrong in zip(work.verts, which, strict=True) if is_wrong]
    bmesh.ops.delete(work, geom=wrong, context="VERTS")
    work.to_mesh(mesh)
    work.free()


def _repair_uvs(mesh: bpy.types.Mesh) -> bool:
    found = False
    for layer in mesh.uv_layers if len(mesh.loops) else ():
        data = mesh.attributes[layer.name].data
        values = read(data, "vector", 2)
        wrong = ~np.isfinite(values)
        if wrong.any():
            found = True
            values[wrong] = 0
            data.foreach_set("vector", values.ravel())
    return found
