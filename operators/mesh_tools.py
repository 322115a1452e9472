# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for the mesh tools: one for each tool, with a dialog of its settings, and those for what the tools made.

The background Blender does the work: a click starts it, and the artist goes on. A script waits for the result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from .. import engine, mesh_tasks, redraw, tool_engine, waiting
from ..bl_ids import Op
from ..errors import ImageTo3DError
from ..mesh_tasks import MeshTask
from ..property_definitions import tool_property
from ..scene import hand_over, versions
from ..scene.tool_results import LABELS
from ..setting_rows import defaults_of, settings_of
from ..tool_settings import TABLES, Tool
from ..translation import tr, tr_report
from . import monitor, tool_dialogs
from .define import PollMixin, operator
from .open_actions import open_with_system
from .tool_dialogs import Known

OPERATORS: Final[Mapping[Tool, Op]] = {
    Tool.CHECK: Op.CHECK_MESH,
    Tool.CLEAN_UP: Op.CLEAN_UP_MESH,
    Tool.SIMPLIFY: Op.SIMPLIFY_MESH,
    Tool.REMESH: Op.REMESH,
    Tool.PRINT: Op.MAKE_PRINTABLE,
    Tool.LODS: Op.MAKE_LODS,
    Tool.EXPORT: Op.EXPORT_MODEL,
}

_chosen: dict[Tool, dict[str, Any]] = {}
"""What the artist chose in the dialogs last. Blender remembers this only for operators that can be redone."""


