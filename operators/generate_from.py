# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates from dropped files, or from images in an editor, after asking: a drop or a menu entry costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import bpy
from bpy.props import CollectionProperty, EnumProperty, StringProperty

from .. import engine, forecast_text, job_view, preferences
from ..bl_ids import SCENE_SETTINGS, Op
from ..errors import ImageError, ImageTo3DError, counted, one_line
from ..scene import image_content, image_files, target_scene
from ..translation import tr, tr_message, tr_report
from . import monitor
from .define import PollMixin
from .image_file_browser import ImageFileBrowser, continue_with, names_of
from .image_sources import shown_image, use_file, use_image

_MAX_NAMES: Final = 6
"""As Blender's file browser numbers them; it shows names only, unless the operator has this property."""
_ARRANGE: Final = (
    ("GRID", "Grid", "In a grid, spaced by the models' sizes"),
    ("ROW", "Row", "In a row, spaced by the models' sizes"),
)


class AskFirst(PollMixin):
    """Base class of operators that ask, with the names of the images, before they generate."""

    bl_options: ClassVar[set[str]] = {"INTERNAL"}  # neither REGISTER nor UNDO: redoing would pay for another model
    bl_label = "Generate 3D Model"
    layout: bpy.types.UILayout
    arrange: str
    found: Sequence[Path | bpy.types.Image] = ()
    """What the question is about; drawing it looks at no file."""

    def images(self, context: bpy.types.Context) -> Sequence[Path | bpy.types.Image]:
        """Returns the images to generate from. Raises ImageError if there are none."""
        raise NotImplementedError

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        try:
            found = self.found = self.images(context)
            if len(found) == 1:
                use_file(context, found[0]) if isinstance(found[0], Path) else use_image(context, found[0])
        except ImageTo3DError as error:
            return self._failed(error)
        wm: Any = context.window_manager
        return set(wm.invoke_props_dialog(self, width=320, confirm_text="Generate"))

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        found = self.found
        config = preferences.read_config()
        names = [one_line(image.name, 60) for image in found[:_MAX_NAMES]]
        column = layout.column(align=True)
        for name in names:
            column.label(text=name, icon="IMAGE_DATA")
        if len(found) > _MAX_NAMES:
            column.label(text=tr("and {count} more", count=len(found) - _MAX_NAMES), icon="BLANK1", translate=False)
        if len(found) > 1:
            layout.row().prop(self, "arrange", expand=True)
        service = preferences.SERVICE_NAMES[config.service]
        models = counted(
            len(found),
            "1 model with {service}, as set in the sidebar",
            "{count} models with {service}, as set in the sidebar",
            service=service,
        )
        layout.label(text=tr_message(models), icon="INFO", translate=False)
        parameters = getattr(context.scene, SCENE_SETTINGS).parameters()
        if expected := forecast_text.line(job_view.forecast(parameters, len(found))):
            layout.label(text=expected, icon="TIME", translate=False)
        obstacle = config.why_not_ready() or target_scene.why_not(context.scene)
        if obstacle:
            layout.label(text=obstacle if isinstance(obstacle, str) else tr_message(obstacle.message), icon="ERROR")

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            _generate(context, self.found or self.images(context), self.arrange)
        except ImageTo3DError as error:
            return self._failed(error)
        monitor.start()
        return {"FINISHED"}

    def _failed(self, error: ImageTo3DError) -> set[str]:
        report: Any = getattr(self, "report")  # noqa: B009  of the operator
        report({"ERROR"}, tr_report(error.info()))
        return {"CANCELLED"}


