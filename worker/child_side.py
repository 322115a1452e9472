# SPDX-License-Identifier: GPL-3.0-or-later
"""The child's side of `child_process`: JSON lines on stdout, an exit when the parent closes stdin or dies, and limits.

Imports no bpy: the process is limited before it has any threads.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any, Final

LIFELINE: Final = "IMAGE_TO_3D_LIFELINE"
"""Environment variable: a pipe whose other end is open as long as the parent lives."""
MEMORY_LIMIT: Final = "IMAGE_TO_3D_MEMORY_LIMIT"
"""Environment variable: bytes."""
_NOT_DATA: Final = 1 << 30
"""Bytes that the stacks of many threads reserve without using them."""
_NO_NEW_PRIVILEGES: Final = 38
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_TCP: Final = 3
"""LANDLOCK_ACCESS_NET_BIND_TCP and LANDLOCK_ACCESS_NET_CONNECT_TCP"""


def confine_process() -> None:
    """Apply what the parent chose: die with it, use no more memory, and work in the temporary folder."""
    os.chdir(tempfile.gettempdir())  # a relative name leads nowhere else
    lifeline, memory = os.environ.pop(LIFELINE, ""), os.environ.pop(MEMORY_LIMIT, "")
    if sys.platform == "win32":
        return  # there it is in a job object
    if memory:
        import resource

        with contextlib.suppress(OSError, ValueError):
            _, most = resource.getrlimit(resource.RLIMIT_DATA)
            limit = int(memory) + _NOT_DATA
            resource.setrlimit(resource.RLIMIT_DATA, (limit if most < 0 else min(limit, most), most))
    if lifeline:
        try:
            _die_with_parent(int(lifeline))
        except OSError as error:  # what starts Blender may close what it does not know
            sys.stderr.write(f"This process ends with its parent only when it reads: {error}\n")


def _die_with_parent(lifeline: int) -> None:
    """Exit when the pipe's other end closes, even while an importer or a regular expression holds the GIL.

    The kernel then sends SIGIO, and its handler is C's `_exit`: no Python code is needed. (Linux' parent-death signal
    belongs to the thread that started the process, and macOS has none.)
    """
    if sys.platform == "win32":
        return
    import fcntl

    if not stat.S_ISFIFO(os.fstat(lifeline).st_mode):
        raise OSError("the pipe was closed")
    library = ctypes.CDLL(None)
    library.signal.argtypes, library.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    library.signal(signal.SIGIO, ctypes.cast(library._exit, ctypes.c_void_p))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGIO})
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:
        os._exit(1)  # it was closed before


def deny_network() -> bool:
    """Deny TCP to this thread and those that it starts, in C code as well. Returns whether the kernel can (Linux 6.7).

    Uses Landlock, https://docs.kernel.org/userspace-api/landlock.html.
    """
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    handled = (ctypes.c_uint64 * 2)(0, _TCP)
    ruleset = library.syscall(_LANDLOCK_CREATE, ctypes.byref(handled), ctypes.c_size_t(16), 0)
    if ruleset < 0:
        return False
    library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    denied = library.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return bool(denied)


class JsonStdout:
    """Our stdout: call it with a message. What Blender and its add-ons print goes to stderr instead."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._pipe: IO[bytes] = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)

    def __call__(self, message: Mapping[str, Any]) -> None:
        self._pipe.write(json.dumps(message).encode() + b"\n")


def read_stdin(handle: Callable[[bytes], None]) -> None:
    """Call `handle` with each line of stdin, in a thread. Exit the process when stdin closes, whatever it is doing."""

    def read() -> None:
        with contextlib.suppress(OSError):
            while line := sys.stdin.buffer.readline():
                handle(line)
        os._exit(0)

    threading.Thread(target=read, name="stdin", daemon=True).start()


def lower_priority() -> None:
    """Run at low CPU priority, and let the OOM killer pick this process first."""
    if sys.platform == "win32":
        return  # its priority was set when it was started
    with contextlib.suppress(OSError):
        os.nice(5)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("800")
