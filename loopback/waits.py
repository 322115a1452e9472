# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job waits for in the queue of a loopback service."""

from __future__ import annotations

from typing import Final

from ..errors import Message

BEFORE: Final = Message("Waiting for the model before it")
ANOTHER_TARGET: Final = Message("This job belongs to another server than the one in the preferences.")
