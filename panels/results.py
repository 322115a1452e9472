# SPDX-License-Identifier: GPL-3.0-or-later
"""The popover with the results of all files: thumbnails to place again, or to take the settings from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import bpy

from .. import preferences, results_view
from ..bl_ids import RESULT_PAGE, RESULT_SEARCH, RESULTS_PANEL, Op
from ..scene import asset_libraries, thumbnails
from ..translation import tr

if TYPE_CHECKING:
    from ..jobs.history import Result

_COLUMNS: Final = 4
_WIDTH: Final = 18
"""Of the popover, in widths of a button."""
_THUMBNAIL_ROWS: Final = 3.6


class IMAGE_TO_3D_PT_results(bpy.types.Panel):
    """Show the results of all files"""

    bl_idname = RESULTS_PANEL
    bl_label = "Results"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"  # a popover
    bl_ui_units_x = _WIDTH

    def draw(self, context: bpy.types.Context) -> None:
        layout, manager = self.layout, context.window_manager
        config = preferences.read_config()
        search = getattr(manager, RESULT_SEARCH)
        page = results_view.page(getattr(manager, RESULT_PAGE), search)
        layout.prop(manager, RESULT_SEARCH, text="", icon="VIEWZOOM")
        if page is not None and page.results:
            _draw_results(layout, page.results)
        else:
            row = layout.row()
            row.active = False
            row.alignment = "CENTER"
            if results_view.reading():
                row.label(text="Reading results")
            else:
                row.label(text="No results with this name" if search else "No results yet")
        if page is not None and page.pages > 1:
            _draw_pager(layout, page.number, page.pages)
        if not asset_libraries.is_added(context, config.results):
            layout.separator()
            layout.operator(Op.ADD_ASSET_LIBRARY, icon="ASSET_MANAGER")


def _draw_results(layout: bpy.types.UILayout, results: tuple[Result, ...]) -> None:
    grid = layout.grid_flow(row_major=True, columns=_COLUMNS, even_columns=True, even_rows=True, align=False)
    for result in results:
        cell = grid.column(align=True)
        shown = thumbnails.icon(str(result.thumbnail), ours=True) if result.thumbnail is not None else 0
        cell.template_icon(icon_value=shown, scale=_THUMBNAIL_ROWS)
        cell.operator(Op.RESULT_MENU, text=result.name, translate=False).job_id = result.job_id
    for _ in range(_COLUMNS - len(results)):  # a few results are as wide as many
        grid.label()


def _draw_pager(layout: bpy.types.UILayout, number: int, pages: int) -> None:
    row = layout.row(align=True)
    back = row.row(align=True)
    back.enabled = number > 0
    back.operator(Op.TURN_RESULTS, text="", icon="TRIA_LEFT").page = max(0, number - 1)
    middle = row.row(align=True)
    middle.alignment = "CENTER"
    middle.label(text=tr("{number} of {count}", number=number + 1, count=pages), translate=False)
    forward = row.row(align=True)
    forward.enabled = number < pages - 1
    forward.operator(Op.TURN_RESULTS, text="", icon="TRIA_RIGHT").page = number + 1
