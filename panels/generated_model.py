# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel for a selected generated model: how it was made, its size, and its variations."""

from __future__ import annotations

from typing import ClassVar

import bpy

from .. import job_view
from ..bl_ids import Op
from ..errors import one_line
from ..jobs import provenance
from ..scene import variations
from . import text_lines
from .main import IMAGE_TO_3D_PT_main, SidebarPanel


class IMAGE_TO_3D_PT_generated_model(SidebarPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_generated_model"
    bl_parent_id = IMAGE_TO_3D_PT_main.bl_idname
    bl_label = "Generated Model"
    bl_options: ClassVar[set[str]] = set()

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return variations.model_of(context.active_object) is not None

    def draw(self, context: bpy.types.Context) -> None:
        root = variations.model_of(context.active_object)
        assert root is not None, "poll() checked it"
        column = self.layout.column(align=True)
        row = column.row()
        row.label(text=provenance.image_name(root), icon="IMAGE_DATA")
        row.operator(Op.SHOW_IMAGE, text="", icon="HIDE_OFF", emboss=False)
        if url := provenance.image_url(root):  # it can be opened and sent, and may be a stranger's
            text_lines.wrapped(column, context, one_line(url), icon="URL")
        seed, date = provenance.text(root, provenance.SEED) or "?", provenance.text(root, provenance.DATE)[:10]
        column.label(text=f"Seed {seed} · {date}", icon="BLANK1")
        low, high = variations.bounds(root)
        size = bpy.utils.units.to_string(context.scene.unit_settings.system, "LENGTH", high.z - low.z, precision=3)
        column.label(text=f"{variations.triangle_count(root):,} triangles · {size} high", icon="BLANK1")
        job = job_view.job(provenance.text(root, provenance.JOB))
        for repair in job.details.get("repairs", ()) if job is not None else ():
            text_lines.wrapped(column, context, repair, icon="INFO")
        row = self.layout.row(align=True)
        row.operator(Op.GENERATE_AGAIN, icon="FILE_REFRESH")
        row.operator(Op.VARY_SEED, icon="MOD_ARRAY")
        row = self.layout.row(align=True)
        row.label(text="Rotate 90°")
        for axis in "XYZ":
            row.operator(Op.ROTATE_MODEL, text=axis).axis = axis
        if provenance.text(root, provenance.GROUP):
            row = self.layout.row(align=True)
            row.operator(Op.SHOW_VARIATION, text="", icon="TRIA_LEFT").which = "PREVIOUS"
            row.operator(Op.SHOW_VARIATION, text="", icon="TRIA_RIGHT").which = "NEXT"
            row.operator(Op.SHOW_VARIATION, text="Show All").which = "ALL"
            row.operator(Op.KEEP_VARIATION)
