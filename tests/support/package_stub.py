# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets tests import the extension's bpy-free parts as `image_to_3d.api…`, without Blender.

The extension's root `__init__.py` needs bpy, so a bare package of that name stands in for it: it
points at the same folder and runs nothing. Import this module before any of `image_to_3d`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
"""The extension's folder."""

NAME = "image_to_3d"

if NAME not in sys.modules:
    _package = ModuleType(NAME, "The extension's folder, without its root module.")
    _package.__path__ = [str(ROOT)]
    sys.modules[NAME] = _package
