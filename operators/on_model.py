# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with a generated model in the scene: make it again, vary it, look at its picture."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import bpy
from bpy.props import EnumProperty, IntProperty

from .. import session
from ..api.errors import ImageTo3DError, PictureError
from ..api.parameters import LARGEST_SEED, validate
from ..jobs import provenance
from ..jobs.job import Job, new_id
from ..jobs.placing import Placing
from ..names import Op
from ..properties import NAME
from ..scene import sources, variations
from .opening import open_with_system
from .watch import Watcher, start

_JOB_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{6}-[0-9a-f]{8}", re.ASCII)
"""What `new_id` makes. A .blend comes from anywhere: what it says must not lead elsewhere on the disk."""


def _picture(root: bpy.types.Object) -> Path | str:
    """The picture a model was made of: in its job's results folder, or the public address it was given by.

    Raises PictureError where it is gone.
    """
    address = str(root.get(provenance.PICTURE_URL, ""))
    if sources.is_address(address):
        return address
    job_id = str(root[provenance.JOB])
    for place in session.results_places() if _JOB_ID.fullmatch(job_id) else ():
        for folder in sorted(place.glob(f"{job_id}_*")):
            for found in sorted(folder.glob("picture.*")):
                return found
    raise PictureError(
        f"{root.get(provenance.PICTURE, 'The picture')} is not in the results folder any more.",
        advice="Choose the picture in the panel and generate from it.",
    )


class ModelOperator:
    """An operator for the generated model that the active object belongs to."""

    if TYPE_CHECKING:
        report: Any

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if variations.model_of(context.active_object) is None:
            cast(Any, cls).poll_message_set("Select a model that was generated from a picture")
            return False
        return True

    def root(self, context: bpy.types.Context) -> bpy.types.Object:
        found = variations.model_of(context.active_object)
        assert found is not None, "poll() saw to it"
        return found


class Generating(ModelOperator, Watcher):
    """An operator that starts jobs from a model. Neither REGISTER nor UNDO: a repetition would be paid for."""

    bl_options: ClassVar[set[str]] = set()

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return self.watch(context) if self.start(context) else {"CANCELLED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the jobs and see them through, for scripts."""
        jobs = self.start(context)
        for job in jobs:
            session.finish(job)
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
    """Make this model again: from its picture, with its settings and its seed"""

    bl_idname = Op.GENERATE_AGAIN
    bl_label = "Generate Again"

    def begin(self, context: bpy.types.Context, root: bpy.types.Object) -> list[Job]:
        return [
            session.submit(
                _picture(root),
                name=root.name,
                parameters=validate(provenance.parameters_in(root)),
                placing=getattr(context.scene, NAME).placing.chosen(),
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
        session.check_ready()
        picture = _picture(root)
        parameters = validate(provenance.parameters_in(root))
        placing: Placing = getattr(context.scene, NAME).placing.chosen()
        if placing.place == "ORIGIN":
            placing = replace(placing, place="CURSOR")  # each has a spot of its own
        # Only now is anything changed.
        group = str(root.get(provenance.GROUP) or new_id())
        root[provenance.GROUP] = group
        others = len(variations.group_of(root, context.scene))
        step = variations.width(root) * variations.GAP
        x, y, z = root.matrix_world.translation
        if placing.on_ground:
            z = variations.lowest(root)  # what is given is where the lowest point goes, wherever the origin is
        seeds = random.sample(range(1, LARGEST_SEED), self.count)
        jobs: list[Job] = []
        try:
            for number, seed in enumerate(seeds):
                jobs.append(
                    session.submit(
                        picture,
                        name=root.name,
                        parameters=parameters | {"seed": seed},
                        placing=placing,
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


class IMAGE_TO_3D_OT_show_picture(ModelOperator, bpy.types.Operator):
    """Look at the picture that this model was made of"""

    bl_idname = Op.SHOW_PICTURE
    bl_label = "Show Picture"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            picture = _picture(self.root(context))
            if isinstance(picture, str):
                bpy.ops.wm.url_open(url=picture)
            else:
                open_with_system(picture, "The picture")
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
        IMAGE_TO_3D_OT_show_picture,
    )
)
