# SPDX-License-Identifier: GPL-3.0-or-later
"""A watchdog for one HTTP request: closes its connection on timeout or cancel, from outside the waiting thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ...control import Control
from ...errors import CancelledError, ConnectionLostError, ImageTo3DError

TICK: Final = 0.1
"""Seconds between two checks."""

AddressFilter = Callable[[str, str], bool]
"""Whether (host name, IP address) may be connected to."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts in seconds."""

    connect: float = 10.0
    read: float = 60.0
    """For the next bytes of the response."""
    send: float = 60.0
    """For sending the whole request."""
    total: float | None = 180.0
    """For the whole request once connected; None: as long as bytes arrive."""


class Watchdog:
    """Watches one request, as a context manager, and closes its connection when the request has to end.

    `connected`: anything may have been sent. `reason`: why the request was ended.
    """

    def __init__(self, timeouts: Timeouts, control: Control, address_filter: AddressFilter | None) -> None:
        self.timeouts = timeouts
        self.address_filter = address_filter
        self.connected = False
        self.reason: ImageTo3DError | None = None
        self._control = control
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._last_activity = time.monotonic()
        # To resolve the name, to connect, and to set up TLS.
        self._deadline: float | None = self._last_activity + 3 * timeouts.connect

    def __enter__(self) -> Watchdog:
        threading.Thread(target=self._watch, name="image_to_3d watchdog", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def attach(self, connection: socket.socket) -> None:
        """Keep a duplicate of the socket: wrapping it in TLS detaches the original."""
        with self._lock:
            self._socket = connection.dup()

    def mark_connected(self) -> None:
        """The connection is established; from now on something may be sent."""
        self.touch()
        self._deadline = None if self.timeouts.total is None else self._last_activity + self.timeouts.total
        self.connected = True

    def touch(self) -> None:
        """Bytes arrived."""
        self._last_activity = time.monotonic()

    def check(self) -> None:
        """Raises the reason to end the request, if there is one."""
        if self.reason is None and self._control.cancelled():
            self.reason = CancelledError()
        if self.reason is not None:
            raise self.reason

    def end(self, reason: ImageTo3DError) -> None:
        """Close the connection, from any thread."""
        with self._lock:
            if self.reason is None:
                self.reason = reason
            if self._socket is not None:
                with suppress(OSError):  # the other side closed it already
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _watch(self) -> None:
        while not self._finished.wait(TICK):
            now = time.monotonic()
            if self._control.cancelled():
                self.end(CancelledError())
            elif self._deadline is not None and now > self._deadline:
                self.end(ConnectionLostError("The server took too long to answer."))
            elif self.connected and now - self._last_activity > self.timeouts.send + self.timeouts.read:
                self.end(ConnectionLostError("The server stopped sending."))
