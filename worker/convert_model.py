# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts a model file to a .blend that only needs to be appended. Runs inside the background Blender."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import bpy

from ..errors import Message
from ..placement import Placement
from . import (
    asset_preview,
    blend_file,
    import_model,
    join_parts,
    naming,
    obj_folder,
    point_cloud,
    repair,
    solid_view,
    textures,
    transform,
)
from .mesh_data import clear_data, meshes
from .mesh_tools import report as mesh_report

_TRIANGLE: Final = (
    '{"asset":{"version":"2.0"},"scene":0,"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}],"materials":[{}],'
    '"meshes":[{"primitives":[{"attributes":{"POSITION":0},"material":0}]}],"accessors":[{"bufferView":0,'
    '"componentType":5126,"count":3,"type":"VEC3","min":[0,0,0],"max":[1,1,0]}],'
    '"bufferViews":[{"buffer":0,"byteLength":36}],"buffers":[{"byteLength":36,"uri":"data:application/octet-stream;'
    'base64,AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAA"}]}'
)
"""A glTF file with one triangle."""


def convert(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "model" request: import, repair, place, name, write. Raises ImportFailedError, WorkerError."""
    clear_data()
    source = Path(request["source"])
    companions = [obj_folder.Companion(source.parent / x["file"], x["name"]) for x in request.get("companions", ())]
    companions = [companion for companion in companions if companion.file.is_file()]
    placement = Placement.from_json(request.get("placement", {}))
    record = request.get("record", {})
    model = make_model(source, request["format"], companions, request["name"], placement, record, progress)
    details, target = describe(model), Path(request["target"])
    shown = request.get("thumbnail", "")  # in the results folder as an asset library; rendering takes a second
    if placement.mark_as_asset:
        shown = details["preview"] = asset_preview.write(model.objects, target.parent)
    blend_file.write(model, target, placement, shown)
    progress(1.0)
    clear_data()
    return details


def preview(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "preview" request: render a prepared model to an image beside it.

    Its result has the key preview: the image's name, "" if rendering failed.
    """
    clear_data()
    source = Path(request["source"])
    libraries: Any = bpy.data.libraries  # the stubs say that `load` returns nothing
    with libraries.load(str(source), link=False) as (there, here):
        here.objects = list(there.objects)
    try:
        objects = [item for item in here.objects if item is not None]
        for item in objects:
            bpy.context.scene.collection.objects.link(item)
        bpy.context.view_layer.update()  # children get their places
        return {"preview": asset_preview.write(objects, source.parent)}
    finally:
        clear_data()


def make_model(
    source: Path,
    format: str,
    companions: Sequence[obj_folder.Companion],
    name: str,
    placement: Placement,
    record: Mapping[str, Any],
    progress: Callable[[float], None] = lambda done: None,
) -> transform.PreparedModel:
    """Import a file as a finished model into this Blender's data. Returns it. Raises ImportFailedError.

    `record`: how it was made, stored on the root with what is measured. `progress` is called with 0 to 1.
    """
    repairs: list[Message] = []
    objects = import_model.import_file(source, format, companions, repairs)
    progress(0.6)
    objects = join_parts.join_many(point_cloud.without_strays(objects, repairs), repairs)
    repairs += repair.repair(objects, source, format)
    model = transform.apply_placement(objects, placement, name)
    points = point_cloud.draw(model.objects)
    # The points of a PLY without faces were described when they were imported.
    described = format == "ply" and point_cloud.has_only_points(source)
    model.repairs[:0] = repairs if described else repairs + points
    solid_view.set_colors(meshes(model.objects))
    progress(0.8)
    naming.name_all(model.root, model.objects, name)
    model.measured = measure(model)
    if record:
        naming.store_provenance(model.root, record, model.measured)
    return model


def measure(model: transform.PreparedModel) -> dict[str, Any]:
    """Returns what is stored with a model.

    Its keys: triangles, vertices, dimensions (x, y, z in scene units), low (the lowest corner of the bounding box,
    relative to where the model is placed), texture_sizes (width and height of each in pixels, one after the other),
    repairs (messages as plain data), report (see `MeshReport.to_json`; missing if the model has no faces).
    """
    bpy.context.view_layer.update()
    low, high = transform.bounds(model.objects)
    found = meshes(model.objects)
    report = {"report": mesh_report.measure(model.objects).to_json()} if any(len(m.polygons) for m in found) else {}
    return report | {
        "triangles": transform.triangle_count(model.objects),
        "vertices": sum(len(mesh.vertices) for mesh in found),
        "dimensions": [float(x) for x in high - low],
        "low": [float(x) for x in low],
        "texture_sizes": [side for image in naming.materials_and_images(found)[1] for side in textures.size(image)],
        "repairs": [repair.to_json() for repair in model.repairs],
    }


def describe(model: transform.PreparedModel) -> dict[str, Any]:
    """Returns the result of a "model" request.

    Its keys: those of `measure`, root and objects (names), parts: the large ones as [kind in `bpy.data`, name], which
    are better appended one at a time. Images come before the meshes that use them. For an asset, `convert` adds
    preview, as `preview` returns it.
    """
    return model.measured | {
        "root": model.root.name,
        "objects": [item.name for item in model.objects],
        "parts": blend_file.large_parts(model.objects),
    }


def warm_up() -> None:
    """Import one triangle, so that Blender loads what the first import needs."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "triangle.gltf"
        source.write_text(_TRIANGLE)
        make_model(source, "glb", (), "triangle", Placement(), {})
    clear_data()
