# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic file write: after a crash or power failure, the file has its old or its new content, never a part.

All renames and deletions of files go through here: on Windows, a virus scanner or a sync client opens a file that was
just written, and whoever renames or deletes it meanwhile is refused.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from .system_errors import is_in_use

_WAITS: Final = tuple(0.01 * 2**n for n in range(8))
"""Seconds between two attempts; about 2.5 together."""
_Result = TypeVar("_Result")


def atomic_write(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, fsync it, and rename it. Raises OSError."""
    # Threads, processes and computers may write the same file at once.
    temporary = path.with_name(f"~{os.urandom(6).hex()}-{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def patiently(act: Callable[[], _Result]) -> _Result:
    """Do something with a file; again, for about two seconds, while another program has it open. Raises OSError."""
    for wait in _WAITS:
        try:
            return act()
        except OSError as error:
            if not is_in_use(error):
                raise
        time.sleep(wait)
    return act()


def replace(source: Path, target: Path) -> None:
    """Rename a file or folder; a file replaces the target. Raises OSError."""
    patiently(lambda: os.replace(source, target))


def delete(path: Path) -> None:
    """Delete a file, if it is there. Raises OSError."""
    patiently(lambda: path.unlink(missing_ok=True))


def make_private(folder: Path) -> None:
    """Create a folder of ours, in which nobody else on this computer can look. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # somebody else's, or on a drive without permissions
        if stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(0o700)


def make_as_private(folder: Path) -> None:
    """Create a folder that is as private as the one it is in. Raises OSError."""
    if not folder.parent.exists():
        make_as_private(folder.parent)
    private = not stat.S_IMODE(folder.parent.stat().st_mode) & 0o077
    folder.mkdir(mode=0o700 if private else 0o777, exist_ok=True)
