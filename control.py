# SPDX-License-Identifier: GPL-3.0-or-later
"""How a long operation reports its progress and learns that it was cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .errors import CancelledError


@dataclass(frozen=True, slots=True)
class Control:
    """Passed to operations that take long. Safe to use from any thread.

    `cancelled`: whether the operation is to stop. `report`: takes the finished fraction, 0 to 1.
    """

    cancelled: Callable[[], bool] = lambda: False
    report: Callable[[float], None] = lambda _fraction: None

    def check(self) -> None:
        """Raises CancelledError if the operation is to stop."""
        if self.cancelled():
            raise CancelledError

    def sleep(self, seconds: float) -> None:
        """Wait. Raises CancelledError within a tenth of a second if the operation is to stop."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(0.1, left))

    def span(self, start: float, end: float) -> Control:
        """A control for a part of the operation, whose 0 to 1 are `start` to `end` of the whole."""
        return Control(self.cancelled, lambda fraction: self.report(start + (end - start) * fraction))


NO_CONTROL = Control()
"""Never cancelled; the progress is ignored."""
