# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server of a loopback service. Runs inside a background Blender, on loopback only.

Reads `{"key": …, "settings": …}` from stdin: what every request must have as its key, and what the generator needs.
Then prints `{"ready": …, "port": …}` on stdout, listens, and exits when its stdin closes. Further lines in stdin are
`{"settings": …}`, answered by `{"settings": true}`, and `{"end": true}`, answered by `{"ended": true}`.
Requests are handled in threads; models are made on the main thread, one after the other.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import queue
import re
import shutil
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ..worker.child_side import JsonStdout, lower_priority, read_stdin
from .contract import Contract, JsonResponse, error_reply
from .generation_queue import GenerationQueue
from .generator import Generator
from .request_checks import REQUEST_SECONDS, BoundedReader, authorized, body_length, refusal
from .storage import TYPES, Storage

_log = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 32
"""At once; the add-on needs at most one per job. More are closed unanswered."""
CLEANUP_INTERVAL: Final = 3600.0
"""Seconds."""
_RANGE: Final = re.compile(r"bytes=(?!-$)(\d{0,18})-(\d{0,18})")


def serve(folder: Path, generator_of: Callable[[Mapping[str, Any]], Generator]) -> None:
    """Serve from a folder until stdin closes. `generator_of`: returns the generator for the settings in stdin."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    lower_priority()
    send = JsonStdout()
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    read_stdin(lines.put)
    start = json.loads(lines.get())
    storage = Storage(folder.absolute())
    generation_queue = GenerationQueue(storage, generator_of(start.get("settings") or {}))
    server = Server(storage, generation_queue, str(start["key"]))

    def follow_stdin() -> None:
        """Thread: use other settings for the next models, and let go of all jobs at the end."""
        while "end" not in (message := json.loads(lines.get())):
            generation_queue.generator = generator_of(message["settings"])
            send({"settings": True})
        generation_queue.let_go()
        send({"ended": True})

    tasks = (("http", server.serve_forever), ("clean", lambda: _clean(storage)), ("stdin", follow_stdin))
    for name, work in tasks:
        threading.Thread(target=work, name=name, daemon=True).start()
    send({"ready": True, "port": server.server_port})
    generation_queue.serve()


class Server(ThreadingHTTPServer):
    """Listens on a free port of the loopback address."""

    daemon_threads = True
    request_queue_size = 32
    # On Windows, SO_REUSEADDR would let another program listen at the same port.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, storage: Storage, generation_queue: GenerationQueue, key: str) -> None:
        """`key`: what every request must have as its key; not empty."""
        if not key:
            raise ValueError("a loopback service needs a key")
        super().__init__(("127.0.0.1", 0), Handler)
        self.storage = storage
        self.key = key
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.contract = Contract(storage, generation_queue, f"http://127.0.0.1:{self.server_port}")
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}

    def server_bind(self) -> None:
        """Bind without the reverse DNS lookup of HTTPServer, which can take half a minute."""
        if sys.platform == "win32":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # otherwise the client has disconnected
            _log.exception("a request failed")


class Handler(BaseHTTPRequestHandler):
    """Handles one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "ImageTo3DLoopback"
    sys_version = ""
    timeout = 60.0
    """Seconds for a whole response."""

    def setup(self) -> None:
        super().setup()
        self._reader = BoundedReader(self.connection)
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        self._reader.start(REQUEST_SECONDS)
        super().handle_one_request()

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        refused = refusal(self.headers, self.server.hosts)
        if refused is not None:
            self._reply(refused)
        return refused is None

    def do_POST(self) -> None:
        self._reply(self._handle_post())

    def _handle_post(self) -> JsonResponse:
        path = urlsplit(self.path).path
        length = body_length(path, self.headers)
        if isinstance(length, JsonResponse):
            return length
        request = authorized(self.rfile.read(length), self.server.key)
        if isinstance(request, JsonResponse):
            return request
        try:
            return self.server.contract.handle(path, request)
        except OSError as error:
            _log.exception("the folder can't be used")
            return error_reply(f"{self.server.contract.generator.name} can't use its folder: {error.strerror}.", 500)
        except Exception:
            _log.exception("a request failed")
            return error_reply(f"{self.server.contract.generator.name} failed.", 500)

    def do_GET(self) -> None:
        path = self._requested_file()
        try:
            file = path.open("rb") if path is not None else None
        except OSError:
            file = None
        if path is None or file is None:
            self._reply(error_reply("There is no such file.", 404))
            return
        with file:
            facts = os.fstat(file.fileno())
            headers = {
                "Accept-Ranges": "bytes",
                "ETag": f'"{facts.st_size:x}-{facts.st_mtime_ns:x}"',
                "Last-Modified": self.date_time_string(int(facts.st_mtime)),
            }
            status, part = self._requested_part(facts.st_size, headers["ETag"])
            if status != 200:
                part_text = f"{part.start}-{part.stop - 1}" if part else "*"
                headers["Content-Range"] = f"bytes {part_text}/{facts.st_size}"
            self._send_headers(status, TYPES.get(path.suffix[1:], "application/octet-stream"), len(part), headers)
            if self.command != "HEAD" and part:
                self.connection.sendfile(file, part.start, len(part))

    do_HEAD = do_GET

    def _requested_part(self, total: int, etag: str) -> tuple[int, range]:
        """Returns the HTTP status and the bytes to send of a file of `total` bytes, by the Range and If-Range headers.

        Multiple and unusual ranges give the whole file.
        """
        match = _RANGE.fullmatch(self.headers.get("Range", "").strip())
        if match is None or self.headers.get("If-Range", etag) != etag:
            return 200, range(total)
        start = int(match[1]) if match[1] else max(0, total - int(match[2]))
        end = min(int(match[2]) + 1, total) if match[1] and match[2] else total
        if start >= total:
            return 416, range(0)
        return (206, range(start, end)) if start < end else (200, range(total))

    def _requested_file(self) -> Path | None:
        match urlsplit(self.path).path.split("/"):
            case ["", "temp", name]:
                return self.server.storage.upload(name)
            case ["", "results", token, name]:
                return self.server.storage.result(token, name)
        return None

    def _reply(self, response: JsonResponse) -> None:
        body = json.dumps(response.body).encode()
        # A refused request's body may be unread. `send_header` closes the connection.
        closing = {"Connection": "close"} if response.status >= 400 else {}
        self._send_headers(response.status, "application/json", len(body), {**response.headers, **closing})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_headers(self, status: int, content_type: str, length: int, extra: Mapping[str, str]) -> None:
        self.connection.settimeout(self.timeout)
        self.send_response(status)
        common = {"Content-Type": content_type, "Content-Length": str(length)}
        common |= {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        for name, value in {**common, **extra}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        _log.debug(format, *args)


def _clean(storage: Storage) -> None:
    """Thread: delete old files, now and every hour."""
    while True:
        with contextlib.suppress(OSError, shutil.Error):
            storage.clean()
        time.sleep(CLEANUP_INTERVAL)
