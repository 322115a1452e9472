# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the add-on's data is: the journal, and the results by default. Uninstalling the extension leaves it alone.

Paths are computed for any system, so that they can be tested on one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Final

from .errors import Action, ParameterError, one_line

VARIABLE: Final = "IMAGE_TO_3D_DATA"
"""The environment variable that names another place."""
OWN_NAME: Final = "image-to-3d"
"""Our folder in a place that is named, and on Linux."""
_NAME: Final = "Image to 3D"


def default_folder(system: str, environment: Mapping[str, str], home: str, *, store_build: bool = False) -> PurePath:
    """Returns the folder in the system's own place for the data of programs. `system`: as in `sys.platform`.

    `store_build`: Windows hides what Blender from the Microsoft Store writes below AppData from all other programs.
    """
    if system == "win32":
        folder, given = PureWindowsPath(home), PureWindowsPath(environment.get("LOCALAPPDATA", ""))
        if store_build:
            return folder / _NAME
        return (given if given.is_absolute() else folder / "AppData" / "Local") / _NAME
    if system == "darwin":
        return PurePosixPath(home, "Library", "Application Support", _NAME)
    data = PurePosixPath(environment.get("XDG_DATA_HOME", ""))
    return (data if data.is_absolute() else PurePosixPath(home, ".local", "share")) / OWN_NAME


def resolve_folder(text: str, system: str, home: str, blend_folder: str = "") -> PurePath:
    """Returns the absolute path that somebody means who enters this. Raises ParameterError if that is not clear.

    `blend_folder`: where the open file is saved; what Blender's file browser writes as "//…" is relative to it.
    """
    text = text.strip()
    kind: type[PurePath] = PureWindowsPath if system == "win32" else PurePosixPath
    if any(not character.isprintable() for character in text):
        raise _refused(text, "it has characters that no path has")
    inside = _relative_to_blend(text, system)
    if inside is not None:
        if not blend_folder:
            raise _refused(text, "it is relative to a file that is not saved")
        path = _normalized(kind(blend_folder, inside))
    elif text == "~" or text.startswith(("~/", "~\\") if system == "win32" else "~/"):
        path = kind(home, text[2:])
    else:
        path = kind(text)
    network = path.drive.startswith("\\\\")
    if network and (path.drive[2:3] in {".", "?"} or not path.drive[2:].partition("\\")[2]):
        raise _refused(text, "it names no folder on a server")
    if not path.is_absolute():
        raise _refused(text, "it is not an absolute path")
    return path


def _relative_to_blend(text: str, system: str) -> str | None:
    """Returns what follows "//" if that stands for the open file's folder; None if it does not."""
    if not text.startswith("//"):
        return None
    rest = text[2:]
    if system != "win32":
        return rest.replace("\\", "/").lstrip("/")
    # Typed with slashes, "//server/share" is a network path. Blender's file browser writes "//folder\subfolder".
    name, _, share = rest.replace("/", "\\").partition("\\")
    is_network = name not in {"", ".", ".."} and share.strip("\\") and rest[len(name)] == "/"
    return None if is_network else rest


def _normalized(path: PurePath) -> PurePath:
    """Returns the path without "..": a folder that is linked elsewhere is not looked up."""
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return type(path)(path.anchor, *parts)


def _refused(text: str, reason: str) -> ParameterError:
    return ParameterError(
        "The folder {folder} can't be used: {reason}.",
        advice="Enter a whole path, such as one that the folder button writes.",
        action=Action.OPEN_PREFERENCES,
        folder=one_line(text, 120),
        reason=reason,
    )
