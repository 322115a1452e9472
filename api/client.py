# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's HTTP API: upload, submit, fetch, balance, list of generated models; one method per request.

The API key goes into the body of requests to the service's own origin, and nowhere else (`_post` checks that).
Every method blocks: call them in worker threads. A client may be shared by threads.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from ..control import NO_CONTROL, Control
from ..errors import (
    Action,
    CancelledError,
    ConnectionLostError,
    ImageError,
    ImageTo3DError,
    KeyMissingError,
    LocalServerError,
    Message,
    OutcomeUnknownError,
    RateLimitError,
    ResultMissingError,
    ServiceBrokenError,
    ServiceRefusedError,
    UnsafeAddressError,
    one_line,
)
from .account import Balance, Generated, read_balance, read_generated
from .http.urls import REDIRECTS, host_of, is_unencrypted, origin_of, parse_http_url, redirect_target, service_base
from .http.watchdog import Timeouts, Watchdog
from .money import Money
from .parameters import validate
from .prices import read_price
from .replies import Reply, is_failed, links_of, read_object, read_reply
from .sanitize import Redactor, parse_json, redacted

__all__ = ["UPLOAD_LIMIT_BYTES", "Balance", "Client", "Generated"]

_log = logging.getLogger(__name__)

USER_AGENT: Final = "Image-to-3D (Blender extension)"

UPLOAD_LIMIT_BYTES: Final = (5_000_000 - 4096) // 4 * 3
"""Largest image file to upload: its base64 text, with everything around it, stays below the service's 5 MB."""

MAX_REPLY_BYTES: Final = 1024 * 1024
"""A longer reply is not parsed; real ones have some kilobytes."""

_ENCODE_CHUNK: Final = 192 * 1024
"""Bytes; small, so that Blender's main thread gets the GIL in between. A multiple of 3, as base64 needs."""

_NO_REPLY: Final = "The request was sent, but no complete reply was received: {reason}"
_UNCLEAR_REPLY: Final = "The request was sent, but {host} did not confirm it: {reason}"

_RawReply = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""

_GENERATE_ANEW: Final = "Retry to generate it again, or try another image."
_UNKNOWN_JOB: Final = re.compile(
    r"\b(?:request|job|task|generation|id)\b.{0,20}\b(?:not found|not exist|unknown|expired|invalid)\b"
    r"|\b(?:no such|unknown|invalid|expired) (?:request|job|task|generation|id)\b",
    re.I,
)
"""The service no longer knows the job. That is not a failed generation: the files may still exist."""


