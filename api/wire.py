# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange that always ends: bounded in time and memory, and given up the moment somebody says so.

Requests bounds each single read, so a server that sends a byte now and then holds a thread for ever,
and no other thread can end a read. Here a watch looks on and cuts the connection. The connection is
a fresh one each time, which makes it certain whether a request was sent or not, and its address is
judged before anything is sent to it.

Imports requests, which takes a while: import this module in worker threads only.
"""

from __future__ import annotations

import errno
import http.client
import itertools
import logging
import os
import selectors
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import requests
import requests.adapters
import requests.utils
import urllib3
import urllib3.connection
import urllib3.exceptions

from .addresses import host_of, is_loopback
from .errors import (
    CancelledError,
    CertificateError,
    ConnectionFailedError,
    ConnectionLostError,
    ImageTo3DError,
    ServiceBrokenError,
    UnsafeAddressError,
    readable,
)

_log = logging.getLogger(__name__)

CHUNK: Final = 16 * 1024
_TICK: Final = 0.1
_FAULTS: Final = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
    zlib.error,
)
"""What the layers below raise for a connection or an answer that is not as it should be."""

_REASONS: Final = {
    errno.ECONNREFUSED: "it refuses the connection",
    10061: "it refuses the connection",
    errno.ENETUNREACH: "there is no network that leads there",
    10051: "there is no network that leads there",
    errno.EHOSTUNREACH: "there is no way to it",
    10065: "there is no way to it",
}
"""Why a connection fails, by the system's number; those of Windows are its own."""

Allowed = Callable[[str, str], bool]
"""Judges (host name, IP address)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds."""

    connect: float = 10.0
    read: float = 60.0
    """For the next bytes of the answer."""
    send: float = 60.0
    """For the whole request to go out."""
    total: float | None = 180.0
    """For the whole exchange once connected; None: as long as bytes come."""


