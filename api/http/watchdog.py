# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of one HTTP request: its timeouts, its cancellation, and how far it got.

Nothing that waits for the network waits longer than TICK without a `check`, see `sockets`. No other thread has to wake
it: closing a connection ends a waiting read on some systems, but not on Windows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
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
    """Watches one request.

    `ready`: the connection is established, with TLS if it has that. `sent`: a byte of the request has left. `reason`:
    why the request was ended. `peer`: the IP address that is connected to; "" if that is a proxy's.
    """

    def __init__(self, timeouts: Timeouts, control: Control, address_filter: AddressFilter | None) -> None:
        self.timeouts = timeouts
        self.address_filter = address_filter
        self.ready = False
        self.sent = False
        self.reason: ImageTo3DError | None = None
        self.peer = ""
        self._control = control
        self._last_activity = time.monotonic()
        # To resolve the name, to connect, and to set up TLS.
        self._deadline: float | None = self._last_activity + 3 * timeouts.connect

    def mark_ready(self) -> None:
        """The connection is established; from now on the request is sent."""
        self.touch()
        self._deadline = None if self.timeouts.total is None else self._last_activity + self.timeouts.total
        self.ready = True

    def mark_sent(self) -> None:
        """Bytes have left: those of the request if the connection is ready, else those for a proxy."""
        self.sent = self.ready

    def touch(self) -> None:
        """Bytes arrived."""
        self._last_activity = time.monotonic()

    def check(self) -> None:
        """Raises the reason to end the request, if there is one."""
        now = time.monotonic()
        if self.reason is not None:
            pass
        elif self._control.cancelled():
            self.end(CancelledError())
        elif self._deadline is not None and now > self._deadline:
            self.end(ConnectionLostError("The server took too long to answer."))
        elif self.ready and now - self._last_activity > self.timeouts.send + self.timeouts.read:
            self.end(ConnectionLostError("The server stopped sending."))
        if self.reason is not None:
            raise self.reason

    def end(self, reason: ImageTo3DError) -> None:
        """End the request at its next check, from any thread."""
        if self.reason is None:
            self.reason = reason
