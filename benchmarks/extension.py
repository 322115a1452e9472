# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the extension into an empty Blender for a benchmark, and says on which machine that runs."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def install(user: Path) -> None:
    """Install this folder as an extension in empty user resources, and enable it."""
    target = user / "extensions" / "user_default"
    target.mkdir(parents=True)
    (target / "image_to_3d").symlink_to(ROOT, target_is_directory=True)
    os.environ["BLENDER_USER_RESOURCES"] = str(user)
    for name in ("MODELSLAB_API_KEY", "IMAGE_TO_3D_BASE_URL"):
        os.environ.pop(name, None)
    import bpy  # first: it makes Blender's own modules importable

    addon_utils = importlib.import_module("addon_utils")
    assert addon_utils.enable("bl_ext.user_default.image_to_3d", default_set=True) is not None
    bpy.ops.wm.read_homefile(use_empty=True)


def exit_now() -> None:
    """Exit without cleanup: the bpy module can hang at exit while operators are registered."""
    sys.stdout.flush()
    os._exit(0)


def machine() -> str:
    """Returns one line about the Blender version and the hardware."""
    import bpy

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = (x for x in info.read_text().splitlines() if x.startswith("model name"))
        model = next(lines, model).partition(":")[2].strip() or model
    load = f", load {os.getloadavg()[0]:.1f} before the run" if hasattr(os, "getloadavg") else ""
    return f"Blender {bpy.app.version_string}, {os.cpu_count()} processors ({model}), {platform.system()}{load}"
