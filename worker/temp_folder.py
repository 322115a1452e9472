# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder for a background Blender's temporary files. The host creates it, and removes it with the process."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from .process_limits import process_exists

PREFIX: Final = "image_to_3d-"
_OURS: Final = re.compile(re.escape(PREFIX) + r"(\d+)-\w+")


def create(pid: int) -> Path:
    """Create a folder that only this user can open, for a child of process `pid`. Raises OSError.

    Also removes those that killed processes have left.
    """
    parent = Path(tempfile.gettempdir()).absolute()
    for folder in parent.glob(f"{PREFIX}*"):
        found = _OURS.fullmatch(folder.name)
        if found is not None and not folder.is_symlink() and not process_exists(int(found[1])):
            remove(folder)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{pid}-", dir=parent))


def remove(folder: Path) -> None:
    """Remove a temporary folder. What is in use stays until another Blender starts."""
    shutil.rmtree(folder, ignore_errors=True)
