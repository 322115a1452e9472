# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange that always ends: bounded in time and memory, and given up the moment somebody says so.

Requests bounds each single read, so a server that sends a byte now and then holds a thread for ever,
and no other thread can end a read. Here a watch looks on and cuts the connection. The connection is
a fresh one each time, which makes it certain whether a request was sent or not, and its address is
judged before anything is sent to it.

Imports requests, which takes a while: import this module in worker threads only.
"""

from __future__ import annotations

import http.client
import logging
import os
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import requests
import requests.adapters
import requests.utils
import urllib3
import urllib3.connection
import urllib3.exceptions

from ...errors import (
    CancelledError,
    CertificateError,
    ConnectionFailedError,
    ConnectionLostError,
    ImageTo3DError,
    ServiceBrokenError,
    UnsafeAddressError,
    one_line,
)
from .connection import not_allowed, open_connection
from .urls import host_of, is_loopback
from .watchdog import Allowed, Timeouts, Watchdog

_log = logging.getLogger(__name__)

CHUNK: Final = 16 * 1024
_FAULTS: Final = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
    zlib.error,
)
"""What the layers below raise for a connection or an answer that is not as it should be."""


@dataclass(frozen=True, slots=True)
class Response:
    """A server's answer, its body not yet read."""

    status: int
    headers: Mapping[str, str]
    length: int | None
    """Bytes the body should have; None where that isn't said."""
    encoding: str
    """How the body is packed, though we asked for it unpacked; usually ""."""
    chunks: Iterator[bytes]
    """The body's bytes as they come in. Raises ConnectionLostError or CancelledError."""

    def read_all(self, most: int) -> bytes:
        """The whole body, unpacked. Raises ServiceBrokenError if it is larger than `most` bytes."""
        parts: list[bytes] = []
        size = 0
        for piece in self.decoded():
            size += len(piece)
            if size > most:
                raise ServiceBrokenError(f"The answer is too long (HTTP {self.status}).")
            parts.append(piece)
        return b"".join(parts)

    def decoded(self) -> Iterator[bytes]:
        """The body in small pieces, unpacked where the server packed it in spite of us.

        Raises ServiceBrokenError where that can't be done.
        """
        if not self.encoding:
            yield from self.chunks
            return
        if self.encoding not in ("gzip", "x-gzip", "deflate"):
            raise ServiceBrokenError(f'The answer is packed in an unknown way ("{one_line(self.encoding, 20)}").')
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            for chunk in self.chunks:
                rest = chunk
                while rest and not unpack.eof:
                    # A little at a time: what is small when packed can be very large.
                    yield unpack.decompress(rest, CHUNK * 16)
                    rest = unpack.unconsumed_tail
            yield unpack.flush()
        except zlib.error:
            raise ServiceBrokenError("The answer is damaged: it can't be unpacked.") from None
        if not unpack.eof:
            raise ConnectionLostError("The connection broke in the middle of an answer.")


@contextmanager
def send_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    timeouts: Timeouts | None = None,
    cancelled: Callable[[], bool] | None = None,
    allowed: Allowed | None = None,
    started: Callable[[Watchdog], None] | None = None,
) -> Iterator[Response]:
    """Send one request, and hand over its answer. No redirect is followed, no cookie or login is sent.

    `allowed` judges each address before it is connected to. `started` gets the watch, to end it.
    Raises ConnectionFailedError, CertificateError or UnsafeAddressError where nothing was sent;
    ConnectionLostError where something was; CancelledError.
    """
    host = host_of(url)
    if not host:
        raise UnsafeAddressError(f'"{one_line(url, 80)}" is no web address.')
    watch = Watchdog(timeouts or Timeouts(), cancelled, allowed)
    proxies = {} if is_loopback(host) else requests.utils.get_environ_proxies(url, no_proxy=None)
    if allowed is not None and requests.utils.select_proxy(url, proxies):
        _check_host_behind_proxy(host, allowed)
        watch.allowed = None  # It would judge the proxy.
    adapter = _Adapter()
    with watch:
        if started is not None:
            started(watch)
        try:
            _local.watch = watch
            watch.check()
            prepared = requests.Request(
                method, url, headers={"Accept-Encoding": "identity", "Connection": "close", **headers}, data=body
            ).prepare()
            response = adapter.send(
                prepared,
                stream=True,
                timeout=(watch.timeouts.connect, watch.timeouts.read),
                verify=_authorities(),
                proxies=proxies,
            )
            watch.alive()
            answer = _answer(response, watch, host)
        except ImageTo3DError:
            adapter.close()
            raise
        except _FAULTS as fault:
            adapter.close()
            raise _map_error(fault, watch, host) from fault
        finally:
            _local.watch = None
        try:
            yield answer
        finally:
            response.close()
            adapter.close()


