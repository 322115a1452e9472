# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test can ask of the windowed Blender. Everything that an artist does by hand is left to mouse and keyboard."""

from __future__ import annotations

import contextlib
import importlib
import pathlib
import runpy
import threading
import time
from typing import Any

import bmesh
import bpy

PACKAGE = "bl_ext.user_default.image_to_3d"


def call(script: str, function: str, arguments: dict[str, Any]) -> Any:
    """Run a function of another script."""
    return runpy.run_path(script)[function](**arguments)


def view() -> tuple[bpy.types.Window, bpy.types.Area]:
    window = bpy.context.window_manager.windows[0]
    return window, max((a for a in window.screen.areas if a.type == "VIEW_3D"), key=lambda a: a.width * a.height)


def region(kind: str) -> bpy.types.Region:
    return next(r for r in view()[1].regions if r.type == kind)


def preferences_view() -> tuple[bpy.types.Window, bpy.types.Area]:
    """The window in which Blender opened the preferences."""
    return next((w, a) for w in bpy.context.window_manager.windows for a in w.screen.areas if a.type == "PREFERENCES")


def preferences_open() -> bool:
    return any(a.type == "PREFERENCES" for w in bpy.context.window_manager.windows for a in w.screen.areas)


def close_preferences() -> None:
    with bpy.context.temp_override(window=preferences_view()[0]):
        bpy.ops.wm.window_close()


def rectangle(kind: str) -> list[int]:
    """x, y, width, height of a region of the viewport, in window pixels from the lower left.

    "PREFERENCES" is the preferences' own window, which may be higher than the screen.
    """
    if kind == "PREFERENCES":
        window, area = preferences_view()
        inside = next(r for r in area.regions if r.type == "WINDOW")
        return [window.x + inside.x, window.y + inside.y, inside.width, inside.height]
    r = region(kind)
    return [r.x, r.y, r.width, r.height]


def redraw() -> None:
    """Put on the screen what is so now: under load, Blender draws late."""
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)


def show_sidebar() -> None:
    view()[1].spaces.active.show_region_ui = True


def turn_to(category: str) -> str:
    sidebar = region("UI")
    sidebar.active_panel_category = category
    sidebar.tag_redraw()
    return sidebar.active_panel_category


def category() -> str:
    return region("UI").active_panel_category


def under_mouse(kind: str = "UI") -> str:
    """What is under the mouse in the sidebar: an operator ("image_to_3d.generate"), a property's path, or "".

    A property that has no path is "a property". `kind`: "PREFERENCES" for the preferences' window.
    """
    window, area = view() if kind == "UI" else preferences_view()
    inside = next(r for r in area.regions if r.type == ("UI" if kind == "UI" else "WINDOW"))
    wm = bpy.context.window_manager
    with bpy.context.temp_override(window=window, area=area, region=inside):
        if bpy.ops.ui.copy_python_command_button.poll():
            wm.clipboard = ""
            bpy.ops.ui.copy_python_command_button()
            return wm.clipboard.removeprefix("bpy.ops.").partition("(")[0]
        if bpy.ops.ui.copy_data_path_button.poll():
            wm.clipboard = ""
            bpy.ops.ui.copy_data_path_button(full_path=True)
            return wm.clipboard
        if bpy.ops.ui.reset_default_button.poll():  # Blender's preferences have no paths
            return "a property"
    return ""


def objects() -> dict[str, Any]:
    return {
        o.name: {
            "type": o.type,
            "location": list(o.matrix_world.translation),
            "scale": list(o.matrix_world.to_scale()),
            "dimensions": list(o.dimensions),
            "selected": o.select_get(),
            "visible": o.visible_get(),
        }
        for o in bpy.context.scene.objects
    }


def mode() -> str:
    return bpy.context.mode


def set_preference(name: str, value: Any) -> None:
    setattr(bpy.context.preferences.addons[PACKAGE].preferences, name, value)


def preference(name: str) -> Any:
    return getattr(bpy.context.preferences.addons[PACKAGE].preferences, name)


def online_access() -> bool:
    return bpy.app.online_access


