# SPDX-License-Identifier: GPL-3.0-or-later
"""Generates from several images or a folder: a file browser chooses them, and a dialog asks before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, StringProperty

from .. import engine, forecast_text, image_check, job_view, preferences
from ..bl_ids import SCENE_SETTINGS, Op
from ..errors import ImageError, ImageTo3DError, one_line
from ..jobs.batch import Batch
from ..jobs.config import FREE
from ..scene import image_files, image_sources
from ..translation import tr, tr_message, tr_report
from . import image_checks
from .define import PollMixin
from .generate import BatchOperator, why_not_ready
from .image_file_browser import ImageFileBrowser, continue_with, names_of

if TYPE_CHECKING:
    from ..jobs.batch_request import BatchImage

_ARRANGEMENTS: Final = (
    ("GRID", "Grid", "In a grid that starts at the 3D cursor, spaced by the models' sizes"),
    ("ROW", "Row", "In a row along X that starts at the 3D cursor, spaced by the models' sizes"),
    ("NONE", "As Placed", "Each where the placement settings say: all of them in the same place"),
)
MAX_CHECKED: Final = 60
"""Images of a batch that are checked while the dialog is open."""
MAX_SHOWN: Final = 4
"""Images whose warnings the dialog shows."""


class BatchChoice:
    """The properties of both operators: which images, and how their models are placed."""

    if TYPE_CHECKING:
        directory: str
        files: Any
        recursive: bool
        pattern: str
        views_by_name: bool
        arrange: str
        own_collection: bool
        mark_as_asset: bool
    else:
        directory: StringProperty(name="Folder", subtype="DIR_PATH", options={"SKIP_SAVE"})
        files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
        recursive: BoolProperty(
            name="Include Sub-Folders", description="Also use the images in the sub-folders", options={"SKIP_SAVE"}
        )
        pattern: StringProperty(
            name="Name Pattern",
            description="Use only the images whose names match, for example *_front.png; empty for all",
            options={"SKIP_SAVE"},
        )
        views_by_name: BoolProperty(
            name="Views by Name",
            description="Images such as chair_front, chair_left, chair_back and chair_right become one model",
            options={"SKIP_SAVE"},
        )
        arrange: EnumProperty(name="Arrange", description="Where the models are placed", items=_ARRANGEMENTS)
        own_collection: BoolProperty(
            name="Collection per Model",
            description="Put each model into a collection of its own, inside one for all of them",
        )
        mark_as_asset: BoolProperty(
            name="Mark as Asset", description="Make the models available in the Asset Browser, with previews"
        )

    def choice(self) -> dict[str, Any]:
        """Returns the properties as arguments of `generate_batch`."""
        names = ("directory", "recursive", "pattern", "views_by_name", "arrange", "own_collection", "mark_as_asset")
        return {name: getattr(self, name) for name in names} | {"files": names_of(self.files)}

    def find(self) -> list[BatchImage]:
        """Returns the chosen images; those of the folder if none is chosen. Raises ImageError."""
        from ..jobs.batch_request import BatchImage, with_views_by_name

        folder = image_sources.absolute(self.directory)
        chosen = [Path(folder, each.name) for each in self.files if each.name]
        if not chosen and not folder:
            raise ImageError("No image is chosen.", advice="Choose images, or a folder with images.")
        found = dict.fromkeys(image for path in chosen or [Path(folder)] for image in self._find_in(path))
        images = [BatchImage(image) for image in found]
        return with_views_by_name(images) if self.views_by_name else images

    def _find_in(self, path: Path) -> Iterator[Path | str]:
        if path.is_dir():
            yield from image_files.find(str(path), recursive=self.recursive, pattern=self.pattern)
        else:
            yield image_sources.from_text(str(path))


class IMAGE_TO_3D_OT_choose_batch(BatchChoice, ImageFileBrowser, PollMixin, bpy.types.Operator):
    """Choose several images or a folder, and generate a model from each image"""

    bl_idname = Op.CHOOSE_BATCH
    bl_label = "Choose Images"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}
    why_not = why_not_ready

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        settings = getattr(context.scene, SCENE_SETTINGS)
        self.own_collection = settings.placement.own_collection
        self.mark_as_asset = settings.placement.mark_as_asset
        image = image_sources.absolute(settings.image)
        if image and image_sources.is_local(image) and not image_sources.is_url(image):
            self.directory = str(Path(image).parent)
        return super().invoke(context, event)

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.label(text="Nothing selected: whole folder", icon="INFO")
        column = layout.column()
        column.prop(self, "recursive")
        column.label(text="Name Pattern:")
        column.prop(self, "pattern", text="", placeholder="*")
        if preferences.read_config().takes_views:
            column.prop(self, "views_by_name")
        column = layout.column()
        column.label(text="Arrange:")
        column.prop(self, "arrange", text="")
        column.prop(self, "own_collection")
        column.prop(self, "mark_as_asset")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Ask in a dialog: it opens when the file browser is closed."""
        batch: Any = bpy.ops.image_to_3d.generate_batch  # type: ignore[attr-defined]
        return continue_with(self, lambda: batch("INVOKE_DEFAULT", **self.choice()))


