# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic file write: after a crash or power failure, the file has its old or its new content, never a part."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def atomic_write(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, fsync it, and rename it. Raises OSError."""
    temporary = path.with_name(f"~{os.getpid()}-{path.name}")  # two processes may write the same file at once
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
