# SPDX-License-Identifier: GPL-3.0-or-later
"""Startup script for developers: enables the linked extension, and adds an operator that reloads it.

`make dev` links it into Blender's scripts/startup folder. It is not part of the extension.
"""

from __future__ import annotations

import sys

import addon_utils
import bpy

PACKAGE = "bl_ext.user_default.image_to_3d"
UNREGISTER_GRACE = 1.0
"""Seconds between unregistering and loading again: Blender removes a modal operator only a moment later."""


class IMAGE_TO_3D_DEV_OT_reload(bpy.types.Operator):
    """Disable Image to 3D, forget its modules, and enable it again. Running jobs continue"""

    bl_idname = "image_to_3d_dev.reload"
    bl_label = "Reload Image to 3D"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        addon_utils.disable(PACKAGE)
        bpy.app.timers.register(_load_again, first_interval=UNREGISTER_GRACE)
        return {"FINISHED"}


def _load_again() -> None:
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]
    addon_utils.enable(PACKAGE)
    print(f"{PACKAGE} was reloaded")


def _enable() -> None:
    if PACKAGE not in bpy.context.preferences.addons:
        addon_utils.enable(PACKAGE, default_set=True)


def _draw(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.operator(IMAGE_TO_3D_DEV_OT_reload.bl_idname, icon="FILE_REFRESH")


def register() -> None:
    bpy.utils.register_class(IMAGE_TO_3D_DEV_OT_reload)
    bpy.types.TOPBAR_MT_blender_system.append(_draw)
    bpy.app.timers.register(_enable, first_interval=0.1)


def unregister() -> None:
    bpy.types.TOPBAR_MT_blender_system.remove(_draw)
    bpy.utils.unregister_class(IMAGE_TO_3D_DEV_OT_reload)
