# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Blender a job belongs to, and whether that Blender still lives.

Each running queue holds a lock on a file of its own. The system lets go of it when the process ends,
however it ends, so neither a reused process id, nor a changed clock, nor a night's sleep can deceive.
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

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


@contextlib.contextmanager
def exclusive(path: Path, seconds: float) -> Iterator[None]:
    """Nobody else is in here at the same time, in any process. Raises TimeoutError after `seconds`, OSError."""
    until = time.monotonic() + seconds
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _lock(descriptor):
            if time.monotonic() > until:
                raise TimeoutError(f"{path.name} stays locked by another Blender")
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


class ProcessLock:
    """This queue's sign of life. Raises OSError where the folder can't be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.token = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._descriptor = os.open(self._file(self.token), os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(self._descriptor):
            os.close(self._descriptor)
            raise OSError("a new owner's file could not be locked")

    def _file(self, token: str) -> Path:
        return self._folder / f"{token}.lock"

    @contextlib.contextmanager
    def claim_dead(self, token: str) -> Iterator[bool]:
        """Whether that owner is dead. While inside with True, no other process can take over from it."""
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
        """Leave in good order: what is left unfinished may be taken over at once."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        with contextlib.suppress(OSError):
            self._file(self.token).unlink()
