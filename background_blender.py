# SPDX-License-Identifier: GPL-3.0-or-later
"""How background Blenders are started from this Blender."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    from .worker.child_process import Launch


@functools.cache
def launch() -> Launch:
    """Returns the command that starts a background Blender of the same version."""
    from .worker.child_process import Launch

    # The bpy module has no Blender executable to start, but a Python that has the module.
    return Launch.for_blender(bpy.app.binary_path) if bpy.app.binary_path else Launch.for_wheel(sys.executable)
