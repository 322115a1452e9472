# SPDX-License-Identifier: GPL-3.0-or-later
"""File locks: a mutex across processes, and a lock that shows whether the Blender that owns a job is alive.

The OS releases a lock whenever the process exits, so PID reuse, clock changes and suspend don't matter.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _acquire(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _acquire(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock(descriptor: int) -> bool:
    try:
        _acquire(descriptor)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def exclusive(path: Path, timeout: float) -> Iterator[None]:
    """Hold an exclusive lock across processes. Raises TimeoutError after `timeout` seconds, OSError."""
    deadline = time.monotonic() + timeout
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _lock(descriptor):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path.name} stays locked by another Blender")
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


class ProcessLock:
    """The lock that this process holds as long as it lives. `token` is its name. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.token = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._descriptor = os.open(self._file(self.token), os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(self._descriptor):
            os.close(self._descriptor)
            raise OSError("a new process lock could not be acquired")

    def _file(self, token: str) -> Path:
        return self._folder / f"{token}.lock"

    @contextlib.contextmanager
    def claim_dead(self, token: str) -> Iterator[bool]:
        """Context: whether the process with that token is dead. If so, no other process can claim it meanwhile."""
        path = self._file(token)
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            yield token != self.token
            return
        except OSError:
            yield False
            return
        try:
            dead = _lock(descriptor)
            yield dead
            if dead:
                with contextlib.suppress(OSError):
                    path.unlink()
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Release the lock: other processes may take over this one's unfinished jobs at once."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        with contextlib.suppress(OSError):
            self._file(self.token).unlink()
