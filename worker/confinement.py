# SPDX-License-Identifier: GPL-3.0-or-later
"""Confines what the background Blender's Python opens while it handles a file from somebody else (a sandbox).

An audit hook (PEP 578) sees what Python code opens, lists, changes, starts and connects to. While `confined`, that may
be the job's folder and our temporary folder; Blender's own files can be read. Blender's importers written in C do not
pass the hook: what they get refers to nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import bpy

from ..errors import one_line

if sys.platform != "win32":
    import fcntl

_log = logging.getLogger(__name__)

_WRITE_FLAGS: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_READS: Final = frozenset({"os.listdir", "os.scandir", "os.chdir"})
"""Audit events whose first argument is a path that is only read."""
_CHANGES: Final = {
    "os.rename": 2, "os.link": 2, "os.symlink": 2, "os.remove": 1, "os.rmdir": 1, "os.mkdir": 1, "os.truncate": 1,
    "os.chmod": 1, "os.chown": 1, "os.utime": 1, "os.setxattr": 1, "os.removexattr": 1,
}  # fmt: skip
"""Audit events that change the file system, and how many of their first arguments are paths."""
_IN_FOLDER: Final = frozenset({"os.remove", "os.rmdir"})
"""Those whose second argument may be an open folder: `shutil.rmtree` names files relative to it."""
_FORBIDDEN: Final = frozenset(
    {
        "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn",
        "os.startfile", "os.startfile/2", "pty.spawn", "sqlite3.connect", "urllib.Request", "webbrowser.open",
    }
)  # fmt: skip
_FORBIDDEN_PREFIX: Final = "socket."


class _Roots:
    """Folders, as they are named and as they are behind symbolic links."""

    def __init__(self, folders: Sequence[str]) -> None:
        names = {os.path.abspath(x) for x in folders if x}
        names |= {os.path.realpath(name) for name in names}
        self._prefixes = tuple(os.path.normcase(x) + os.sep for x in names if x != os.path.dirname(x))

    def contain(self, path: str) -> bool:
        """Whether a path leads into them. The file system is asked only once its text says so: a name of another
        computer (UNC) would be connected to."""
        lexical = os.path.abspath(path)
        return self._named(lexical) and self._named(os.path.realpath(lexical))

    def _named(self, path: str) -> bool:
        return (os.path.normcase(path) + os.sep).startswith(self._prefixes)


_readable: _Roots | None = None
"""None: not confined."""
_writable = _Roots(())
_blender = _Roots(())
"""Where libraries may be loaded from."""
_installed = False


@contextlib.contextmanager
def confined(folders: Sequence[Path]) -> Iterator[None]:
    """Context: Python code opens only files in `folders`, our temporary folder and, to read, Blender's own.

    Everything else raises PermissionError and is logged. For the background Blender only: it concerns all threads.
    """
    global _readable, _writable, _blender, _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)
    own = [str(folder) for folder in folders] + [tempfile.gettempdir()]
    _writable, _blender = _Roots(own), _Roots(_blender_folders())
    _readable = _Roots(own + _blender_folders())
    try:
        yield
    finally:
        _readable = None


def _blender_folders() -> list[str]:
    """Returns the folders with Blender's files, Python's, and ours. Not the user's: there are the preferences."""
    blender = [bpy.utils.resource_path("LOCAL"), bpy.utils.resource_path("SYSTEM"), os.path.dirname(bpy.__file__ or "")]
    package = str(Path(__file__).absolute().parent.parent)
    return [*blender, sys.prefix, sys.base_prefix, sys.exec_prefix, package]


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _readable is None:
        return
    if event == "open":
        path, _, flags = args
        _require(event, path, _writable if flags & _WRITE_FLAGS else _readable)
    elif event in _READS:
        if args[0] is not None:
            _require(event, args[0], _readable)
    elif event == "ctypes.dlopen":
        if args[0] is not None:
            _require(event, args[0] if os.path.isabs(args[0]) else "", _blender)  # the system would search for a name
    elif event in _CHANGES:
        for path in args[: _CHANGES[event]]:
            _require(event, _in_folder(path, args[1]) if event in _IN_FOLDER else path, _writable)
    elif event in _FORBIDDEN or event.startswith(_FORBIDDEN_PREFIX):
        _refuse(event, args[:2])


def _in_folder(name: Any, folder: int) -> Any:
    """Returns the path of what has this name in an open folder; the name itself if `folder` is -1."""
    if sys.platform == "win32" or folder < 0:
        return name
    if sys.platform == "darwin":
        path = fcntl.fcntl(folder, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0")
    else:
        path = os.readlink(f"/proc/self/fd/{folder}").encode()
    return os.path.join(path, os.fsencode(name))


def _require(event: str, path: Any, roots: _Roots) -> None:
    """Refuse a path outside the folders, and what is neither a file nor a folder: a pipe or device may never end."""
    if isinstance(path, int):
        return  # opened before
    name = os.fsdecode(path)
    if "\0" in name:
        return  # no file has such a name; Python refuses it itself
    if not name or not roots.contain(name):
        _refuse(event, name)
    try:
        mode = os.stat(name).st_mode
    except OSError:
        return  # there is none: whoever opens it finds out
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        _refuse(event, name)


def _refuse(event: str, what: object) -> None:
    _log.warning("refused while a file is handled: %s %s", event, one_line(what))
    raise PermissionError(f"not allowed while a file is handled: {event} {one_line(what, 120)}")
