# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the servers in `dialect_servers`, and programs that are none of them. They listen on loopback."""

from __future__ import annotations

import contextlib
import email
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[[BaseHTTPRequestHandler], None]


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

    @property
    def form(self) -> dict[str, bytes]:
        """The fields of multipart/form-data."""
        kind = next(value for name, value in self.headers.items() if name.lower() == "content-type")
        message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + self.body)
        parts = message.get_payload()
        assert isinstance(parts, list), "not a form"
        fields: dict[str, bytes] = {}
        for part in parts:
            assert isinstance(part, Message)
            fields[str(part.get_param("name", header="Content-Disposition"))] = bytes(part.get_payload(decode=True))  # type: ignore[arg-type]
        return fields


@dataclass
class LocalServer:
    """Base of the servers: one request at a time makes a model, which takes `seconds`."""

    model: bytes = b""
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    """Answers for the next requests for models, in place of a model."""
    received: list[Received] = field(default_factory=list)
    """The requests for models that were well-formed."""
    asked: list[str] = field(default_factory=list)
    """Every request: "GET /health"."""
    token: str = ""
    """Wanted with each request."""
    at_once: int = 0
    most_at_once: int = 0
    left: int = 0
    """How many connections were closed by the client before their model was made."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._generating = threading.Lock()

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        raise NotImplementedError

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        raise NotImplementedError

    def handle(self, handler: BaseHTTPRequestHandler, body: bytes | None) -> None:
        """Answer a request; `body` is None for GET."""
        self.asked.append(f"{handler.command} {handler.path}")
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            answer_json(handler, 401, {"error": {"message": "Invalid API key", "type": "invalid_request_error"}})
        elif body is None:
            self.get(handler)
        else:
            self.post(handler, body)

    def generate(self, handler: BaseHTTPRequestHandler, body: bytes) -> bytes | None:
        """Returns the model; None if a fault was answered."""
        self.received.append(Received(handler.path, dict(handler.headers), body))
        if self.faults:
            self.faults.pop(0)(handler)
            return None
        return self.make(handler)

    def make(self, handler: BaseHTTPRequestHandler | None = None) -> bytes | None:
        """Returns the model after `seconds`; None if the client has closed the connection meanwhile."""
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            with self._generating:
                end = time.monotonic() + self.seconds
                while time.monotonic() < end:
                    if handler is not None and has_left(handler):
                        self.left += 1
                        handler.close_connection = True
                        return None
                    time.sleep(0.02)
        finally:
            with self._lock:
                self.at_once -= 1
        return self.model


def has_left(handler: BaseHTTPRequestHandler) -> bool:
    """Whether the client has closed its connection."""
    with contextlib.suppress(BlockingIOError):
        handler.connection.setblocking(False)
        try:
            return not handler.connection.recv(1)
        except ConnectionError:
            return True
        finally:
            handler.connection.setblocking(True)
    return False


def answer(handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str = "application/json") -> None:
    handler.send_response(status)
    if kind:
        handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def answer_json(handler: BaseHTTPRequestHandler, status: int, value: Any) -> None:
    answer(handler, status, json.dumps(value).encode())


def json_in(body: bytes) -> dict[str, Any] | None:
    """Returns the JSON object in a request; None if there is none."""
    with contextlib.suppress(ValueError):
        value = json.loads(body)
        return value if isinstance(value, dict) else None
    return None


@contextmanager
def running(server: LocalServer, port: int = 0) -> Iterator[str]:
    """Run a server. Yields its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):
                server.handle(self, None)

        def do_POST(self) -> None:
            with contextlib.suppress(ConnectionError):
                server.handle(self, self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as http:
        http.daemon_threads = True
        http.block_on_close = False
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}"
        finally:
            http.shutdown()


@contextmanager
def nothing_listens() -> Iterator[str]:
    """Yields an address at which connections are refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@dataclass
class Minimal(LocalServer):
    """A server that has nothing but what a dialect needs to make a model: every other path is unknown to it."""

    inner: LocalServer = field(default_factory=LocalServer)
    paths: tuple[str, ...] = ()
    """The beginnings of the paths that it knows."""

    def handle(self, handler: BaseHTTPRequestHandler, body: bytes | None) -> None:
        self.asked.append(f"{handler.command} {handler.path}")
        is_model_path = handler.command == "GET" and handler.path.endswith(("/generations", "/generate", "/send"))
        if not handler.path.startswith(self.paths) or is_model_path:
            handler.send_error(404)
        else:
            self.inner.handle(handler, body)


@dataclass
class Fixed(LocalServer):
    """Any other program: it answers every request in the same way."""

    respond: Fault = lambda handler: answer_json(handler, 404, {"detail": "Not Found"})

    def handle(self, handler: BaseHTTPRequestHandler, body: bytes | None) -> None:
        self.asked.append(f"{handler.command} {handler.path}")
        self.respond(handler)
