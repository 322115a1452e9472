# SPDX-License-Identifier: GPL-3.0-or-later
"""How much room the results take, and clearing away old ones: only when asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import bpy

from .. import engine, preferences, storage
from ..bl_ids import Op
from ..panels import redraw
from . import monitor


class StorageOperator:
    """An operator that looks after the results folder in a thread."""

    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        report: Any

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return not storage.now().at_work

    def execute(self, context: bpy.types.Context) -> set[str]:
        self.act()
        redraw.sidebars(context.window_manager)
        monitor.start()
        return {"FINISHED"}

    def act(self) -> None:
        raise NotImplementedError


class IMAGE_TO_3D_OT_measure_results(StorageOperator, bpy.types.Operator):
    """Find out how much room the results folder takes"""

    bl_idname = Op.MEASURE_RESULTS
    bl_label = "Measure"

    def act(self) -> None:
        storage.measure(engine.results_places())


class IMAGE_TO_3D_OT_clean_up(StorageOperator, bpy.types.Operator):
    """Delete the files of models that are placed and saved, cancelled or dismissed, beyond the limits set here"""

    bl_idname = Op.CLEAN_UP
    bl_label = "Clean Up"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def act(self) -> None:
        clean_up()


def clean_up() -> None:
    """Clear away what the preferences' limits say."""
    chosen = preferences.chosen()
    storage.clear(engine.results_places(), older_than_days=chosen.keep_days, over_gigabytes=chosen.keep_gigabytes)


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_measure_results, IMAGE_TO_3D_OT_clean_up))