class Watch:
    """Looks on at one exchange and cuts its connection when it is to end.

    `connected` tells whether anything can have been sent.
    """

    def __init__(self, patience: Patience, cancelled: Callable[[], bool] | None, allowed: Allowed | None) -> None:
        self.patience = patience
        self.allowed = allowed
        self.connected = False
        self.why: ImageTo3DError | None = None
        self._cancelled = cancelled
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._alive = time.monotonic()
        self._ends: float | None = self._alive + 3 * patience.connect  # To find, to connect and to set up TLS.

    def __enter__(self) -> Watch:
        threading.Thread(target=self._look_on, name="image-to-3d-watch", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def hold(self, connection: socket.socket) -> None:
        """Keep a handle of one's own on a connection: TLS takes the first one away."""
        with self._lock:
            self._socket = connection.dup()

    def begin(self) -> None:
        """The connection stands; now something may be sent."""
        self._alive = time.monotonic()
        self._ends = None if self.patience.total is None else self._alive + self.patience.total
        self.connected = True

    def alive(self) -> None:
        """Something came in."""
        self._alive = time.monotonic()

    def check(self) -> None:
        """Raise the reason to end, if there is one."""
        if self.why is None and self._cancelled is not None and self._cancelled():
            self.why = CancelledError("Cancelled.")
        if self.why is not None:
            raise self.why

    def end(self, why: ImageTo3DError) -> None:
        """Cut the connection, from any thread."""
        with self._lock:
            if self.why is None:
                self.why = why
            if self._socket is not None:
                with suppress(OSError):  # Closed by the other side already.
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _look_on(self) -> None:
        while not self._over.wait(_TICK):
            now = time.monotonic()
            if self._cancelled is not None and self._cancelled():
                self.end(CancelledError("Cancelled."))
            elif self._ends is not None and now > self._ends:
                self.end(ConnectionLostError("The server took too long to answer."))
            elif self.connected and now - self._alive > self.patience.send + self.patience.read:
                self.end(ConnectionLostError("The server went silent."))


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer, its body not yet read."""

    status: int
    headers: Mapping[str, str]
    length: int | None
    """Bytes the body should have; None where that isn't said."""
    encoding: str
    """How the body is packed, though we asked for it unpacked; usually ""."""
    chunks: Iterator[bytes]
    """The body's bytes as they come in. Raises ConnectionLostError or CancelledError."""

    def whole(self, most: int) -> bytes:
        """The whole body, unpacked. Raises ServiceBrokenError if it is larger than `most` bytes."""
        parts: list[bytes] = []
        size = 0
        for piece in self.unpacked():
            size += len(piece)
            if size > most:
                raise ServiceBrokenError(f"The answer is too long (HTTP {self.status}).")
            parts.append(piece)
        return b"".join(parts)

    def unpacked(self) -> Iterator[bytes]:
        """The body in small pieces, unpacked where the server packed it in spite of us.

        Raises ServiceBrokenError where that can't be done.
        """
        if self.encoding in ("", "identity"):
            yield from self.chunks
            return
        if self.encoding not in ("gzip", "x-gzip", "deflate"):
            raise ServiceBrokenError(f'The answer is packed in an unknown way ("{readable(self.encoding, 20)}").')
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
def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    patience: Patience | None = None,
    cancelled: Callable[[], bool] | None = None,
    allowed: Allowed | None = None,
    started: Callable[[Watch], None] | None = None,
) -> Iterator[Answer]:
    """Send one request, and hand over its answer. No redirect is followed, no cookie or login is sent.

    `allowed` judges each address before it is connected to. `started` gets the watch, to end it.
    Raises ConnectionFailedError, CertificateError or UnsafeAddressError where nothing was sent;
    ConnectionLostError where something was; CancelledError.
    """
    host = host_of(url)
    if not host:
        raise UnsafeAddressError(f'"{readable(url, 80)}" is no web address.')
    watch = Watch(patience or Patience(), cancelled, allowed)
    proxies = {} if is_loopback(host) else requests.utils.get_environ_proxies(url, no_proxy=None)
    if allowed is not None and requests.utils.select_proxy(url, proxies):
        _judge_beyond_proxy(host, allowed)
        watch.allowed = None  # It would judge the proxy.
    adapter = _Adapter()
    with watch:
        if started is not None:
            started(watch)
        try:
            _present.watch = watch
            watch.check()
            prepared = requests.Request(
                method, url, headers={"Accept-Encoding": "identity", "Connection": "close", **headers}, data=body
            ).prepare()
            response = adapter.send(
                prepared,
                stream=True,
                timeout=(watch.patience.connect, watch.patience.read),
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
            raise _explained(fault, watch, host) from fault
        finally:
            _present.watch = None
        try:
            yield answer
        finally:
            response.close()
            adapter.close()


def _answer(response: requests.Response, watch: Watch, host: str) -> Answer:
    length = response.headers.get("Content-Length", "")
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    plain = length.strip()
    return Answer(
        status=response.status_code,
        headers=dict(response.headers),
        length=int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 19 and not chunked else None,
        encoding=response.headers.get("Content-Encoding", "").strip().lower(),
        chunks=_chunks(response, watch, host),
    )


def _chunks(response: requests.Response, watch: Watch, host: str) -> Iterator[bytes]:
    while True:
        watch.check()
        try:
            # Not through `iter_content`: that lets a chunked answer's length line grow without end.
            chunk = response.raw.read(CHUNK, decode_content=False)
        except _FAULTS as fault:
            raise _explained(fault, watch, host) from fault
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
                    f"The trusted certificates are not at {readable(path, 120)}.",
                    advice=f"Correct the environment variable {name}.",
                )
            return path
    return True


