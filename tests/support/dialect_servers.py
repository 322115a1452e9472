# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that speak the dialects of artists' own servers to the letter, with scripted faults. They listen on loopback.

Written from the documentation and the sources that each class names. What a server answers is scripted per request:
`server.script.append(fault)`; without a fault it answers as the real one does when all is well.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """A request that asked for a model."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.body)
        return value


@dataclass
class LocalServer:
    """Base of the servers: one request at a time makes a model, which takes `seconds`."""

    model: bytes
    seconds: float = 0.0
    faults: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    """Answers for the next requests for models, in place of a model."""
    received: list[Received] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._generating = threading.Lock()

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        raise NotImplementedError

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        raise NotImplementedError

    def generate(self, handler: BaseHTTPRequestHandler, body: bytes) -> bytes | None:
        """Returns the model; None if a fault was answered."""
        self.received.append(Received(handler.path, dict(handler.headers), body))
        if self.faults:
            self.faults.pop(0)(handler)
            return None
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            with self._generating:
                time.sleep(self.seconds)
        finally:
            with self._lock:
                self.at_once -= 1
        return self.model


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str = "application/json") -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def answer_json(handler: BaseHTTPRequestHandler, status: int, value: Any) -> None:
    answer(handler, status, json.dumps(value).encode())


@contextmanager
def running(server: LocalServer, port: int = 0) -> Iterator[str]:
    """Run a server. Yields its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.get(self)

        def do_POST(self) -> None:
            server.post(self, self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as http:
        http.daemon_threads = True
        threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


class Lemonade(LocalServer):
    """docs/api/lemonade.md and src/cpp/server/server.cpp of lemonade-sdk/lemonade."""

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/v1/health":
            answer_json(handler, 200, {"status": "ok", "version": "9.3.3", "model_loaded": None})
        else:
            answer_json(handler, 404, {"error": {"message": "not found", "type": "not_found"}})

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if handler.path != "/v1/3d/generations":
            answer_json(handler, 404, {"error": {"message": "not found", "type": "not_found"}})
            return
        wrong = self._wrong(json.loads(body))
        if wrong:
            answer_json(handler, 400, {"error": {"message": wrong, "type": "invalid_request_error"}})
            return
        model = self.generate(handler, body)
        if model is not None:
            answer(handler, 200, model, "model/gltf-binary")

    def _wrong(self, values: Mapping[str, Any]) -> str:
        if not isinstance(values.get("model"), str):
            return "Missing 'model' field in request"
        if not isinstance(values.get("image"), str):
            return "Missing or non-string 'image' field in request (base64-encoded input image)"
        image = base64.b64decode(values["image"].rpartition(",")[2])
        if not image.startswith((b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8")):
            return "'image' is not a supported format (expected PNG, JPEG, BMP, or GIF)"
        if str(values.get("resolution", 512)) not in ("512", "1024", "1536"):
            return "'resolution' must be 512, 1024, or 1536"
        if values.get("bg_removal", "threshold") not in ("threshold", "birefnet"):
            return "'bg_removal' must be 'threshold' or 'birefnet'"
        if not isinstance(values.get("seed", 0), int):
            return "'seed' must be an integer"
        return ""
