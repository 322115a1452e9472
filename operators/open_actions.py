# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways out of the panel: the files of a job, and the settings that something depends on."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from .. import account, engine, preferences
from ..bl_ids import Op
from ..errors import StorageError
from ..jobs.config import OFFLINE
from ..jobs.job import Job
from ..panels import redraw
from . import monitor
from .job_actions import JobOperator


def open_with_system(path: Path | None, what: str) -> None:
    """Show a file or folder with the system's own program. Raises StorageError where it is gone."""
    if path is None or not path.exists():
        raise StorageError(f"{what} is not there any more.", advice="")
    bpy.ops.wm.path_open(filepath=str(path))


class IMAGE_TO_3D_OT_open_folder(JobOperator, bpy.types.Operator):
    """Open the folder with the model, the image and all else that belongs to this job"""

    bl_idname = Op.OPEN_FOLDER
    bl_label = "Open Folder"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        open_with_system(job.folder, "The folder")


class IMAGE_TO_3D_OT_open_video(JobOperator, bpy.types.Operator):
    """Play the video of the model turning"""

    bl_idname = Op.OPEN_VIDEO
    bl_label = "Play Video"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        open_with_system(job.video_path, "The video")


class IMAGE_TO_3D_OT_open_preferences(bpy.types.Operator):
    """Open the add-on's preferences: service, API key, results folder"""

    bl_idname = Op.OPEN_PREFERENCES
    bl_label = "Open Preferences"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        bpy.ops.preferences.addon_show(module=preferences.ROOT)
        return {"FINISHED"}


class IMAGE_TO_3D_OT_allow_online(bpy.types.Operator):
    """Open Blender's preferences where online access is allowed: System, Network, Allow Online Access"""

    bl_idname = Op.ALLOW_ONLINE
    bl_label = "Allow Online Access"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        bpy.ops.screen.userpref_show(section="SYSTEM")
        return {"FINISHED"}


class IMAGE_TO_3D_OT_use_offline_preview(bpy.types.Operator):
    """Make rough shapes on this computer instead: no account, no network, and no AI"""

    bl_idname = Op.USE_OFFLINE_PREVIEW
    bl_label = "Use Offline Preview"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return preferences.get() is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        saved = preferences.get()
        if saved is not None:
            saved.service = OFFLINE
            redraw.sidebars(context.window_manager)
        return {"FINISHED"}


class IMAGE_TO_3D_OT_test_key(bpy.types.Operator):
    """Ask the service whether it knows the API key, and for the account's balance"""

    bl_idname = Op.TEST_KEY
    bl_label = "Test Key"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        chosen = preferences.chosen()
        if chosen.needs_key:
            cls.poll_message_set("Enter an API key first")
        elif not chosen.address:
            cls.poll_message_set("Enter the service's address first")
        elif not chosen.on_this_machine and not bpy.app.online_access:
            cls.poll_message_set("Allow online access in the preferences under System first")
        else:
            return not account.now().asking
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        engine.ask_account()
        redraw.sidebars(context.window_manager)
        monitor.start()
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (
        IMAGE_TO_3D_OT_open_folder,
        IMAGE_TO_3D_OT_open_video,
        IMAGE_TO_3D_OT_open_preferences,
        IMAGE_TO_3D_OT_allow_online,
        IMAGE_TO_3D_OT_use_offline_preview,
        IMAGE_TO_3D_OT_test_key,
    )
)
