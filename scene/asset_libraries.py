# SPDX-License-Identifier: GPL-3.0-or-later
"""The asset libraries in Blender's preferences, for showing a results folder in the Asset Browser."""

from __future__ import annotations

import os
from pathlib import Path

import bpy


def is_added(context: bpy.types.Context, folder: Path) -> bool:
    """Whether a folder is an asset library, or inside one. Reads no disk."""
    wanted = _comparable(str(folder))
    paths = [_comparable(library.path) for library in context.preferences.filepaths.asset_libraries if library.path]
    return any(wanted == path or wanted.startswith(path + os.sep) for path in paths)


def add(context: bpy.types.Context, name: str, folder: Path) -> None:
    """Add a folder to the asset libraries. Blender saves that with the preferences."""
    context.preferences.filepaths.asset_libraries.new(name=name, directory=str(folder))
    context.preferences.is_dirty = True


def _comparable(path: str) -> str:
    return os.path.normcase(os.path.normpath(path))
