# SPDX-License-Identifier: GPL-3.0-or-later
"""Lemonade: `POST /v1/3d/generations` with JSON, answered by the GLB file itself. `GET /v1/health`.

It has trellis.cpp make the models, and passes most values on to that.

Source: docs/api/lemonade.md of lemonade-sdk/lemonade.
"""

from __future__ import annotations

from typing import Any, Final

from .answers import model_in
from .connection import Connection
from .dialect import Dialect, ModelRequest
from .questions import Questions
from .trellis_cpp import BACKGROUND_REMOVAL

DEFAULT_MODEL: Final = "TRELLIS-3D"
_PATH: Final = "v1/3d/generations"


def recognize(questions: Questions) -> bool:
    """Whether `/v1/health` is there, and the API for 3D models, which other servers lack."""
    answer = questions.get("v1/health")
    return answer.status == 200 and not answer.is_web_page and questions.serves(_PATH, likely=True)


def generate(connection: Connection, request: ModelRequest) -> bytes:
    """Returns the GLB file."""
    values: dict[str, Any] = {
        "model": request.model or DEFAULT_MODEL,
        "image": request.image_base64,
        "resolution": request.voxels,
        "seed": request.seed,
    }
    removal = BACKGROUND_REMOVAL.get(request.parameters["background"])
    return model_in(connection.post_json(_PATH, values | ({"bg_removal": removal} if removal else {})))


LEMONADE: Final = Dialect(
    id="LEMONADE",
    name="Lemonade",
    default_port=13305,
    default_model=DEFAULT_MODEL,
    parameters=frozenset({"seed", "resolution", "voxel_resolution", "background"}),
    path=_PATH,
    recognize=recognize,
    generate=generate,
)
