# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender from the Microsoft Store (an MSIX package): how to start it, and where its files really are.

Microsoft documents both in "Understanding how packaged desktop apps run on Windows": the program's own file is started
by its app execution alias, and what it writes below AppData is redirected to the package's folder, where only the
package itself sees it under the original path.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import PureWindowsPath
from typing import Final

_PACKAGE: Final = re.compile(r"(?P<name>[^_]+)_[^_]*_[^_]*_[^_]*_(?P<publisher>[^_]+)")
"""The folder of a package: name, version, architecture, resource and publisher."""
_REDIRECTED: Final = (("LOCALAPPDATA", "Local"), ("APPDATA", "Roaming"))
"""The redirected folders: their environment variables, and their names in the package's LocalCache."""


def package_family(binary: str) -> str:
    """Returns the family name of the package that Blender's executable belongs to; "" if it is in none."""
    parts = PureWindowsPath(binary).parts
    for folder, package in itertools.pairwise(parts):
        found = _PACKAGE.fullmatch(package) if folder.lower() == "windowsapps" else None
        if found:
            return f"{found['name']}_{found['publisher']}"
    return ""


def execution_alias(binary: str, environment: Mapping[str, str]) -> str:
    """Returns the path by which any process can start a Blender from the Store; "" for another Blender."""
    local = environment.get("LOCALAPPDATA", "")
    if not local or not package_family(binary):
        return ""
    return str(PureWindowsPath(local, "Microsoft", "WindowsApps", PureWindowsPath(binary).name))


def redirected(path: str, binary: str, environment: Mapping[str, str]) -> str:
    """Returns where a file below AppData really is, for other programs; the same path where nothing is redirected."""
    family, local = package_family(binary), environment.get("LOCALAPPDATA", "")
    packages = PureWindowsPath(local, "Packages")
    if not family or not local or PureWindowsPath(path).is_relative_to(packages):
        return path
    for variable, name in _REDIRECTED:
        folder = environment.get(variable, "")
        if folder and PureWindowsPath(path).is_relative_to(folder):
            return str(packages / family / "LocalCache" / name / PureWindowsPath(path).relative_to(folder))
    return path
