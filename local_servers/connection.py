# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a server that the artist runs: straight to it and nowhere else, cancelled at any moment, bounded in time.

No proxy is used and no redirect is followed. The address is judged again when it is connected to: a server on this
computer is reached at loopback addresses only.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin

from ..api.http.urls import REDIRECTS, host_of, is_loopback, origin_of
from ..api.http.watchdog import AddressFilter, Timeouts, Watchdog
from ..api.sanitize import parse_json
from ..control import NO_CONTROL, Control
from ..errors import ConnectionLostError, UnsafeAddressError, one_line
from .errors import TimeLimitError

MAX_REPLY_BYTES: Final = 1024**3
"""A model as base64 can be large; more than this is refused."""
PROBE_SECONDS: Final = 10.0
"""For the reply to a question that a server answers at once."""
_MAX_ERROR_BYTES: Final = 64 * 1024
USER_AGENT: Final = "Image-to-3D (Blender extension)"


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's complete answer."""

    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        """The JSON value in the body; None if it has none."""
        return parse_json(self.body)

    @property
    def is_web_page(self) -> bool:
        return self.body.lstrip()[:200].lower().startswith((b"<!doctype", b"<html", b"<head", b"<body"))


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one server."""

    address: str
    """Its base URL, without a slash at its end."""
    token: str = field(default="", repr=False)
    """Sent as a bearer token if there is one."""
    control: Control = NO_CONTROL
    time_limit: float = 1800.0
    """Seconds that generating one model may take."""
    connect_seconds: float = 5.0

    def get(self, path: str, *, seconds: float = PROBE_SECONDS) -> Answer:
        """Ask for what is at a path below the address, or at a URL of the same server that the server has named."""
        return self._send("GET", path, None, "", seconds)

    def post_json(self, path: str, values: Mapping[str, Any], *, seconds: float | None = None) -> Answer:
        """Post a JSON object. `seconds` until the whole answer is there: by default the time limit of a model."""
        return self._send("POST", path, json.dumps(values).encode(), "application/json", seconds)

    def post_form(self, path: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Answer:
        """Post multipart/form-data."""
        boundary = secrets.token_hex(16)
        parts: list[bytes] = []
        for name, text in fields.items():
            parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode())
        for name, content in files.items():
            disposition = f'Content-Disposition: form-data; name="{name}"; filename="{name}.png"'
            start = f"--{boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
            parts += [start.encode(), content, b"\r\n"]
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        return self._send("POST", path, body, f"multipart/form-data; boundary={boundary}", None)

    def _send(self, method: str, path: str, body: bytes | None, content_type: str, seconds: float | None) -> Answer:
        url = urljoin(f"{self.address}/", path if "://" in path else path.lstrip("/"))
        if not self._is_own(url):
            raise UnsafeAddressError(
                "The server names a file at another address ({host}).", host=one_line(host_of(url) or "unknown", 80)
            )
        longest = self.time_limit if seconds is None else seconds
        limits = Timeouts(self.connect_seconds, longest, send=longest, total=longest)
        watchdog = Watchdog(limits, self.control, self._address_filter())
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*"}
        headers |= {"Content-Type": content_type} if content_type else {}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        from ..api.http.transport import send_request  # imports requests, which is slow

        started = time.monotonic()
        try:
            with send_request(method, url, watchdog, headers=headers, body=body, direct=True) as response:
                if response.status in REDIRECTS:
                    raise UnsafeAddressError(
                        "The server redirects to another address.", advice="Enter that address in the preferences."
                    )
                kind = response.headers.get("Content-Type", "").lower()
                return Answer(response.status, kind, self._without_token(response.read_all(MAX_REPLY_BYTES)))
        except ConnectionLostError:
            if seconds is None and time.monotonic() - started >= longest:
                raise took_too_long(longest) from None
            raise

    def _without_token(self, body: bytes) -> bytes:
        """Returns a short answer without the token, which some servers repeat in their errors."""
        return body.replace(self.token.encode(), b"[token]") if self.token and len(body) <= _MAX_ERROR_BYTES else body

    def _is_own(self, url: str) -> bool:
        """Whether a URL is the server's: of its origin, or of the same port of this computer under another name."""
        ours, theirs = origin_of(self.address), origin_of(url)
        same_port = ours.rpartition(":")[2] == theirs.rpartition(":")[2]
        both_here = is_loopback(host_of(self.address)) and is_loopback(host_of(url))
        return bool(theirs) and "@" not in url.split("/")[2] and (ours == theirs or (both_here and same_port))

    def _address_filter(self) -> AddressFilter | None:
        if not is_loopback(host_of(self.address)):
            return None  # where the artist's network resolves the name to
        return lambda _host, address: is_loopback(address)


def took_too_long(seconds: float) -> TimeLimitError:
    """Returns the error for a model that was not finished within the time limit."""
    return TimeLimitError("The server did not finish within {minutes} minutes.", minutes=f"{seconds / 60:g}")
