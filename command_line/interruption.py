# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C and SIGTERM: the first one ends a run at the next opportunity, the second one at once."""

from __future__ import annotations

import os
import signal
import time
from types import FrameType
from typing import Any, Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
ONE_SIGNAL: Final = 1.0
"""Seconds within which a repeated signal is the same one: `timeout` sends it to a process and to its group."""


class Interruption:
    """Context: while it is active, signals are noticed instead of ending the process. Main thread only."""

    def __init__(self) -> None:
        self.number = 0
        """The signal that was received; 0: none."""
        self._received_at = 0.0
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._previous[number] = signal.getsignal(number)
            signal.signal(number, self._received)
        return self

    def __exit__(self, *_: object) -> None:
        for number, previous in self._previous.items():
            # None: Blender's own handler, which Python can't set again.
            signal.signal(number, signal.SIG_DFL if previous is None else previous)

    def __bool__(self) -> bool:
        return bool(self.number)

    @property
    def exit_code(self) -> int:
        """As a shell reports a process that the signal ended."""
        return 128 + self.number

    def _received(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.number and now - self._received_at > ONE_SIGNAL:
            os._exit(128 + number)  # as if it were killed: the journal has everything
        self.number = self.number or number
        self._received_at = now
