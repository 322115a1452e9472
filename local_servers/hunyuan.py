# SPDX-License-Identifier: GPL-3.0-or-later
"""Hunyuan3D-2 and 2.1: `POST /send` with JSON, answered by an id; `GET /status/{id}` until the model is in the answer.

A job that failed is never told so there. `POST /generate`, answered by the GLB file itself, tells it at once, so it is
preferred where the server's own description names it.

Source: api_server.py of Tencent-Hunyuan/Hunyuan3D-2 and Tencent-Hunyuan/Hunyuan3D-2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from ..api.sanitize import id_text, mapping
from ..errors import LocalServerError
from .answers import error_of, json_object, model_from_base64, model_in, words_in
from .connection import Connection, took_too_long
from .dialect import Dialect, ModelRequest, as_base64
from .errors import TimeLimitError
from .polling import replies
from .questions import Questions

_PATH: Final = "send"
_STATES: Final = frozenset({"processing", "texturing", "completed", "queued", "pending"})
_SEND_SECONDS: Final = 60.0
_READ_AGAIN: Final = 3
"""How often a model is asked for again that was still being written when the server read it."""
_ADVICE: Final = (
    "See the output of the server: it says why a model fails. Mostly the graphics card has too little memory. Without "
    "the option --enable_tex the server can't make a texture: start it with that, or turn Texture off. Views of other "
    "sides need the option --mv. If the server is only slow, raise the time limit in the add-on's preferences."
)


class _EndlessError(TimeLimitError):
    default_advice = _ADVICE


class _UnexplainedError(LocalServerError):
    default_advice = _ADVICE


def recognize(questions: Questions) -> bool:
    """Whether the server tells the state of a job, even of one that it does not know."""
    answer = questions.get("status/image-to-3d")
    return answer.status == 200 and isinstance(answer.json, dict) and answer.json.get("status") in _STATES


def generate(connection: Connection, request: ModelRequest, more: Mapping[str, Any] | None = None) -> bytes:
    """Returns the GLB file. `more`: what another version takes besides."""
    values = {**_values(request), **(more or {})}
    if _can_answer_at_once(Questions(connection), values):
        answer = connection.post_json("generate", values)
        if isinstance(answer.json, dict) and "error_code" in answer.json:
            raise _UnexplainedError("The server failed, and does not say why.")  # it says "high traffic", always
        if answer.status not in (404, 405, 501):
            return model_in(answer)
    uid = id_text(json_object(connection.post_json(_PATH, values, seconds=_SEND_SECONDS)).get("uid"))
    if not uid:
        raise LocalServerError("The server accepted the image without an id for its job.")
    return _model_of(connection, f"status/{quote(uid, safe='')}")


def _can_answer_at_once(questions: Questions, values: Mapping[str, Any]) -> bool:
    """Whether `/generate` is there, or must be tried: the state of version 2.1 waits for a texture forever."""
    described = questions.get("openapi.json").json
    if isinstance(described, dict) and "/generate" in mapping(described.get("paths")):
        return True
    return not values["texture"] and questions.get("health").status == 200


def _values(request: ModelRequest) -> dict[str, Any]:
    chosen = request.parameters
    values: dict[str, Any] = {
        "image": request.image_base64,
        "seed": int(chosen["seed"]),
        "octree_resolution": min(max(int(chosen["resolution"]), 64), 512),
        "num_inference_steps": min(max(int(chosen["ss_sampling_steps"]), 1), 20),
        "guidance_scale": max(float(chosen["ss_guidance_strength"]), 0.1),
        "texture": bool(chosen["texture"]),
        "face_count": int(chosen["face_count"]),
        "type": "glb",
    }
    if request.views:
        values["image_front"] = values["image"]
    return values | {f"image_{side}": as_base64(image) for side, image in request.views.items()}


def _model_of(connection: Connection, path: str) -> bytes:
    """Wait for a job's model. Returns the GLB file."""
    incomplete = 0
    for reply in replies(connection, path):
        state = str(reply.get("status")).lower()
        if state in ("error", "failed", "failure"):
            raise error_of(500, words_in(reply))
        if state == "completed":
            try:
                return model_from_base64(reply.get("model_base64"))
            except LocalServerError:
                incomplete += 1
                if incomplete > _READ_AGAIN:
                    raise
    raise took_too_long(connection.time_limit, _EndlessError)


HUNYUAN: Final = Dialect(
    id="HUNYUAN",
    name="Hunyuan3D-2",
    default_port=8081,
    default_model="",
    parameters=frozenset({
        "seed", "resolution", "ss_sampling_steps", "ss_guidance_strength", "texture", "face_count",
        "image_left", "image_back", "image_right",
    }),
    path=_PATH,
    recognize=recognize,
    generate=generate,
)  # fmt: skip
