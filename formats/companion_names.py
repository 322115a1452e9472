# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for the files that belong to a model: its material library and its textures.

The service, an archive or the model chose their names. Only names made here reach a file system: portable, harmless on
every system (no device names, no reserved characters, no path traversal), short, and unique in their folder.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Final

EXTENSIONS: Final = ("mtl", "png", "jpg", "jpeg", "webp", "bmp", "tga")
"""Of companions. The material library first: it must not be lost to a limit."""
MAX_LENGTH: Final = 60
_FORBIDDEN: Final = re.compile(r"[^A-Za-z0-9_-]+")
_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d|conin|conout|clock)", re.IGNORECASE)


def base_name(path: str) -> str:
    """Returns a path's last part, whichever slashes it has."""
    return PurePosixPath(path.replace("\\", "/")).name


def extension(path: str) -> str:
    """Returns the extension of a path in lower case, without the dot; "bin" if a companion can't have it."""
    found = base_name(path).rpartition(".")[2].lower()
    return found if found in EXTENSIONS else "bin"


def numbered(number: int, theirs: str, suffix: str = "") -> str:
    """Returns the name of a job's companion on the disk: part-1.png, with the suffix "-2" part-1-2.png."""
    return f"part-{number}{suffix}.{extension(theirs)}"


def safe_name(theirs: str, taken: Collection[str] = ()) -> str:
    """Returns a name that resembles `theirs`, and is none of `taken`, which are in lower case."""
    ending = extension(theirs)
    stem = _FORBIDDEN.sub("-", base_name(theirs[-1000:]).rpartition(".")[0])[: MAX_LENGTH - 10].strip("-") or "part"
    if _DEVICE.fullmatch(stem):
        stem = f"part-{stem}"
    name, number = f"{stem}.{ending}", 1
    while name.lower() in taken:
        number += 1
        name = f"{stem}-{number}.{ending}"
    return name
