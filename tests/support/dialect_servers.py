# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that speak the dialects of artists' own servers to the letter.

Written from the documentation and the sources that each class names. A fault is answered in place of the next model:
`server.faults.append(fault)` (see `server_faults`); without one a server answers as the real one does when all is well.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from local_server import Fault, LocalServer, Received, answer, answer_json, json_in, running

__all__ = ["Hunyuan", "Hunyuan21", "Lemonade", "LocalAI", "LocalServer", "Received", "TrellisCpp", "running"]

IMAGE_STARTS: Final = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8")


class Lemonade(LocalServer):
    """docs/api/lemonade.md and src/cpp/server/server.cpp of lemonade-sdk/lemonade."""

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        match _without_prefix(handler.path):
            case "health":
                answer_json(handler, 200, {"status": "ok", "version": "9.3.3", "model_loaded": None})
            case "models":
                answer_json(handler, 200, {"object": "list", "data": [{"id": "TRELLIS-3D", "recipe": "trellis"}]})
            case "3d/generations":
                answer_json(handler, 405, {"error": "Method Not Allowed. Use POST for this endpoint"})
            case _ if handler.path == "/":
                answer(handler, 200, b"<!DOCTYPE html><html><title>Lemonade</title></html>", "text/html")
            case _:
                self._no_such_path(handler)

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if _without_prefix(handler.path) != "3d/generations":
            self._no_such_path(handler)
            return
        values = json_in(body)
        if values is None:
            answer_json(handler, 500, {"error": {"message": "parse error", "type": "internal_error"}})
            return
        wrong = self._wrong(values)
        if wrong:
            answer_json(handler, 400, {"error": {"message": wrong, "type": "invalid_request_error"}})
            return
        model = self.generate(handler, body)
        if model is not None:
            answer(handler, 200, model, "model/gltf-binary")

    def _no_such_path(self, handler: BaseHTTPRequestHandler) -> None:
        error = {"message": "The requested endpoint does not exist", "type": "not_found", "path": handler.path}
        answer_json(handler, 404, {"error": error})

    def _wrong(self, values: Mapping[str, Any]) -> str:
        if not isinstance(values.get("model"), str):
            return "Missing or non-string 'model' field in request"
        if not isinstance(values.get("image"), str):
            return "Missing or non-string 'image' field in request (base64-encoded input image)"
        if not _image(values["image"]).startswith(IMAGE_STARTS):
            return "'image' is not a supported format (expected PNG, JPEG, BMP, or GIF)"
        if values.get("response_format", "glb") != "glb":
            return "response_format is not supported (supported: glb)"
        if str(values.get("resolution", 512)) not in ("512", "1024", "1536"):
            return "'resolution' must be 512, 1024, or 1536"
        if values.get("bg_removal", "threshold") not in ("threshold", "birefnet"):
            return "'bg_removal' must be 'threshold' or 'birefnet'"
        if type(values.get("seed", 0)) is not int:
            return "'seed' must be an integer"
        if values.get("uv", "box") not in ("box", "xatlas"):
            return "'uv' must be 'box' or 'xatlas'"
        return ""


