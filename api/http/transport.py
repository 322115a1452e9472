# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP transport: one request that always ends, bounded in time and memory, and cancelled at any moment.

Requests bounds each single read, so a server that sends a byte now and then could block a thread for ever, and no
other thread can end a read. Here a watchdog closes the connection. Each request uses a new connection, so it is
certain whether anything was sent, and its address is checked before anything is sent to it (see `connection`).

Imports requests, which is slow: import this module in worker threads only.
"""

from __future__ import annotations

import http.client
import logging
import os
import re
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
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
from .connection import address_not_allowed, open_connection
from .urls import addresses_of, host_of, is_loopback
from .watchdog import AddressFilter, Watchdog

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
"""What requests, urllib3 and http.client raise for a broken connection or response."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response whose body is not read yet."""

    status: int
    headers: Mapping[str, str]
    length: int | None
    """Content-Length of the body; None if unknown."""
    encoding: str
    """Content-Encoding of the body, although we ask for identity; usually ""."""
    chunks: Iterator[bytes]
    """The body's bytes as they arrive. Raises ConnectionLostError or CancelledError."""

    def read_all(self, max_bytes: int) -> bytes:
        """Returns the whole body, decoded. Raises ServiceBrokenError if it is larger than `max_bytes`."""
        body = bytearray()
        for piece in self.decoded():
            body += piece
            if len(body) > max_bytes:
                raise ServiceBrokenError("The reply is too long (HTTP {status}).", status=self.status)
        return bytes(body)

    def decoded(self) -> Iterator[bytes]:
        """Yields the body in small pieces, decompressed if necessary. Raises ServiceBrokenError if that fails."""
        if not self.encoding:
            yield from self.chunks
            return
        if self.encoding not in ("gzip", "x-gzip", "deflate"):
            raise ServiceBrokenError(
                'The reply has an unknown encoding ("{encoding}").', encoding=one_line(self.encoding, 20)
            )
        decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            for chunk in self.chunks:
                rest = chunk
                while rest and not decompressor.eof:
                    # In small pieces: a small compressed body can be very large.
                    yield decompressor.decompress(rest, CHUNK * 16)
                    rest = decompressor.unconsumed_tail
            yield decompressor.flush()
        except zlib.error:
            raise ServiceBrokenError("The reply is damaged: it can't be decompressed.") from None
        if not decompressor.eof:
            raise ConnectionLostError("The connection broke in the middle of a reply.")


@contextmanager
def send_request(
    method: str, url: str, watchdog: Watchdog, *, headers: Mapping[str, str], body: bytes | None = None
) -> Iterator[Response]:
    """Send one request; the context is its response. No redirect is followed, no cookie or login is sent.

    Raises ConnectionFailedError, CertificateError or UnsafeAddressError if nothing was sent, ConnectionLostError
    if something was, CancelledError.
    """
    host = host_of(url)
    if not host:
        raise UnsafeAddressError('"{url}" is not a web address.', url=one_line(url, 80))
    proxies = {} if is_loopback(host) else requests.utils.get_environ_proxies(url, no_proxy=None)
    if watchdog.address_filter is not None and requests.utils.select_proxy(url, proxies):
        _check_host_behind_proxy(host, watchdog.address_filter)
        watchdog.address_filter = None  # it would judge the proxy
    headers = {"Accept-Encoding": "identity", "Connection": "close", **headers}
    with watchdog, closing(_Adapter()) as adapter:
        try:
            _local.watchdog = watchdog
            watchdog.check()
            response = adapter.send(
                requests.Request(method, url, headers=headers, data=body).prepare(),
                stream=True,
                timeout=(watchdog.timeouts.connect, watchdog.timeouts.read),
                verify=_authorities(),
                proxies=proxies,
            )
            watchdog.touch()
        except _FAULTS as fault:
            raise _map_error(fault, watchdog, host) from fault
        finally:
            _local.watchdog = None
        with response:
            yield _response(response, watchdog, host)


def _response(response: requests.Response, watchdog: Watchdog, host: str) -> Response:
    headers: Mapping[str, str] = response.headers  # names in any case
    length = headers.get("Content-Length", "").strip()
    encoding = headers.get("Content-Encoding", "").strip().lower()
    chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
    return Response(
        status=response.status_code,
        headers=headers,
        length=int(length) if re.fullmatch("[0-9]{1,18}", length) and not chunked else None,
        encoding="" if encoding == "identity" else encoding,
        chunks=_chunks(response, watchdog, host),
    )