def _generate(context: bpy.types.Context, images: Sequence[Path | bpy.types.Image], arrange: str) -> None:
    """Start a job for one image, or a batch for several, with the scene's settings."""
    from ..jobs.batch_request import BatchImage

    scene, settings = context.scene, getattr(context.scene, SCENE_SETTINGS)
    engine.require_ready(scene)
    given = [
        BatchImage(image) if isinstance(image, Path)
        else BatchImage(image_content.source_of(image, scene), image_content.name_of(image))
        for image in images
    ]  # fmt: skip
    parameters, placement = settings.parameters(), settings.placement.chosen()
    if len(given) == 1:
        engine.submit(given[0].image, name=given[0].name, parameters=parameters, placement=placement, scene=scene)
        return
    files = [image for image in images if isinstance(image, Path)]
    name = files[0].parent.name if files else "Images"
    placement = replace(placement, collection=placement.collection or name)
    engine.submit_batch(given, parameters=parameters, placement=placement, scene=scene, name=name, arrange=arrange)


class IMAGE_TO_3D_OT_drop_images(AskFirst, bpy.types.Operator):
    """Generate 3D models from the dropped images"""

    bl_idname = Op.DROP_IMAGES

    if TYPE_CHECKING:
        directory: str
        files: Any
        filepath: str
        arrange: str
    else:
        directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
        filepath: StringProperty(subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
        files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
        arrange: EnumProperty(name="Arrangement", items=_ARRANGE)

    def images(self, _context: bpy.types.Context) -> list[Path]:
        paths = [Path(self.directory, each.name) for each in self.files if each.name]
        found = [path for path in paths or [Path(self.filepath)] if image_files.is_image(path)]
        if not found:
            raise ImageError("No image is chosen.", advice="Choose an image first.")
        return found


def _why_no_image(context: bpy.types.Context) -> str:
    return "" if shown_image(context) else "The Image Editor shows no image"


class IMAGE_TO_3D_OT_generate_from_editor(AskFirst, bpy.types.Operator):
    """Generate a 3D model from this image as it is shown, with its unsaved changes"""

    bl_idname = Op.GENERATE_FROM_EDITOR
    why_not = _why_no_image
    arrange = "GRID"

    def images(self, context: bpy.types.Context) -> list[bpy.types.Image]:
        image = shown_image(context)
        return [image] if image is not None else []


def selected_images(context: bpy.types.Context) -> list[bpy.types.Image]:
    """Returns the images that are selected in the Outliner."""
    return [each for each in getattr(context, "selected_ids", []) if isinstance(each, bpy.types.Image)]


class IMAGE_TO_3D_OT_generate_from_outliner(AskFirst, bpy.types.Operator):
    """Generate 3D models from the selected images, with their unsaved changes"""

    bl_idname = Op.GENERATE_FROM_OUTLINER
    why_not = lambda context: "" if selected_images(context) else "No images are selected"  # noqa: E731

    if TYPE_CHECKING:
        arrange: str
    else:
        arrange: EnumProperty(name="Arrangement", items=_ARRANGE)

    def images(self, context: bpy.types.Context) -> list[bpy.types.Image]:
        return selected_images(context)


class IMAGE_TO_3D_OT_generate_from_files(ImageFileBrowser, bpy.types.Operator):
    """Choose one or more images, and generate 3D models from them"""

    bl_idname = Op.GENERATE_FROM_FILES
    bl_label = "Generate 3D Model"
    bl_options: ClassVar[set[str]] = set()

    if TYPE_CHECKING:
        directory: str
        files: Any
    else:
        directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
        files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        drop: Any = bpy.ops.image_to_3d.drop_images  # type: ignore[attr-defined]
        return continue_with(self, lambda: drop("INVOKE_DEFAULT", directory=self.directory, files=names_of(self.files)))


class IMAGE_TO_3D_FH_images(bpy.types.FileHandler):
    """Offers to generate from image files that are dropped into a 3D viewport."""

    bl_idname = "IMAGE_TO_3D_FH_images"
    bl_label = "Generate 3D Model"
    bl_import_operator = Op.DROP_IMAGES
    bl_file_extensions = ";".join(sorted(getattr(bpy.path, "extensions_image")))  # noqa: B009  unknown to the stubs

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D" and context.region.type == "WINDOW"
