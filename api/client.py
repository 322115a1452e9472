# SPDX-License-Identifier: GPL-3.0-or-later
"""Upload, submit, fetch, balance, list of generated: the service's requests, one method each.

The key goes into the body of requests to the service's own origin, and nowhere else. Every method
blocks: call them in worker threads. A client may be shared by threads.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from ..errors import (
    Action,
    CancelledError,
    ConnectionLostError,
    ImageError,
    ImageTo3DError,
    KeyMissingError,
    OutcomeUnknownError,
    RateLimitError,
    ResultMissingError,
    ServiceBrokenError,
    UnsafeAddressError,
    one_line,
)
from .account import Balance, Generated, read_balance, read_generated
from .http.urls import host_of, is_loopback, origin_of, parse_http_url, redirected, service_base
from .http.watchdog import Timeouts, Watchdog
from .parameters import validate
from .replies import Reply, links_of, read_object, read_reply
from .sanitize import NotJsonError, Redactor, parse_json, redacted

__all__ = ["UPLOAD_LIMIT_BYTES", "Balance", "Client", "Generated"]

_log = logging.getLogger(__name__)

USER_AGENT: Final = "Image-to-3D (Blender extension)"

UPLOAD_LIMIT_BYTES: Final = (5_000_000 - 4096) // 4 * 3
"""Largest image file to upload: written as text it stays, with all around it, below 5 MB."""

LARGEST_REPLY: Final = 8 * 1024 * 1024
"""Bytes of a reply that are read."""

_ENCODE_AT_ONCE: Final = 192 * 1024
"""Bytes; small, so that Blender's main thread gets its turn in between. A multiple of 3, as base64 needs."""