def _chunks(response: requests.Response, watchdog: Watchdog, host: str) -> Iterator[bytes]:
    while True:
        watchdog.check()
        try:
            # Not `iter_content`: it lets the length line of a chunked response grow without limit.
            chunk = response.raw.read(CHUNK, decode_content=False)
        except _FAULTS as fault:
            raise _map_error(fault, watchdog, host) from fault
        if not chunk:
            watchdog.check()
            return
        watchdog.touch()
        yield chunk


def _authorities() -> str | bool:
    """Returns the CA bundle that the environment names, as requests does; True for the default one."""
    name = next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)), "")
    if name and not os.path.exists(os.environ[name]):
        raise CertificateError(
            "The trusted certificates are not at {path}.",
            advice="Correct the environment variable {variable}.",
            path=one_line(os.environ[name], 120),
            variable=name,
        )
    return os.environ.get(name) or True


def _check_host_behind_proxy(host: str, address_filter: AddressFilter) -> None:
    """A proxy makes the connection: if this computer can resolve the name, check what the proxy will find."""
    found = addresses_of(host)
    if found and not any(address_filter(host, address) for address in found):
        raise address_not_allowed(host)


_local: Any = threading.local()


class _StrictResponse(http.client.HTTPResponse):
    """Refuses a chunk of negative length, which would mean "read for ever"."""

    def _read_next_chunk_size(self) -> int:
        size = int(super()._read_next_chunk_size())  # type: ignore[misc]
        if size < 0:
            raise http.client.IncompleteRead(b"")
        return size


class _PlainConnection(urllib3.connection.HTTPConnection):
    """A connection that the current watchdog watches."""

    response_class = _StrictResponse

    def _new_conn(self) -> socket.socket:
        return open_connection(self.host, self.port, _local.watchdog)

    def connect(self) -> None:
        super().connect()
        watchdog: Watchdog = _local.watchdog
        # Until here, the connect timeout applied to everything, including sending an image.
        self.sock.settimeout(watchdog.timeouts.send)
        watchdog.mark_connected()


class _SecureConnection(_PlainConnection, urllib3.connection.HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: Final = {"http": _PlainPool, "https": _SecurePool}


class _Adapter(requests.adapters.HTTPAdapter):
    """Sends as requests does, over watched connections."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if not str(proxy).lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


def _map_error(fault: Exception, watchdog: Watchdog, host: str) -> ImageTo3DError:
    """Returns our error for an error of the libraries, without URLs or internals in its text."""
    name = one_line(host, 80)
    if watchdog.reason is not None:
        if not watchdog.connected and not isinstance(watchdog.reason, CancelledError):
            return ConnectionFailedError("{host} can't be reached: it did not answer.", host=name)
        return watchdog.reason
    chain = list(_chain(fault))
    _log.debug("exchange with %s failed: %s", name, [type(link).__name__ for link in chain])
    ours = next((link for link in chain if isinstance(link, ImageTo3DError)), None)
    if ours is not None:
        return ours
    if watchdog.connected:
        if any(isinstance(link, TimeoutError | requests.Timeout) for link in chain):
            seconds = f"{watchdog.timeouts.read:g}"
            return ConnectionLostError("{host} did not answer within {seconds} seconds.", host=name, seconds=seconds)
        return ConnectionLostError("The connection to {host} broke.", host=name)
    tls = [link for link in chain if isinstance(link, ssl.SSLError) and not isinstance(link, ssl.SSLEOFError)]
    # Older versions of urllib3 have their own error for a wrong host name.
    if tls or any(type(link).__name__ == "CertificateError" for link in chain):
        verification = next((link for link in tls if isinstance(link, ssl.SSLCertVerificationError)), None)
        if verification is None:
            return CertificateError("No secure connection to {host} is possible.", host=name)
        return CertificateError(
            "No secure connection to {host} is possible: {reason}.",
            host=name,
            reason=one_line(verification.verify_message, 80),
        )
    if any(isinstance(link, requests.exceptions.InvalidURL | UnicodeError) for link in chain):
        return UnsafeAddressError("{host} is not a valid address.", host=name)
    if any(isinstance(link, requests.exceptions.ProxyError | urllib3.exceptions.ProxyError) for link in chain):
        return ConnectionFailedError(
            "The proxy does not connect to {host}.", advice="Check the proxy settings.", host=name
        )
    return ConnectionFailedError("{host} can't be reached.", host=name)


def _chain(fault: BaseException) -> Iterator[BaseException]:
    """Yields an exception and all its causes; urllib3 keeps some as `reason` or among the arguments."""
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
