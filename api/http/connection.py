# SPDX-License-Identifier: GPL-3.0-or-later
"""Open a connection that can be given up at any moment, and only to an address that is allowed."""

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
    errno.ECONNREFUSED: "it refuses the connection",
    10061: "it refuses the connection",
    errno.ENETUNREACH: "there is no network that leads there",
    10051: "there is no network that leads there",
    errno.EHOSTUNREACH: "there is no way to it",
    10065: "there is no way to it",
}
"""Why a connection fails, by the system's number; those of Windows are its own."""


def open_connection(host: str, port: int, watch: Watchdog) -> socket.socket:
    """Connect to the first address of a host that is allowed and answers. Raises our errors only."""
    host = host.strip("[]")
    ends = time.monotonic() + watch.timeouts.connect
    found = _look_up(host, port, watch, ends)
    suitable = [a for a in found if watch.allowed is None or watch.allowed(host, str(a[4][0]))]
    if not suitable:
        raise not_allowed(host)
    last: OSError = TimeoutError()
    for number, (family, kind, protocol, _, address) in enumerate(_interleaved(suitable)):
        # Each gets its share of the time, so that one that is silent leaves some to the next.
        now = time.monotonic()
        share = max(ends - now, 0.0) / (len(suitable) - number)
        try:
            return _connected(socket.socket(family, kind, protocol), address, watch, now + share)
        except OSError as error:
            last = error
    message_of = "it did not answer" if isinstance(last, TimeoutError) else _REASONS.get(last.errno or 0)
    message_of = message_of or one_line(os.strerror(last.errno or 0), 60)
    raise ConnectionFailedError(f"{one_line(host, 80)} can't be reached: {message_of}.") from last


def _interleaved(found: list[Any]) -> list[Any]:
    """Addresses of both kinds by turns: where IPv6 is set up but broken, the next one works."""
    kinds: dict[int, list[Any]] = {}
    for entry in found:
        kinds.setdefault(entry[0], []).append(entry)
    rows = itertools.zip_longest(*kinds.values())
    return [entry for row in rows for entry in row if entry is not None]


def _look_up(host: str, port: int, watch: Watchdog, ends: float) -> list[Any]:
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
        thread.join(TICK)
        watch.check()
    if outcome and isinstance(outcome[0], list):
        return outcome[0]
    raise ConnectionFailedError(
        f"{one_line(host, 80)} can't be reached: its name was not found.",
        advice="Check the network connection, and the address.",
    )


def _connected(connection: socket.socket, address: Any, watch: Watchdog, ends: float) -> socket.socket:
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect_ex(address)
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_WRITE)
            while not selector.select(TICK):
                watch.check()
                if time.monotonic() >= ends:
                    raise TimeoutError
        error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        connection.settimeout(watch.timeouts.connect)
        watch.hold(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def not_allowed(host: str) -> UnsafeAddressError:
    """The error for a host whose addresses are all nearer than the service may name."""
    return UnsafeAddressError(f"A link leads into this computer's own network ({one_line(host, 80)}).")