_NO_REPLY: Final = "The request was sent, but no reply was received: {reason}"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Client:
    """Speaks to one service with one key."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        user_agent: str = USER_AGENT,
        timeouts: tuple[float, float] = (10.0, 60.0),
    ) -> None:
        """`base_url` is what comes before `/3d/…`. `timeouts`: seconds to connect, and to wait for the next bytes.

        Raises ParameterError for an address that can't be a service's.
        """
        self.base_url = service_base(base_url)
        self.origin = origin_of(self.base_url)
        self._key = key.strip()
        self._redactor = Redactor(self._key)
        self._user_agent = user_agent
        self._timeouts = timeouts
        self._lock = threading.Lock()
        self._under_way: set[Watchdog] = set()
        self._closed = False
        parts = parse_http_url(self.base_url)
        if parts and parts.scheme == "http" and not is_loopback(host_of(self.base_url)):
            _log.warning("the service at %s is spoken to without encryption", host_of(self.base_url))

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def upload(self, image: bytes, mime: str, *, cancelled: Callable[[], bool] | None = None) -> str:
        """Put an image where the service can read it for a day; its public address.

        Raises ImageError for one larger than UPLOAD_LIMIT_BYTES, before anything is sent.
        """
        if not 0 < len(image) <= UPLOAD_LIMIT_BYTES:
            raise ImageError(f"The image has {len(image):,} bytes, but must have from 1 to {UPLOAD_LIMIT_BYTES:,}.")
        if not re.fullmatch(r"image/[a-z0-9.+-]{1,40}", mime):
            raise ImageError(f'"{one_line(mime, 40)}" is no kind of image.')
        # Written by hand: `json.dumps` of a text this long would hold up Blender's main thread.
        pieces = [b'{"key": ', json.dumps(self._key).encode(), b', "base64_string": "data:', mime.encode(), b";base64,"]
        starts = range(0, len(image), _ENCODE_AT_ONCE)
        pieces.extend(base64.b64encode(image[start : start + _ENCODE_AT_ONCE]) for start in starts)
        pieces.append(b'"}')
        slow_uplink = 5 * self._timeouts[1]
        answer = self._post(f"{self.base_url}/base64_to_url", b"".join(pieces), send=slow_uplink, cancelled=cancelled)
        links = links_of(read_object(*answer, self._redactor))
        if not links:
            raise ServiceBrokenError("The service took the image, but gave no address for it.")
        return links[0][0]

    def submit(self, parameters: Mapping[str, Any]) -> Reply:
        """Ask for a model. This costs money.

        Raises ParameterError before anything is sent; ConnectionFailedError, CertificateError,
        UnsafeAddressError and the service's refusals where it certainly did not take the job; and
        OutcomeUnknownError where it may have.
        """
        values = validate(parameters, complete=True)
        values["init_image"] = values["image"]
        body = self._body(values)
        watches: list[Watchdog] = []
        try:
            status, headers, text = self._post(f"{self.base_url}/3d/image_to_3d", body, started=watches.append)
        except (ConnectionLostError, ServiceBrokenError) as error:
            raise OutcomeUnknownError(_NO_REPLY, reason=error.message) from error
        except CancelledError as error:
            if watches and watches[0].connected:
                raise OutcomeUnknownError("Nobody waited for the service's answer.") from error
            raise
        try:
            reply = read_reply(status, headers, text, secret=self._key)
        except ServiceBrokenError as error:
            raise OutcomeUnknownError(_NO_REPLY, reason=error.message) from error
        except ImageTo3DError as error:
            if status >= 500:
                raise OutcomeUnknownError(_NO_REPLY, reason=error.message) from error
            raise
        reply = self._own(reply)
        if reply.done and not reply.links:
            reply = replace(reply, done=False)
        if not reply.done and not (reply.id or reply.fetch_url):
            raise OutcomeUnknownError("The service took the job, but gave nothing to ask for it by.")
        return reply

    def fetch(self, service_id: str, fetch_url: str = "", *, cancelled: Callable[[], bool] | None = None) -> Reply:
        """Ask how a job stands.

        `fetch_url` is used only if it leads to the service itself; else the address is made from the
        id. Raises ServiceBrokenError for any server error: asking again can help. ResultMissingError
        for a finished job without files. ServiceRefusedError where the service does not know the job,
        or could not make the model.
        """
        url = fetch_url if self._is_own(fetch_url) else ""
        if not url:
            if not service_id.strip("."):
                raise UnsafeAddressError("The service gave no way to ask for the job that leads to itself.")
            url = f"{self.base_url}/3d/fetch/{quote(service_id, safe='')}"
        status, headers, text = self._post(url, self._body({}), cancelled=cancelled)
        try:
            reply = read_reply(status, headers, text, secret=self._key)
        except RateLimitError:
            raise
        except ImageTo3DError as error:
            if status >= 500:
                raise ServiceBrokenError(
                    error.message.template, **error.message.arguments, retry_after=error.retry_after
                ) from error
            raise
        if reply.done and not reply.links:
            raise ResultMissingError("The service says that it is done, but gives no files.")
        reply = self._own(reply)
        return reply if reply.id else replace(reply, id=service_id)

    def balance(self) -> Balance:
        """The account's wallet; good for testing the key."""
        answer = self._post_either(f"{self._unversioned()}/wallet_balance", f"{self.base_url}/wallet_balance", {})
        return read_balance(read_object(*answer, self._redactor))

    def generated(self, page: int = 1, per_page: int = 30) -> list[Generated]:
        """What the account has generated, a page of at most 30 at a time, beginning with page 1."""
        values = {"type": "3d", "per_page": min(max(per_page, 1), 30), "page": max(page, 1)}
        answer = self._post_either(
            f"{self.base_url}/assets_generated", f"{self._unversioned()}/assets_generated", values
        )
        status, headers, text = answer
        try:
            value = parse_json(text)
        except NotJsonError:
            value = None
        if isinstance(value, list) and 200 <= status < 300:
            return read_generated(redacted(value, self._redactor))
        return read_generated(read_object(status, headers, text, self._redactor))

    def close(self) -> None:
        """End what is under way, from any thread; the calls that wait raise their errors."""
        with self._lock:
            self._closed = True
            watches = list(self._under_way)
        for watch in watches:
            watch.end(CancelledError("Cancelled."))

    def _body(self, values: Mapping[str, Any]) -> bytes:
        return json.dumps({"key": self._key, **values}, allow_nan=False).encode()

    def _post_either(self, url: str, other: str, values: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        """Post to an address that the service's reference gives in two places."""
        answer = self._post(url, self._body(values))
        if answer[0] in (404, 405) and other != url:
            answer = self._post(other, self._body(values))
        return answer

    def _post(
        self,
        url: str,
        body: bytes,
        *,
        send: float | None = None,
        cancelled: Callable[[], bool] | None = None,
        started: Callable[[Watchdog], None] | None = None,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the service's answer. Raises where there is none, and for a redirect."""
        from .http.transport import send_request  # Brings in requests, which takes a while.

        if not self._key:
            raise KeyMissingError("No API key is set.")
        if not self._is_own(url):
            raise UnsafeAddressError(f"The key is not sent to {one_line(host_of(url), 80)}.")
        connect, read = self._timeouts
        timeouts = Timeouts(connect, read, send or read, total=(send or read) + 2 * read)
        headers = {"User-Agent": self._user_agent, "Content-Type": "application/json", "Accept": "application/json"}

        def begin(watch: Watchdog) -> None:
            listed(watch)
            if started is not None:
                started(watch)

        with (
            self._listed() as listed,
            send_request(
                "POST",
                url,
                headers=headers,
                body=body,
                timeouts=timeouts,
                cancelled=cancelled,
                started=begin,
            ) as answer,
        ):
            if answer.status in _REDIRECTS:
                host = host_of(redirected(url, answer.headers.get("Location", "")))
                raise UnsafeAddressError(
                    f"The service wants to be asked at another address ({one_line(host or 'unknown', 80)}).",
                    advice="Check the service's address in the add-on's preferences.",
                    action=Action.OPEN_PREFERENCES,
                )
            return answer.status, answer.headers, answer.read_all(LARGEST_REPLY)

    @contextmanager
    def _listed(self) -> Iterator[Callable[[Watchdog], None]]:
        """Keeps an exchange's watch where `close` finds it, as long as the exchange lasts."""
        mine: list[Watchdog] = []

        def add(watch: Watchdog) -> None:
            with self._lock:
                if self._closed:
                    raise CancelledError("Cancelled.")
                self._under_way.add(watch)
            mine.append(watch)

        try:
            yield add
        finally:
            with self._lock:
                self._under_way.difference_update(mine)

    def _is_own(self, url: str) -> bool:
        parts = parse_http_url(url)
        return parts is not None and origin_of(url) == self.origin and "@" not in parts.netloc

    def _own(self, reply: Reply) -> Reply:
        """The reply without an address to ask at that is not the service's own."""
        return reply if not reply.fetch_url or self._is_own(reply.fetch_url) else replace(reply, fetch_url="")

    def _unversioned(self) -> str:
        """The base address up to where its version begins: …/api for …/api/v6 and for …/api/v1/enterprise."""
        return re.split(r"/v\d+(?=/|$)", self.base_url, maxsplit=1)[0]
