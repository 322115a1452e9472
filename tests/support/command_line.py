# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's module in place of its executable: `command_line.py [--online-mode] --command image_to_3d ARGUMENTS…`.

The user folder with the installed extension is that of BLENDER_USER_RESOURCES. IMAGE_TO_3D_TEST_SERVICE chooses the
service in the preferences, which this process never saves.
"""

from __future__ import annotations

import importlib
import os
import sys

PACKAGE = "bl_ext.user_default.image_to_3d"


def main(arguments: list[str]) -> int:
    bpy = importlib.import_module("bpy")
    addon_utils = importlib.import_module("addon_utils")
    extension = addon_utils.enable(PACKAGE, default_set=True)
    at = arguments.index("--command")
    bpy.context.preferences.system.use_online_access = "--online-mode" in arguments[:at]
    preferences = bpy.context.preferences.addons[PACKAGE].preferences
    preferences.service = os.environ.get("IMAGE_TO_3D_TEST_SERVICE", "CUSTOM")
    assert arguments[at + 1] == "image_to_3d"
    code: int = extension.command_line.main(arguments[at + 2 :])
    print("what Blender prints at its end")
    addon_utils.disable(PACKAGE)
    return code


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # Blender's module can hang at its exit
