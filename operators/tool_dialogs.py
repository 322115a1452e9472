# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the dialogs of the mesh tools: the settings, and what they mean for this object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import bpy

from .. import tool_engine
from ..scene import hand_over, variations
from ..setting_rows import Setting, defaults_of, settings_of
from ..tool_settings import ENGINE_FORMATS, TABLES, Tool
from ..translation import tr

WIDTH: Final = 320
_ROW_LETTERS: Final = 24
"""Choices whose labels are longer in total are a menu, not a row of buttons."""
_SLOW: Final = 200_000
"""Triangles from which on remeshing takes minutes."""


class Known(NamedTuple):
    """What a dialog shows of the object, found when it opens."""

    triangles: int
    height: float
    """In millimeters."""
    folder: str
    """Where a file is written."""


def look_at(item: bpy.types.Object | None) -> Known:
    """Returns what a dialog shows of an object: as it is on the screen."""
    root, objects = hand_over.sources(item)
    if root is None:
        return Known(0, 0.0, "")
    graph = bpy.context.evaluated_depsgraph_get()
    meshes = [each.evaluated_get(graph).data for each in objects]
    triangles = sum(len(m.loops) - 2 * len(m.polygons) for m in meshes if isinstance(m, bpy.types.Mesh))
    low, high = variations.bounds(root)
    height = (high.z - low.z) * bpy.context.scene.unit_settings.scale_length * 1000.0
    return Known(triangles, height, str(tool_engine.folder_of(root)))


def prepare(tool: Tool, operator: Any, chosen: Mapping[str, Any]) -> None:
    """Set what the caller did not set: to what the artist chose last, else to what fits the engine."""
    given = {name for name in settings_of(TABLES[tool]) if operator.properties.is_property_set(name)}
    if tool is Tool.EXPORT and "file_format" not in given | set(chosen):
        follow_engine(operator, bpy.context)
    for name, value in chosen.items():
        if name not in given:
            setattr(operator, name, value)


def follow_engine(operator: Any, _context: bpy.types.Context) -> None:
    """Choose the file format that the engine reads best. Called when the artist chooses an engine."""
    operator.file_format = ENGINE_FORMATS[operator.engine]


def draw(tool: Tool, operator: Any, known: Known) -> None:
    """Draw the settings of a tool, and below them what they mean."""
    layout = operator.layout
    layout.use_property_split = not all(isinstance(each, bool) for each in defaults_of(TABLES[tool]).values())
    layout.use_property_decorate = False
    for name, row in settings_of(TABLES[tool]).items():
        if _is_row(row):
            layout.row().prop(operator, name, expand=True)
        else:
            layout.prop(operator, name, slider=row.maximum == 1.0)
    lines = list(_lines(tool, operator, known))
    if lines:
        layout.separator()
        column = layout.column(align=True)
        for icon, text in lines:
            column.label(text=text, icon=icon, translate=False)


def _is_row(row: Setting) -> bool:
    return bool(row.choices) and sum(len(choice.label) for choice in row.choices) <= _ROW_LETTERS


def _lines(tool: Tool, operator: Any, known: Known) -> Iterator[tuple[str, str]]:
    """Yields what a dialog says below the settings: icon and text."""
    if tool is Tool.SIMPLIFY and known.triangles:
        before, after = f"{known.triangles:,}", f"{round(known.triangles * operator.ratio):,}"
        yield "INFO", tr("{before} triangles become about {after}", before=before, after=after)
    if tool is Tool.REMESH and known.triangles:
        slow = known.triangles > _SLOW
        yield "TIME", tr("Takes a few minutes") if slow else tr("Takes about half a minute")
    if tool is Tool.PRINT and known.height > 0:
        ratio = operator.height / known.height
        scale = f"{ratio:.3g} : 1" if ratio > 1.0 else f"1 : {1.0 / ratio:.3g}"
        yield "INFO", tr("Scale {scale}", scale=scale)
    if tool in (Tool.PRINT, Tool.EXPORT):
        yield "FILE_FOLDER", known.folder
