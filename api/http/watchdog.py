# SPDX-License-Identifier: GPL-3.0-or-later
"""A watch over one HTTP exchange: cuts its connection when it is to end, from outside the thread that waits."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ...errors import CancelledError, ConnectionLostError, ImageTo3DError

TICK: Final = 0.1
"""Seconds between two looks."""

Allowed = Callable[[str, str], bool]
"""Judges (host name, IP address)."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for what, in seconds."""

    connect: float = 10.0
    read: float = 60.0
    """For the next bytes of the answer."""
    send: float = 60.0
    """For the whole request to go out."""
    total: float | None = 180.0
    """For the whole exchange once connected; None: as long as bytes come."""


class Watchdog:
    """Looks on at one exchange and cuts its connection when it is to end.

    `connected` tells whether anything can have been sent.
    """

    def __init__(self, timeouts: Timeouts, cancelled: Callable[[], bool] | None, allowed: Allowed | None) -> None:
        self.timeouts = timeouts
        self.allowed = allowed
        self.connected = False
        self.why: ImageTo3DError | None = None
        self._cancelled = cancelled
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._alive = time.monotonic()
        self._ends: float | None = self._alive + 3 * timeouts.connect  # To find, to connect and to set up TLS.

    def __enter__(self) -> Watchdog:
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
        self._ends = None if self.timeouts.total is None else self._alive + self.timeouts.total
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
        while not self._over.wait(TICK):
            now = time.monotonic()
            if self._cancelled is not None and self._cancelled():
                self.end(CancelledError("Cancelled."))
            elif self._ends is not None and now > self._ends:
                self.end(ConnectionLostError("The server took too long to answer."))
            elif self.connected and now - self._alive > self.timeouts.send + self.timeouts.read:
                self.end(ConnectionLostError("The server went silent."))
