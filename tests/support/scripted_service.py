# SPDX-License-Identifier: GPL-3.0-or-later
"""A service on loopback that does what a test tells it: right by the contract by default, faulty on order.

It counts every submit it takes, which is what an artist would pay for.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]
Handler = Callable[["Request"], "Reply | None"]
"""Answers a request; None leaves the connection as the handler left it (reset, cut, stalled)."""


@dataclass
class Request:
    """What came in, and the socket it came by for handlers that break it."""

    what: str
    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    connection: socket.socket
    service: ScriptedService


@dataclass
class Work:
    """One submit the service took."""

    id: str
    body: dict[str, Any]
    at: float
    polls: int = 0


@dataclass
class ScriptedService:
    """Serve until closed. `polls_until_done`: how often a job says "processing" before it is done."""

    model: bytes = b""
    polls_until_done: int = 1
    eta: float | None = 2
    latency: float = 0.0
    list_shows: Callable[[Work], dict[str, Any]] | None = None
    """An entry of the list of generated models; by default id and links only, as documented."""

    balance: float = 43.6
    currency: str = "USD"
    price: float = 0.0
    """What each submit takes from the balance."""

    submits: list[Work] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model = self.model or cube_glb()
        self._orders: dict[str, deque[Handler]] = defaultdict(deque)
        self._lock = threading.Lock()
        service = self

        class Handler_(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Quiet: tests read `requests`."""

            def do_GET(self) -> None:
                service._serve(self, {})

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                service._serve(self, json.loads(self.rfile.read(length) or b"{}"))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler_)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.base_url = f"{self.origin}/api/v6"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next(self, what: str, *handlers: Handler) -> None:
        """Let these handlers answer the coming requests of a kind: what `_kind` returns."""
        with self._lock:
            self._orders[what].extend(handlers)

    def count(self, what: str) -> int:
        return sum(kind == what for kind, *_ in self.requests)

    def _serve(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        what = _kind(handler.path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(what, handler.path, body, headers, handler.connection, self)
        with self._lock:
            self.requests.append((what, handler.path, body, headers))
            ordered = self._orders[what].popleft() if self._orders[what] else None
        if self.latency:
            time.sleep(self.latency)
        reply = ordered(request) if ordered else getattr(self, f"_{what}")(request)
        if reply is None:
            handler.close_connection = True
            return
        status, extra, content = reply
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | extra).items():
            handler.send_header(name, value)
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(content)

    def take(self, body: dict[str, Any]) -> Work:
        """Take a submit: from here on it is paid for."""
        with self._lock:
            work = Work(str(109655545 + len(self.submits)), body, time.time())
            self.submits.append(work)
            return work

    def links(self, work: Work) -> list[str]:
        kind = work.body.get("output_format", "glb")
        return [f"{self.origin}/files/{work.id}/sample.{kind}"]

    def _upload(self, request: Request) -> Reply:
        text = request.body["base64_string"]
        head, _, data = text.partition(",")
        name = f"/files/upload-{len(self.files)}.{'jpg' if 'jpeg' in head else 'png'}"
        self.files[name] = base64.b64decode(data)
        return to_json({"status": "success", "id": 1047, "output": [self.origin + name]})

    def _submit(self, request: Request) -> Reply:
        work = self.take(request.body)
        return to_json(
            {
                "status": "processing",
                "tip": "poll",
                "eta": self.eta,
                "message": "in the queue",
                "fetch_result": f"{self.base_url}/3d/fetch/{work.id}",
                "id": int(work.id),
                "output": [],
                "meta": {"seed": 3480183101},
                "future_links": self.links(work),
                "extra_assets": [],
            }
        )

    def _fetch(self, request: Request) -> Reply:
        wanted = request.path.rsplit("/", 1)[-1]
        work = next((work for work in self.submits if work.id == wanted), None)
        if work is None:
            return to_json({"status": "error", "message": "Request not found"})
        work.polls += 1
        if work.polls <= self.polls_until_done:
            return to_json({"status": "processing", "message": "try again later.", "output": "", "tip": "soon"})
        return to_json(
            {
                "status": "success",
                "generationTime": 10.62,
                "id": int(work.id),
                "output": self.links(work),
                "proxy_links": self.links(work),
                "meta": {"seed": 3480183101, "output_format": work.body.get("output_format", "glb")},
            }
        )

    def _file(self, request: Request) -> Reply:
        content = self.files.get(request.path, self.model)
        return ranged(request, content)

    def _list(self, request: Request) -> Reply:
        shows = self.list_shows or (lambda work: {"id": int(work.id), "output": self.links(work)})
        page, size = int(request.body.get("page", 1)), int(request.body.get("per_page", 30))
        newest = list(reversed(self.submits))[(page - 1) * size : page * size]
        return to_json({"status": "success", "data": [shows(work) for work in newest], "pagination": {"page": page}})

    def _balance(self, _: Request) -> Reply:
        left = round(self.balance - self.price * len(self.submits), 6)
        return to_json({"status": "success", "data": {"balance": left, "currency": self.currency}})

    def _price(self, request: Request) -> Reply:
        return self._other(request)

    def _other(self, _: Request) -> Reply:
        return 404, {"Content-Type": "text/html"}, b"<html><h1>Not Found</h1></html>"


def to_json(content: Any, status: int = 200, **headers: str) -> Reply:
    return status, {"Content-Type": "application/json"} | headers, json.dumps(content).encode()


def html(status: int, title: str = "Bad Gateway") -> Reply:
    page = f"<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>"
    return status, {"Content-Type": "text/html"}, page.encode()


def answers(reply: Reply) -> Handler:
    return lambda _: reply


def refuses(_: Request) -> Reply:
    """Refuse a request, with a reason."""
    return to_json({"status": "error", "message": "The subject was not recognized"})


def resets(request: Request) -> None:
    """Break the connection off with a TCP reset, unanswered."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def takes_and_resets(request: Request) -> None:
    """Take the submit, and break off before the answer: paid for, and unknown to the artist."""
    request.service.take(request.body)
    resets(request)


def ranged(request: Request, content: bytes) -> Reply:
    """A file, or the part of it that is asked for."""
    asked = request.headers.get("range", "")
    head = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", "ETag": '"1"'}
    if asked.startswith("bytes=") and asked.endswith("-"):
        start = int(asked[6:-1])
        if start >= len(content):
            return 416, head | {"Content-Range": f"bytes */{len(content)}"}, b""
        part = content[start:]
        return 206, head | {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}, part
    return 200, head, content


def _kind(path: str) -> str:
    for part, what in (
        ("/3d/image_to_3d", "submit"),
        ("/3d/fetch/", "fetch"),
        ("/base64_to_url", "upload"),
        ("/files/", "file"),
        ("/assets_generated", "list"),
        ("/wallet_balance", "balance"),
        ("/v7/models", "price"),
        ("/model-search", "price"),
    ):
        if part in path:
            return what
    return "other"


def cube_glb(padding: int = 0) -> bytes:
    """A cube as a valid binary glTF file, small but for `padding` bytes that nothing refers to."""
    corners = [(x, y, z) for x in (-0.5, 0.5) for y in (0.0, 1.0) for z in (-0.5, 0.5)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    positions = b"".join(struct.pack("<3f", *corner) for corner in corners)
    indices = b"".join(struct.pack("<6H", a, b, c, a, c, d) for a, b, c, d in faces)
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "cube"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": 8,
                "type": "VEC3",
                "min": [-0.5, 0.0, -0.5],
                "max": [0.5, 1.0, 0.5],
            },
            {"bufferView": 1, "componentType": 5123, "count": 36, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(positions)},
            {"buffer": 0, "byteOffset": len(positions), "byteLength": len(indices)},
        ],
        "buffers": [{"byteLength": len(positions) + len(indices) + padding}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary = positions + indices + bytes(padding)
    binary += b"\0" * (-len(binary) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body
