# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP transport: one request that always ends, bounded in time and memory, and cancelled at any moment.

Requests bounds each single read, so a server that sends a byte now and then could block a thread forever, and no
other thread can end a read. Here a watchdog is asked in every wait (see `sockets`). Each request uses a new connection,
so it is certain whether anything was sent, and its address is checked before anything is sent to it (see `connection`).

Imports requests, which is slow: import this module in worker threads only.
"""

from __future__ import annotations

import errno
import http.client
import logging
import re
import socket
import ssl
import time
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
import urllib3.util.ssl_

from ...errors import (
    CancelledError,
    CertificateError,
    ConnectionFailedError,
    ConnectionLostError,
    ImageTo3DError,
    Message,
    ServiceBrokenError,
    UnsafeAddressError,
    one_line,
)
from .certificates import read_again, trusted_context
from .connection import address_not_allowed, open_connection, resolve, run_watched
from .proxies import PROXY_LOGIN, Proxy, proxy_for
from .sockets import WatchedTLSSocket, current_watchdog, use_watchdog
from .urls import host_of
from .watchdog import AddressFilter, Watchdog

_log = logging.getLogger(__name__)


def _without_key(record: logging.LogRecord) -> bool:
    """Whether a record of urllib3 names no URL with the API key: one request of the service's has it there."""
    return "key=" not in record.getMessage()


for _name in ("urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_without_key)

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
        if (self.length or 0) > max_bytes:
            raise self._too_long()
        for piece in self.decoded():
            body += piece
            if len(body) > max_bytes:
                raise self._too_long()
        return bytes(body)

    def _too_long(self) -> ServiceBrokenError:
        return ServiceBrokenError("The reply is too long (HTTP {status}).", status=self.status)

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
    method: str,
    url: str,
    watchdog: Watchdog,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    direct: bool = False,
) -> Iterator[Response]:
    """Send one request; the context is its response. No redirect is followed, no cookie or login is sent.

    `direct`: never through a proxy.

    Raises ConnectionFailedError (also its variant ProxyError), CertificateError or UnsafeAddressError if nothing was
    sent to the service, ConnectionLostError if something was, CancelledError.
    """
    host = host_of(url)
    if not host:
        raise UnsafeAddressError('"{url}" is not a web address.', url=one_line(url, 80))
    proxy = None if direct else _find_proxy(url, host, watchdog)
    if watchdog.address_filter is not None and proxy is not None:
        _check_host_behind_proxy(host, watchdog.address_filter, watchdog)
        watchdog.address_filter = None  # it would judge the proxy
    headers = {"Accept-Encoding": "identity", "Connection": "close", **headers}
    with closing(_Adapter(url)) as adapter:
        try:
            use_watchdog(watchdog)
            watchdog.check()
            response = adapter.send(
                requests.Request(method, url, headers=headers, data=body).prepare(),
                stream=True,
                timeout=(watchdog.timeouts.connect, watchdog.timeouts.read),
                proxies=proxy.settings if proxy else {},
            )
            watchdog.touch()
        except ConnectionFailedError as error:
            if proxy is None:
                raise
            # It is the proxy that is connected to.
            raise proxy.unreachable(str(error.message.arguments["reason"])) from error
        except (*_FAULTS, ImageTo3DError) as fault:
            raise _map_error(fault, watchdog, host, proxy) from fault
        finally:
            use_watchdog(None)
            if proxy is not None:
                watchdog.peer = ""
        with response:
            if proxy is not None and response.status_code == PROXY_LOGIN:
                raise proxy.login_required()
            yield _response(response, watchdog, host)


def _find_proxy(url: str, host: str, watchdog: Watchdog) -> Proxy | None:
    """Returns the proxy for a URL. To find exceptions from it, macOS looks the name up, which can take long."""
    try:
        return run_watched(lambda: proxy_for(url, host), watchdog, time.monotonic() + watchdog.timeouts.connect)
    except TimeoutError:
        raise ConnectionFailedError(
            "{host} can't be reached: {reason}.", host=one_line(host, 80), reason="its name can't be resolved"
        ) from None


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


def _check_host_behind_proxy(host: str, address_filter: AddressFilter, watchdog: Watchdog) -> None:
    """A proxy makes the connection: if this computer can resolve the name, check what the proxy will find."""
    try:
        found = resolve(host, 0, watchdog, time.monotonic() + watchdog.timeouts.connect)
    except ConnectionFailedError:
        return  # only the proxy knows it
    if not any(address_filter(host, str(entry[4][0])) for entry in found):
        raise address_not_allowed(host)


