# SPDX-License-Identifier: GPL-3.0-or-later
"""What tools/screenshots.py asks of the windowed Blender, through `call` in tests/window/inside/acts.py."""

from __future__ import annotations

import importlib
from typing import Any

import bpy
from mathutils import Euler, Vector

PACKAGE = "bl_ext.user_default.image_to_3d"
SPACING = 1.15
"""Between two models; each is about 1 m wide."""


def _view() -> bpy.types.Area:
    areas = [area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D"]
    return max(areas, key=lambda area: area.width * area.height)


def prepare(scene: str, whole_window: bool) -> None:
    """Save an empty scene, and set up Blender's interface for panels that can be cut out of a screenshot."""
    preferences = bpy.context.preferences
    preferences.system.use_region_overlap = False  # a plain background behind the panels
    preferences.view.show_tooltips = False
    for thing in list(bpy.data.objects):  # the startup scene's
        bpy.data.objects.remove(thing)
    bpy.ops.wm.save_as_mainfile(filepath=scene)
    view = _view().spaces.active
    view.shading.type = "MATERIAL" if whole_window else "WIREFRAME"  # quick to draw in software
    view.overlay.show_text = view.overlay.show_cursor = view.show_gizmo_navigate = False
    view.region_3d.view_perspective = "PERSP"
    view.region_3d.view_rotation = Euler((1.25, 0.0, 0.35)).to_quaternion()
    view.region_3d.view_location = Vector((0.85, 0.0, 0.35))
    view.region_3d.view_distance = 4.3


def change_look(theme: str, language: str) -> None:
    themes = bpy.utils.preset_paths("interface_theme")[0]
    bpy.ops.script.execute_preset(
        filepath=f"{themes}/Blender_{theme.title()}.xml", menu_idname="USERPREF_MT_interface_theme_presets"
    )
    view = bpy.context.preferences.view
    view.language = language
    view.use_translate_interface = True


def set_preferences(values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(bpy.context.preferences.addons[PACKAGE].preferences, name, value)


def choose_image(image: str) -> None:
    bpy.context.scene.image_to_3d.image = image


def generate(image: str, place: int, wait: bool = False) -> str:
    """Start a job, and wait until its model is placed if asked to. `place`: its number in the row of models."""
    bpy.context.scene.cursor.location = ((place - 0.5) * SPACING, 0.0, 0.0)
    job = importlib.import_module(PACKAGE).generate(bpy.path.abspath(image), wait=wait)
    return str(job.id)


def press_generate(place: int) -> None:
    """Start a job from the chosen image as the button does, with a placeholder."""
    scene = bpy.context.scene
    scene.cursor.location = ((place - 0.5) * SPACING, 0.0, 0.0)
    scene.image_to_3d.render = True  # other settings than those whose time is known from the jobs before
    bpy.context.preferences.system.use_region_overlap = True
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.image_to_3d.generate("INVOKE_DEFAULT")


def generate_batch(folder: str) -> None:
    importlib.import_module(PACKAGE).generate_many(bpy.path.abspath(folder), name="References")


def select_row(number: int) -> None:
    """Select a row of the job list, as a click does."""
    bpy.context.window_manager.image_to_3d_row = number


def start_tool(tool: str, name: str, settings: dict[str, Any]) -> None:
    """Start a mesh tool, as its dialog does."""
    module = importlib.import_module(f"{PACKAGE}.tool_settings")
    engine = importlib.import_module(f"{PACKAGE}.tool_engine")
    engine.start(module.Tool(tool), bpy.data.objects[name], settings)
    importlib.import_module(f"{PACKAGE}.operators.monitor").start()


def open_empty_file() -> None:
    bpy.ops.wm.read_homefile(use_empty=True)


def show_preferences() -> list[int]:
    """Turn the viewport into the add-on's preferences. Returns its rectangle: x, y, width, height."""
    window, area = bpy.context.window_manager.windows[0], _view()
    area.type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Image to 3D"
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.preferences.addon_expand(module=PACKAGE)
    return [area.x, area.y, area.width, area.height]


def show_results() -> None:
    area = _view()
    inside = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=inside):
        bpy.ops.image_to_3d.show_results()


def mouse(kind: str, value: str, x: int, y: int) -> None:
    """Simulate an event of the mouse; Blender must have been started with --enable-event-simulate."""
    bpy.context.window_manager.windows[0].event_simulate(type=kind, value=value, x=x, y=y)
