# SPDX-License-Identifier: GPL-3.0-or-later
"""Composes several views of a subject into one image, in a thread, and makes that the panel's image.

Experimental: the service documents no layout for several views.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import bpy
from bpy.props import CollectionProperty, StringProperty

from .. import engine, job_view
from ..bl_ids import SCENE_SETTINGS, Op
from ..errors import ImageError, ImageTo3DError, Message
from ..jobs.job import Notice
from ..scene import captures, image_sources
from ..translation import tr_report
from .image_file_browser import ImageFileBrowser

_POLL_SECONDS: Final = 0.2


class Composition(threading.Thread):
    """Composes views in the worker. `error`: why it failed, once it has ended."""

    def __init__(self, images: Sequence[Path]) -> None:
        super().__init__(name="image_to_3d views", daemon=True)
        self.path = captures.new_path("views")
        self.error: ImageTo3DError | None = None
        self.warnings: list[Message] = []
        self._images = images
        self._worker = engine.queue().worker

    def run(self) -> None:
        request = {"do": "views", "sources": [str(image) for image in self._images], "target": str(self.path)}
        try:
            reply = self._worker.run(request)
            self.warnings = [Message.from_json(warning) for warning in reply["warnings"]]
        except ImageTo3DError as error:
            self.error = error


def compose_views(images: Sequence[Path]) -> Path:
    """Returns the file with all views. Blocks. Raises ImageError, WorkerError, StorageError."""
    composition = Composition(images)
    composition.run()
    if composition.error is not None:
        raise composition.error
    return composition.path


class IMAGE_TO_3D_OT_image_from_views(ImageFileBrowser, bpy.types.Operator):
    """Compose up to six images of the same subject, from several sides, into one. Experimental"""

    bl_idname = Op.IMAGE_FROM_VIEWS
    bl_label = "Choose Views"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    if TYPE_CHECKING:
        directory: str
        files: Any
    else:
        directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
        files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.label(text="Select up to six images", icon="INFO")

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = Path(image_sources.absolute(self.directory))
        images = [folder / each.name for each in self.files if each.name]
        try:
            if not images:
                raise ImageError("No image is chosen.", advice="Select up to six images of the same subject.")
            composition = Composition(images)
        except ImageTo3DError as error:
            self.report({"ERROR"}, tr_report(error.info()))
            return {"CANCELLED"}
        if bpy.app.background:
            composition.run()
        else:
            composition.start()
        _use_when_done(composition, context.scene.session_uid)
        return {"FINISHED"}


def _use_when_done(composition: Composition, scene_uid: int) -> None:
    """Make the composed image the scene's, now or in an app timer."""

    def use() -> float | None:
        if composition.is_alive():
            return _POLL_SECONDS
        scene = next((scene for scene in bpy.data.scenes if scene.session_uid == scene_uid), None)
        if composition.error is not None:
            job_view.add_notice(Notice(composition.error.info(), warning=True))
        elif scene is not None:
            settings = getattr(scene, SCENE_SETTINGS)
            settings.image, settings.multi_image = str(composition.path), True
            for warning in composition.warnings:
                job_view.add_notice(Notice(warning, warning=True))
        return None

    if use() is not None:
        bpy.app.timers.register(use, first_interval=_POLL_SECONDS)
