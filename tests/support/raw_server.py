# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers on loopback that do what no proper server does: they get the bare connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

CERTIFICATE = Path(__file__).with_name("certificates") / "for_tests.pem"
"""A self-signed certificate for localhost and 127.0.0.1, with its key."""


FOREIGN_CERTIFICATE = CERTIFICATE.with_name("for_another_host.pem")
"""A self-signed certificate for other.example."""


class Connection:
    """One connection, after its request was read."""

    def __init__(self, connection: socket.socket, request: bytes, over: threading.Event) -> None:
        self.socket = connection
        self.request = request
        self._over = over

    @property
    def target(self) -> str:
        """The path asked for."""
        return self.request.split(b" ", 2)[1].decode()

    @property
    def head(self) -> str:
        """Request line and headers, in lower case."""
        return self.request.partition(b"\r\n\r\n")[0].decode("latin-1").lower()

    def header(self, name: str) -> str:
        """A header of the request; "" where it has none."""
        for line in self.head.splitlines()[1:]:
            key, _, value = line.partition(":")
            if key == name.lower():
                return value.strip()
        return ""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, body: bytes, status: str = "200 OK", **headers: object) -> None:
        """A proper answer. Headers are written with _ for -."""
        lines = {"Content-Length": len(body)} | {k.replace("_", "-"): v for k, v in headers.items()}
        head = "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v is not None)
        self.send(f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body)

    def reset(self) -> None:
        """Cut the connection the hard way."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def drip(self, data: bytes, pause: float) -> None:
        """Send byte by byte, until the server is closed or the other side goes away."""
        for byte in data:
            if self._over.wait(pause):
                return
            self.send(bytes([byte]))

    def stall(self) -> None:
        """Say nothing until the server is closed."""
        self._over.wait(60)


class RawServer:
    """Hands every connection to `handle`, in a thread of its own."""

    def __init__(self, handle: Callable[[Connection], None], *, tls: Path | None = None, read: bool = True) -> None:
        self.requests: list[Connection] = []
        self.connections = 0
        self._handle = handle
        self._read = read
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context: ssl.SSLContext | None = None
        if tls is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(tls)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        # Closing alone would leave `accept` waiting.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, plain: socket.socket) -> None:
        # The other side may go away at any moment; that is what these tests are about.
        with contextlib.suppress(OSError), plain:
            connection = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with connection:
                request = read_request(connection) if self._read else b""
                if self._read and not request:
                    return
                caller = Connection(connection, request, self._over)
                self.requests.append(caller)
                self._handle(caller)
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
                    time.sleep(0.01)


def read_request(connection: socket.socket) -> bytes:
    """A whole request, with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length")), 0)
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return head + b"\r\n\r\n" + body


def nobody_there() -> str:
    """Returns a URL of this computer at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
