# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens TCP connections that can be cancelled at any moment, and only to allowed addresses (SSRF protection).

Why there is an address filter: result links come from the service's reply, thus from somebody else. Without a filter,
a hostile or compromised service could name a link such as http://192.168.1.1/… or a cloud's metadata address, and
make the artist's computer send requests into its own network (server-side request forgery, SSRF). A host name can
resolve to such an address, or change between a check and the connection (DNS rebinding), so the filter judges the IP
address that is connected to, right here.
"""

from __future__ import annotations

import errno
import itertools
import selectors
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, Final, TypeVar

from ...errors import ConnectionFailedError, Message, UnsafeAddressError, one_line
from .socket_errors import reason_of
from .sockets import WatchedSocket, wait_for
from .watchdog import TICK, Watchdog

_Result = TypeVar("_Result")
_IN_PROGRESS: Final = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY, 10035, 10036, 10037})
"""What `connect_ex` returns if the connection is being made; the last ones are Windows'."""


def open_connection(host: str, port: int, watchdog: Watchdog) -> socket.socket:
    """Connect to the first address of a host that is allowed and answers. Raises ImageTo3DError only."""
    host = host.strip("[]")
    deadline = time.monotonic() + watchdog.timeouts.connect
    found = resolve(host, port, watchdog, deadline)
    allowed = [a for a in found if watchdog.address_filter is None or watchdog.address_filter(host, str(a[4][0]))]
    if not allowed:
        raise address_not_allowed(host)
    last: OSError = TimeoutError()
    for number, (family, kind, protocol, _, address) in enumerate(_interleaved(allowed)):
        # Each address gets its share of the time, so that one that does not answer leaves some to the next.
        now = time.monotonic()
        share = max(deadline - now, 0.0) / (len(allowed) - number)
        try:
            return _connect(WatchedSocket(family, kind, protocol), address, watchdog, now + share)
        except OSError as error:
            last = error
    raise ConnectionFailedError(
        "{host} can't be reached: {reason}.", host=one_line(host, 80), reason=Message(reason_of(last))
    ) from last


def _interleaved(found: list[Any]) -> list[Any]:
    """Returns IPv4 and IPv6 addresses in turn: if IPv6 is configured but broken, the next one works."""
    families: dict[int, list[Any]] = {}
    for entry in found:
        families.setdefault(entry[0], []).append(entry)
    rows = itertools.zip_longest(*families.values())
    return [entry for row in rows for entry in row if entry is not None]


def resolve(host: str, port: int, watchdog: Watchdog, deadline: float) -> list[Any]:
    """Returns a host's addresses, as `socket.getaddrinfo` does. Raises ConnectionFailedError if there are none."""
    try:
        return run_watched(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), watchdog, deadline)
    except (OSError, UnicodeError) as error:
        raise ConnectionFailedError(
            "{host} can't be reached: {reason}.",
            advice="Check the network connection, and the address.",
            host=one_line(host, 80),
            reason="its name can't be resolved",
        ) from error


def run_watched(work: Callable[[], _Result], watchdog: Watchdog, deadline: float) -> _Result:
    """Returns the result of `work`, which runs in a thread: a DNS lookup can hang, and can't be interrupted.

    Raises what `work` and `Watchdog.check` raise, and TimeoutError after the deadline.
    """
    future: Future[_Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, name="image_to_3d DNS lookup", daemon=True).start()
    while not future.done() and time.monotonic() < deadline:
        wait([future], TICK)
        watchdog.check()
    return future.result(0)


def _connect(connection: WatchedSocket, address: Any, watchdog: Watchdog, deadline: float) -> WatchedSocket:
    """Returns the socket once it is connected. Raises OSError, also for one that failed at once."""
    try:
        connection.settimeout(watchdog.timeouts.connect)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = connection.connect_ex(address)
        if code in _IN_PROGRESS:
            wait_for(connection, selectors.EVENT_WRITE, watchdog, deadline)
            code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "")
        # Raises OSError if there is no connection, whatever the two codes say.
        watchdog.peer = str(connection.getpeername()[0])
    except BaseException:
        connection.close()
        raise
    return connection


def address_not_allowed(host: str) -> UnsafeAddressError:
    """Returns the error for a host that resolves only to addresses the service must not reach."""
    return UnsafeAddressError("A link leads into this computer's own network ({host}).", host=one_line(host, 80))