def _answer(response: requests.Response, watch: Watchdog, host: str) -> Response:
    length = response.headers.get("Content-Length", "")
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    plain = length.strip()
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    return Response(
        status=response.status_code,
        headers=dict(response.headers),
        length=int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 19 and not chunked else None,
        encoding="" if encoding == "identity" else encoding,
        chunks=_chunks(response, watch, host),
    )


def _chunks(response: requests.Response, watch: Watchdog, host: str) -> Iterator[bytes]:
    while True:
        watch.check()
        try:
            # Not through `iter_content`: that lets a chunked answer's length line grow without end.
            chunk = response.raw.read(CHUNK, decode_content=False)
        except _FAULTS as fault:
            raise _map_error(fault, watch, host) from fault
        if not chunk:
            watch.check()
            return
        watch.alive()
        yield chunk


def _authorities() -> str | bool:
    """The certificates to trust: those that the environment names, as requests does it, else the usual ones."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name)
        if path:
            if not os.path.exists(path):
                raise CertificateError(
                    f"The trusted certificates are not at {one_line(path, 120)}.",
                    advice=f"Correct the environment variable {name}.",
                )
            return path
    return True


def _check_host_behind_proxy(host: str, allowed: Allowed) -> None:
    """A proxy connects in our stead; where this machine can look the name up, judge what it will find."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    if not any(allowed(host, str(entry[4][0])) for entry in found):
        raise not_allowed(host)


_local: Any = threading.local()


class _HeadersWithLimits(http.client.HTTPResponse):
    """Refuses a chunk of negative length, which would mean "everything there ever comes"."""

    def _read_next_chunk_size(self) -> int:
        size = int(super()._read_next_chunk_size())  # type: ignore[misc]
        if size < 0:
            raise http.client.IncompleteRead(b"")
        return size


class _Watched:
    """A connection that is opened under the present watch."""

    response_class = _HeadersWithLimits

    def _new_conn(self) -> socket.socket:
        connection: Any = self
        watch: Watchdog = _local.watch
        return open_connection(connection.host, connection.port, watch)

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        watch: Watchdog = _local.watch
        connection: Any = self
        # Until here the time to connect was the limit for everything, the sending of an image included.
        connection.sock.settimeout(watch.timeouts.send)
        watch.begin()


class _PlainConnection(_Watched, urllib3.connection.HTTPConnection):  # type: ignore[misc]
    pass


class _SecureConnection(_Watched, urllib3.connection.HTTPSConnection):  # type: ignore[misc]
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: Final = {"http": _PlainPool, "https": _SecurePool}


class _Adapter(requests.adapters.HTTPAdapter):
    """Requests' own way to send, over watched connections."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if not str(proxy).lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


def _map_error(fault: Exception, watch: Watchdog, host: str) -> ImageTo3DError:
    """One of our errors for one of theirs, in words that show no address and no internals."""
    if watch.why is not None:
        if not watch.connected and not isinstance(watch.why, CancelledError):
            return ConnectionFailedError(f"{one_line(host, 80)} can't be reached: it did not answer.")
        return watch.why
    name = one_line(host, 80)
    chain = list(_chain(fault))
    _log.debug("exchange with %s failed: %s", name, [type(link).__name__ for link in chain])
    ours = next((link for link in chain if isinstance(link, ImageTo3DError)), None)
    if ours is not None:
        return ours
    if watch.connected:
        if any(isinstance(link, TimeoutError | requests.Timeout) for link in chain):
            return ConnectionLostError(f"{name} did not answer within {watch.timeouts.read:g} seconds.")
        return ConnectionLostError(f"The connection to {name} broke.")
    tls = [link for link in chain if isinstance(link, ssl.SSLError) and not isinstance(link, ssl.SSLEOFError)]
    # An older urllib3 has its own error for the wrong host.
    if tls or any(type(link).__name__ == "CertificateError" for link in chain):
        decision = next((link for link in tls if isinstance(link, ssl.SSLCertVerificationError)), None)
        why = f": {one_line(decision.verify_message, 80)}" if decision is not None else ""
        return CertificateError(f"No safe connection to {name} is possible{why}.")
    if any(isinstance(link, requests.exceptions.InvalidURL | UnicodeError) for link in chain):
        return UnsafeAddressError(f"{name} is no valid address.")
    if any(isinstance(link, requests.exceptions.ProxyError | urllib3.exceptions.ProxyError) for link in chain):
        return ConnectionFailedError(f"The proxy does not connect to {name}.", advice="Check the proxy's settings.")
    return ConnectionFailedError(f"{name} can't be reached.")


def _chain(fault: BaseException) -> Iterator[BaseException]:
    """An exception and all that lie behind it; urllib3 keeps some as `reason` or among the arguments."""
    waiting: list[BaseException] = [fault]
    seen: set[int] = set()
    while waiting and len(seen) < 30:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        inner = [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]
        waiting.extend(i for i in inner if isinstance(i, BaseException))
