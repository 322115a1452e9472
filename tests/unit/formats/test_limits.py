# SPDX-License-Identifier: GPL-3.0-or-later
"""What would exhaust or crash an importer is found before it reads the file."""

from __future__ import annotations

import io
import struct
import time
from typing import Any

import pytest
from image_to_3d.formats.gltf_adapt import adapt
from image_to_3d.formats.gltf_limits import MAX_MATERIALS, part_count
from image_to_3d.formats.ply_indices import has_wrong_index

WHOLE: dict[str, Any] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}]}


def test_nodes_instances_and_primitives_are_counted() -> None:
    assert part_count({"nodes": [{}] * 7}) == 7
    assert part_count({"meshes": [{"primitives": [{}] * 4}, {"primitives": [{}] * 5}]}) == 9
    instanced = {"extensions": {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 0}}}}
    assert part_count({"nodes": [instanced], "accessors": [{"count": 50_000}]}) == 50_001
    assert part_count({"nodes": 5}) == 0


def test_of_very_many_materials_the_first_are_kept() -> None:
    primitives = [{"material": n} for n in range(MAX_MATERIALS + 10)]
    document = {**WHOLE, "materials": [{} for _ in primitives], "meshes": [{"primitives": primitives}]}
    result = adapt(document, ())
    assert len(result.json["materials"]) == MAX_MATERIALS
    assert "material" not in result.json["meshes"][0]["primitives"][-1]
    assert list(map(str, result.repairs)) == ["10 of 1,010 materials were left out"]


@pytest.mark.parametrize(
    "parts",
    [
        {"extensionsRequired": [f"X_{n}" for n in range(50_000)]},
        {
            "nodes": [{"mesh": 0, "skin": n} for n in range(20_000)] + [{}],
            "scenes": [{"nodes": list(range(20_000))}],
            "skins": [{"joints": [0]}] * 20_000,
        },
        {
            "nodes": [{"mesh": 0, "skin": 0}] * 5_000 + [{}],
            "scenes": [{"nodes": list(range(5_000))}],
            "skins": [{"joints": [0] * 50_000}],
        },
    ],
)
def test_adapting_takes_a_time_that_grows_with_the_length_only(parts: dict[str, Any]) -> None:
    started = time.monotonic()
    adapt({**WHOLE, **parts}, ())
    assert time.monotonic() - started < 10


def ply(faces: list[tuple[int, ...]], *, order: str = "<", uv: str = "s") -> bytes:
    kind = {"<": "binary_little_endian", ">": "binary_big_endian", "": "ascii"}[order]
    head = (
        f"ply\nformat {kind} 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
        f"property float {uv}\nelement face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    ).encode()
    if not order:
        lines = ["0 0 0 0"] * 4 + [" ".join(map(str, (len(face), *face))) for face in faces]
        return head + ("\n".join(lines) + "\n").encode()
    body = struct.pack(f"{order}16f", *[0.0] * 16)
    return head + body + b"".join(struct.pack(f"{order}B{len(face)}i", len(face), *face) for face in faces)


@pytest.mark.parametrize("order", ["<", ">", ""])
@pytest.mark.parametrize("wrong", [4, -1, 2_000_000_000])
def test_a_face_without_its_vertices_is_found_wherever_it_is(order: str, wrong: int) -> None:
    good: list[tuple[int, ...]] = [(0, 1, 2), (0, 1, 2, 3), (0, 1, 2)] * 50
    assert not has_wrong_index(io.BytesIO(ply(good, order=order)))
    for place in (0, 75, 149):
        bad = [*good[:place], (0, 1, wrong), *good[place + 1 :]]
        assert has_wrong_index(io.BytesIO(ply(bad, order=order)))
    assert not has_wrong_index(io.BytesIO(ply([(0, 1, wrong)], order=order, uv="quality")))


def test_a_cut_off_ply_is_left_to_the_importer() -> None:
    whole = ply([(0, 1, 2)] * 5)
    for end in range(len(whole) - 70, len(whole)):
        assert not has_wrong_index(io.BytesIO(whole[:end]))
