# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for the mesh tools: one for each tool, with a dialog of its settings, and those for what the tools made.

The background Blender does the work: a click starts it, and the artist goes on. A script waits for the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import bpy
from bpy.props import EnumProperty

from .. import engine, mesh_tasks, redraw, tool_engine, waiting
from ..bl_ids import Op
from ..errors import ImageTo3DError
from ..property_definitions import tool_property
from ..scene import hand_over, versions
from ..scene.tool_results import LABELS
from ..setting_rows import defaults_of, settings_of
from ..tool_settings import TABLES, Tool
from ..translation import tr, tr_report
from . import monitor
from .define import PollMixin, operator

OPERATORS: Final[Mapping[Tool, Op]] = {
    Tool.CHECK: Op.CHECK_MESH,
    Tool.CLEAN_UP: Op.CLEAN_UP_MESH,
    Tool.SIMPLIFY: Op.SIMPLIFY_MESH,
    Tool.REMESH: Op.REMESH,
    Tool.PRINT: Op.MAKE_PRINTABLE,
    Tool.LODS: Op.MAKE_LODS,
    Tool.EXPORT: Op.EXPORT_MODEL,
}
_WIDTH: Final = 300


class _ToolOperator(PollMixin):
    """Base class of the tools' operators. `tool`: which one."""

    # Neither REGISTER nor UNDO: the result has an undo step of its own when it arrives.
    bl_options: ClassVar[set[str]] = set()
    tool: ClassVar[Tool]
    _asked = False
    report: Any

    @staticmethod
    def why_not(context: bpy.types.Context) -> str:
        return tool_engine.why_not(context.active_object)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        self._asked = True
        if not settings_of(TABLES[self.tool]):
            return self.execute(context)
        title = tr(LABELS[self.tool])
        return context.window_manager.invoke_props_dialog(self, width=_WIDTH, title=title)

    def draw(self, _context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in settings_of(TABLES[self.tool]):
            layout.prop(self, name)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the tool, and for scripts wait until its result is in the scene."""
        try:
            settings = {name: getattr(self, name) for name in settings_of(TABLES[self.tool])}
            task = tool_engine.start(self.tool, context.active_object, settings)
        except ImageTo3DError as error:
            self.report({"ERROR"}, tr_report(error.info()))
            return {"CANCELLED"}
        if not self._asked:
            waiting.finish_tool(task)
            if task.error is not None:
                self.report({"ERROR"}, tr_report(task.error))
        redraw.sidebars(context.window_manager)
        monitor.start()
        return {"CANCELLED"} if task.error is not None else {"FINISHED"}


def _define(tool: Tool) -> type[bpy.types.Operator]:
    table = TABLES[tool]
    defaults = defaults_of(table)
    properties = {name: tool_property(row, defaults[name]) for name, row in settings_of(table).items()}
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


@operator(Op.CANCEL_TOOL, "Cancel")
def cancel_tool(context: bpy.types.Context) -> None:
    """Cancel the mesh tool that is working on this object"""
    root, _objects = hand_over.sources(context.active_object)
    task = mesh_tasks.of_object(root.session_uid) if root is not None else None
    if task is not None:
        mesh_tasks.cancel(task)
        engine.drain()


class IMAGE_TO_3D_OT_show_version(bpy.types.Operator):
    """Show another version of this object: the original, or what a mesh tool made of it"""

    bl_idname = Op.SHOW_VERSION
    bl_label = "Show Version"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    which: EnumProperty(  # type: ignore[valid-type]
        items=(("PREVIOUS", "Previous", "The version before"), ("NEXT", "Next", "The version after")),
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.mode == "OBJECT" and context.active_object is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        root, _objects = hand_over.sources(context.active_object)
        group = versions.versions_of(root, context.scene) if root is not None else []
        if root is None or len(group) < 2:
            return {"CANCELLED"}
        step = 1 if self.which == "NEXT" else -1
        shown = group[(group.index(root) + step) % len(group)]
        versions.show(shown, group)
        shown.select_set(root.select_get())
        context.view_layer.objects.active = shown
        return {"FINISHED"}
