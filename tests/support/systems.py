# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test may need of the operating system, as marks: a system that lacks it skips the test."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest


def _symlinks_work() -> bool:
    """Whether this process may create symbolic links; on Windows only administrators and developers may."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            Path(folder, "link").symlink_to(folder, target_is_directory=True)
        except OSError:
            return False
    return True


needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and limits")
needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's list of processes")
needs_symlinks = pytest.mark.skipif(not _symlinks_work(), reason="needs the right to create symbolic links")
