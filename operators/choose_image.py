# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the input image in the file browser, which shows images only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, StringProperty

from ..bl_ids import SCENE_SETTINGS, Op
from ..scene import image_sources


class IMAGE_TO_3D_OT_choose_image(bpy.types.Operator):
    """Choose the image to generate from; several images make a batch"""

    bl_idname = Op.CHOOSE_IMAGE
    bl_label = "Open Image"
    bl_options: ClassVar[set[str]] = {"INTERNAL", "UNDO"}

    if TYPE_CHECKING:
        filepath: str
        filter_image: bool
        filter_folder: bool
        relative_path: bool
        display_type: str
        directory: str
        files: Any
    else:
        filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
        filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
        filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
        relative_path: BoolProperty(
            name="Relative Path",
            description="Store the path relative to the .blend, so that both can be moved together",
            default=True,
        )
        display_type: EnumProperty(
            items=(("DEFAULT", "Default", "", 0), ("THUMBNAIL", "Thumbnails", "", 3)),
            default="THUMBNAIL",
            options={"HIDDEN", "SKIP_SAVE"},
        )
        directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
        files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        stored = image_sources.absolute(getattr(context.scene, SCENE_SETTINGS).image)
        self.filepath = stored if image_sources.is_local(stored) else ""  # the file browser reads the file's folder
        self.relative_path = context.preferences.filepaths.use_relative_paths
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        names = [{"name": each.name} for each in self.files if each.name]
        if len(names) > 1:  # a batch, which asks first
            operators: Any = bpy.ops.image_to_3d  # type: ignore[attr-defined]
            try:
                return set(operators.generate_batch("INVOKE_DEFAULT", directory=self.directory, files=names))
            except RuntimeError as error:  # it reported why it can't run
                self.report({"ERROR"}, str(error).removeprefix("Error: ").strip())
                return {"CANCELLED"}
        path = self.filepath
        if self.relative_path and bpy.data.filepath:
            try:
                path = image_sources.relative(path)
            except ValueError:  # on another drive
                path = self.filepath
        getattr(context.scene, SCENE_SETTINGS).image = path
        return {"FINISHED"}
