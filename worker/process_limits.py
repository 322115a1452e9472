# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits the memory of a background Blender, and ties its life to the Blender that started it. The host's side.

Linux: the child limits itself (`child_side`), and the host watches its memory. macOS enforces no such limit, so there
the host's watching is all. Windows: a job object, which ends its processes when the host ends, however that happens.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

_log = logging.getLogger(__name__)

_GIB: Final = 1 << 30
MIN_MEMORY: Final = 3 * _GIB
"""Bytes: a model of 1.5 million triangles with 4K textures takes 1.4 GiB, an image of 50 million pixels 2.4 GiB."""
MAX_MEMORY: Final = 6 * _GIB
"""Bytes: more than twice what the largest file takes that was tried; the rest of the memory is the artist's."""
_PROCESS_MEMORY: Final = 0x100
_KILL_ON_CLOSE: Final = 0x2000
_EXTENDED_LIMITS: Final = 9
"""JobObjectExtendedLimitInformation"""
_RUSAGE_FOOTPRINT: Final = 7
"""`ri_phys_footprint` among the numbers of `rusage_info_v0`, which follow a UUID of 16 bytes."""


class _BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION"""

    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", ctypes.c_uint32),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", ctypes.c_uint32),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", ctypes.c_uint32),
        ("SchedulingClass", ctypes.c_uint32),
    )


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION; the I/O counters are not used."""

    _fields_ = (
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_uint64 * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX"""

    _fields_ = (("dwLength", ctypes.c_uint32), ("dwMemoryLoad", ctypes.c_uint32), ("sizes", ctypes.c_uint64 * 7))


def default_memory_limit() -> int:
    """Returns how many bytes a background Blender may use: half of this computer's memory, within limits."""
    return min(max(_physical_memory() // 2, MIN_MEMORY), MAX_MEMORY)


def _physical_memory() -> int:
    if sys.platform == "win32":
        status = _MemoryStatus(dwLength=ctypes.sizeof(_MemoryStatus))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.sizes[0])
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def memory_of(pid: int) -> int:
    """Returns the bytes of memory that a process occupies; 0 if that is unknown. Cheap."""
    if sys.platform == "darwin":
        numbers = (ctypes.c_uint64 * 64)()
        library = ctypes.CDLL("/usr/lib/libproc.dylib")
        failed = library.proc_pid_rusage(pid, 0, ctypes.byref(numbers))
        return 0 if failed else int(numbers[2 + _RUSAGE_FOOTPRINT])
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def process_exists(pid: int) -> bool:
    """Whether there is a process with this id."""
    if sys.platform == "win32":
        kernel = _kernel32()
        handle = kernel.OpenProcess(0x100000, False, pid)  # SYNCHRONIZE
        if not handle:
            return bool(ctypes.get_last_error() == 5)  # access denied: it exists
        running = kernel.WaitForSingleObject(handle, 0) == 0x102  # WAIT_TIMEOUT
        kernel.CloseHandle(handle)
        return bool(running)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


class KillOnClose:
    """A Windows job object around a process: a memory limit, and an end with the host. Elsewhere it does nothing."""

    def __init__(self, process: subprocess.Popen[bytes], memory_limit: int) -> None:
        self._handle: int | None = None
        if sys.platform != "win32":
            return
        kernel = _kernel32()
        self._handle = kernel.CreateJobObjectW(None, None)
        limits = ExtendedLimits(ProcessMemoryLimit=memory_limit)
        limits.BasicLimitInformation.LimitFlags = _PROCESS_MEMORY | _KILL_ON_CLOSE
        size = ctypes.sizeof(limits)
        done = self._handle and kernel.SetInformationJobObject(
            self._handle, _EXTENDED_LIMITS, ctypes.byref(limits), size
        )
        if not (done and kernel.AssignProcessToJobObject(self._handle, int(process._handle))):
            _log.warning("the background Blender has no memory limit: error %d", ctypes.get_last_error())

    def close(self) -> None:
        """End the process, if it still runs."""
        handle, self._handle = self._handle, None
        if sys.platform == "win32" and handle:
            _kernel32().CloseHandle(handle)


def _kernel32() -> Any:
    """Returns Windows' kernel32 with handles as pointers, which are wider than C's int."""
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    handle = ctypes.c_void_p
    kernel.CreateJobObjectW.restype = kernel.OpenProcess.restype = handle
    kernel.CreateJobObjectW.argtypes = (handle, ctypes.c_wchar_p)
    kernel.OpenProcess.argtypes = (ctypes.c_uint32, ctypes.c_int, ctypes.c_uint32)
    kernel.SetInformationJobObject.argtypes = (handle, ctypes.c_int, handle, ctypes.c_uint32)
    kernel.AssignProcessToJobObject.argtypes = (handle, handle)
    kernel.WaitForSingleObject.argtypes = (handle, ctypes.c_uint32)
    kernel.CloseHandle.argtypes = (handle,)
    return kernel