class Client:
    """A client for one service and one key."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeouts: tuple[float, float] = (10.0, 60.0),
        is_loopback_service: bool = False,
    ) -> None:
        """`base_url`: what comes before `/3d/…`. `timeouts`: seconds to connect, and to wait for the next bytes.

        `is_loopback_service`: a process of ours, which has a cancel call and sends its messages as data.

        Raises ParameterError if the URL can't be a service's.
        """
        self.base_url = service_base(base_url)
        self.origin = origin_of(self.base_url)
        self._key = key.strip()
        self._redactor = Redactor(self._key)
        self._timeouts = timeouts
        self._is_loopback_service = is_loopback_service
        self._lock = threading.Lock()
        self._active: set[Watchdog] = set()
        self._closed = False
        self._peer = ""
        if is_unencrypted(self.base_url):
            _log.warning("requests to the service at %s are not encrypted", host_of(self.base_url))

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def upload(self, image: bytes, mime: str, control: Control = NO_CONTROL) -> str:
        """Upload an image. Returns its public URL, which is valid for a day.

        Raises ImageError for one larger than UPLOAD_LIMIT_BYTES, before anything is sent.
        """
        if not 0 < len(image) <= UPLOAD_LIMIT_BYTES:
            raise ImageError(
                "The image has {size} bytes, but must have from 1 to {limit}.",
                size=f"{len(image):,}",
                limit=f"{UPLOAD_LIMIT_BYTES:,}",
            )
        if not re.fullmatch(r"image/[a-z0-9.+-]{1,40}", mime):
            raise ImageError('"{mime}" is not an image type.', mime=one_line(mime, 40))
        # Built by hand: `json.dumps` of a text this long would block Blender's main thread.
        starts = range(0, len(image), _ENCODE_CHUNK)
        text = b"".join(base64.b64encode(image[start : start + _ENCODE_CHUNK]) for start in starts)
        body = f'{{"key": {json.dumps(self._key)}, "base64_string": "data:{mime};base64,'.encode() + text + b'"}'
        # An uplink can be slow.
        reply = self._post("base64_to_url", body, self._watchdog(control, send=5 * self._timeouts[1]))
        links = links_of(read_object(*reply, self._redactor))
        if not links:
            raise ServiceBrokenError("The service accepted the image, but gave no URL for it.")
        return links[0][0]

    def submit(self, parameters: Mapping[str, Any]) -> Reply:
        """Request a model. This costs money.

        Raises ParameterError before anything is sent; ConnectionFailedError, CertificateError, UnsafeAddressError
        and the service's refusals if it definitely did not accept the job; OutcomeUnknownError if it may have.
        """
        values = validate(parameters, complete=True)
        watchdog, host = self._watchdog(), one_line(host_of(self.base_url), 80)
        try:
            status, headers, text = self._post("3d/image_to_3d", values | {"init_image": values["image"]}, watchdog)
        except ConnectionLostError as error:
            raise OutcomeUnknownError(_NO_REPLY, reason=error.message) from error
        except ServiceBrokenError as error:
            raise OutcomeUnknownError(_UNCLEAR_REPLY, host=host, reason=error.message) from error
        except CancelledError as error:
            if watchdog.sent:
                raise OutcomeUnknownError("The request was cancelled before the service replied.") from error
            raise
        try:
            reply = read_reply(status, headers, text, secret=self._key)
        except ImageTo3DError as error:
            if status >= 500 or isinstance(error, ServiceBrokenError):
                raise OutcomeUnknownError(_UNCLEAR_REPLY, host=host, reason=error.message) from error
            raise
        reply = self._without_foreign_fetch_url(replace(reply, done=reply.done and bool(reply.links)))
        if not reply.done and not (reply.id or reply.fetch_url):
            raise OutcomeUnknownError("The service accepted the job, but gave no id to poll it by.")
        return reply

    def fetch(self, service_id: str, fetch_url: str = "", control: Control = NO_CONTROL) -> Reply:
        """Poll a job.

        `fetch_url` is used only if it is the service's own; otherwise the URL is made from the id. Raises
        ServiceBrokenError for any server error: polling again can help. ResultMissingError for a finished job
        without files, and for one that the service does not know. ServiceRefusedError if the generation failed.
        """
        if not self._is_own(fetch_url):
            fetch_url = f"3d/fetch/{quote(service_id, safe='')}"
            if not service_id.strip("."):
                raise UnsafeAddressError("The service gave no URL of its own to poll the job at.")
        status, headers, text = self._post(fetch_url, {}, self._watchdog(control))
        try:
            reply = read_reply(status, headers, text, secret=self._key)
        except ImageTo3DError as error:
            self._raise_stated(text)
            template, arguments = error.message
            if is_failed(text) and status not in (401, 402, 403, 429):
                # Final, whatever its text says of waiting or of credit.
                failure = "The generation failed ({reply})."
                raise ServiceRefusedError(failure, advice=_GENERATE_ANEW, **arguments) from error
            if status in (404, 410) or (status < 300 and _UNKNOWN_JOB.search(str(error.message))):
                raise ResultMissingError(template, **arguments) from error
            if status >= 500 and not isinstance(error, RateLimitError):
                raise ServiceBrokenError(template, retry_after=error.retry_after, **arguments) from error
            raise
        if reply.done and not reply.links:
            raise ResultMissingError("The service says that the job is done, but gives no files.")
        if self._is_loopback_service:
            waits_for = reply.raw.get("waits_for")
            reply = replace(
                reply,
                notes=tuple(map(Message.from_json, reply.raw.get("notes") or ())),
                waits_for=None if waits_for is None else Message.from_json(waits_for),
            )
        return self._without_foreign_fetch_url(replace(reply, id=reply.id or service_id))

    def cancel(self, service_id: str) -> None:
        """Ask a loopback service to stop working on a job; no other service can do that. Raises ImageTo3DError."""
        if self._is_loopback_service:
            self._post(f"3d/cancel/{quote(service_id, safe='')}", {}, self._watchdog())

    def _raise_stated(self, body: bytes) -> None:
        """Raises the error that a loopback service states as data, if it does."""
        value = parse_json(body) if self._is_loopback_service else None
        if not isinstance(value, dict):
            return
        if value.get("unknown_id"):
            raise OutcomeUnknownError("What was known of this job is gone: it was not asked for within a day.")
        info = value.get("error_info")
        if info:
            message, advice = Message.from_json(info["message"]), Message.from_json(info["advice"])
            kind = LocalServerError if info["code"] == LocalServerError.code else ServiceRefusedError
            action = Action(info.get("action") or kind.action)
            arguments = {**advice.arguments, **message.arguments}
            raise kind(message.template, advice=advice.template, action=action, **arguments)

    def balance(self) -> Balance:
        """Returns the account's balance. Also tests the key."""
        reply = self._post_to_either(f"{self._unversioned()}/wallet_balance", "wallet_balance", {})
        return read_balance(read_object(*reply, self._redactor))

    def price(self) -> Money | None:
        """Returns what the service itself says that a model costs; None if it does not say.

        The key is in the URL of this request, as the service wants it: it is not made over an unencrypted connection.
        """
        for path in ("v7/models", "v6/model-search") if not is_unencrypted(self.base_url) else ():
            status, _, body = self._get_with_key(f"{self._unversioned()}/{path}")
            price = read_price(redacted(parse_json(body), self._redactor)) if 200 <= status < 300 else None
            if price is not None:
                return price
        return None

    def generated(self, page: int = 1, per_page: int = 30) -> list[Generated]:
        """Returns a page of the account's generated models. Pages start at 1 and have at most 30 entries."""
        values = {"type": "3d", "per_page": min(max(per_page, 1), 30), "page": max(page, 1)}
        reply = self._post_to_either("assets_generated", f"{self._unversioned()}/assets_generated", values)
        value = parse_json(reply[2])
        if isinstance(value, list) and 200 <= reply[0] < 300:
            return read_generated(redacted(value, self._redactor))
        return read_generated(read_object(*reply, self._redactor))

    def peer(self, control: Control = NO_CONTROL) -> str:
        """Returns the IP address that the last request was sent to; "" behind a proxy.

        Before the first request, connects to the service without sending anything. Raises ConnectionFailedError.
        """
        from .http.connection import open_connection
        from .http.proxies import proxy_for

        host = host_of(self.base_url)
        if not self._peer and proxy_for(self.base_url, host) is None:
            watchdog = self._watchdog(control)
            with self._tracked(watchdog):
                open_connection(host, int(self.origin.rpartition(":")[2]), watchdog).close()
            self._peer = watchdog.peer
        return self._peer

    def close(self) -> None:
        """Cancel the active requests, from any thread; the waiting calls raise their errors."""
        with self._lock:
            self._closed = True
            watchdogs = list(self._active)
        for watchdog in watchdogs:
            watchdog.end(CancelledError())

    def _watchdog(self, control: Control = NO_CONTROL, send: float | None = None) -> Watchdog:
        """Returns the watchdog for one request. `send`: seconds that sending it may take."""
        connect, read = self._timeouts
        return Watchdog(Timeouts(connect, read, send or read, total=(send or read) + 2 * read), control, None)

    def _post_to_either(self, path: str, other: str, values: Mapping[str, Any]) -> _RawReply:
        """Post to an endpoint for which the service's reference gives two URLs."""
        reply = self._post(path, values, self._watchdog())
        if reply[0] in (404, 405):
            reply = self._post(other, values, self._watchdog())
        return reply

    def _get_with_key(self, url: str) -> _RawReply:
        """Request a URL with the key in it. No error that is raised holds that URL, as its cause or otherwise."""
        try:
            return self._send("GET", url, f"?key={quote(self._key, safe='')}", None, self._watchdog())
        except Exception as error:
            reason = type(error).__name__
        raise ServiceBrokenError("The service's list of prices can't be read ({error}).", error=reason)

    def _post(self, path: str, body: Mapping[str, Any] | bytes, watchdog: Watchdog) -> _RawReply:
        """Send a request with the key, to the service's own origin only. Returns the reply; a redirect is refused.

        `path`: below the base URL, or a whole URL. `body`: the values besides the key, or a finished body with the key.
        """
        url = path if "://" in path else f"{self.base_url}/{path}"
        if not isinstance(body, bytes):
            body = json.dumps({"key": self._key, **body}, allow_nan=False).encode()
        return self._send("POST", url, "", body, watchdog)

    def _send(self, method: str, url: str, query: str, body: bytes | None, watchdog: Watchdog) -> _RawReply:
        from .http.transport import send_request  # imports requests, which is slow

        if not self._key:
            raise KeyMissingError("No API key is set.")
        if not self._is_own(url):
            raise UnsafeAddressError("The key is not sent to {host}.", host=one_line(host_of(url), 80))
        headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json", "Accept": "application/json"}
        request = send_request(method, url + query, watchdog, headers=headers, body=body)
        with self._tracked(watchdog), request as response:
            self._peer = watchdog.peer
            if response.status in REDIRECTS:
                host = host_of(redirect_target(url, response.headers.get("Location", "")))
                raise UnsafeAddressError(
                    "The service redirects to another address ({host}).",
                    advice="Check the service's address in the add-on's preferences.",
                    action=Action.OPEN_PREFERENCES,
                    host=one_line(host or "unknown", 80),
                )
            return response.status, response.headers, response.read_all(MAX_REPLY_BYTES)

    @contextmanager
    def _tracked(self, watchdog: Watchdog) -> Iterator[None]:
        """Track a request's watchdog while the request lasts, so that `close` can end it."""
        with self._lock:
            if self._closed:
                raise CancelledError
            self._active.add(watchdog)
        try:
            yield
        finally:
            with self._lock:
                self._active.discard(watchdog)

    def _is_own(self, url: str) -> bool:
        """Whether the URL has the service's own origin: the key may be sent there."""
        parts = parse_http_url(url)
        return parts is not None and origin_of(url) == self.origin and "@" not in parts.netloc

    def _without_foreign_fetch_url(self, reply: Reply) -> Reply:
        return reply if not reply.fetch_url or self._is_own(reply.fetch_url) else replace(reply, fetch_url="")

    def _unversioned(self) -> str:
        """Returns the base URL up to its version: …/api for …/api/v6 and for …/api/v1/enterprise."""
        return re.split(r"/v\d+(?=/|$)", self.base_url, maxsplit=1)[0]
