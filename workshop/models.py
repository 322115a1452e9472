# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside the second Blender: a model file made into a .blend that only needs to be appended."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import bpy

from ..api.errors import ImportFailedError


def warm_up() -> None:
    """Load what the first import would load."""


def convert(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    before = {o.session_uid for o in bpy.data.objects}
    op = {"glb": bpy.ops.import_scene.gltf, "obj": bpy.ops.wm.obj_import, "stl": bpy.ops.wm.stl_import,
          "ply": bpy.ops.wm.ply_import}[request["format"]]
    try:
        op(filepath=request["source"])
    except RuntimeError as error:
        raise ImportFailedError(f"The model file can't be read: {error}") from error
    objects = [o for o in bpy.data.objects if o.session_uid not in before]
    if not objects:
        raise ImportFailedError("There is nothing in the model file.")
    root = objects[0]
    root.name = request["name"]
    for key, value in request.get("record", {}).items():
        root[key] = value
    temporary = request["target"] + "~"
    bpy.data.libraries.write(temporary, set(objects))
    os.replace(temporary, request["target"])
    return {"root": root.name, "objects": [o.name for o in objects], "triangles": 0, "vertices": 0,
            "dimensions": list(root.dimensions), "mended": []}
