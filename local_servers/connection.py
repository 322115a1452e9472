# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a server that the artist runs: straight to it and nowhere else, cancelled at any moment, bounded in time.

No proxy is used and no redirect is followed. The address is judged again when it is connected to: a server on this
computer is reached at loopback addresses only.
"""

from __future__ import annotations

import json
import os
import re
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from ..api.http.urls import REDIRECTS, host_of, is_loopback, origin_of
from ..api.sanitize import Redactor, parse_json
from ..control import NO_CONTROL, Control
from ..errors import CertificateError, ConnectionLostError, LocalServerError, ServiceBrokenError, one_line
from ..formats.sniff import FIRST_BYTES, sniff
from .errors import NoAnswerError, SettingError, TimeLimitError

if TYPE_CHECKING:
    from ..api.http.watchdog import AddressFilter

MAX_ANSWER_BYTES: Final = 1024**3
"""A model as base64 can be large; more than this is refused."""
SHORT_SECONDS: Final = 10.0
"""For the answer to a question that a server answers at once."""

_LONGEST_ERROR: Final = 64 * 1024
"""Bytes. A longer answer without an HTTP error holds a model."""
_KNOWN_ENDS: Final = re.compile(
    r"(?:(?:/api)?/v[01])?(?:/3d/generations|/generate|/send|/status|/health|/docs)?/*$", re.I
)
"""What follows a server's base URL in its documentation, and may have been copied with it."""
_AFTER_PATH: Final = re.compile(r"[?#].*$")
_AROUND_A_COLON: Final = re.compile(r" *: *")
_ONLY_A_PORT: Final = re.compile(r"^:?(\d{2,5})$")
_THIS_COMPUTER: Final = {"0.0.0.0": "127.0.0.1", "[::]": "localhost"}
_ALL_ADDRESSES: Final = re.compile(r"^(https?://)(0\.0\.0\.0|\[::\])(?=[:/]|$)", re.I)