def account() -> dict[str, Any]:
    """What the add-on knows of the account."""
    return dict(part("background_task").account.status._asdict())


def set_setting(name: str, value: Any) -> None:
    owner = bpy.context.scene.image_to_3d
    *path, last = name.split(".")
    for step in path:
        owner = getattr(owner, step)
    setattr(owner, last, value)


def setting(name: str) -> Any:
    return getattr(bpy.context.scene.image_to_3d, name)


def versions() -> list[int]:
    return list(bpy.app.version)


def now() -> float:
    return time.perf_counter()


# Jobs, as the add-on itself knows them


def part(module: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{module}")


def jobs() -> list[dict[str, Any]]:
    return [
        {
            "id": job.id,
            "name": job.name,
            "state": str(job.state),
            "progress": job.progress,
            "error": str(job.error or ""),
            "objects": list(job.objects),
            "details": dict(job.details),
        }
        for job in part("job_view").jobs()
    ]


# Measuring


def kept_waiting() -> float:
    """Seconds that this thread wanted to run while others had the processor; 0 where the system does not tell."""
    try:
        with open(f"/proc/self/task/{threading.get_native_id()}/schedstat") as numbers:
            return int(numbers.read().split()[1]) / 1e9
    except OSError:
        return 0.0


class Heartbeat:
    """A 0.01 s timer, and everything drawn in between: who holds up the main thread, and for how long."""

    beat = 0.01
    noticed = 0.03

    def __init__(self) -> None:
        self.gaps: list[dict[str, Any]] = []
        self.drawn: list[float] = []
        self.redraws = self.beats = 0
        self.beating = True
        self.started = self.last = time.perf_counter()
        self.waited = kept_waiting()
        self.handles: list[tuple[type, object, str]] = []
        for space in (getattr(bpy.types, name) for name in dir(bpy.types) if name.startswith("Space")):
            for kind in ("WINDOW", "UI", "HEADER", "TOOLS", "CHANNELS") if hasattr(space, "draw_handler_add") else ():
                for moment in ("PRE_VIEW", "POST_PIXEL"):
                    with contextlib.suppress(TypeError):  # not every editor has every region
                        handle = space.draw_handler_add(self.draws, (), kind, moment)
                        self.handles.append((space, handle, kind))
        bpy.app.timers.register(self.tick, first_interval=self.beat, persistent=True)

    def draws(self) -> None:
        self.drawn.append(time.perf_counter())

    def tick(self) -> float | None:
        now = time.perf_counter()
        waited = kept_waiting()
        self.beats += 1
        if now - self.last > self.noticed:
            # Blender draws after all else in a round of its main loop: what is before that is work.
            drawing = now - self.drawn[0] if self.drawn else 0.0
            self.gaps.append(
                {
                    "at": round(self.last - self.started, 2),
                    "ms": round((now - self.last) * 1000, 1),
                    "drawing_ms": round(drawing * 1000, 1),
                    "kept_waiting_ms": round((waited - self.waited) * 1000, 1),
                    "job": jobs()[-1]["state"] if jobs() else "",
                }
            )
        self.redraws += len(self.drawn)
        self.drawn.clear()
        self.last, self.waited = now, waited
        return self.beat if self.beating else None

    def stop(self) -> dict[str, Any]:
        self.beating = False
        for space, handle, kind in self.handles:
            space.draw_handler_remove(handle, kind)
        return {
            "seconds": round(time.perf_counter() - self.started, 1),
            "beats": self.beats,
            "redraws": self.redraws,
            "gaps": self.gaps,
        }


heart: list[Heartbeat] = []


def start_heartbeat() -> None:
    heart.append(Heartbeat())


def stop_heartbeat() -> dict[str, Any]:
    return heart.pop().stop()


# The scene, for what a test wants to find as it was


def set_cursor(location: list[float]) -> None:
    bpy.context.scene.cursor.location = location


def selection() -> dict[str, Any]:
    active = bpy.context.view_layer.objects.active
    return {"active": active.name if active else "", "selected": sorted(o.name for o in bpy.context.selected_objects)}


def select_only(name: str) -> None:
    layer = bpy.context.window_manager.windows[0].view_layer
    for thing in layer.objects:
        thing.select_set(thing.name == name, view_layer=layer)
    layer.objects.active = layer.objects[name]


def corners(name: str) -> list[list[float]]:
    """The vertices of a mesh as they are now, in edit mode too."""
    thing = bpy.data.objects[name]
    if thing.mode == "EDIT":
        return [list(v.co) for v in bmesh.from_edit_mesh(thing.data).verts]
    return [list(v.co) for v in thing.data.vertices]


def enter_mode(mode: str) -> str:
    window, area = view()
    with bpy.context.temp_override(window=window, area=area, region=region("WINDOW")):
        bpy.ops.object.mode_set(mode=mode)
    return bpy.context.mode


def modal_operators() -> list[str]:
    return [o.bl_idname for o in bpy.context.window_manager.windows[0].modal_operators]


def playing() -> bool:
    return bpy.context.window_manager.windows[0].screen.is_animation_playing


def frame() -> int:
    return bpy.context.scene.frame_current


def new_file() -> None:
    bpy.ops.wm.read_homefile(app_template="")


def save_as(path: str) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=path)


