# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that open a job's files, the preferences, or test the key."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import bpy

from .. import background_task, engine, preferences, redraw
from ..bl_ids import PACKAGE, Op
from ..errors import StorageError
from ..jobs.config import OFFLINE
from ..jobs.job import Job
from .job_actions import JobOperator, refresh


def open_with_system(path: Path | None, name: str) -> None:
    """Open a file or folder with the system's default program. Raises StorageError if it is missing."""
    if path is None or not path.exists():
        raise StorageError("{name} no longer exists.", advice="", name=name)
    bpy.ops.wm.path_open(filepath=str(path))


class IMAGE_TO_3D_OT_open_folder(JobOperator, bpy.types.Operator):
    """Open the folder with the model, the image and all other files of this job"""

    bl_idname = Op.OPEN_FOLDER
    bl_label = "Open Folder"

    def act(self, _context: bpy.types.Context, job: Job) -> None:
        open_with_system(job.folder, "The folder")


class IMAGE_TO_3D_OT_open_video(JobOperator, bpy.types.Operator):
    """Play the turntable video"""

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
        bpy.ops.preferences.addon_show(module=PACKAGE)
        return {"FINISHED"}


class IMAGE_TO_3D_OT_allow_online(bpy.types.Operator):
    """Open Preferences › System › Network"""

    bl_idname = Op.ALLOW_ONLINE
    bl_label = "Allow Online Access"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        bpy.ops.screen.userpref_show(section="SYSTEM")
        return {"FINISHED"}


class IMAGE_TO_3D_OT_use_offline_preview(bpy.types.Operator):
    """Make rough shapes on this computer instead: no account, no network, not AI"""

    bl_idname = Op.USE_OFFLINE_PREVIEW
    bl_label = "Try Offline Preview"
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
    """Check the API key and show the account balance"""

    bl_idname = Op.TEST_KEY
    bl_label = "Test Key"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        obstacle = preferences.read_config().why_not_ready()
        if obstacle is not None:
            cls.poll_message_set(str(obstacle))
            return False
        return not background_task.account.status.running

    def execute(self, context: bpy.types.Context) -> set[str]:
        engine.check_account()
        refresh(context)
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