def _judge_beyond_proxy(host: str, allowed: Allowed) -> None:
    """A proxy connects in our stead; where this machine can look the name up, judge what it will find."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    if not any(allowed(host, str(entry[4][0])) for entry in found):
        raise _not_allowed(host)


def _not_allowed(host: str) -> UnsafeAddressError:
    return UnsafeAddressError(f"A link leads into this computer's own network ({readable(host, 80)}).")


_present: Any = threading.local()


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
        watch: Watch = _present.watch
        return _open(connection.host, connection.port, watch)

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        watch: Watch = _present.watch
        connection: Any = self
        # Until here the time to connect was the limit for everything, the sending of a picture included.
        connection.sock.settimeout(watch.patience.send)
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


def _open(host: str, port: int, watch: Watch) -> socket.socket:
    """Connect to the first address of a host that is allowed and answers. Raises our errors only."""
    host = host.strip("[]")
    ends = time.monotonic() + watch.patience.connect
    found = _look_up(host, port, watch, ends)
    suitable = [a for a in found if watch.allowed is None or watch.allowed(host, str(a[4][0]))]
    if not suitable:
        raise _not_allowed(host)
    last: OSError = TimeoutError()
    for number, (family, kind, protocol, _, address) in enumerate(_interleaved(suitable)):
        # Each gets its share of the time, so that one that is silent leaves some to the next.
        now = time.monotonic()
        share = max(ends - now, 0.0) / (len(suitable) - number)
        try:
            return _connected(socket.socket(family, kind, protocol), address, watch, now + share)
        except OSError as error:
            last = error
    reason = "it did not answer" if isinstance(last, TimeoutError) else _REASONS.get(last.errno or 0)
    reason = reason or readable(os.strerror(last.errno or 0), 60)
    raise ConnectionFailedError(f"{readable(host, 80)} can't be reached: {reason}.") from last


def _interleaved(found: list[Any]) -> list[Any]:
    """Addresses of both kinds by turns: where IPv6 is set up but broken, the next one works."""
    kinds: dict[int, list[Any]] = {}
    for entry in found:
        kinds.setdefault(entry[0], []).append(entry)
    rows = itertools.zip_longest(*kinds.values())
    return [entry for row in rows for entry in row if entry is not None]


def _look_up(host: str, port: int, watch: Watch, ends: float) -> list[Any]:
    """A host's addresses. In a thread: looking up a name can hang, and can't be broken off."""
    outcome: list[Any] = []

    def look() -> None:
        try:
            outcome.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            outcome.append(error)

    thread = threading.Thread(target=look, name="image-to-3d-lookup", daemon=True)
    thread.start()
    while thread.is_alive() and time.monotonic() < ends:
        thread.join(_TICK)
        watch.check()
    if outcome and isinstance(outcome[0], list):
        return outcome[0]
    raise ConnectionFailedError(
        f"{readable(host, 80)} can't be reached: its name was not found.",
        advice="Check the network connection, and the address.",
    )


def _connected(connection: socket.socket, address: Any, watch: Watch, ends: float) -> socket.socket:
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect_ex(address)
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_WRITE)
            while not selector.select(_TICK):
                watch.check()
                if time.monotonic() >= ends:
                    raise TimeoutError
        error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        connection.settimeout(watch.patience.connect)
        watch.hold(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _explained(fault: Exception, watch: Watch, host: str) -> ImageTo3DError:
    """One of our errors for one of theirs, in words that show no address and no internals."""
    if watch.why is not None:
        if not watch.connected and not isinstance(watch.why, CancelledError):
            return ConnectionFailedError(f"{readable(host, 80)} can't be reached: it did not answer.")
        return watch.why
    name = readable(host, 80)
    chain = list(_chain(fault))
    _log.debug("exchange with %s failed: %s", name, [type(link).__name__ for link in chain])
    ours = next((link for link in chain if isinstance(link, ImageTo3DError)), None)
    if ours is not None:
        return ours
    if watch.connected:
        if any(isinstance(link, TimeoutError | requests.Timeout) for link in chain):
            return ConnectionLostError(f"{name} did not answer within {watch.patience.read:g} seconds.")
        return ConnectionLostError(f"The connection to {name} broke.")
    tls = [link for link in chain if isinstance(link, ssl.SSLError) and not isinstance(link, ssl.SSLEOFError)]
    # An older urllib3 has its own error for the wrong host.
    if tls or any(type(link).__name__ == "CertificateError" for link in chain):
        verdict = next((link for link in tls if isinstance(link, ssl.SSLCertVerificationError)), None)
        why = f": {readable(verdict.verify_message, 80)}" if verdict is not None else ""
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
