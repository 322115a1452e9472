# SPDX-License-Identifier: GPL-3.0-or-later
"""Lemonade: `POST /v1/3d/generations` with JSON, answered by the GLB file itself. `GET /v1/health`.

Source: docs/api/lemonade.md of lemonade-sdk/lemonade.
"""

from __future__ import annotations

from typing import Any, Final

from .answers import model_in, require_success
from .connection import Connection
from .dialect import Dialect, ModelRequest

DEFAULT_MODEL: Final = "TRELLIS-3D"


def recognize(connection: Connection) -> bool:
    """Whether `/v1/health` answers with JSON."""
    answer = connection.get("v1/health")
    if answer.status in (404, 405) or not isinstance(answer.json, dict):
        return False
    require_success(answer)
    return True


def generate(connection: Connection, request: ModelRequest) -> bytes:
    """Returns the GLB file."""
    values: dict[str, Any] = {
        "model": request.model or DEFAULT_MODEL,
        "image": request.image_base64,
        "resolution": request.voxels,
        "seed": int(request.parameters["seed"]),
    }
    if request.parameters["background"] == "remove":
        values["bg_removal"] = "birefnet"
    return model_in(connection.post_json("v1/3d/generations", values))


LEMONADE: Final = Dialect(
    id="LEMONADE",
    name="Lemonade",
    default_port=13305,
    parameters=frozenset({"seed", "resolution", "voxel_resolution", "background"}),
    recognize=recognize,
    generate=generate,
)
