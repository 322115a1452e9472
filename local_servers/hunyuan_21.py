# SPDX-License-Identifier: GPL-3.0-or-later
"""Hunyuan3D-2.1: it speaks as Hunyuan3D-2 does, keeps a background, and ignores images of other sides.

Source: api_server.py and api_models.py of Tencent-Hunyuan/Hunyuan3D-2.1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..api.parameters import VIEWS
from ..api.sanitize import mapping
from . import hunyuan
from .connection import Connection
from .dialect import Dialect, ModelRequest
from .questions import Questions


def recognize(questions: Questions) -> bool:
    """Whether the server describes its requests, and knows no images of other sides in them."""
    if not hunyuan.recognize(questions):
        return False
    components = mapping(mapping(questions.get("openapi.json").json).get("components"))
    fields = [mapping(mapping(schema).get("properties")) for schema in mapping(components.get("schemas")).values()]
    requests = [names for names in fields if "octree_resolution" in names]
    return bool(requests) and not any(f"image_{view}" in names for names in requests for view in VIEWS)


def generate(connection: Connection, request: ModelRequest) -> bytes:
    """Returns the GLB file."""
    keeps = request.parameters["background"] == "keep"
    return hunyuan.generate(connection, replace(request, views={}), {"remove_background": False} if keeps else {})


HUNYUAN_21: Final = Dialect(
    id="HUNYUAN_21",
    name="Hunyuan3D-2.1",
    default_port=8081,
    default_model="",
    parameters=hunyuan.HUNYUAN.parameters - {f"image_{view}" for view in VIEWS} | {"background"},
    path=hunyuan.HUNYUAN.path,
    recognize=recognize,
    generate=generate,
)
