# SPDX-License-Identifier: GPL-3.0-or-later
"""LocalAI: `POST /3d/generations` with JSON, answered by JSON with the GLB file in base64, or with its URL.

Source: docs/content/features/3d-generation.md of mudler/LocalAI.
"""

from __future__ import annotations

from typing import Any, Final

from ..errors import ConnectionFailedError, ConnectionLostError, LocalServerError
from .answers import json_object, model_from_base64, model_in
from .connection import Connection
from .dialect import Dialect, ModelRequest
from .errors import BusyError
from .questions import Questions

DEFAULT_MODEL: Final = "trellis2-4b"
_PATH: Final = "3d/generations"
_QUALITY: Final = {512: "512", 1024: "1024", 1536: "1024"}
"""By voxels; there is no finer quality."""
_BACKGROUND: Final = {"auto": "auto", "keep": "keep", "remove": "auto"}
"""By `background`: it removes nothing but a plain black or white one, which "auto" does."""


def recognize(questions: Questions) -> bool:
    """Whether there is a path for 3D models that wants POST requests."""
    return questions.get(_PATH).status == 405 and questions.serves(_PATH)


def generate(connection: Connection, request: ModelRequest) -> bytes:
    """Returns the GLB file."""
    chosen = request.parameters
    values: dict[str, Any] = {
        "model": request.model or DEFAULT_MODEL,
        "image": request.image_base64,
        "quality": _QUALITY[request.voxels],
        "background": _BACKGROUND[chosen["background"]],
        "step": int(chosen["ss_sampling_steps"]),
        "texture_steps": int(chosen["slat_sampling_steps"]),
        "cfg_scale": float(chosen["ss_guidance_strength"]),
        "seed": request.seed,
        "response_format": "b64_json",
    }
    if chosen["atlas_size"]:
        values["params"] = {"texture_size": str(chosen["atlas_size"])}
    answer = connection.post_json(_PATH, values)
    if answer.body[:4] == b"glTF":
        return model_in(answer)
    files = json_object(answer).get("data")
    first = files[0] if isinstance(files, list) and files else None
    if isinstance(first, dict) and first.get("b64_json"):
        return model_from_base64(first["b64_json"])
    if isinstance(first, dict) and first.get("url"):
        return _linked(connection, str(first["url"]))
    raise LocalServerError("The server sent an empty answer instead of a model.")


def _linked(connection: Connection, url: str) -> bytes:
    """Returns the GLB file at a link."""
    try:
        return model_in(connection.get(url, seconds=None))
    except (ConnectionFailedError, BusyError) as error:  # the model was made, so this is not the time to wait
        raise ConnectionLostError("The server stopped before the model was downloaded.") from error


LOCALAI: Final = Dialect(
    id="LOCALAI",
    name="LocalAI",
    default_port=8080,
    default_model=DEFAULT_MODEL,
    parameters=frozenset({
        "seed", "resolution", "voxel_resolution", "background", "atlas_size",
        "ss_sampling_steps", "slat_sampling_steps", "ss_guidance_strength",
    }),
    path=_PATH,
    recognize=recognize,
    generate=generate,
)  # fmt: skip
