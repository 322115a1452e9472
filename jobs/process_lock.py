# SPDX-License-Identifier: GPL-3.0-or-later
"""File locks: a mutex across processes, and a lock that shows whether the Blender that owns a job is alive.

The OS releases a lock whenever the process exits, so PID reuse, clock changes and suspend don't matter. On a network
drive a lock may hold on one computer only, or not at all. So each process also sends a heartbeat, and one that is not
known to have exited counts as dead only after its heartbeat was seen to stop.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..atomic_file import make_private
from ..errors import StorageError
from ..file_lock import acquire, close

HEARTBEAT_INTERVAL: Final = 10.0
HEARTBEAT_TIMEOUT: Final = 60.0
"""Seconds without a heartbeat after which a process counts as dead. Measured by the clock of the process that looks."""

if sys.platform == "win32":
    import ctypes

    def _process_exists(pid: int) -> bool:
        query, still_active = 0x1000, 259  # PROCESS_QUERY_LIMITED_INFORMATION, STILL_ACTIVE
        handle = ctypes.windll.kernel32.OpenProcess(query, False, pid)
        if not handle:
            return bool(ctypes.windll.kernel32.GetLastError() == 5)  # ERROR_ACCESS_DENIED: somebody else's
        code = ctypes.c_ulong()
        ctypes.windll.kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
        ctypes.windll.kernel32.CloseHandle(handle)
        return code.value == still_active
else:

    def _process_exists(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # somebody else's
            return True
        return True


def _lock(descriptor: int, folder: Path) -> bool:
    """Acquire a lock. Returns whether it was free. Raises StorageError if files can't be locked in that folder."""
    try:
        return acquire(descriptor)
    except OSError as error:
        raise StorageError(
            "Files can't be locked in {folder} ({reason}), so a job could be paid for twice.",
            advice="Let your administrator enable file locking on that drive, or keep the add-on's data on this "
            "computer: set the environment variable IMAGE_TO_3D_DATA to a local folder.",
            folder=str(folder),
            cause=error,
        ) from error


def _locks_work(probe: Path) -> bool:
    """Whether a lock in that folder keeps others on this computer out."""
    descriptors: list[int] = []
    try:
        descriptors += [os.open(probe, os.O_RDWR | os.O_CREAT, 0o600) for _ in range(2)]
        return _lock(descriptors[0], probe.parent) and not _lock(descriptors[1], probe.parent)
    finally:
        for descriptor in descriptors:
            close(descriptor)
        with contextlib.suppress(OSError):
            probe.unlink()


@contextlib.contextmanager
def exclusive(path: Path, timeout: float) -> Iterator[None]:
    """Hold an exclusive lock across processes. Raises TimeoutError after `timeout` seconds, OSError, StorageError."""
    deadline = time.monotonic() + timeout
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _lock(descriptor, path.parent):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path.name} stays locked by another Blender")
            time.sleep(0.02)
        yield
    finally:
        close(descriptor)


def this_computer() -> str:
    """Returns an identifier of this computer: its name, and its machine id or network hardware (names repeat)."""
    machine = ""
    with contextlib.suppress(OSError):
        machine = Path("/etc/machine-id").read_text("utf-8").strip()
    node = uuid.getnode()
    if not machine and not node >> 40 & 1:  # that bit marks a random number: no hardware was found
        machine = str(node)
    return hashlib.sha256(f"{platform.node()} {machine}".encode()).hexdigest()[:12]


class ProcessLock:
    """The lock and the heartbeat of this process. `token` is its name. Raises OSError, StorageError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_private(folder)
        self._computer = this_computer()
        self.token = f"{os.getpid()}-{uuid.uuid4().hex[:12]}-{self._computer}"
        self._locks_work = _locks_work(folder / f"~{self.token}")
        self._heartbeats: dict[str, tuple[int, float]] = {}
        """By token: the last heartbeat that was seen, and when (monotonic)."""
        self._released = threading.Event()
        self._descriptor = os.open(self._file(self.token), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _lock(self._descriptor, folder):
                raise OSError("a new process lock could not be acquired")
        except (OSError, StorageError):
            os.close(self._descriptor)
            raise
        threading.Thread(target=self._send_heartbeats, name="image_to_3d heartbeat", daemon=True).start()

    def _file(self, token: str) -> Path:
        return self._folder / f"{token}.lock"

    def _send_heartbeats(self) -> None:
        while not self._released.wait(HEARTBEAT_INTERVAL):
            with contextlib.suppress(OSError):  # the drive may be back at the next one
                os.utime(self._file(self.token))

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
        dead = False
        try:
            dead = _lock(descriptor, self._folder) and self._stopped(token, os.fstat(descriptor).st_mtime_ns)
            yield dead
        finally:
            close(descriptor)
        if dead:
            with contextlib.suppress(OSError):  # only now: Windows deletes no file that is open
                path.unlink()

    def _stopped(self, token: str, heartbeat: int) -> bool:
        """Whether a process whose lock is free has exited, as its computer says, or its heartbeat has stopped."""
        if token == self.token:
            return False
        pid, _, rest = token.partition("-")
        computer = rest.partition("-")[2]  # empty for version 0.1.0, which sent no heartbeats
        if not computer:
            return True
        if computer == self._computer and (self._locks_work or (pid.isdecimal() and not _process_exists(int(pid)))):
            return (
                True  # in a sandbox (Flatpak, a container) another process may have that id, so the lock counts first
            )
        last, since = self._heartbeats.get(token, (0, 0.0))
        if heartbeat != last:
            self._heartbeats[token] = (heartbeat, time.monotonic())
            return False
        return time.monotonic() - since > HEARTBEAT_TIMEOUT

    def release(self) -> None:
        """Release the lock: other processes may take over this one's unfinished jobs at once."""
        self._released.set()
        with contextlib.suppress(OSError):
            close(self._descriptor)
        with contextlib.suppress(OSError):
            self._file(self.token).unlink()
