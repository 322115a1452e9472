# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces are turned only where it is certain that they are inside out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import bpy
import numpy as np
import pytest
from image_to_3d.benchmarks.shapes import ball
from image_to_3d.worker import face_direction
from model_cases import lamp
from numpy.typing import NDArray

Array = NDArray[Any]
RANDOM = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def _empty_blender() -> Iterator[None]:
    yield
    bpy.ops.wm.read_homefile(use_empty=True)


def mesh_of(points: Array, faces: Sequence[Sequence[int]] | Array, uvs: Array | None = None) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new("shape")
    mesh.from_pydata(np.asarray(points, float).tolist(), [], np.asarray(faces).tolist())
    if uvs is not None:
        layer = mesh.uv_layers.new(name="UVMap")
        for loop, uv in zip(mesh.loops, layer.uv, strict=True):
            uv.vector = uvs[loop.vertex_index]
    return mesh


def turned(faces: Array, which: Array) -> Array:
    result = faces.copy()
    result[which] = result[which][:, ::-1]
    return result


def faces_of(mesh: bpy.types.Mesh) -> list[tuple[int, ...]]:
    """Each face from its lowest vertex on, so that only its direction counts."""
    found = [tuple(polygon.vertices) for polygon in mesh.polygons]
    return [face[face.index(min(face)) :] + face[: face.index(min(face))] for face in found]


def grid(side: int = 20) -> tuple[Array, Array]:
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    points = np.stack((x, y, np.sin(x / 5)), -1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(side - 1), np.arange(side - 1))
    k = (j * side + i).reshape(-1)
    return points, np.stack((k, k + 1, k + side + 1, k + side), -1)


def soup(points: Array, faces: Array) -> tuple[Array, Array]:
    """The same faces with vertices of their own, as STL has them."""
    return points[faces.reshape(-1)], np.arange(faces.size).reshape(faces.shape)


@pytest.mark.parametrize("share", [0.0, 0.06, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("split", [False, True], ids=["shared vertices", "split vertices"])
def test_a_closed_piece_faces_outward(share: float, split: bool) -> None:
    shape = lamp()
    points, faces = soup(shape.points, shape.triangles) if split else (shape.points, shape.triangles)
    mesh = mesh_of(points, turned(faces, RANDOM.random(len(faces)) < share))
    face_direction.fix([mesh])
    assert faces_of(mesh) == faces_of(mesh_of(points, faces))


def test_an_open_surface_follows_its_clear_majority() -> None:
    points, faces = grid()
    mesh = mesh_of(points, turned(faces, RANDOM.random(len(faces)) < 0.1))
    assert str(face_direction.fix([mesh])[0]).endswith("faces were inside out and turned")
    assert faces_of(mesh) == faces_of(mesh_of(points, faces))


def open_half_turned() -> tuple[Array, Array]:
    points, faces = grid()
    return points, turned(faces, np.arange(len(faces)) < len(faces) // 2)


def open_turned() -> tuple[Array, Array]:
    points, faces = grid()
    return points, faces[:, ::-1]


def moebius() -> tuple[Array, Array]:
    count = 40
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    rows = []
    for side in (-0.3, 0.3):
        wide = 1 + side * np.cos(angle / 2)
        rows.append(np.stack((wide * np.cos(angle), wide * np.sin(angle), side * np.sin(angle / 2)), -1))
    k = np.arange(count - 1)
    faces = np.stack((k, k + 1, k + count + 1, k + count), -1)
    last = np.array([[count - 1, count, 0, 2 * count - 1]])
    return np.concatenate(rows), np.concatenate((faces, last))


def hollow_ball() -> tuple[Array, Array]:
    shape = ball(500)
    points = np.concatenate((shape.positions, shape.positions * 0.8))
    return points, np.concatenate((shape.triangles, shape.triangles[:, ::-1] + len(shape.positions)))


def two_sided_card() -> tuple[Array, Array]:
    points, faces = grid()
    return points, np.concatenate((faces, faces[:, ::-1]))


@pytest.mark.parametrize(
    "make", [open_half_turned, open_turned, moebius, hollow_ball, two_sided_card], ids=lambda make: make.__name__
)
def test_nothing_is_turned_where_it_is_uncertain(make: Any) -> None:
    mesh = mesh_of(*make())
    before = faces_of(mesh)
    assert face_direction.fix([mesh]) == []
    assert faces_of(mesh) == before


def test_with_an_inverted_model_its_open_parts_and_inner_walls_are_turned() -> None:
    points, faces = hollow_ball()
    sheet, quads = grid(5)
    every = np.concatenate((faces, quads[:, :3] + len(points)))
    mesh = mesh_of(np.concatenate((points, sheet * 0.1 + 3)), every[:, ::-1])
    assert face_direction.turn_outward(mesh) == len(every)
    assert face_direction.turn_outward(mesh) == 0


def test_one_turned_leg_among_whole_ones_is_turned_back() -> None:
    shape = lamp(10, 12)
    places = [np.array((3.0 * i, 0, 0)) for i in range(4)]
    points = np.concatenate([shape.points + place for place in places])
    parts = [shape.triangles.astype(int) + i * len(shape.points) for i in range(4)]
    right = mesh_of(points, np.concatenate(parts))
    parts[2] = parts[2][:, ::-1]
    mesh = mesh_of(points, np.concatenate(parts))
    assert list(map(str, face_direction.fix([mesh]))) == [f"{len(shape.triangles)} faces were inside out and turned"]
    assert faces_of(mesh) == faces_of(right)


def test_texture_and_normals_stay_where_they_were() -> None:
    shape = lamp()
    right = mesh_of(shape.points, shape.triangles, shape.uvs)
    outward = np.array([vertex.normal for vertex in right.vertices])
    which = RANDOM.random(len(shape.triangles)) < 0.06
    mesh = mesh_of(shape.points, turned(shape.triangles, which), shape.uvs)
    mesh.normals_split_custom_set([outward[loop.vertex_index].tolist() for loop in mesh.loops])
    face_direction.fix([mesh])
    for loop, uv in zip(mesh.loops, mesh.uv_layers[0].uv, strict=True):
        assert tuple(uv.vector) == pytest.approx(shape.uvs[loop.vertex_index], abs=1e-6)
    drawn = np.array([normal.vector for normal in mesh.corner_normals])
    wanted = outward[[loop.vertex_index for loop in mesh.loops]]
    assert np.einsum("ij,ij->i", drawn, wanted).min() > 0.999


def test_normals_that_were_turned_with_their_faces_are_turned_back() -> None:
    shape = lamp()
    right = mesh_of(shape.points, shape.triangles)
    outward = np.array([vertex.normal for vertex in right.vertices])
    mesh = mesh_of(shape.points, shape.triangles[:, ::-1])
    mesh.normals_split_custom_set([(-outward[loop.vertex_index]).tolist() for loop in mesh.loops])
    face_direction.fix([mesh])
    drawn = np.array([normal.vector for normal in mesh.corner_normals])
    wanted = outward[[loop.vertex_index for loop in mesh.loops]]
    assert np.einsum("ij,ij->i", drawn, wanted).min() > 0.99