class _ToolOperator(PollMixin):
    """Base class of the tools' operators. `tool`: which one."""

    # Neither REGISTER nor UNDO: the result has an undo step of its own when it arrives.
    bl_options: ClassVar[set[str]] = set()
    tool: ClassVar[Tool]
    _asked = False
    _known = Known(0, 0.0, "")
    report: Any

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return tool_engine.why_not(context.active_object)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        self._asked = True
        if not settings_of(TABLES[self.tool]):
            return self.execute(context)
        self._known = tool_dialogs.look_at(context.active_object)
        tool_dialogs.prepare(self.tool, self, _chosen.get(self.tool, {}), self._known)
        title = tr(LABELS[self.tool])
        width = tool_dialogs.WIDTH
        return context.window_manager.invoke_props_dialog(self, width=width, title=title, confirm_text=title)

    def draw(self, _context: bpy.types.Context) -> None:
        tool_dialogs.draw(self.tool, self, self._known)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the tool, and for scripts wait until its result is in the scene."""
        try:
            settings = {name: getattr(self, name) for name in settings_of(TABLES[self.tool])}
            folder = tool_dialogs.chosen_folder(self)
            task = tool_engine.start(self.tool, context.active_object, settings, folder=folder)
        except ImageTo3DError as error:
            self.report({"ERROR"}, tr_report(error.info()))
            return {"CANCELLED"}
        if not self._asked:
            waiting.finish_tool(task)
            if task.error is not None:
                self.report({"ERROR"}, tr_report(task.error))
        else:
            elsewhere = folder is not None and str(folder) != self._known.folder
            _chosen[self.tool] = settings | ({tool_dialogs.FOLDER: str(folder)} if elsewhere else {})
        redraw.sidebars(context.window_manager)
        monitor.start()
        return {"CANCELLED"} if task.error is not None else {"FINISHED"}


def _define(tool: Tool) -> type[bpy.types.Operator]:
    table = TABLES[tool]
    defaults = defaults_of(table)
    updates = {"engine": tool_dialogs.follow_engine}
    properties = {
        name: tool_property(row, defaults[name], updates.get(name)) for name, row in settings_of(table).items()
    }
    if tool_dialogs.writes_file(tool):
        properties[tool_dialogs.FOLDER] = tool_dialogs.folder_property()
    body = {
        "__doc__": (table.__doc__ or "").rstrip("."),
        "__module__": __name__,
        "__annotations__": properties,
        "bl_idname": OPERATORS[tool],
        "bl_label": LABELS[tool],
        "tool": tool,
    }
    return type("IMAGE_TO_3D_OT_" + OPERATORS[tool].partition(".")[2], (_ToolOperator, bpy.types.Operator), body)


(
    IMAGE_TO_3D_OT_check_mesh,
    IMAGE_TO_3D_OT_clean_up_mesh,
    IMAGE_TO_3D_OT_simplify_mesh,
    IMAGE_TO_3D_OT_remesh_to_quads,
    IMAGE_TO_3D_OT_make_printable,
    IMAGE_TO_3D_OT_make_lods,
    IMAGE_TO_3D_OT_export_model,
) = (_define(tool) for tool in OPERATORS)


class IMAGE_TO_3D_OT_choose_tool_folder(bpy.types.Operator):
    """Choose the folder for the file"""

    # A file browser closes the dialog that it is opened from. So the dialog opens again when a folder was chosen.
    bl_idname = Op.CHOOSE_TOOL_FOLDER
    bl_label = "Choose Folder"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    tool: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    settings: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    """What is set in the dialog, as JSON."""

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        module, _, name = OPERATORS[Tool(self.tool)].partition(".")
        open_dialog = getattr(getattr(bpy.ops, module), name)
        open_dialog("INVOKE_DEFAULT", **json.loads(self.settings), folder=self.directory)
        return {"FINISHED"}


class IMAGE_TO_3D_OT_cancel_tool(bpy.types.Operator):
    """Cancel this tool. The object stays as it is"""

    bl_idname = Op.CANCEL_TOOL
    bl_label = "Cancel"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    uid: IntProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        task = mesh_tasks.of_object(self.uid)
        if task is not None:
            mesh_tasks.cancel(task)
            engine.drain()
        redraw.sidebars(context.window_manager)
        return {"FINISHED"}


def _last(context: bpy.types.Context) -> MeshTask | None:
    root = hand_over.root_of(context.active_object)
    return mesh_tasks.last_of(root.session_uid) if root is not None else None


@operator(Op.OPEN_TOOL_FOLDER, "Open Folder")
def open_tool_folder(context: bpy.types.Context) -> None:
    """Open the folder with the file that the mesh tool wrote"""
    last = _last(context)
    open_with_system(last.files[0].parent if last is not None and last.files else None, "The folder")


def _why_no_version(context: bpy.types.Context) -> str:
    root = hand_over.root_of(context.active_object)
    if root is None or versions.place_among(root, context.scene)[1] < 2:
        return "This object has no other version"
    return "" if root.mode == "OBJECT" else "Switch to Object Mode first"


_WHICH: Final = (
    ("PREVIOUS", "Previous", "Show the version before this one, in its place"),
    ("NEXT", "Next", "Show the version after this one, in its place"),
)


class IMAGE_TO_3D_OT_show_version(PollMixin, bpy.types.Operator):
    """Show another version of this object: the original, or what a mesh tool made of it"""

    bl_idname = Op.SHOW_VERSION
    bl_label = "Show Version"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    which: EnumProperty(  # type: ignore[valid-type]
        items=_WHICH,
        options={"SKIP_SAVE"},
    )

    why_not = _why_no_version

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        return tr(next(text for value, _, text in _WHICH if value == properties.which))

    def execute(self, context: bpy.types.Context) -> set[str]:
        root = hand_over.root_of(context.active_object)
        assert root is not None, "poll() checked it"
        group = versions.versions_of(root, context.scene)
        step = 1 if self.which == "NEXT" else -1
        shown = group[(group.index(root) + step) % len(group)]
        selected = root.select_get()  # asked before it is hidden
        versions.show(shown, group)
        context.view_layer.update()  # else the object still counts as hidden, and can't be selected
        shown.select_set(selected)
        context.view_layer.objects.active = shown
        return {"FINISHED"}


class IMAGE_TO_3D_OT_keep_version(PollMixin, bpy.types.Operator):
    """Keep this version, and remove the others from the file"""

    bl_idname = Op.KEEP_VERSION
    bl_label = "Keep Only This"
    bl_options: ClassVar[set[str]] = {"UNDO"}
    why_not = _why_no_version

    def execute(self, context: bpy.types.Context) -> set[str]:
        root = hand_over.root_of(context.active_object)
        assert root is not None, "poll() checked it"
        versions.keep(root, versions.versions_of(root, context.scene))
        return {"FINISHED"}
