# SPDX-License-Identifier: GPL-3.0-or-later
"""The Generate button: starts a job for the chosen image, with the scene's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.props import StringProperty

from .. import engine, preferences
from ..bl_ids import SCENE_SETTINGS, Op
from ..errors import ImageTo3DError
from ..jobs.job import Job, State
from ..scene import image_sources
from .monitor import MonitorMixin, start


class IMAGE_TO_3D_OT_generate(MonitorMixin, bpy.types.Operator):
    """Generate a textured 3D model from the image. You can keep working; it appears in this scene when ready"""

    # Neither REGISTER nor UNDO: "Repeat Last" and "Adjust Last Operation" would pay for another model.
    bl_idname = Op.GENERATE
    bl_label = "Generate from Image"
    bl_options: ClassVar[set[str]] = set()

    if TYPE_CHECKING:
        image: str
    else:
        image: StringProperty(
            name="Image",
            description="Image file or public URL; empty for the one chosen in the scene",
            options={"SKIP_SAVE"},
        )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        obstacle = preferences.read_config().why_not_ready()
        if obstacle is not None:
            cls.poll_message_set(str(obstacle))
        return obstacle is None

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Start the job, and monitor it if no other operator does."""
        if self._submit(context) is None:
            return {"CANCELLED"}
        return self.monitor(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the job and wait until it is done, for scripts."""
        job = self._submit(context)
        if job is None:
            return {"CANCELLED"}
        job = engine.finish(job)
        start()
        if job.error is not None:
            self.report({"ERROR"}, str(job.error))
        return {"FINISHED"} if job.state in (State.READY, State.PLACED) else {"CANCELLED"}

    def _submit(self, context: bpy.types.Context) -> Job | None:
        settings = getattr(context.scene, SCENE_SETTINGS)
        try:
            return engine.submit(
                image_sources.from_text(self.image or settings.image),
                name="",
                parameters=settings.parameters(),
                placement=settings.placement.chosen(),
                scene=context.scene,
            )
        except ImageTo3DError as error:
            self.report({"ERROR"}, str(error))
            return None


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_OT_generate,))
