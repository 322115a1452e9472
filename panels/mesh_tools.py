# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel of the mesh tools: a button for each, what is running, the versions of the object, and what a tool said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import bpy

from .. import mesh_tasks
from ..bl_ids import MESH_TOOLS_MENU, Op
from ..jobs import provenance
from ..mesh_tasks import MeshTask
from ..scene import hand_over, variations, versions
from ..scene.tool_results import LABELS
from ..text_lines import is_narrow, wrapped
from ..tool_settings import Tool
from ..translation import tr, tr_message
from . import mesh_report
from .buttons import button
from .main import SidebarPanel

_ROWS: Final = (
    ((Op.CHECK_MESH, "Check Mesh", "VIEWZOOM"), (Op.CLEAN_UP_MESH, "Clean Up", "TOOL_SETTINGS")),
    ((Op.REMESH, "Remesh to Quads", "MOD_REMESH"),),
    ((Op.SIMPLIFY_MESH, "Simplify", "MOD_DECIM"), (Op.MAKE_LODS, "Make LODs", "MOD_MULTIRES")),
    ((Op.MAKE_PRINTABLE, "Make Printable", "MOD_SOLIDIFY"), (Op.EXPORT_MODEL, "Export", "EXPORT")),
)
"""Each tool's operator, the text of its button, and its icon, in the order in which they are usually needed."""
_FACTS: Final[Mapping[str, str]] = {
    "volume_cm3": "Volume {value} cm³",
    "thinnest_before_mm": "Thinnest wall before {value} mm",
    "thinnest_after_mm": "Thinnest wall {value} mm",
    "contact_mm2": "Contact with the bed {value} mm²",
}
"""The numbers about a result that are shown besides the notes, and how."""


class IMAGE_TO_3D_PT_mesh_tools(SidebarPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_mesh_tools"
    bl_label = "Mesh Tools"
    bl_order = 2  # below Generated Model

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return _has_faces(context.active_object) or bool(mesh_tasks.tasks())

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        root = hand_over.root_of(context.active_object)
        if root is not None:
            _draw_buttons(layout, context)
        for task in mesh_tasks.tasks():
            _draw_task(layout, context, task, root)
        if root is None:
            return
        record = provenance.tool_record(root, _FACTS)
        _draw_version(layout, context, root, record)
        last = mesh_tasks.last_of(root.session_uid)
        if last is not None and mesh_tasks.of_object(root.session_uid) is None:
            _draw_last(layout, context, last)
        if variations.model_of(root) is None:  # of a generated model, its own panel shows the report
            mesh_report.draw_report(layout, context, root, triangles=True)


class IMAGE_TO_3D_MT_mesh_tools(bpy.types.Menu):
    bl_idname = MESH_TOOLS_MENU
    bl_label = "Mesh Tools"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator_context = "INVOKE_DEFAULT"
        for row in _ROWS:
            for op, text, icon in row:
                label = tr(text) if op is Op.CHECK_MESH else tr("{tool}…", tool=tr(text))  # the others open a dialog
                self.layout.operator(op, text=label, icon=icon, translate=False)


def _has_faces(item: bpy.types.Object | None) -> bool:
    """Whether an object may have faces. Modifiers and edit mode can add them to a mesh that has none."""
    if item is None or hand_over.root_of(item) is None:
        return False
    mesh = item.data
    if not isinstance(mesh, bpy.types.Mesh):
        return True
    return bool(mesh.polygons or item.modifiers) or item.mode == "EDIT"


def _draw_task(
    layout: bpy.types.UILayout, context: bpy.types.Context, task: MeshTask, root: bpy.types.Object | None
) -> None:
    """Draw a tool that is running. Those of other objects have their names: nothing runs unseen."""
    own = root is not None and root.session_uid == task.object_uid
    text = tr(LABELS[task.tool])
    if not own:
        text = tr("{tool}: {name}", tool=text, name=task.request.name)
    row = layout.row(align=True)
    row.progress(factor=1.0 if task.waiting else task.progress, text=text, translate=False)
    row.operator(Op.CANCEL_TOOL, text="", icon="X").uid = task.object_uid
    if task.waiting:
        wrapped(layout, context, task.waiting, icon="SORTTIME")


def _draw_buttons(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    narrow = is_narrow(context)
    column = layout.column(align=True)
    for buttons in _ROWS:
        row = column if narrow else column.row(align=True)
        for op, text, icon in buttons:
            button(row, context, op, text, icon=icon, buttons=1 if narrow else len(buttons))


def _draw_version(
    layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object, record: provenance.ToolRecord
) -> None:
    """Draw which version of the object this is, the buttons for the others, and what the tool said that made it."""
    position, count = versions.place_among(root, context.scene)
    title = tr(LABELS[Tool(record.tool)]) if record.tool in LABELS else tr("Original")
    column = layout.column(align=True)
    if count > 1:
        row = column.row(align=True)
        row.operator(Op.SHOW_VERSION, text="", icon="TRIA_LEFT").which = "PREVIOUS"
        middle = row.row(align=True)
        middle.alignment = "CENTER"
        middle.label(text=tr("{number} of {count}", number=position + 1, count=count), translate=False)
        row.operator(Op.SHOW_VERSION, text="", icon="TRIA_RIGHT").which = "NEXT"
        button(column, context, Op.KEEP_VERSION, icon="CHECKMARK")
        column.separator()
    if count > 1 or record.tool in LABELS:
        column.label(text=title, icon="MESH_DATA", translate=False)
    for text in _lines(record):
        wrapped(column, context, text)


def _draw_last(layout: bpy.types.UILayout, context: bpy.types.Context, last: MeshTask) -> None:
    if last.error is not None:
        text = tr("{tool} failed: {error}", tool=tr(LABELS[last.tool]), error=last.error)
        wrapped(layout, context, text, icon="ERROR", alert=True)
    elif last.result is not None and last.files:
        column = layout.column(align=True)
        for note in last.result.notes if not last.placed else ():
            wrapped(column, context, tr_message(note))
        for file in last.files:
            wrapped(column, context, file.name, icon="FILE")
        column.operator(Op.OPEN_TOOL_FOLDER, icon="FILE_FOLDER")


def _lines(record: provenance.ToolRecord) -> Iterator[str]:
    for note in record.notes:
        yield tr_message(note)
    for name, template in _FACTS.items():
        if name in record.facts:
            number = record.facts[name]
            yield tr(template, value=f"{number:,.0f}" if abs(number) >= 100.0 else f"{number:.3g}")


def _draw_menu(menu: Any, context: bpy.types.Context) -> None:
    """Add the tools to a menu of the viewport."""
    if _has_faces(context.active_object):
        menu.layout.separator()
        menu.layout.menu(MESH_TOOLS_MENU, icon="TOOL_SETTINGS")


def _draw_context_menu(menu: Any, context: bpy.types.Context) -> None:
    """Add the tools to the context menu of generated models, where they are needed most."""
    if variations.model_of(context.active_object) is not None:
        menu.layout.menu(MESH_TOOLS_MENU, icon="TOOL_SETTINGS")


def register() -> None:
    bpy.types.VIEW3D_MT_object.append(_draw_menu)
    bpy.types.VIEW3D_MT_object_context_menu.append(_draw_context_menu)


def unregister() -> None:
    bpy.types.VIEW3D_MT_object_context_menu.remove(_draw_context_menu)
    bpy.types.VIEW3D_MT_object.remove(_draw_menu)
