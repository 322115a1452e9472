# SPDX-License-Identifier: GPL-3.0-or-later
"""Which HTTP requests a loopback service accepts: those that the add-on sends. Everything else ends early.

Other programs and other users of this computer can reach a loopback port, and web pages can make a browser send
requests to it (CSRF, DNS rebinding). Each start has a random key, without which nothing is stored or made; a request
is bounded in size and time before it is known who sends it.
"""

from __future__ import annotations

import io
import re
import secrets
import socket
import time
from email.message import Message
from typing import Any, Final

from ..api.sanitize import parse_json
from .contract import UPLOAD_ENDPOINT, JsonResponse, error_reply
from .uploads import MAX_UPLOAD_CHARACTERS

REQUEST_SECONDS: Final = 30.0
"""Longest time for a whole request to arrive."""
_MAX_BYTES: Final = 64 * 1024
_MAX_UPLOAD_BYTES: Final = MAX_UPLOAD_CHARACTERS + _MAX_BYTES


class BoundedReader(io.RawIOBase):
    """Reads from a socket until a deadline, however slowly the bytes come. Raises TimeoutError."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = 0.0

    def start(self, seconds: float) -> None:
        """Give the next request that many seconds."""
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0.0:
            raise TimeoutError("timed out")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


def refusal(headers: Message, hosts: set[str]) -> JsonResponse | None:
    """Returns the reply to a request of a web page; None for one of a program. `hosts`: the server's own names."""
    if headers.get("Host", "") in hosts and "Origin" not in headers:
        return None
    return error_reply("Requests are accepted from programs on this computer only.", 403)


def body_length(path: str, headers: Message) -> int | JsonResponse:
    """Returns the bytes of a request's body, by its headers alone; or the reply that refuses it."""
    length = headers.get("Content-Length", "")
    if not re.fullmatch(r"[0-9]{1,12}", length) or "Transfer-Encoding" in headers:
        return error_reply("The request has no Content-Length.", 400)
    if int(length) > (_MAX_UPLOAD_BYTES if path.endswith(f"/{UPLOAD_ENDPOINT}") else _MAX_BYTES):
        return error_reply("The request is too large.", 413)
    if headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        return error_reply("The request body is not JSON.", 415)
    return int(length)


def authorized(body: bytes, key: str) -> dict[str, Any] | JsonResponse:
    """Returns a body's JSON object without the key; or the reply that refuses it."""
    request = parse_json(body)
    if not isinstance(request, dict):
        return error_reply("The request body is not a JSON object.", 400)
    given = request.pop("key", None)
    if not isinstance(given, str) or not secrets.compare_digest(given.encode("utf-8", "replace"), key.encode()):
        return error_reply("Invalid API key: the key of this start is required.", 401)
    return request