class IMAGE_TO_3D_OT_generate_batch(BatchChoice, BatchOperator, bpy.types.Operator):
    """Generate a model from each of several images, or from each image in a folder"""

    bl_idname = Op.GENERATE_BATCH
    bl_label = "Generate Models"
    why_not = why_not_ready
    _checked: list[str]
    _parameters: dict[str, Any]
    if TYPE_CHECKING:
        _found: list[BatchImage]

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        try:
            engine.require_ready(context.scene)
            self._found = self.find()
        except ImageTo3DError as error:
            self.report({"ERROR"}, tr_report(error.info()))
            return {"CANCELLED"}
        count = len(self._found)
        self._checked = [str(each.image) for each in self._found if isinstance(each.image, Path)][:MAX_CHECKED]
        image_checks.check_images(self._checked)
        self._parameters = getattr(context.scene, SCENE_SETTINGS).parameters()
        confirm = tr("Generate {count} Models", count=count) if count > 1 else tr("Generate 1 Model")
        return self.ask(context, title=forecast_text.question(self._parameters, count), confirm=confirm, width=440)

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        names = [Path(each.image).name for each in self._found[:3]]
        shown = one_line(", ".join(names), 60)
        if len(self._found) > len(names):
            shown = tr("{names} and {count} more", names=shown, count=len(self._found) - len(names))
        column.label(text=shown, icon="IMAGE_DATA", translate=False)
        service = preferences.read_config().service
        column.label(text=preferences.SERVICE_NAMES[service], icon=preferences.SERVICE_ICONS[service])
        forecast = job_view.forecast(self._parameters, len(self._found))
        if expected := forecast_text.line(forecast):
            column.label(text=expected, icon="TIME", translate=False)
        if service not in FREE and forecast.price is None:
            column.label(text="Each model is charged", icon="INFO")
        self._draw_warnings()
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        self.layout.prop(self, "arrange")

    def _draw_warnings(self) -> None:
        """Draw what the worker has found out about the images so far."""
        column = self.layout.column(align=True)
        checked, doubtful = image_check.doubtful(self._checked)
        if checked < len(self._found):
            progress = tr("{done} of {total} images checked", done=checked, total=len(self._found))
            column.label(text=progress, icon="VIEWZOOM", translate=False)
        else:
            column.label(text="All images checked", icon="VIEWZOOM")
        for image, warning in doubtful[:MAX_SHOWN]:
            column.label(text=f"{one_line(Path(image).name, 30)}: {one_line(tr_message(warning), 90)}", icon="ERROR")
        if len(doubtful) > MAX_SHOWN:
            more = tr("{count} more images have warnings", count=len(doubtful) - MAX_SHOWN)
            column.label(text=more, icon="ERROR", translate=False)

    def submit_batch(self, context: bpy.types.Context) -> Batch:
        image_check.stop()
        settings = getattr(context.scene, SCENE_SETTINGS)
        placement = replace(
            settings.placement.chosen(), own_collection=self.own_collection, mark_as_asset=self.mark_as_asset
        )
        name = Path(image_sources.absolute(self.directory)).name if self.directory else ""
        if self.own_collection and not placement.collection:
            placement = replace(placement, collection=name)
        return engine.submit_batch(
            self._found if self._asked else self.find(),
            parameters=settings.parameters(),
            placement=placement,
            scene=context.scene,
            name=name,
            arrange=self.arrange,
        )
