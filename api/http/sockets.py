# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets that wait in short steps, so that a request can be cancelled at any moment on every operating system.

On Windows, a thread that waits in `recv` can't be woken by another one. These sockets are non-blocking: each operation
is tried at once, and waits in steps of TICK only if there is nothing to read, or no room to write. Between two steps
the watchdog of the request is asked whether to go on. To the libraries they look like blocking ones.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from .watchdog import TICK, Watchdog

_Selector: Final = getattr(selectors, "PollSelector", selectors.SelectSelector)
"""These two need no file descriptor of their own. A failed connect counts as writable for both."""

_Result = TypeVar("_Result")
_current: Any = threading.local()


def use_watchdog(watchdog: Watchdog | None) -> None:
    """Set the watchdog of this thread's request, for the sockets that are created from now on."""
    _current.watchdog = watchdog


def current_watchdog() -> Watchdog:
    """Returns the watchdog of this thread's request."""
    watchdog: Watchdog = _current.watchdog
    return watchdog


def wait_for(connection: socket.socket, event: int, watchdog: Watchdog, deadline: float | None) -> None:
    """Wait until a socket can be read or written. Raises TimeoutError, and what `Watchdog.check` raises."""
    with _Selector() as selector:
        selector.register(connection, event)
        while not selector.select(TICK):
            watchdog.check()
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError("timed out")


class _Steps(socket.socket):
    """What both kinds of sockets have in common: every operation that can block, in short steps."""

    _seconds: float | None = None
    _own_watchdog: Watchdog | None = None

    @property
    def watchdog(self) -> Watchdog:
        if self._own_watchdog is None:
            self._own_watchdog = current_watchdog()
        return self._own_watchdog

    def settimeout(self, value: float | None, /) -> None:
        """Set the timeout of each operation; the socket itself never blocks."""
        self._seconds = value
        super().settimeout(0.0)

    def gettimeout(self) -> float | None:
        return self._seconds

    def recv(self, *arguments: Any) -> bytes:
        return self._repeat(lambda: super(_Steps, self).recv(*arguments), selectors.EVENT_READ)

    def recv_into(self, *arguments: Any) -> int:
        return self._repeat(lambda: super(_Steps, self).recv_into(*arguments), selectors.EVENT_READ)

    def send(self, *arguments: Any) -> int:
        count = self._repeat(lambda: super(_Steps, self).send(*arguments), selectors.EVENT_WRITE)
        if count:
            self.watchdog.mark_sent()
        return count

    def sendall(self, data: Any, *arguments: Any) -> None:
        with memoryview(data) as view, view.cast("B") as octets:
            done = 0
            while done < len(octets):
                done += self.send(octets[done:], *arguments)

    def _repeat(self, operation: Callable[[], _Result], event: int) -> _Result:
        self.watchdog.check()
        deadline = None if self._seconds is None else time.monotonic() + self._seconds
        while True:
            try:
                return operation()
            except ssl.SSLWantReadError:
                needed = selectors.EVENT_READ
            except ssl.SSLWantWriteError:
                needed = selectors.EVENT_WRITE
            except BlockingIOError:
                needed = event
            wait_for(self, needed, self.watchdog, deadline)


class WatchedSocket(_Steps):
    """A TCP socket."""


class WatchedTLSSocket(_Steps, ssl.SSLSocket):
    """A TLS socket; `ssl.SSLContext.sslsocket_class` makes them."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            self._repeat(lambda: super(_Steps, self).do_handshake(block), selectors.EVENT_READ)
        except BaseException:
            self.close()
            raise
