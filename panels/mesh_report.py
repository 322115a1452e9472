# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the mesh report of an object, and each problem with the buttons of the tools that fix it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import bpy

from ..bl_ids import Op
from ..errors import Message, counted
from ..jobs import provenance
from ..mesh_report import MeshReport, Problem, Severity, problems
from ..text_lines import is_narrow, wrapped
from ..tool_settings import Tool
from ..translation import tr, tr_message
from .buttons import button

_PANEL: Final = "image_to_3d_mesh_report"
"""The id under which Blender keeps whether the part of the panel is open."""
_BUTTONS: Final[Mapping[Tool, Op]] = {
    Tool.CLEAN_UP: Op.CLEAN_UP_MESH,
    Tool.SIMPLIFY: Op.SIMPLIFY_MESH,
    Tool.REMESH: Op.REMESH,
    Tool.PRINT: Op.MAKE_PRINTABLE,
}
_ICONS: Final = {Severity.HINT: "INFO", Severity.WARNING: "ERROR"}


def draw_report(
    layout: bpy.types.UILayout, context: bpy.types.Context, item: bpy.types.Object, *, triangles: bool = False
) -> None:
    """Draw the report as a part of the panel that can be closed. Nothing if the object was never checked.

    `triangles`: their number, too.
    """
    report = provenance.mesh_report(item)
    if report is None or not report.faces:
        return
    changed = _has_changed(item, report)
    found = problems(report)
    if provenance.tool_record(item, ()).tool == Tool.PRINT:  # a print needs no UVs, and may have many triangles
        found = [problem for problem in found if problem.severity is Severity.WARNING]
    warning = any(problem.severity is Severity.WARNING for problem in found)
    header, body = layout.panel(_PANEL)
    header.label(text="Mesh Report", icon="ERROR" if warning and not changed else "NONE")
    header.operator(Op.CHECK_MESH, text="", icon="FILE_REFRESH", emboss=False)
    if body is None:
        return
    facts = body.column(align=True)
    facts.active = not changed
    if triangles:
        wrapped(facts, context, tr_message(counted(report.triangles, "1 triangle", "{count} triangles")))
    for text in _facts(report):
        wrapped(facts, context, text)
    if changed:
        column = body.column(align=True)
        wrapped(column, context, tr("Changed since it was checked"), icon="INFO")
        button(column, context, Op.CHECK_MESH, "Check Again")
    else:
        draw_problems(body, context, found)


def draw_problems(layout: bpy.types.UILayout, context: bpy.types.Context, found: Sequence[Problem]) -> None:
    """Draw what is wrong with the mesh, and below it the button of the tool that fixes it."""
    groups = [list(group) for _tool, group in itertools.groupby(found, key=lambda each: each.tools[0])]
    left = [tool for group in groups for tool in _tools(group)]
    for group in groups:
        column = layout.column(align=True)
        for problem in group:
            wrapped(column, context, tr_message(problem.message), icon=_ICONS[problem.severity])
        buttons = column.column(align=True) if is_narrow(context) else column.row(align=True)
        for tool in _tools(group):
            left.remove(tool)
            if tool is group[0].tools[0] or tool not in left:  # the same button does not come twice
                button(buttons, context, _BUTTONS[tool])


def _tools(group: Sequence[Problem]) -> list[Tool]:
    """Returns the tools that fix problems, each once."""
    return list(dict.fromkeys(tool for problem in group for tool in problem.tools))


def _facts(report: MeshReport) -> Iterator[str]:
    """Yields the lines about the surface and about UVs and textures."""
    parts = tr_message(counted(report.parts, "1 part", "{count} parts"))
    yield f"{tr_message(_watertight(report))} · {parts}"
    texture = texture_text(report.textures) if report.textures else tr("No texture")
    yield f"{tr('UVs') if report.uv_maps else tr('No UVs')} · {texture}"


def _watertight(report: MeshReport) -> Message:
    if report.watertight:
        return Message("Watertight")
    return Message("Not watertight: open sheet") if report.sheets and not report.holes else Message("Not watertight")


def texture_text(sizes: Sequence[tuple[int, int]]) -> str:
    """Returns the number of textures and the size of the largest, for at least one of them."""
    width, height = max(sizes)
    if len(sizes) == 1:
        return tr("Texture {width} × {height}", width=width, height=height)
    return tr("{count} textures, up to {width} × {height}", count=len(sizes), width=width, height=height)


def _has_changed(item: bpy.types.Object, report: MeshReport) -> bool:
    """Whether the mesh was edited since it was checked, as far as its size tells without computing anything.

    With modifiers or several objects, the number of triangles is not at hand.
    """
    mesh = item.data
    if report.objects != 1 or not isinstance(mesh, bpy.types.Mesh) or item.modifiers:
        return False
    return len(mesh.loops) - 2 * len(mesh.polygons) != report.triangles
