# SPDX-License-Identifier: GPL-3.0-or-later
"""A glTF's JSON is adapted to what it means, and everything that refers to a node still does."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from image_to_3d.formats import glb
from image_to_3d.formats.gltf_adapt import adapt
from model_files import glb_of, scene_of

WHOLE: dict[str, Any] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}]}


def adapted(**parts: Any) -> dict[str, Any]:
    return adapt({**WHOLE, **parts}, {"EXT_texture_webp"}).json


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        (None, 0.0),
        ({}, 0.0),
        ({"roughnessFactor": 1}, 0.0),
        ({"metallicFactor": 1}, 1),
        ({"metallicFactor": 0.4}, 0.4),
        ({"metallicRoughnessTexture": {"index": 0}}, None),
    ],
)
def test_only_an_unspecified_metallic_factor_is_set(surface: Any, expected: float | None) -> None:
    material = {} if surface is None else {"pbrMetallicRoughness": surface}
    document = adapted(
        materials=[material], textures=[{"source": 0}], images=[{"bufferView": 0, "mimeType": "image/png"}]
    )
    assert document["materials"][0]["pbrMetallicRoughness"].get("metallicFactor") == expected


def test_a_metal_map_that_cannot_be_read_does_not_leave_pure_metal() -> None:
    surface = {"metallicRoughnessTexture": {"index": 0}, "metallicFactor": 1}
    textures = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
    document = adapted(
        materials=[{"pbrMetallicRoughness": surface}],
        textures=textures,
        images=[{"bufferView": 0, "mimeType": "image/ktx2"}],
    )
    assert document["materials"][0]["pbrMetallicRoughness"] == {"metallicFactor": 0.0}


def test_a_texture_with_a_fallback_is_kept() -> None:
    result = adapt(
        {
            **WHOLE,
            "extensionsRequired": ["KHR_texture_basisu"],
            "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
            "textures": [{"source": 0, "extensions": {"KHR_texture_basisu": {"source": 1}}}],
            "images": [{"bufferView": 0, "mimeType": "image/png"}, {"bufferView": 1, "mimeType": "image/ktx2"}],
        },
        set(),
    )
    assert result.json["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] == {"index": 0}
    assert (result.repairs, result.json["extensionsRequired"]) == ([], [])
    assert result.json["extensionsUsed"] == ["KHR_texture_basisu"]


@pytest.mark.parametrize(
    ("name", "where", "readable"),
    [
        ("KHR_materials_pearl", "materials", True),
        ("KHR_xmp_json_ld", "", True),
        ("ACME_curves", "meshes", False),
        ("ACME_curves", "nodes", False),
        ("ACME_buffer_cipher", "bufferViews", False),
        ("ACME_mesh_compression", "", False),
    ],
)
def test_what_an_extension_is_used_for_decides_whether_the_shape_can_be_read(
    name: str, where: str, readable: bool
) -> None:
    parts = {where: [{"mesh": 0, "extensions": {name: {}}}]} if where else {}
    result = adapt({**WHOLE, **parts, "extensionsRequired": [name]}, {"EXT_texture_webp"})
    assert result.unreadable == ([] if readable else [name])
    assert [name in text for text in map(str, result.repairs)] == ([True] if readable else [])


def test_what_refers_to_nodes_is_renumbered() -> None:
    document = adapted(
        scene=1,
        scenes=[{"nodes": [0]}, {"nodes": [3, 4]}],
        nodes=[
            {"mesh": 0, "skin": 0, "children": [1]},
            {"name": "hidden bone"},
            {"name": "orphan", "mesh": 0},
            {"name": "body", "mesh": 1, "skin": 1},
            {"name": "hip", "children": [5]},
            {"name": "knee"},
        ],
        skins=[{"joints": [1]}, {"joints": [4, 5], "skeleton": 4}],
        animations=[
            {
                "channels": [
                    {"sampler": 0, "target": {"node": 1, "path": "rotation"}},
                    {"sampler": 0, "target": {"node": 5, "path": "rotation"}},
                    {"sampler": 0, "target": {"path": "pointer", "extensions": pointer("/nodes/4/translation")}},
                ]
            },
            {"channels": [{"sampler": 0, "target": {"node": 2, "path": "scale"}}]},
        ],
    )
    assert [node["name"] for node in document["nodes"]] == ["body", "hip", "knee"]
    assert (document["scene"], document["scenes"]) == (0, [{"nodes": [0, 1]}])
    assert document["nodes"][:2] == [{"name": "body", "mesh": 1, "skin": 0}, {"name": "hip", "children": [2]}]
    assert document["skins"] == [{"joints": [1, 2], "skeleton": 1}]
    (animation,) = document["animations"]
    assert [channel["target"].get("node") for channel in animation["channels"]] == [2, None]
    assert animation["channels"][1]["target"]["extensions"] == pointer("/nodes/1/translation")


def pointer(path: str) -> dict[str, Any]:
    return {"KHR_animation_pointer": {"pointer": path}}


def test_bones_outside_the_scene_stay_with_the_mesh_that_needs_them() -> None:
    document = adapted(
        scenes=[{"nodes": [2]}],
        nodes=[{"name": "above", "mesh": 0, "children": [1]}, {"name": "bone"}, {"name": "body", "mesh": 1, "skin": 0}],
        skins=[{"joints": [1]}],
    )
    assert [node["name"] for node in document["nodes"]] == ["above", "bone", "body"]
    assert "mesh" not in document["nodes"][0]


@pytest.mark.parametrize(
    "parts",
    [
        {"scenes": [{}]},
        {"scenes": [{"nodes": [1]}], "nodes": [{"mesh": 0}, {}]},
        {"scenes": []},
        {"scene": 7},
        {"nodes": [{"mesh": 0, "children": [0]}]},
        {"nodes": 3},
        {"materials": [3]},
        {"scenes": [{"nodes": ["0"]}]},
    ],
    ids=str,
)
def test_a_document_in_which_nothing_would_remain_or_that_is_wrong_keeps_its_nodes(parts: dict[str, Any]) -> None:
    assert adapted(**parts)["nodes"] == {**WHOLE, **parts}["nodes"]


def test_a_changed_file_has_the_same_binary_part_and_is_complete() -> None:
    scene, binary = scene_of(3)
    source = io.BytesIO(glb_of(scene, binary))
    document = glb.read_document(source, len(source.getvalue()))
    target = io.BytesIO()
    glb.write_changed(source, document, {**scene, "extras": "é" * 101}, target)
    data = target.getvalue()
    target.seek(0)
    glb.check(target, len(data))
    target.seek(0)
    again = glb.read_document(target, len(data))
    assert data[again.binary_start :][: len(binary)] == binary
    assert json.loads(json.dumps(again.json))["extras"] == "é" * 101
