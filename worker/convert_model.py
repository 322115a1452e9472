# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside the second Blender: a model file made into a .blend that only needs to be appended."""

from __future__ import annotations

import json
import logging
import struct
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import bpy

from ..placement import Placement
from . import blend_file, finite, import_model, naming, repair, transform

_log = logging.getLogger(__name__)

LARGE_PART: Final = 2_000_000
"""Bytes; reading a million takes the artist's Blender about 0.7 ms."""
KINDS: Final = (
    "objects",
    "collections",
    "meshes",
    "curves",
    "armatures",
    "cameras",
    "lights",
    "materials",
    "images",
    "textures",
    "node_groups",
    "actions",
    "worlds",
    "texts",
)
"""Kinds of data that a model or its preview can bring; screens and the like belong to this Blender."""


def convert(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Do a "model" request: import, put right, name, write. Raises ImportFailedError, WorkerError."""
    clear_data()
    source = Path(request["source"])
    companions = [import_model.Companion(source.parent / x["file"], x["name"]) for x in request.get("companions", ())]
    placement = Placement.from_json(request.get("placement", {}))
    record = request.get("record", {})
    shaped = make_model(source, request["format"], companions, request["name"], placement, record, progress)
    told = describe(shaped)
    blend_file.write(shaped, Path(request["target"]), placement)
    progress(1.0)
    clear_data()
    return told


def make_model(
    source: Path,
    format: str,
    companions: Sequence[import_model.Companion],
    name: str,
    placement: Placement,
    record: Mapping[str, str | int | float],
    progress: Callable[[float], None] = lambda done: None,
) -> transform.Shaped:
    """The finished model in this Blender's data, linked into the active collection only as far as importers do so.

    Raises ImportFailedError.
    """
    objects = import_model.import_file(source, format, companions)
    progress(0.6)
    mended = repair.mend(objects, broken_points=finite.has_broken_points(source, format))
    shaped = transform.shape(objects, placement, name)
    shaped.mended[:0] = mended
    progress(0.8)
    naming.name_all(shaped.root, shaped.objects, name)
    naming.keep_record(shaped.root, record)
    return shaped


def describe(shaped: transform.Shaped) -> dict[str, Any]:
    """What a "model" request answers."""
    bpy.context.view_layer.update()
    low, high = transform.bounds(shaped.objects)
    return {
        "root": shaped.root.name,
        "objects": [item.name for item in shaped.objects],
        "triangles": transform.triangle_count(shaped.objects),
        "vertices": sum(len(mesh.vertices) for mesh in transform.meshes(shaped.objects)),
        "dimensions": [float(x) for x in high - low],
        "mended": shaped.mended,
        "parts": [list(part) for part in parts(shaped)],
    }


def parts(shaped: transform.Shaped) -> list[tuple[str, str]]:
    """The large pieces of the model, as (kind in `bpy.data`, name): what is better taken in one at a time.

    Images come before the meshes that wear them.
    """
    meshes = transform.meshes(shaped.objects)
    materials = {m.session_uid: m for mesh in meshes for m in mesh.materials if m is not None}
    images = {i.session_uid: i for m in materials.values() for i in naming.material_images(m)}
    found = [
        ("images", image.name)
        for image in images.values()
        if image.packed_file is not None and image.packed_file.size > LARGE_PART
    ]
    # A corner costs about 20 bytes, a vertex with its share of edges 50.
    large = (mesh for mesh in meshes if 20 * len(mesh.loops) + 50 * len(mesh.vertices) > LARGE_PART)
    return found + [("meshes", mesh.name) for mesh in large]


def clear_data() -> None:
    """Leave nothing of one model for the next. For the second Blender only."""
    for kind in KINDS:
        bpy.data.batch_remove(list(getattr(bpy.data, kind)))
    for scene in bpy.data.scenes[1:]:
        bpy.data.scenes.remove(scene)


def warm_up() -> None:
    """Load what the first import would load, by importing one triangle."""
    corners = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "material": 0}]}],
        "materials": [{}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]}
        ],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "buffers": [{"byteLength": 36}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", 36, b"BIN\0") + corners
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "triangle.glb"
        source.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
        make_model(source, "glb", (), "triangle", Placement(), {})
    clear_data()