@dataclass(frozen=True)
class Answer:
    """A server's complete answer."""

    status: int
    body: bytes

    @cached_property
    def json(self) -> Any:
        """The JSON value in the body; None if it has none."""
        return parse_json(self.body) if self._start.startswith((b"{", b"[")) else None

    @property
    def is_web_page(self) -> bool:
        """Whether this is a page for browsers."""
        return self._start.lower().startswith((b"<!doctype", b"<!--", b"<html", b"<head", b"<body"))

    @property
    def _start(self) -> bytes:
        return self.body[:400].lstrip(b"\xef\xbb\xbf \t\r\n")


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one server."""

    address: str
    """As the artist entered it."""
    token: str = field(default="", repr=False)
    """Sent as a bearer token if there is one."""
    control: Control = NO_CONTROL
    time_limit: float = 1800.0
    """Seconds that generating one model may take."""
    connect_seconds: float = 5.0
    max_bytes: int = MAX_ANSWER_BYTES
    """A longer answer is refused."""

    @property
    def base(self) -> str:
        """The server's base URL, without a slash at its end."""
        return base_url(self.address)

    def get(self, path: str, *, seconds: float | None = SHORT_SECONDS) -> Answer:
        """Ask for what is at a path below the base URL, or at a URL that the server has named.

        `seconds` until the whole answer is there; None: the time limit of a model.
        """
        return self._send("GET", path, None, "", seconds)

    def post(self, path: str, body: bytes, content_type: str, *, seconds: float | None = None) -> Answer:
        """Post some bytes."""
        return self._send("POST", path, body, content_type, seconds)

    def post_json(self, path: str, values: Mapping[str, Any], *, seconds: float | None = None) -> Answer:
        """Post a JSON object."""
        return self.post(path, json.dumps(values).encode(), "application/json", seconds=seconds)

    def post_form(self, path: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Answer:
        """Post multipart/form-data."""
        boundary = os.urandom(16).hex()
        parts: list[bytes] = []
        for name, text in fields.items():
            parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode())
        for name, content in files.items():
            kind = sniff(content[:FIRST_BYTES]) or "bin"
            disposition = f'Content-Disposition: form-data; name="{name}"; filename="{name}.{kind}"'
            mime = {"png": "image/png", "jpg": "image/jpeg"}.get(kind, "application/octet-stream")
            start = f"--{boundary}\r\n{disposition}\r\nContent-Type: {mime}\r\n\r\n"
            parts += [start.encode(), content, b"\r\n"]
        body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        return self.post(path, body, f"multipart/form-data; boundary={boundary}")

    def _send(self, method: str, path: str, body: bytes | None, content_type: str, seconds: float | None) -> Answer:
        url = _joined(f"{self.base}/", path)
        if not self._is_own(url):
            raise LocalServerError(
                "The server names a file at another address ({host}). The add-on downloads nothing from there.",
                host=one_line(host_of(url) or "unknown", 80),
            )
        from ..api.client import USER_AGENT
        from ..api.http.transport import send_request  # imports requests, which is slow
        from ..api.http.watchdog import Timeouts, Watchdog

        longest = self.time_limit if seconds is None else seconds
        limits = Timeouts(self.connect_seconds, longest, send=longest, total=longest)
        watchdog = Watchdog(limits, self.control, self._address_filter())
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", **self._login()}
        headers |= {"Content-Type": content_type} if content_type else {}
        started = time.monotonic()
        try:
            with send_request(method, url, watchdog, headers=headers, body=body, direct=True) as response:
                if response.status in REDIRECTS:
                    raise self._redirected(url, response.headers.get("Location", ""))
                content = response.read_all(self.max_bytes)
                if not response.encoding and len(content) < (response.length or 0):  # older urllib3 doesn't tell
                    raise ConnectionLostError("The connection broke in the middle of the answer.")
                if response.status >= 400 or len(content) <= _LONGEST_ERROR:
                    content = self._without_token(content)
                return Answer(response.status, content)
        except CertificateError as error:
            raise SettingError(
                "{reason}",
                advice="Enter http:// instead of https:// in the address: most local servers have no certificate. "
                "One that has made its own must be trusted by this computer.",
                reason=error.message,
            ) from error
        except ServiceBrokenError as error:  # too long, or compressed in a way that can't be read
            raise LocalServerError("The server's answer can't be used: {reason}", reason=error.message) from error
        except ConnectionLostError as error:
            if time.monotonic() - started < longest:
                raise
            if seconds is None:
                raise took_too_long(longest) from error
            raise NoAnswerError(
                "The server did not answer within {seconds} seconds.", seconds=f"{longest:.3g}"
            ) from error

    def _login(self) -> dict[str, str]:
        token = self.token.strip()
        if not token:
            return {}
        if not (token.isascii() and token.isprintable()):
            raise SettingError(
                "The token has a character that can't be sent.",
                advice="Enter it again in the add-on's preferences: it consists of letters, digits and signs.",
            )
        return {"Authorization": f"Bearer {token}"}

    def _without_token(self, content: bytes) -> bytes:
        """Returns an answer without the token: some servers repeat a wrong one in their errors, which are stored."""
        if not self.token or sniff(content[:FIRST_BYTES]) == "glb":
            return content
        text = content.decode("utf-8", "replace")
        redacted = Redactor(self.token.strip())(text)
        return content if redacted == text else redacted.encode()

    def _redirected(self, url: str, location: str) -> LocalServerError:
        return SettingError(
            "The server redirects to another address: {location}.",
            advice="If that is the server's API, enter it in the add-on's preferences.",
            location=Redactor(self.token.strip()).line(_joined(url, location), 100),
        )

    def _is_own(self, url: str) -> bool:
        """Whether a URL is the server's: of its origin, or of the same port of this computer under another name."""
        ours, theirs = origin_of(self.base), origin_of(url)
        same_port = ours.rpartition(":")[2] == theirs.rpartition(":")[2]
        both_here = is_loopback(host_of(self.base)) and is_loopback(host_of(url))
        return bool(theirs) and "@" not in url.split("/")[2] and (ours == theirs or (both_here and same_port))

    def _address_filter(self) -> AddressFilter | None:
        if not is_loopback(host_of(self.base)):
            return None  # where the artist's network resolves the name to
        return lambda _host, address: is_loopback(address)


def base_url(address: str) -> str:
    """Returns a server's base URL for what an artist entered: "localhost:8080", a port, or an address with a path.

    0.0.0.0 and [::], at which a server says that it listens, are no addresses to connect to: this computer is meant.
    """
    normal = unicodedata.normalize("NFKC", address)  # full-width digits
    text = "".join(c for c in normal if c.isprintable()).strip(" \"'<>")
    text = _AROUND_A_COLON.sub(":", text)
    text = _AFTER_PATH.sub("", _ONLY_A_PORT.sub(r"127.0.0.1:\1", text))
    url = text if "://" in text or not text else f"http://{text}"
    return _KNOWN_ENDS.sub("", _ALL_ADDRESSES.sub(lambda all_: f"{all_[1]}{_THIS_COMPUTER[all_[2]]}", url))


def _joined(base: str, path: str) -> str:
    """Returns the URL of a path or link; "" if it can't be one."""
    try:
        return urljoin(base, path)
    except ValueError:
        return ""


def took_too_long(seconds: float, kind: type[TimeLimitError] = TimeLimitError) -> TimeLimitError:
    """Returns the error for a model that was not finished within the time limit."""
    minutes = round(seconds / 60, 3)
    if minutes == 1:
        return kind("The server did not finish within 1 minute.")
    return kind("The server did not finish within {minutes} minutes.", minutes=f"{minutes:g}")
