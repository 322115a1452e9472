# SPDX-License-Identifier: GPL-3.0-or-later
"""A glTF refers to nothing outside itself once it is given to an importer, whatever it says."""

from __future__ import annotations

import base64
from typing import Any

import package_stub  # noqa: F401
import pytest
from image_to_3d.formats.gltf_references import Removal, dicts, remove_references

DATA = "data:image/png;base64," + base64.b64encode(b"pixels").decode()
OUTSIDE: list[Any] = [
    "image.png",
    "",
    "../secret.png",
    "%2e%2e/secret.png",
    "/dev/zero",
    "file:///etc/passwd",
    "http://127.0.0.1:9/x.png",
    "\\\\host\\share\\x.png",
    "//host/share/x.png",
    DATA.upper(),
    DATA.replace("data:", "Data:"),
    " " + DATA,
    DATA.replace(";base64,", ";BASE64,"),
    "data:/../../secret.png",
    "data:,/etc/passwd",
    "data:",
    "data:;base64,",
    "data:image/png;base64,@@@@",
    "data:image/png;base64,\u00e9",
    "data:image/png;base64,AAA",
    "a\0b",
    7,
    True,
    None,
    ["d", "a", "t", "a", ":"],
    {"uri": "image.png"},
]


def uris(document: dict[str, Any]) -> list[Any]:
    return [part["uri"] for part in dicts(document) if "uri" in part]


@pytest.mark.parametrize("uri", OUTSIDE, ids=ascii)
def test_only_embedded_data_is_left(uri: Any) -> None:
    document = {
        "images": [{"uri": uri}, {"uri": DATA}],
        "buffers": [{"byteLength": 3, "uri": uri}],
        "extensions": {"VENDOR_thing": {"deep": [[{"uri": uri}]]}},
    }
    assert remove_references(document, 0).changed
    assert uris(document) == [DATA]


def test_embedded_data_and_the_rest_stay_as_they_are() -> None:
    document = {"images": [{"uri": DATA}], "buffers": [{"byteLength": 3}], "nodes": [{"name": "uri"}]}
    before = {name: list(value) for name, value in document.items()}
    assert remove_references(document, 3) == Removal()
    assert document == before


def test_a_shape_in_another_file_is_noticed_and_a_texture_there_is_not_missed() -> None:
    def document(index: int) -> dict[str, Any]:
        return {
            "buffers": [{"byteLength": 9}, {"byteLength": 9, "uri": "x.bin"}],
            "bufferViews": [{"buffer": index, "byteLength": 9}],
            "accessors": [{"bufferView": 0}],
        }

    assert remove_references(document(1), 9).shape_is_missing
    assert not remove_references(document(0), 9).shape_is_missing
    texture = document(1) | {"accessors": [], "images": [{"bufferView": 0}]}
    assert not remove_references(texture, 9).shape_is_missing
    assert texture["images"] == [{}]


@pytest.mark.parametrize("name", ["images", "buffers", "bufferViews"])
@pytest.mark.parametrize("content", [None, 7, "text", {}, [7], [None], [[]], [{"buffer": "x", "bufferView": []}]])
def test_odd_values_beside_the_references_do_no_harm(name: str, content: Any) -> None:
    document = {"buffers": [{"uri": "x"}], "images": [{"uri": "x"}], name: content, "deep": {"uri": "x"}}
    remove_references(document, 0)
    assert not uris(document)
