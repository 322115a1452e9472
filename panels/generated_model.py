# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the active model came from, and what can be made of it."""

from __future__ import annotations

from typing import ClassVar

import bpy

from ..bl_ids import Op
from ..jobs import provenance
from ..scene import variations
from .main import IMAGE_TO_3D_PT_main, SidebarPanel


class IMAGE_TO_3D_PT_model(SidebarPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_model"
    bl_parent_id = IMAGE_TO_3D_PT_main.bl_idname
    bl_label = "This Model"
    bl_options: ClassVar[set[str]] = set()

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return variations.model_of(context.active_object) is not None

    def draw(self, context: bpy.types.Context) -> None:
        root = variations.model_of(context.active_object)
        assert root is not None, "poll() saw to it"
        column = self.layout.column(align=True)
        row = column.row()
        row.label(text=str(root.get(provenance.IMAGE, "")), icon="IMAGE_DATA")
        row.operator(Op.SHOW_IMAGE, text="", icon="HIDE_OFF", emboss=False)
        column.label(
            text=f"Seed {root.get(provenance.SEED, '?')} · {str(root.get(provenance.DATE, ''))[:10]}", icon="BLANK1"
        )
        row = self.layout.row(align=True)
        row.operator(Op.GENERATE_AGAIN, icon="FILE_REFRESH")
        row.operator(Op.VARY_SEED, icon="MOD_ARRAY")
        if root.get(provenance.GROUP):
            row = self.layout.row(align=True)
            row.operator(Op.SHOW_VARIATION, text="", icon="TRIA_LEFT").which = "PREVIOUS"
            row.operator(Op.SHOW_VARIATION, text="", icon="TRIA_RIGHT").which = "NEXT"
            row.operator(Op.SHOW_VARIATION, text="Show All").which = "ALL"
            row.operator(Op.KEEP_VARIATION)


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_PT_model,))
