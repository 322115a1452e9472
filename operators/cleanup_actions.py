# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that measure and clean up the results folders, in a thread."""

from __future__ import annotations

from typing import ClassVar

import bpy

from .. import background_task, preferences
from ..bl_ids import Op
from .job_actions import refresh


class StorageOperator:
    """Base class: only one of these tasks at a time."""

    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return not background_task.storage.status.running


class IMAGE_TO_3D_OT_measure_results(StorageOperator, bpy.types.Operator):
    """Measure the disk usage of the results folder"""

    bl_idname = Op.MEASURE_RESULTS
    bl_label = "Measure"

    def execute(self, context: bpy.types.Context) -> set[str]:
        background_task.measure_results(preferences.read_config().results_folders)
        refresh(context)
        return {"FINISHED"}


class IMAGE_TO_3D_OT_clean_up(StorageOperator, bpy.types.Operator):
    """Delete old result files, within the limits set here. Unsaved or unplaced models are kept"""

    bl_idname = Op.CLEAN_UP
    bl_label = "Clean Up"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        clean_up()
        refresh(context)
        return {"FINISHED"}


def clean_up() -> None:
    """Clean up as the preferences' limits say. Returns at once."""
    config = preferences.read_config()
    background_task.clean_up(
        config.results_folders, older_than_days=config.keep_days, over_gigabytes=config.keep_gigabytes
    )


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_measure_results, IMAGE_TO_3D_OT_clean_up))
