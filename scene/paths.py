# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as they are stored in a .blend, and which of them may be looked at."""

from __future__ import annotations

import os
import re
import sys
from pathlib import PureWindowsPath
from typing import Final

import bpy

_WINDOWS_DEVICE: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.I)
_POSIX_DEVICES: Final = frozenset({"dev", "proc", "sys", "net"})
"""Folders at the root that hold no image files: devices, and hosts that are connected to when they are named."""


def absolute(text: str) -> str:
    """Returns the path for one as it is stored in a .blend (`//` is the .blend's folder), in the system's form."""
    if text.startswith("//") and sys.platform != "win32":
        text = text.replace("\\", "/")  # it was stored on Windows
    return str(bpy.path.abspath(text))


def relative(path: str, *, windows: bool = sys.platform == "win32") -> str:
    """Returns a path relative to the open .blend, in the form that can be read on each system.

    Raises ValueError if it is on another drive.
    """
    found = str(bpy.path.relpath(path))
    return found.replace("\\", "/") if windows else found


def is_local(path: str, *, windows: bool = sys.platform == "win32") -> bool:
    """Whether an absolute path is neither on another computer nor a device. Does not access it.

    On Windows, looking at a path on another computer sends that computer the artist's password hash.
    """
    if windows:
        is_device = any(_WINDOWS_DEVICE.fullmatch(part) for part in PureWindowsPath(path).parts)
        return not path.replace("/", "\\").startswith("\\\\") and not is_device
    parts = os.path.normpath(path).lstrip("/").split("/")
    return parts[0] not in _POSIX_DEVICES