def keep_temporary_files_in(folder: str) -> None:
    bpy.context.preferences.filepaths.temporary_directory = folder


# Where images come from


def invoke(operator: str, editor: str = "VIEW_3D", **properties: Any) -> list[str]:
    """Call an operator as a button or menu entry in an editor does."""
    window = view()[0]
    area = next(a for a in window.screen.areas if a.type == editor)
    module, name = operator.split(".")
    inside = next(r for r in area.regions if r.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=inside):
        return list(getattr(getattr(bpy.ops, module), name)("INVOKE_DEFAULT", **properties))


def show_image_in_editor(path: str) -> str:
    """Turn the largest other editor into an Image Editor with this image. Returns the image's name."""
    window, viewport = view()
    others = [a for a in window.screen.areas if a != viewport]
    area = next((a for a in others if a.type == "IMAGE_EDITOR"), None) or max(others, key=lambda a: a.width * a.height)
    area.type = "IMAGE_EDITOR"
    image = bpy.data.images.load(path)
    area.spaces.active.image = image
    return image.name


def render_small() -> None:
    render = bpy.context.scene.render
    render.engine = "BLENDER_WORKBENCH"  # the others take a minute without a graphics card
    render.resolution_x = render.resolution_y = 200
    with bpy.context.temp_override(window=view()[0]):
        bpy.ops.render.render()


def viewport_settings() -> dict[str, Any]:
    space = view()[1].spaces.active
    return {
        "overlays": space.overlay.show_overlays,
        "gizmos": space.show_gizmo,
        "shading": space.shading.type,
        "film": bpy.context.scene.render.film_transparent,
        "images": sorted(image.name for image in bpy.data.images),
    }


def source_image() -> str:
    image = bpy.context.scene.image_to_3d.source_image
    return image.name if image is not None else ""


def areas() -> list[list[Any]]:
    return [[a.type, a.x, a.y, a.width, a.height] for a in view()[0].screen.areas]


def reopen() -> None:
    bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)


def blender_can_paste_image() -> bool:
    """Whether Blender itself would paste an image from the clipboard, in an Image Editor."""
    window, area = view()
    area.type = "IMAGE_EDITOR"
    try:
        inside = next(r for r in area.regions if r.type == "WINDOW")
        with bpy.context.temp_override(window=window, area=area, region=inside):
            return bool(bpy.ops.image.clipboard_paste.poll())
    finally:
        area.type = "VIEW_3D"


# Batches


def batches() -> list[dict[str, Any]]:
    view = part("job_view")
    return [
        {"name": b.name, "paused": b.paused, "arrange": b.arrange, **view.batch_progress(b.id)._asdict()}
        for b in view.batches()
    ]


def show_file_browser_in_the_window() -> None:
    """By default it is a window of its own, whose place a window manager would choose."""
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"


