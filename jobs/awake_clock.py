# SPDX-License-Identifier: GPL-3.0-or-later
"""A monotonic clock that stands still while the computer sleeps: sleep and hibernation do not count as waiting.

On Windows, `time.monotonic` goes on meanwhile. So whoever looks often (the scheduler, every few seconds) notices a gap.
"""

from __future__ import annotations

import threading
import time
from typing import Final

MAX_GAP: Final = 10.0
"""Seconds that count at most between two looks."""


class AwakeClock:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._awake = 0.0

    def now(self) -> float:
        """Returns the seconds that the computer was awake since the clock was made."""
        with self._lock:
            now = time.monotonic()
            self._awake += min(max(now - self._looked, 0.0), MAX_GAP)
            self._looked = now
            return self._awake
