# SPDX-License-Identifier: GPL-3.0-or-later
"""Where this Blender's data folder is (see data_folder for the system's own places)."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

import bpy

from .. import store_build
from ..data_folder import OWN_NAME, VARIABLE, default_folder

_used: Path | None = None


def use(folder: Path | None) -> None:
    """Use this data folder from now on, in this process; None: the usual one."""
    global _used
    _used = folder
    data_folder.cache_clear()


@functools.cache
def data_folder() -> Path:
    """Returns the folder of the journal and, by default, the results. It is created when the first job is started.

    All Blenders of a user share it, except portable ones, and those whose user folder is set by the environment.
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser().absolute() / OWN_NAME
    if _used is not None:
        return _used
    user, program = Path(bpy.utils.resource_path("USER")), Path(bpy.app.binary_path)
    program_folder = program.parents[1] if sys.platform == "darwin" and program.parts else program.parent
    if os.environ.get("BLENDER_USER_RESOURCES") or (program.parts and user.is_relative_to(program_folder)):
        return user / OWN_NAME
    in_store = bool(store_build.package_family(bpy.app.binary_path))
    return Path(default_folder(sys.platform, os.environ, str(Path.home()), store_build=in_store))
