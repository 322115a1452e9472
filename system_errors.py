# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the operating system refused a file operation, in words that name the likely cause on that system."""

from __future__ import annotations

import errno
import sys
from typing import Final

_IN_USE: Final = frozenset({errno.EBUSY})
_IN_USE_WINDOWS: Final = frozenset({5, 32, 33})
"""ERROR_ACCESS_DENIED (also for a file that is being deleted), ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION."""
_CLOUD_WINDOWS: Final = range(358, 405)
"""ERROR_CLOUD_FILE_…"""

_CLOUD: Final = "it is not on this computer, and OneDrive, iCloud or the like can't bring it now"
_OPEN: Final = "another program has it open"
_CONTROLLED: Final = "Windows denies it, perhaps by Controlled folder access in Windows Security"
_OPEN_OR_CONTROLLED: Final = (
    "another program has it open, or Windows denies it, perhaps by Controlled folder access in Windows Security"
)
_PRIVACY: Final = "macOS denies it, perhaps under Privacy & Security › Files and Folders in the System Settings"


def is_in_use(error: OSError) -> bool:
    """Whether another program, such as a virus scanner or a sync client, has the file open: that passes."""
    return getattr(error, "winerror", None) in _IN_USE_WINDOWS or error.errno in _IN_USE


def reason_of(error: OSError, system: str = sys.platform, *, writing: bool = False) -> str:
    """Returns why the system refused to read or write. `system`: as in `sys.platform`."""
    code = getattr(error, "winerror", None)
    if code in {32, 33} or error.errno in _IN_USE:
        return _OPEN
    if system == "win32":
        if code in _CLOUD_WINDOWS or (error.errno == errno.EINVAL and not writing):
            return _CLOUD
        # Controlled folder access refuses to create a file by saying that it does not exist.
        if writing and isinstance(error, PermissionError | FileNotFoundError):
            return _OPEN_OR_CONTROLLED if code == 5 else _CONTROLLED
    if system == "darwin":
        if error.errno in {errno.EDEADLK, errno.ETIMEDOUT}:
            return _CLOUD
        if error.errno == errno.EPERM:
            return _PRIVACY
    return error.strerror or str(error)
