# SPDX-License-Identifier: GPL-3.0-or-later
"""Imitates Windows, which refuses to rename or delete a file while a program has it open."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_OPERATIONS = ("replace", "rename", "unlink", "rmdir")


def refused(path: object, code: int = 32) -> PermissionError:
    """Returns the error that Windows gives for a file that another program has open."""
    error = PermissionError(13, "The process cannot access the file", os.fspath(path))  # type: ignore[call-overload]
    error.winerror = code  # type: ignore[attr-defined]
    return error


def refuse_once(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Refuse the first rename of each name, as if a virus scanner were looking at it. Returns the names refused."""
    seen: set[str] = set()

    def wanted(path: str) -> bool:
        name = os.path.basename(path)
        return name not in seen and not seen.add(name)  # type: ignore[func-returns-value]

    _refuse(monkeypatch, wanted, ("replace", "rename"))
    return seen


def refuse_open(monkeypatch: pytest.MonkeyPatch, *opened: Path) -> None:
    """Refuse to rename or delete these files, and whatever this process has open, and the folders they are in."""

    def wanted(path: str) -> bool:
        files = [*map(str, opened), *_open_here()]
        return any(file == path or file.startswith(path + os.sep) for file in files)

    _refuse(monkeypatch, wanted, _OPERATIONS)


def refuse_other_drive(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Refuse to move anything out of a folder by renaming it, as if it were on a drive of its own."""
    real = os.replace

    def replace(source: Any, target: Any) -> None:
        if Path(source).is_relative_to(folder) and not Path(target).is_relative_to(folder):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)


def _open_here() -> Iterator[str]:
    for descriptor in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            yield os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            continue


def _refuse(monkeypatch: pytest.MonkeyPatch, wanted: Callable[[str], bool], names: tuple[str, ...]) -> None:
    for name in names:
        real = getattr(os, name)

        def guarded(path: Any, *others: Any, real: Callable[..., None] = real, **options: Any) -> None:
            if any(wanted(os.path.abspath(os.fspath(each))) for each in (path, *others[:1])):
                raise refused(path)
            real(path, *others, **options)

        monkeypatch.setattr(os, name, guarded)