@dataclass
class LocalAI(LocalServer):
    """docs/content/features/3d-generation.md and core/http/endpoints/localai/model3d.go of mudler/LocalAI."""

    url: str = ""
    """Answered in place of base64, if it is set; "{host}" becomes the address."""

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        match handler.path:
            case "/healthz" | "/readyz":
                answer(handler, 200, b"OK", "text/plain")
            case "/v1/models":
                answer_json(handler, 200, {"object": "list", "data": [{"id": "trellis2-4b", "object": "model"}]})
            case "/3d/generations":
                answer_json(handler, 405, {"error": {"code": 405, "message": "Method Not Allowed", "type": ""}})
            case "/":
                answer(handler, 200, b"<!doctype html><html><title>LocalAI</title></html>", "text/html")
            case path if path.startswith("/generated-3d/"):
                answer(handler, 200, self.model, "application/octet-stream")
            case _:
                self._refuse(handler, 404, "Resource not found")

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        values = json_in(body)
        if handler.path != "/3d/generations":
            self._refuse(handler, 404, "Resource not found")
        elif values is None or self._wrong(values):
            self._refuse(handler, 400, self._wrong(values or {}))
        else:
            model = self.generate(handler, body)
            if model is not None:
                file: dict[str, Any] = {"b64_json": base64.b64encode(model).decode()}
                if self.url or values.get("response_format") != "b64_json":
                    url = self.url or "http://{host}/generated-3d/b64123.glb"
                    file = {"url": url.replace("{host}", handler.headers["Host"])}
                answer_json(handler, 200, {"created": 1764000000, "id": "d0c8", "data": [file]})

    def _refuse(self, handler: BaseHTTPRequestHandler, status: int, message: str) -> None:
        answer_json(handler, status, {"error": {"code": status, "message": message, "type": ""}})

    def _wrong(self, values: Mapping[str, Any]) -> str:
        if not values.get("model"):
            return "Bad Request"
        if not values.get("image"):
            return "image is required: 3D generation is image-conditioned"
        if not _image(values["image"]).startswith(IMAGE_STARTS):
            return "invalid image: it can't be decoded"
        if values.get("quality", "") not in ("", "auto", "coarse", "512", "1024"):
            return "invalid quality: must be one of auto, coarse, 512, 1024"
        if values.get("background", "") not in ("", "auto", "keep", "black", "white"):
            return "invalid background: must be one of auto, keep, black, white"
        for name in ("step", "texture_steps", "seed"):
            if type(values.get(name, 0)) is not int or not -(2**31) <= values.get(name, 0) < 2**31:
                return f"cannot unmarshal number into field {name} of type int32"
        if not all(isinstance(value, str) for value in values.get("params", {}).values()):
            return "cannot unmarshal number into field params of type string"
        return ""


class TrellisCpp(LocalServer):
    """src/trellis-server.cpp of pwilkin/trellis.cpp."""

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/health":
            answer(handler, 200, b"ok", "text/plain")
        else:
            answer(handler, 404, b"", "")

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if handler.path != "/generate":
            answer(handler, 404, b"", "")
            return
        is_form = handler.headers.get("Content-Type", "").startswith("multipart/form-data")
        fields = Received(handler.path, dict(handler.headers), body).form if is_form else {}
        if "image" not in fields:
            answer_json(handler, 400, {"error": "missing 'image' file part"})
            return
        model = self.generate(handler, body)
        if model is not None and fields["image"].startswith(IMAGE_STARTS):
            answer(handler, 200, model, "model/gltf-binary")
        elif model is not None:
            answer_json(handler, 500, {"error": "3D reconstruction failed"})


