# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the input image in the file browser, which shows images only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import bpy
from bpy.props import BoolProperty, CollectionProperty, StringProperty

from ..api.parameters import VIEWS
from ..bl_ids import SCENE_SETTINGS, Op
from ..property_definitions import view_property
from ..scene import image_sources
from ..translation import tr
from .image_file_browser import ImageFileBrowser, continue_with, names_of


class IMAGE_TO_3D_OT_choose_image(ImageFileBrowser, bpy.types.Operator):
    """Choose the image to generate from; several images make a batch"""

    bl_idname = Op.CHOOSE_IMAGE
    bl_label = "Open Image"
    bl_options: ClassVar[set[str]] = {"INTERNAL", "UNDO"}

    if TYPE_CHECKING:
        view: str
        filepath: str
        relative_path: bool
        directory: str
        files: Any
    else:
        view: StringProperty(
            name="View",
            description='Side of the subject that the image shows: "left", "back" or "right"; empty for the front',
            options={"HIDDEN", "SKIP_SAVE"},
        )
        filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
        relative_path: BoolProperty(
            name="Relative Path",
            description="Store the path relative to the .blend, so that both can be moved together",
            default=True,
        )
        directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
        files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        return tr("Choose an image of this side of the subject") if properties.view else ""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        settings = getattr(context.scene, SCENE_SETTINGS)
        stored = image_sources.absolute(getattr(settings, view_property(self.view), "") or settings.image)
        self.filepath = stored if image_sources.is_local(stored) else ""  # the file browser reads the file's folder
        self.relative_path = context.preferences.filepaths.use_relative_paths
        return super().invoke(context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        names = names_of(self.files)
        if len(names) > 1 and not self.view:  # a batch, which asks first
            batch: Any = bpy.ops.image_to_3d.generate_batch  # type: ignore[attr-defined]
            return continue_with(self, lambda: batch("INVOKE_DEFAULT", directory=self.directory, files=names))
        path = self.filepath
        if self.relative_path and bpy.data.filepath:
            try:
                path = image_sources.relative(path)
            except ValueError:  # on another drive
                path = self.filepath
        settings = getattr(context.scene, SCENE_SETTINGS)
        if self.view in VIEWS:
            setattr(settings, view_property(self.view), path)
        else:
            settings.image = path
        return {"FINISHED"}
