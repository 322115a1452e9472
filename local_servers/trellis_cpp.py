# SPDX-License-Identifier: GPL-3.0-or-later
"""trellis.cpp: `POST /generate` with a form, answered by the GLB file itself. `GET /health` answers "ok".

Source: src/trellis-server.cpp of pwilkin/trellis.cpp.
"""

from __future__ import annotations

from typing import Final

from .answers import model_in
from .connection import Connection
from .dialect import Dialect, ModelRequest
from .questions import Questions

BACKGROUND_REMOVAL: Final = {"keep": "threshold", "remove": "birefnet"}
"""By `background`; without it, the server keeps an image's own transparency and removes any other background."""
_PATH: Final = "generate"


def recognize(questions: Questions) -> bool:
    """Whether `/health` answers "ok"; anything else, as others do, only together with the path for models."""
    answer = questions.get("health")
    if answer.status != 200 or answer.is_web_page:
        return False
    return answer.body.strip().lower() == b"ok" or questions.serves(_PATH, likely=True)


def generate(connection: Connection, request: ModelRequest) -> bytes:
    """Returns the GLB file."""
    fields = {"seed": str(request.seed), "resolution": str(request.voxels)}
    removal = BACKGROUND_REMOVAL.get(request.parameters["background"])
    fields |= {"bg_removal": removal} if removal else {}
    return model_in(connection.post_form(_PATH, fields, {"image": request.image}))


TRELLIS_CPP: Final = Dialect(
    id="TRELLIS_CPP",
    name="trellis.cpp",
    default_port=8080,
    default_model="",
    parameters=frozenset({"seed", "resolution", "voxel_resolution", "background"}),
    path=_PATH,
    recognize=recognize,
    generate=generate,
)