@dataclass
class Hunyuan(LocalServer):
    """api_server.py of Tencent-Hunyuan/Hunyuan3D-2: a job that failed stays "processing" forever."""

    has_texture_model: bool = True
    described: bool = False
    """Whether the server describes itself, as the real one does with FastAPI; else it has /send and /status only."""
    incomplete: int = 0
    """How often the state is answered with a file that is still being written."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.jobs: dict[str, bytes | None] = {}
        """The models by uid, as far as they are made."""
        self.poll_faults: list[Fault] = []
        """Answers for the next questions about a job's state."""

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/openapi.json" and self.described:
            answer_json(
                handler, 200, {"openapi": "3.1.0", "paths": {"/generate": {}, "/send": {}, "/status/{uid}": {}}}
            )
        elif not handler.path.startswith("/status/"):
            answer_json(handler, 405 if handler.path in ("/send", "/generate") else 404, {"detail": "Not Found"})
        elif self.poll_faults:
            self.poll_faults.pop(0)(handler)
        else:
            answer_json(handler, 200, self.state(handler.path.removeprefix("/status/")))

    def state(self, uid: str) -> dict[str, Any]:
        model = self.jobs.get(uid)
        if model is None:
            return {"status": "processing"}
        self.incomplete -= 1
        part = model[: len(model) // 2] if self.incomplete >= 0 else model
        return {"status": "completed", "model_base64": base64.b64encode(part).decode()}

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        values = json_in(body)
        if handler.path not in ("/send", "/generate"):
            answer_json(handler, 404, {"detail": "Not Found"})
        elif values is None:
            answer(handler, 500, b"Internal Server Error", "text/plain")
        elif handler.path == "/generate":
            self.generate_at_once(handler, body, values)
        else:
            self.received.append(Received(handler.path, dict(handler.headers), body))
            if self.faults:
                self.faults.pop(0)(handler)
                return
            uid = f"uid-{len(self.received)}"
            self.jobs[uid] = None
            threading.Thread(target=self._work, args=(uid, values), daemon=True).start()
            answer_json(handler, 200, {"uid": uid})

    def generate_at_once(self, handler: BaseHTTPRequestHandler, body: bytes, values: Mapping[str, Any]) -> None:
        model = self.generate(handler, body)
        if model is not None and self.can_make(values):
            answer(handler, 200, model, "application/octet-stream")
        elif model is not None:
            text = "**NETWORK ERROR DUE TO HIGH TRAFFIC. PLEASE REGENERATE OR REFRESH THIS PAGE.**"
            answer_json(handler, 404, {"text": text, "error_code": 1})

    def can_make(self, values: Mapping[str, Any]) -> bool:
        names = ("image", "image_front", "image_left", "image_back", "image_right")
        images = [_image(values[name]) for name in names if name in values]
        can_texture = self.has_texture_model or not values.get("texture")
        return bool(images) and all(image.startswith(IMAGE_STARTS) for image in images) and can_texture

    def _work(self, uid: str, values: Mapping[str, Any]) -> None:
        model = self.make()
        if self.can_make(values):
            self.jobs[uid] = model


@dataclass
class Hunyuan21(Hunyuan):
    """api_server.py, api_models.py and model_worker.py of Tencent-Hunyuan/Hunyuan3D-2.1."""

    described: bool = True

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/health":
            answer_json(handler, 200, {"status": "healthy", "worker_id": "1a2b3c"})
        elif handler.path == "/openapi.json" and self.described:
            names = ("image", "remove_background", "texture", "seed", "octree_resolution", "face_count")
            schemas = {"GenerationRequest": {"properties": {name: {} for name in names}}, "HTTPValidationError": {}}
            paths = {"/generate": {}, "/send": {}, "/health": {}, "/status/{uid}": {}}
            answer_json(handler, 200, {"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}})
        else:
            super().get(handler)

    def state(self, uid: str) -> dict[str, Any]:
        state = super().state(uid)
        untextured = not self.values(uid).get("texture", False)
        # It looks for the file with the texture, whether one was asked for or not.
        return {"status": "texturing"} if state["status"] == "completed" and untextured else state

    def values(self, uid: str) -> dict[str, Any]:
        """The request for a job."""
        number = uid.removeprefix("uid-")
        return self.received[int(number) - 1].json if number.isdigit() else {}

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        wrong = self._wrong(json_in(body))
        if handler.path in ("/send", "/generate") and wrong:
            answer_json(handler, 422, {"detail": wrong})
        else:
            super().post(handler, body)

    def _wrong(self, values: dict[str, Any] | None) -> list[dict[str, Any]]:
        if values is None:
            return [{"type": "json_invalid", "loc": ["body", 1], "msg": "JSON decode error"}]
        if not isinstance(values.get("image"), str):
            return [{"type": "missing", "loc": ["body", "image"], "msg": "Field required"}]
        limits = {
            "seed": (0, 2**32 - 1), "octree_resolution": (64, 512), "num_inference_steps": (1, 20),
            "guidance_scale": (0.1, 20), "num_chunks": (1000, 20000), "face_count": (1000, 100000),
        }  # fmt: skip
        return [
            {"type": "range", "loc": ["body", name], "msg": f"Input should be from {low} to {high}"}
            for name, (low, high) in limits.items()
            if name in values and not low <= values[name] <= high
        ]


def _without_prefix(path: str) -> str:
    """The path without Lemonade's prefixes."""
    for prefix in ("/api/v1/", "/api/v0/", "/v1/", "/v0/"):
        if path.startswith(prefix):
            return path.removeprefix(prefix)
    return ""


def _image(text: str) -> bytes:
    """The image in base64 or in a data URL."""
    return base64.b64decode(text.rpartition(",")[2])
