# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads model files without Blender, to check what Blender wrote. Checks whether a mesh is a closed volume."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Mesh:
    """Triangles, and what else a file says of their vertices."""

    points: NDArray[np.float64]
    triangles: NDArray[np.int64]
    uv: NDArray[np.float64] | None = None
    colors: NDArray[np.float64] | None = None

    @property
    def volume(self) -> float:
        """Signed volume; positive if the triangles face outward."""
        a, b, c = (self.points[self.triangles[:, i]] for i in range(3))
        return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)

    @property
    def size(self) -> NDArray[np.float64]:
        return np.ptp(self.points, axis=0)

    def welded(self) -> Mesh:
        """Returns the mesh with coincident vertices merged."""
        places, index = np.unique(np.round(self.points, 6), axis=0, return_inverse=True)
        return Mesh(places, index.reshape(-1)[self.triangles])

    def open_edges(self) -> int:
        """Returns the number of edges that are not shared by exactly two triangles in opposite directions."""
        return open_edges(self.welded().triangles)


def open_edges(faces: NDArray[np.int64]) -> int:
    """Returns the same for faces with any number of corners."""
    ends = np.concatenate([faces[:, [i, (i + 1) % faces.shape[1]]] for i in range(faces.shape[1])])
    most = int(faces.max()) + 1
    forth, back = ends[:, 0] * most + ends[:, 1], ends[:, 1] * most + ends[:, 0]
    edges, times = np.unique(forth, return_counts=True)
    return int((times != 1).sum() + np.setxor1d(edges, back).size)


def read(path: Path) -> Mesh:
    """Returns the mesh in a GLB, OBJ, STL or PLY file as Blender writes them."""
    return {"glb": _glb, "obj": _obj, "stl": _stl, "ply": _ply}[path.suffix[1:]](path)


def glb_parts(path: Path) -> tuple[dict[str, object], bytes]:
    """Returns a GLB's JSON and its binary chunk."""
    data = path.read_bytes()
    magic, version, total = struct.unpack_from("<4sII", data)
    assert (magic, version, total) == (b"glTF", 2, len(data))
    length = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def _glb(path: Path) -> Mesh:
    scene, binary = glb_parts(path)
    assert len(scene["nodes"]) == 1
    assert not {"rotation", "scale", "translation", "matrix"} & set(scene["nodes"][0])
    (mesh,) = scene["meshes"]
    (primitive,) = mesh["primitives"]

    def values(number: int) -> NDArray[np.float64]:
        accessor = scene["accessors"][number]
        view = scene["bufferViews"][accessor["bufferView"]]
        kind = {5126: "<f4", 5125: "<u4", 5123: "<u2", 5121: "u1"}[accessor["componentType"]]
        wide = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        return np.frombuffer(binary, kind, accessor["count"] * wide, start).reshape(-1, wide).astype(np.float64)

    attributes = primitive["attributes"]
    uv = values(attributes["TEXCOORD_0"])
    uv[:, 1] = 1.0 - uv[:, 1]
    return Mesh(values(attributes["POSITION"]), values(primitive["indices"]).astype(np.int64).reshape(-1, 3), uv)


def _obj(path: Path) -> Mesh:
    points, coordinates, triangles, corners = [], [], [], []
    for line in path.read_text().splitlines():
        word, *rest = line.split()
        if word == "v":
            points.append([float(x) for x in rest[:3]])
        elif word == "vt":
            coordinates.append([float(x) for x in rest[:2]])
        elif word == "f":
            triangles.append([int(corner.split("/")[0]) - 1 for corner in rest])
            corners.append([int(corner.split("/")[1]) - 1 for corner in rest])
    mesh = Mesh(np.array(points), np.array(triangles))
    uv = np.zeros((len(points), 2))
    uv[mesh.triangles.ravel()] = np.array(coordinates)[np.array(corners).ravel()]
    return Mesh(mesh.points, mesh.triangles, uv)


def _stl(path: Path) -> Mesh:
    data = path.read_bytes()
    (count,) = struct.unpack_from("<I", data, 80)
    assert len(data) == 84 + 50 * count
    records = np.frombuffer(data, [("normal", "<f4", 3), ("points", "<f4", (3, 3)), ("rest", "<u2")], count, 84)
    return Mesh(records["points"].reshape(-1, 3).astype(np.float64), np.arange(3 * count).reshape(-1, 3))


def _ply(path: Path) -> Mesh:
    head, _, body = path.read_bytes().partition(b"end_header\n")
    lines = [line.split() for line in head.decode().splitlines()]
    assert ["format", "binary_little_endian", "1.0"] in lines
    counts = {line[1]: int(line[2]) for line in lines if line[0] == "element"}
    kinds = {"float": "<f4", "uchar": "u1", "uint": "<u4", "int": "<i4"}
    fields = [(line[2], kinds[line[1]]) for line in lines if line[0] == "property" and line[1] != "list"]
    vertices = np.frombuffer(body, fields, counts["vertex"])
    faces = np.frombuffer(body, [("count", "u1"), ("corners", "<u4", 3)], counts["face"], vertices.nbytes)
    assert (faces["count"] == 3).all()
    points = np.stack([vertices[axis] for axis in "xyz"], axis=-1).astype(np.float64)
    colors = np.stack([vertices[name] for name in ("red", "green", "blue")], axis=-1) / 255.0
    return Mesh(points, faces["corners"].astype(np.int64), colors=colors)
