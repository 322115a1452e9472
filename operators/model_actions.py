# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with a generated model in the scene: make it again, vary it, look at its image."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import bpy
from bpy.props import EnumProperty, IntProperty

from .. import engine
from ..api.parameters import LARGEST_SEED, validate
from ..bl_ids import Op
from ..errors import ImageError, ImageTo3DError
from ..jobs import provenance
from ..jobs.job import Job, new_id
from ..placement import Placement
from ..properties import NAME
from ..scene import image_sources, variations
from .monitor import MonitorMixin, start
from .open_actions import open_with_system

_JOB_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{6}-[0-9a-f]{8}", re.ASCII)
"""What `new_id` makes. A .blend comes from anywhere: what it says must not lead elsewhere on the disk."""


def _image(root: bpy.types.Object) -> Path | str:
    """The image a model was made of: in its job's results folder, or the public address it was given by.

    Raises ImageError where it is gone.
    """
    address = str(root.get(provenance.IMAGE_URL, ""))
    if image_sources.is_address(address):
        return address
    job_id = str(root[provenance.JOB])
    for place in engine.results_places() if _JOB_ID.fullmatch(job_id) else ():
        for folder in sorted(place.glob(f"{job_id}_*")):
            for found in sorted(folder.glob("image.*")):
                return found
    raise ImageError(
        f"{root.get(provenance.IMAGE, 'The image')} is not in the results folder any more.",
        advice="Choose the image in the panel and generate from it.",
    )


class ModelOperator:
    """An operator for the generated model that the active object belongs to."""

    if TYPE_CHECKING:
        report: Any

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if variations.model_of(context.active_object) is None:
            cast(Any, cls).poll_message_set("Select a model that was generated from an image")
            return False
        return True

    def root(self, context: bpy.types.Context) -> bpy.types.Object:
        found = variations.model_of(context.active_object)
        assert found is not None, "poll() saw to it"
        return found


class Generating(ModelOperator, MonitorMixin):
    """An operator that starts jobs from a model. Neither REGISTER nor UNDO: a repetition would be paid for."""

    bl_options: ClassVar[set[str]] = set()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return self.monitor(context) if self.start(context) else {"CANCELLED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the jobs and see them through, for scripts."""
        jobs = self.start(context)
        for job in jobs:
            engine.finish(job)
        start()
        return {"FINISHED"} if jobs else {"CANCELLED"}

    def start(self, context: bpy.types.Context) -> list[Job]:
        """The jobs begun; none where an error was reported."""
        try:
            return self.begin(context, self.root(context))
        except ImageTo3DError as error:
            self.report({"ERROR"}, str(error))
            return []

    def begin(self, context: bpy.types.Context, root: bpy.types.Object) -> list[Job]:
        raise NotImplementedError


class IMAGE_TO_3D_OT_generate_again(Generating, bpy.types.Operator):
    """Make this model again: from its image, with its settings and its seed"""

    bl_idname = Op.GENERATE_AGAIN
    bl_label = "Generate Again"

    def begin(self, context: bpy.types.Context, root: bpy.types.Object) -> list[Job]:
        return [
            engine.submit(
                _image(root),
                name=root.name,
                parameters=validate(provenance.parameters_in(root)),
                placement=getattr(context.scene, NAME).placement.chosen(),
                scene=context.scene,
            )
        ]


class IMAGE_TO_3D_OT_vary_seed(Generating, bpy.types.Operator):
    """Make this model again with other seeds, side by side, to choose from. Each has to be paid for"""

    bl_idname = Op.VARY_SEED
    bl_label = "Vary Seed"

    if TYPE_CHECKING:
        count: int
    else:
        count: IntProperty(name="Variations", description="How many more models", default=3, min=1, max=16)

    def begin(self, context: bpy.types.Context, root: bpy.types.Object) -> list[Job]:
        engine.check_ready()
        image = _image(root)
        parameters = validate(provenance.parameters_in(root))
        placement: Placement = getattr(context.scene, NAME).placement.chosen()
        if placement.place == "ORIGIN":
            placement = replace(placement, place="CURSOR")  # each has a spot of its own
        # Only now is anything changed.
        group = str(root.get(provenance.GROUP) or new_id())
        root[provenance.GROUP] = group
        others = len(variations.group_of(root, context.scene))
        step = variations.width(root) * variations.GAP
        x, y, z = root.matrix_world.translation
        if placement.on_ground:
            z = variations.lowest(root)  # what is given is where the lowest point goes, wherever the origin is
        seeds = random.sample(range(1, LARGEST_SEED), self.count)
        jobs: list[Job] = []
        try:
            for number, seed in enumerate(seeds):
                jobs.append(
                    engine.submit(
                        image,
                        name=root.name,
                        parameters=parameters | {"seed": seed},
                        placement=placement,
                        scene=context.scene,
                        at=(x + step * (others + number), y, z),
                        group=group,
                        undo_step=False,
                    )
                )
        finally:
            bpy.ops.ed.undo_push(message=f"Vary {root.name}")
        return jobs


class VariationOperator(ModelOperator):
    """An operator for a model that has variations."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        root = variations.model_of(context.active_object)
        if root is None or not root.get(provenance.GROUP):
            cast(Any, cls).poll_message_set("This model has no variations")
            return False
        return True


class IMAGE_TO_3D_OT_show_variation(VariationOperator, bpy.types.Operator):
    """Flip through the variations of this model"""

    bl_idname = Op.SHOW_VARIATION
    bl_label = "Show Variation"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    if TYPE_CHECKING:
        which: str
    else:
        which: EnumProperty(
            name="Which",
            items=(
                ("PREVIOUS", "Previous", "Show only the variation before this one"),
                ("NEXT", "Next", "Show only the variation after this one"),
                ("ALL", "All", "Show all variations side by side"),
            ),
            default="NEXT",
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        root = self.root(context)
        group = variations.group_of(root, context.scene)
        if self.which == "ALL":
            variations.show_all(group)
            return {"FINISHED"}
        step = 1 if self.which == "NEXT" else -1
        shown = group[(group.index(root) + step) % len(group)]
        variations.show_only(shown, group)
        context.view_layer.objects.active = shown
        shown.select_set(True)
        return {"FINISHED"}


class IMAGE_TO_3D_OT_keep_variation(VariationOperator, bpy.types.Operator):
    """Keep this variation and remove the others from the scene. Their files stay in the results folder"""

    bl_idname = Op.KEEP_VARIATION
    bl_label = "Keep This One"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        root = self.root(context)
        variations.keep(root, variations.group_of(root, context.scene))
        return {"FINISHED"}


class IMAGE_TO_3D_OT_show_image(ModelOperator, bpy.types.Operator):
    """Look at the image that this model was made of"""

    bl_idname = Op.SHOW_IMAGE
    bl_label = "Show Image"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            image = _image(self.root(context))
            if isinstance(image, str):
                bpy.ops.wm.url_open(url=image)
            else:
                open_with_system(image, "The image")
        except ImageTo3DError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (
        IMAGE_TO_3D_OT_generate_again,
        IMAGE_TO_3D_OT_vary_seed,
        IMAGE_TO_3D_OT_show_variation,
        IMAGE_TO_3D_OT_keep_variation,
        IMAGE_TO_3D_OT_show_image,
    )
)
