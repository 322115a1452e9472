# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for the earlier results, and for showing them in the Asset Browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import bpy
from bpy.props import IntProperty, StringProperty

from .. import engine, preferences, redraw, results_view
from ..bl_ids import RESULT_PAGE, RESULTS_PANEL, Op
from ..errors import ImageTo3DError, StorageError
from ..jobs.job import Job
from ..properties import use_settings
from ..scene import asset_libraries, place_model, target_scene
from ..translation import tr_message
from .define import PollMixin, operator
from .open_actions import open_with_system

LIBRARY_NAME: Final = "Image to 3D"

_WAIT: Final = 0.3
"""Seconds that the results folders are read before the popover opens; it shows what is known by then."""


@operator(Op.SHOW_RESULTS, "Results")
def show_results(context: bpy.types.Context) -> None:
    """Show the results of all files, to place a model again or to use its settings"""
    results_view.load(preferences.read_config().results_folders)
    results_view.wait(_WAIT)
    bpy.ops.wm.call_panel("INVOKE_DEFAULT", name=RESULTS_PANEL)


class ResultOperator(PollMixin):
    """Base class of operators for one result, given by its `job_id`."""

    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        job_id: str
    else:
        job_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self.use(context, self._job())
        except ImageTo3DError as error:
            self.report({"ERROR"}, tr_message(error.info()))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _job(self) -> Job:
        """Returns the job as its folder has it. Raises StorageError."""
        from ..jobs import serialization

        result = results_view.find(self.job_id)
        try:
            if result is not None:
                return serialization.read_job_file(result.folder)[0]
        except (OSError, ValueError):
            results_view.changed()
        raise StorageError("This result is no longer in the results folder.", advice="")

    def use(self, context: bpy.types.Context, job: Job) -> None:
        raise NotImplementedError

    report: Any


def _why_not_place(context: bpy.types.Context) -> str:
    return target_scene.why_not(context.scene) or place_model.why_not_now(context)


class IMAGE_TO_3D_OT_place_result(ResultOperator, bpy.types.Operator):
    """Add this model to the scene at the 3D cursor"""

    bl_idname = Op.PLACE_RESULT
    bl_label = "Place at Cursor"
    why_not = _why_not_place

    def use(self, context: bpy.types.Context, job: Job) -> None:
        engine.place_here(job, context.scene, at=context.scene.cursor.location)


class IMAGE_TO_3D_OT_use_result_settings(ResultOperator, bpy.types.Operator):
    """Copy the settings that this model was generated with to the panel"""

    bl_idname = Op.USE_RESULT_SETTINGS
    bl_label = "Use These Settings"
    bl_options: ClassVar[set[str]] = {"INTERNAL", "UNDO"}

    def use(self, context: bpy.types.Context, job: Job) -> None:
        seed = {"seed": int(job.seed)} if job.seed.isdecimal() else {}
        use_settings(context.scene, {**job.parameters, **seed}, job.placement)


class IMAGE_TO_3D_OT_show_result_image(ResultOperator, bpy.types.Operator):
    """Open the image that this model was generated from"""

    bl_idname = Op.SHOW_RESULT_IMAGE
    bl_label = "Show Image"

    def use(self, context: bpy.types.Context, job: Job) -> None:
        shown = job.folder / job.upload_file if job.upload_file else job.image_path
        open_with_system(shown, "The image")


class IMAGE_TO_3D_OT_open_result_folder(ResultOperator, bpy.types.Operator):
    """Open the folder with the model file, the image and all other files of this result"""

    bl_idname = Op.OPEN_RESULT_FOLDER
    bl_label = "Open Folder"

    def use(self, context: bpy.types.Context, job: Job) -> None:
        open_with_system(job.folder, "The folder")


class IMAGE_TO_3D_OT_result_menu(ResultOperator, bpy.types.Operator):
    """Place this model again, use its settings, or open its files"""

    bl_idname = Op.RESULT_MENU
    bl_label = "Result"

    def use(self, context: bpy.types.Context, job: Job) -> None:
        entries = (
            (Op.PLACE_RESULT, "IMPORT"),
            (Op.USE_RESULT_SETTINGS, "PREFERENCES"),
            (Op.SHOW_RESULT_IMAGE, "IMAGE_DATA"),
            (Op.OPEN_RESULT_FOLDER, "FILE_FOLDER"),
        )

        def draw(menu: bpy.types.UIPopupMenu, _context: bpy.types.Context) -> None:
            for idname, icon in entries:
                menu.layout.operator(idname, icon=icon).job_id = job.id

        context.window_manager.popup_menu(draw, title=job.name)


class IMAGE_TO_3D_OT_turn_results(bpy.types.Operator):
    """Show another page of the results"""

    bl_idname = Op.TURN_RESULTS
    bl_label = "Turn Page"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        page: int
    else:
        page: IntProperty(min=0, options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        setattr(context.window_manager, RESULT_PAGE, self.page)
        redraw.sidebars(context.window_manager)
        return {"FINISHED"}


def _why_not_add(context: bpy.types.Context) -> str:
    results = preferences.read_config().results
    return "The results folder is an asset library already" if asset_libraries.is_added(context, results) else ""


@operator(Op.ADD_ASSET_LIBRARY, "Add as Asset Library", why_not=_why_not_add)
def add_asset_library(context: bpy.types.Context) -> None:
    """Show the models of the results folder in the Asset Browser, as a library in Blender's preferences"""
    results = preferences.read_config().results
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError("The results folder can't be written: {reason}.", cause=error) from error
    asset_libraries.add(context, LIBRARY_NAME, results)
