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
import os
import selectors
import socket
import threading
import time
from typing import Any, Final

from ...errors import ConnectionFailedError, UnsafeAddressError, one_line
from .watchdog import TICK, Watchdog

_REASONS: Final = {
    **dict.fromkeys((errno.ECONNREFUSED, 10061), "it refuses the connection"),
    **dict.fromkeys((errno.ENETUNREACH, 10051), "the network is unreachable"),
    **dict.fromkeys((errno.EHOSTUNREACH, 10065), "there is no route to it"),
}
"""By error number; those of Windows differ."""


def open_connection(host: str, port: int, watchdog: Watchdog) -> socket.socket:
    """Connect to the first address of a host that is allowed and answers. Raises ImageTo3DError only."""
    host = host.strip("[]")
    deadline = time.monotonic() + watchdog.timeouts.connect
    found = _resolve(host, port, watchdog, deadline)
    allowed = [a for a in found if watchdog.address_filter is None or watchdog.address_filter(host, str(a[4][0]))]
    if not allowed:
        raise address_not_allowed(host)
    last: OSError = TimeoutError()
    for number, (family, kind, protocol, _, address) in enumerate(_interleaved(allowed)):
        # Each address gets its share of the time, so that one that does not answer leaves some to the next.
        now = time.monotonic()
        share = max(deadline - now, 0.0) / (len(allowed) - number)
        try:
            return _connect(socket.socket(family, kind, protocol), address, watchdog, now + share)
        except OSError as error:
            last = error
    reason = "it did not answer" if isinstance(last, TimeoutError) else _REASONS.get(last.errno or 0)
    reason = reason or one_line(os.strerror(last.errno or 0), 60)
    raise ConnectionFailedError("{host} can't be reached: {reason}.", host=one_line(host, 80), reason=reason) from last


def _interleaved(found: list[Any]) -> list[Any]:
    """Returns IPv4 and IPv6 addresses in turn: if IPv6 is configured but broken, the next one works."""
    families: dict[int, list[Any]] = {}
    for entry in found:
        families.setdefault(entry[0], []).append(entry)
    rows = itertools.zip_longest(*families.values())
    return [entry for row in rows for entry in row if entry is not None]


def _resolve(host: str, port: int, watchdog: Watchdog, deadline: float) -> list[Any]:
    """Returns a host's addresses. In a thread: a DNS lookup can hang, and can't be interrupted."""
    outcome: list[Any] = []

    def resolve() -> None:
        try:
            outcome.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            outcome.append(error)

    thread = threading.Thread(target=resolve, name="image_to_3d DNS lookup", daemon=True)
    thread.start()
    while thread.is_alive() and time.monotonic() < deadline:
        thread.join(TICK)
        watchdog.check()
    if outcome and isinstance(outcome[0], list):
        return outcome[0]
    raise ConnectionFailedError(
        "{host} can't be reached: {reason}.",
        advice="Check the network connection, and the address.",
        host=one_line(host, 80),
        reason="its name can't be resolved",
    )


def _connect(connection: socket.socket, address: Any, watchdog: Watchdog, deadline: float) -> socket.socket:
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect_ex(address)
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_WRITE)
            while not selector.select(TICK):
                watchdog.check()
                if time.monotonic() >= deadline:
                    raise TimeoutError
        error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        connection.settimeout(watchdog.timeouts.connect)
        watchdog.attach(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def address_not_allowed(host: str) -> UnsafeAddressError:
    """Returns the error for a host that resolves only to addresses the service must not reach."""
    return UnsafeAddressError("A link leads into this computer's own network ({host}).", host=one_line(host, 80))