class _StrictResponse(http.client.HTTPResponse):
    """Refuses a chunk of negative length, which would mean "read forever"; passes over all interim responses."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        # Others than 100 would be taken for the response: 102 and 103 come from some servers and gateways.
        return version, 100 if 101 < status < 200 else status, reason

    def _read_next_chunk_size(self) -> int:
        size = int(super()._read_next_chunk_size())  # type: ignore[misc]
        if size < 0:
            raise http.client.IncompleteRead(b"")
        return size


class _PlainConnection(urllib3.connection.HTTPConnection):
    """A connection that the current watchdog watches."""

    response_class = _StrictResponse

    def _new_conn(self) -> socket.socket:
        return open_connection(self.host, self.port, current_watchdog())

    def connect(self) -> None:
        super().connect()
        # A connection that broke at the right moment is wrapped without a handshake, and would send unencrypted.
        if isinstance(self.sock, WatchedTLSSocket) and self.sock.version() is None:
            raise ConnectionAbortedError(errno.ECONNABORTED, "no TLS handshake took place")
        watchdog = current_watchdog()
        # Until here, the connect timeout applied to everything, including sending an image.
        self.sock.settimeout(watchdog.timeouts.send)
        watchdog.mark_ready()


class _SecureConnection(_PlainConnection, urllib3.connection.HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: Final = {"http": _PlainPool, "https": _SecurePool}


_TLS_CHECKS_HOST: Final = hasattr(urllib3.util.ssl_, "HAS_NEVER_CHECK_COMMON_NAME")
"""Version 1 of urllib3 always compares the host name itself, as TLS's own check fails there for IP addresses."""


class _Adapter(requests.adapters.HTTPAdapter):
    """Sends as requests does, over watched connections with our own trusted certificates."""

    def __init__(self, url: str) -> None:
        # Certificates that can't be read must not stop a request without TLS, such as one to the offline preview.
        self._secure = url.lower().startswith("https:")
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        context = _watched(trusted_context(_TLS_CHECKS_HOST)) if self._secure else None
        super().init_poolmanager(*arguments, ssl_context=context, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        # The second context is for a proxy that is itself connected to by TLS.
        contexts = {"ssl_context": trusted_context(_TLS_CHECKS_HOST), "proxy_ssl_context": trusted_context()}
        contexts = {name: _watched(context) for name, context in contexts.items()}
        manager = super().proxy_manager_for(proxy, **contexts, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def cert_verify(self, conn: Any, *_arguments: Any) -> None:
        """Requests would add certifi's certificates here, which the context has, and read them for each request."""
        conn.cert_reqs = "CERT_REQUIRED"


def _watched(context: ssl.SSLContext) -> ssl.SSLContext:
    context.sslsocket_class = WatchedTLSSocket
    return context


def _map_error(fault: Exception, watchdog: Watchdog, host: str, proxy: Proxy | None = None) -> ImageTo3DError:
    """Returns our error for an error of the libraries, without URLs or internals in its text."""
    name = one_line(host, 80)
    if watchdog.reason is not None:
        if watchdog.sent or isinstance(watchdog.reason, CancelledError):
            return watchdog.reason
        return _not_connected([], name, proxy)
    chain = list(_chain(fault))
    _log.debug("exchange with %s failed: %s", name, [type(link).__name__ for link in chain])
    if not watchdog.ready:
        return _not_connected(chain, name, proxy)
    if not watchdog.sent:
        return ConnectionFailedError("The connection to {host} broke before anything was sent.", host=name)
    ours = next((link for link in chain if isinstance(link, ImageTo3DError)), None)
    if ours is not None:
        return ours
    if any(isinstance(link, TimeoutError | requests.Timeout) for link in chain):
        seconds = f"{watchdog.timeouts.read:g}"
        return ConnectionLostError("{host} did not answer within {seconds} seconds.", host=name, seconds=seconds)
    return ConnectionLostError("The connection to {host} broke.", host=name)


def _not_connected(chain: list[BaseException], name: str, proxy: Proxy | None) -> ImageTo3DError:
    """Returns the error for a connection that was not made. `chain`: the libraries' errors; none after a timeout."""
    ours = next((link for link in chain if isinstance(link, ImageTo3DError)), None)
    if ours is not None:
        return ours
    tls = [link for link in chain if isinstance(link, ssl.SSLError) and not isinstance(link, ssl.SSLEOFError)]
    # Older versions of urllib3 have their own error for a wrong host name.
    if tls or any(type(link).__name__ == "CertificateError" for link in chain):
        read_again()
        return _certificate_error(tls, name, proxy)
    if any(isinstance(link, requests.exceptions.InvalidURL | UnicodeError) for link in chain):
        return UnsafeAddressError("{host} is not a valid address.", host=name)
    if proxy is not None:
        return proxy.no_tunnel(name, " ".join(str(link) for link in chain if isinstance(link, OSError)))
    if not chain:
        return ConnectionFailedError("{host} can't be reached: it did not answer.", host=name)
    return ConnectionFailedError("{host} can't be reached.", host=name)


def _certificate_error(tls: list[ssl.SSLError], name: str, proxy: Proxy | None) -> CertificateError:
    """Returns the error for TLS that could not be set up. Through a proxy, either of the two can be the cause."""
    verification = next((link for link in tls if isinstance(link, ssl.SSLCertVerificationError)), None)
    peer = Message("{host} through the proxy {proxy}", {"host": name, "proxy": proxy.name}) if proxy else name
    if verification is None:
        return CertificateError("No secure connection to {peer} is possible.", peer=peer)
    reason = one_line(verification.verify_message, 80)
    return CertificateError("No secure connection to {peer} is possible: {reason}.", peer=peer, reason=reason)


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
