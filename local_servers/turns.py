# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes turns at a server: one model at a time for all Blenders of this computer that share a data folder.

Some servers start a second model beside the first, and run out of memory.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..api.http.urls import host_of, is_loopback, origin_of
from ..control import Control
from ..file_lock import acquire, close

_log = logging.getLogger(__name__)

_PAUSE: Final = 0.05
"""Seconds between two looks."""


@contextmanager
def turn(folder: Path, address: str, control: Control, waits: Callable[[], None]) -> Iterator[None]:
    """Hold the turn at a server. `waits`: called if somebody else has it. Raises CancelledError."""
    descriptor = _open(folder, address)
    try:
        while descriptor is not None and not _acquire(descriptor):
            waits()
            control.sleep(_PAUSE)
        yield
    finally:
        if descriptor is not None:
            close(descriptor)


def _open(folder: Path, address: str) -> int | None:
    """Returns the descriptor of a server's lock file; None if there can be none, so that no turns are taken."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(folder / f"{_name(address)}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        _log.warning("no turns are taken: %s", error)
        return None


def _acquire(descriptor: int) -> bool:
    """Returns whether the turn is held. It is taken for held where files can't be locked."""
    try:
        return acquire(descriptor)
    except OSError as error:
        _log.warning("no turns are taken: %s", error)
        return True


def _name(address: str) -> str:
    """Returns a file name for a server; the same for all names of this computer."""
    origin = origin_of(address)
    server = origin.rpartition(":")[2] if is_loopback(host_of(address)) else origin
    return hashlib.sha256(server.encode()).hexdigest()[:16]
