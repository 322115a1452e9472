# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are in no file yet: written to a folder of ours by a thread, until a job has its copy.

The caller hands over memory and goes on. Whoever reads a spooled file waits for its writer first.
"""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from ..atomic_file import make_private
from ..errors import ImageError, StorageError, one_line
from ..formats.pixel_dump import SUFFIX
from .job import new_id

_log = logging.getLogger(__name__)

FOLDER_NAME: Final = "spool"
KEEP_DAYS: Final = 30
"""What no job fetched until then is deleted: its batch was cancelled, or Blender ended."""
MAX_PENDING: Final = 1 << 30
"""Bytes in memory that may wait for their writing; `add` blocks beyond."""
_MAX_NAME: Final = 60
_NOT_IN_NAMES: Final = re.compile(r"[^\w\- ]+")
_DEVICE: Final = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.I)
"""On Windows, these are no files."""

Chunk = bytes | memoryview

_pool = ThreadPoolExecutor(1, "spool")
_writing: dict[Path, tuple[Future[None], int]] = {}
"""By path: the running or waiting writer, and its bytes in memory."""
_lock = threading.Lock()
_cleaned: set[Path] = set()


def add(folder: Path, name: str, suffix: str, head: bytes, chunks: Callable[[], Iterable[Chunk]], size: int) -> Path:
    """Start writing an image to a new file in `folder`. Returns its path. Raises StorageError.

    `head`: the file's beginning, written at once. `chunks`: called in a thread, returns the rest. `size`: bytes that
    it keeps in memory.
    """
    path = folder / new_id() / f"{file_stem(name)}{suffix}"
    _wait_for_memory(size)
    try:
        make_folder(path.parent)
        path.write_bytes(head)
    except OSError as error:
        raise StorageError("The image can't be stored: {reason}.", cause=error) from error
    clean_up_once(folder)
    with _lock:
        _writing[path] = (_pool.submit(_append, path, chunks), size)
    return path


def file_stem(name: str) -> str:
    """Returns the name as a file's name without suffix, on any system."""
    stem = _NOT_IN_NAMES.sub("_", name)[:_MAX_NAME].strip()
    return "image" if not stem or _DEVICE.fullmatch(stem) else stem


def make_folder(path: Path) -> None:
    """Create a folder for disposable files, and those above it, private to the artist. Raises OSError."""
    make_private(path.parent)
    make_private(path)


def _append(path: Path, chunks: Callable[[], Iterable[Chunk]]) -> None:
    with path.open("ab") as file:
        for chunk in chunks():
            file.write(chunk)


def _wait_for_memory(size: int) -> None:
    with _lock:
        pending = [(path, each[1]) for path, each in _writing.items() if not each[0].done()]
    while pending and sum(each for _, each in pending) + size > MAX_PENDING:
        with contextlib.suppress(ImageError):  # reported where it is read
            wait(pending.pop(0)[0])


def wait(path: Path) -> None:
    """Wait until a file is written, if it is a spooled one. Raises ImageError if it can't be."""
    with _lock:
        found = _writing.get(path)
    if found is None:
        return
    try:
        found[0].result()
    except (OSError, MemoryError) as error:
        raise ImageError("The image can't be stored: {reason}.", reason=one_line(error)) from error


def discard(path: Path) -> None:
    """Delete a spooled file, which a job has copied. Any other file is left alone."""
    with _lock:
        found = _writing.pop(path, None)
    is_ours = found is not None or (path.parent.parent.name == FOLDER_NAME and path.suffix == SUFFIX)
    if is_ours:
        with contextlib.suppress(OSError):
            path.unlink()
            path.parent.rmdir()


def clean_up_once(folder: Path, days: float = KEEP_DAYS) -> None:
    """Call `clean_up` in a thread, unless this Blender has done so."""
    if folder not in _cleaned:
        _cleaned.add(folder)
        _pool.submit(clean_up, folder, days)


def clean_up(folder: Path, days: float = KEEP_DAYS) -> None:
    """Delete what is older than this in the spool's folder, or in another folder of ours with disposable files."""
    limit = time.time() - days * 86400
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            if entry.lstat().st_mtime < limit:
                _log.info("%s is deleted: nothing used it for %d days", entry.name, days)
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink()
