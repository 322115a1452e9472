# SPDX-License-Identifier: GPL-3.0-or-later
"""File locks of the operating system: a mutex across processes, which the OS releases when its process exits."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Final

_HELD: Final = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})
"""What the OS reports for a lock that somebody else holds."""

if sys.platform == "win32":
    import msvcrt

    def _acquire(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _acquire(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def acquire(descriptor: int) -> bool:
    """Acquire a lock. Returns whether it was free. Raises OSError if such files can't be locked."""
    try:
        _acquire(descriptor)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


def close(descriptor: int) -> None:
    """Unlock and close. Windows releases the lock of a file that is only closed at some later time."""
    with contextlib.suppress(OSError):  # it was not locked
        _unlock(descriptor)
    os.close(descriptor)
