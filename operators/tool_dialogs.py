# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the dialogs of the mesh tools: the settings, and what they mean for this object."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import bpy
from bpy.props import StringProperty

from .. import tool_engine
from ..bl_ids import Op
from ..scene import hand_over, variations
from ..setting_rows import Setting, defaults_of, settings_of
from ..tool_settings import ENGINE_FORMATS, LOD_RATIOS, TABLES, Tool
from ..translation import tr

WIDTH: Final = 320
_ROW_LETTERS: Final = 24
"""Choices whose labels are longer in total are a menu, not a row of buttons."""
_SLOW: Final = 200_000
"""Triangles from which on remeshing takes minutes."""
FOLDER: Final = "folder"
"""The property with the folder for the file that a tool writes."""


class Known(NamedTuple):
    """What a dialog shows of the object, found when it opens."""

    triangles: int
    height: float
    """In millimeters."""
    folder: str
    """Where a file is written if the artist chooses no other folder."""


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


def writes_file(tool: Tool) -> bool:
    """Whether a tool writes a file, whose folder can be chosen."""
    return "file_format" in settings_of(TABLES[tool])


def folder_property() -> Any:
    """Returns the Blender property for the folder in which a tool writes its file."""
    description = "Where the file is written. Empty: the model's folder in the results, else beside the .blend"
    return StringProperty(name="Folder", description=description)  # a DIR_PATH's button would end the dialog for good


def chosen_folder(operator: Any) -> Path | None:
    """Returns the folder that an operator was given; None for the usual one."""
    text = getattr(operator, FOLDER, "").strip()
    return Path(os.path.abspath(os.path.expanduser(bpy.path.abspath(text)))) if text else None


def prepare(tool: Tool, operator: Any, chosen: Mapping[str, Any], known: Known) -> None:
    """Set what the caller did not set: to what the artist chose last, else to what fits the engine and the object."""
    names = [*settings_of(TABLES[tool]), *([FOLDER] if writes_file(tool) else [])]
    given = {name for name in names if operator.properties.is_property_set(name)}
    if tool is Tool.EXPORT and "file_format" not in given | set(chosen):
        follow_engine(operator, bpy.context)
    if writes_file(tool) and FOLDER not in given:
        operator.folder = known.folder
    for name, value in chosen.items():
        if name not in given:
            setattr(operator, name, value)


def follow_engine(operator: Any, _context: bpy.types.Context) -> None:
    """Choose the file format that the engine reads best. Called when the artist chooses an engine."""
    operator.file_format = ENGINE_FORMATS[operator.engine]


def draw(tool: Tool, operator: Any, known: Known) -> None:
    """Draw the settings of a tool, and below them what they mean."""
    layout = operator.layout
    # Checkboxes alone would leave the left half empty.
    layout.use_property_split = not all(isinstance(value, bool) for value in defaults_of(TABLES[tool]).values())
    layout.use_property_decorate = False
    for name, row in settings_of(TABLES[tool]).items():
        if _is_row(row):
            layout.row().prop(operator, name, expand=True)
        else:
            layout.prop(operator, name, slider=row.maximum == 1.0)
    if writes_file(tool):
        row = layout.row(align=True)
        row.prop(operator, FOLDER)
        choose = row.operator(Op.CHOOSE_TOOL_FOLDER, text="", icon="FILE_FOLDER")
        choose.directory = operator.folder
        choose.settings = json.dumps({name: getattr(operator, name) for name in settings_of(TABLES[tool])})
        choose.tool = tool
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
    if tool is Tool.LODS and known.triangles:
        counts = " · ".join(f"{round(known.triangles * ratio):,}" for ratio in LOD_RATIOS)
        yield "INFO", tr("{count} triangles", count=counts)
    if tool is Tool.REMESH and known.triangles:
        slow = known.triangles > _SLOW
        yield "TIME", tr("Takes a few minutes") if slow else tr("Takes about half a minute")
    if tool is Tool.PRINT and known.height > 0:
        ratio = operator.height / known.height
        scale = f"{ratio:.3g} : 1" if ratio > 1.0 else f"1 : {1.0 / ratio:.3g}"
        yield "INFO", tr("Scale {scale}", scale=scale)