def file_browser() -> dict[str, list[int]]:
    """The rectangles of the file browser's regions; empty while there is none."""
    areas = [a for w in bpy.context.window_manager.windows for a in w.screen.areas if a.type == "FILE_BROWSER"]
    return {r.type: [r.x, r.y, r.width, r.height] for a in areas for r in a.regions}


def clear_scene() -> None:
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)


def view_all() -> None:
    window, area = view()
    with bpy.context.temp_override(window=window, area=area, region=region("WINDOW")):
        bpy.ops.view3d.view_all()


def look_from(side: str) -> None:
    window, area = view()
    with bpy.context.temp_override(window=window, area=area, region=region("WINDOW")):
        bpy.ops.view3d.view_axis(type=side)
        bpy.ops.view3d.view_all()


def fill_list(count: int) -> None:
    """Put jobs into the list that exist nowhere else."""
    job, view = part("jobs.job"), part("job_view")
    for number in range(count):
        image = job.InputImage("chair.png", "", "")
        view.put(job.Job(str(number), f"job {number}", image, {}, pathlib.Path("nowhere"), "CUSTOM", created=number))
    part("job_rows").refresh()


def generate_many(images: str, **options: Any) -> None:
    importlib.import_module(PACKAGE).generate_many(images, **options)


def generate(image: str, **options: Any) -> None:
    importlib.import_module(PACKAGE).generate(image, **options)


def time_overlay(times: int) -> list[float]:
    """Seconds that drawing the placeholders' boxes and labels takes in one viewport, each time."""
    overlay, found = part("panels.overlay"), []

    def timed() -> None:
        started = time.perf_counter()
        overlay._draw_labels()
        overlay._draw_boxes()
        found.append(time.perf_counter() - started)

    handle = bpy.types.SpaceView3D.draw_handler_add(timed, (), "WINDOW", "POST_PIXEL")
    try:
        for _ in range(times):
            region("WINDOW").tag_redraw()
            redraw()
    finally:
        bpy.types.SpaceView3D.draw_handler_remove(handle, "WINDOW")
    return found


def expand_first_batch() -> None:
    bpy.ops.image_to_3d.expand_row(key=part("job_view").batches()[0].id)


def time_drawing(times: int) -> list[float]:
    """Seconds that our panel's `draw` takes, each time."""
    panel = part("panels.main").IMAGE_TO_3D_PT_main
    draw, found = panel.draw, []

    def timed(self: Any, context: Any) -> None:
        started = time.perf_counter()
        draw(self, context)
        found.append(time.perf_counter() - started)

    panel.draw = timed
    try:
        for _ in range(times):
            region("UI").tag_redraw()
            redraw()
    finally:
        panel.draw = draw
    return found


# The check of images


def image_check() -> dict[str, Any]:
    """What is known of the chosen image."""
    found = part("panels.image_warnings").check_of(bpy.context.scene.image_to_3d)
    if found is None or found.running:
        return {}
    return {"warnings": [str(warning) for warning in found.warnings], "preview": str(found.preview or "")}


def set_option(name: str, value: Any) -> None:
    setattr(bpy.context.scene.image_to_3d.placement, name, value)


# Mesh tools


def add_ball(name: str, x: float, subdivisions: int) -> None:
    """Add a ball of 20 × 4^(subdivisions - 1) triangles beside the cube."""
    mesh = bpy.data.meshes.new(name)
    ball = bmesh.new()
    bmesh.ops.create_icosphere(ball, subdivisions=subdivisions, radius=1.0)
    ball.to_mesh(mesh)
    ball.free()
    thing = bpy.data.objects.new(name, mesh)
    thing.location.x = x
    bpy.context.scene.collection.objects.link(thing)
    bpy.ops.ed.undo_push(message=f"Add {name}")


def tools() -> list[dict[str, Any]]:
    """The mesh tools that are not done."""
    return [
        {"tool": str(task.tool), "object": task.request.name, "progress": task.progress, "waiting": task.waiting}
        for task in part("mesh_tasks").tasks()
    ]


def start_tool(tool: str, name: str) -> None:
    """Start a mesh tool on an object that need not be active."""
    part("tool_engine").start(part("tool_settings").Tool(tool), bpy.data.objects[name], {})
