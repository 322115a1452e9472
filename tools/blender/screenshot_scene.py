# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside windowed Blender for tools/screenshots.py: generates the models and sets up the view."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import bpy
from mathutils import Euler, Vector

PACKAGE = "bl_ext.user_default.image_to_3d"
SPACING = 1.15
"""Between two models; each is about 1 m wide."""
SHADER_SECONDS = 10.0
"""Until the models' shaders are compiled, in software OpenGL."""


def generate_models() -> None:
    """App timer, once Blender's window is open. Blocks until the models are placed."""
    pictures = Path(os.environ["PICTURES"])
    models = os.environ["MODELS"].split()
    bpy.context.preferences.addons[PACKAGE].preferences.service = "OFFLINE"
    for thing in list(bpy.data.objects):  # the startup scene's
        bpy.data.objects.remove(thing)
    bpy.ops.wm.save_as_mainfile(filepath=str(pictures / "scene.blend"))

    area = max((a for a in bpy.context.screen.areas if a.type == "VIEW_3D"), key=lambda a: a.width * a.height)
    view = area.spaces.active
    view.shading.type = "MATERIAL"
    view.overlay.show_text = view.overlay.show_cursor = view.show_gizmo_navigate = False
    view.region_3d.view_perspective = "PERSP"
    view.region_3d.view_rotation = Euler((1.25, 0.0, 0.35)).to_quaternion()
    view.region_3d.view_location = Vector((0.85, 0.0, 0.35))
    view.region_3d.view_distance = 4.3

    extension = importlib.import_module(PACKAGE)
    scene = bpy.context.scene
    for number, name in enumerate(models):
        scene.cursor.location = ((number - 0.5) * SPACING, 0.0, 0.0)
        extension.generate(pictures / f"{name}.png", wait=True)
    bpy.app.timers.register(start_another, first_interval=SHADER_SECONDS)


def start_another() -> None:
    """App timer: start the job that is still running in the screenshot, as the artist does."""
    scene = bpy.context.scene
    settings = scene.image_to_3d
    settings.image = f"//{os.environ['WAITING']}.png"
    settings.render = True  # a video takes long enough for a screenshot
    scene.cursor.location = (-1.5 * SPACING, 0.0, 0.0)
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.image_to_3d.generate("INVOKE_DEFAULT")
    settings.render = False


bpy.app.timers.register(generate_models, first_interval=2.0)
