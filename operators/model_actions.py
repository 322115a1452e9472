# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for a generated model in the scene: generate it again, vary it, use its settings, show its image."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import bpy
from bpy.props import EnumProperty, IntProperty
from mathutils import Matrix

from .. import engine, forecast_text, job_view, preferences
from ..api.parameters import MAX_SEED
from ..bl_ids import SCENE_SETTINGS, Op
from ..errors import ImageError, one_line
from ..formats.pixel_dump import SUFFIX
from ..jobs import provenance, views
from ..jobs.batch import Batch
from ..jobs.config import FREE
from ..jobs.job import Job, new_id
from ..placement import Placement
from ..properties import use_settings
from ..scene import orientation, variations
from ..translation import tr
from .define import PollMixin, operator
from .generate import BatchOperator, StartJobsOperator
from .open_actions import open_with_system

_OF_THE_SCENE: Final = frozenset({"place", "collection", "own_collection", "select"})
"""Settings that say where models go, which the artist may have changed since."""


def _image_of(root: bpy.types.Object) -> Path | str:
    """Returns the image that a model was made from: a file in its results folder, or a URL. Raises ImageError."""
    if url := provenance.image_url(root):
        return url
    found = provenance.find_image_file(root, preferences.read_config().results_folders)
    if found is None:
        raise _no_longer_there(provenance.image_name(root))
    return found


def _views_of(root: bpy.types.Object) -> dict[str, Path]:
    """Returns the images of other sides that a model was made from, if the chosen service takes them.

    Raises ImageError if one is no longer in the results folder.
    """
    config, names = preferences.read_config(), provenance.view_names(root)
    if not names or not config.takes_views:
        return {}
    found = provenance.find_view_files(root, config.results_folders)
    for side, name in names.items():
        with views.named(side):
            if side not in found:
                raise _no_longer_there(name)
    return found


def _no_longer_there(image_name: str) -> ImageError:
    return ImageError(
        "{name} is no longer in the results folder.",
        advice="Choose the image in the panel and generate from it.",
        name=image_name or "The image",
    )


def _root(context: bpy.types.Context) -> bpy.types.Object:
    found = variations.model_of(context.active_object)
    assert found is not None, "poll() checked it"
    return found


def _placement(context: bpy.types.Context, root: bpy.types.Object) -> Placement:
    """Returns the model's own placement with the orientation that it has now; where it goes, the scene says."""
    chosen: Placement = getattr(context.scene, SCENE_SETTINGS).placement.chosen()
    made_with = {name: each for name, each in provenance.placement_in(root).items() if name not in _OF_THE_SCENE}
    return Placement.from_json(chosen.to_json() | made_with)


def _why_no_model(context: bpy.types.Context) -> str:
    return "" if variations.model_of(context.active_object) is not None else "Select a generated model"


def _why_no_variations(context: bpy.types.Context) -> str:
    return _why_no_model(context) or (
        "" if provenance.record_text(_root(context), provenance.GROUP) else "This model has no variations"
    )


class IMAGE_TO_3D_OT_generate_again(StartJobsOperator, bpy.types.Operator):
    """Generate this model again from its image, with its settings and seed"""

    bl_idname = Op.GENERATE_AGAIN
    bl_label = "Generate Again"
    why_not = _why_no_model

    def submit_jobs(self, context: bpy.types.Context) -> list[Job]:
        root = _root(context)
        image, parameters = _image_of(root), provenance.parameters_in(root)
        return [
            engine.submit(
                image,
                name=root.name,
                parameters=parameters,
                placement=_placement(context, root),
                scene=context.scene,
                image_name=provenance.image_name(root),
                views=_views_of(root),
            )
        ]


class IMAGE_TO_3D_OT_vary_seed(BatchOperator, bpy.types.Operator):
    """Generate variations with other seeds, side by side. A paid service charges for each one"""

    bl_idname = Op.VARY_SEED
    bl_label = "Variations"
    why_not = _why_no_model

    if TYPE_CHECKING:
        count: int
    else:
        count: IntProperty(name="Variations", description="Number of models", default=3, min=1, max=16)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return self.ask(context, title=tr("Variations of {name}", name=_root(context).name), confirm="Generate")

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop(self, "count")
        forecast = job_view.forecast(provenance.parameters_in(_root(context)), self.count)
        charged = preferences.read_config().service not in FREE and forecast.price is None
        seeds = "Other seeds, side by side. Each is charged" if charged else "Other seeds, side by side"
        self.layout.label(text=seeds, icon="INFO")
        if expected := forecast_text.line(forecast):
            self.layout.label(text=expected, icon="TIME", translate=False)

    def submit_batch(self, context: bpy.types.Context) -> Batch:
        from ..jobs.batch_request import BatchImage

        root = _root(context)
        image, image_name, views_used = _image_of(root), provenance.image_name(root), _views_of(root)
        placement = _placement(context, root)
        if placement.place == "ORIGIN":
            placement = replace(placement, place="CURSOR")  # each has a location of its own
        group = provenance.record_text(root, provenance.GROUP) or new_id()
        others = len(variations.group_of(root, context.scene))
        low, high = variations.bounds(root)
        step = (high.x - low.x or 1.0) * variations.GAP
        x, y, z = root.matrix_world.translation
        if placement.on_ground:
            z = low.z  # the location is where the lowest point goes, wherever the origin is
        seeds = random.sample(range(1, MAX_SEED), self.count)
        batch = engine.submit_batch(
            [
                BatchImage(
                    image, root.name, {"seed": seed}, (x + step * (others + number), y, z), image_name, views_used
                )
                for number, seed in enumerate(seeds)
            ],
            parameters=provenance.parameters_in(root),
            placement=placement,
            scene=context.scene,
            name=f"Variations of {root.name}",
            group=group,
            undo_step=False,
        )
        provenance.store(root, provenance.GROUP, group)
        bpy.ops.ed.undo_push(message=batch.name)
        return batch


class IMAGE_TO_3D_OT_rotate_model(PollMixin, bpy.types.Operator):
    """Rotate this model by 90°, for example if it lies on its side. Generate Again and variations follow"""

    bl_idname = Op.ROTATE_MODEL
    bl_label = "Rotate 90°"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    why_not = _why_no_model

    if TYPE_CHECKING:
        axis: str
    else:
        axis: EnumProperty(
            name="Axis",
            description="Axis of the scene to rotate about",
            items=[(axis, axis, f"Rotate about {axis}") for axis in "XYZ"],
            default="X",
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        orientation.rotate(_root(context), Matrix.Rotation(math.radians(90.0), 3, self.axis))
        return {"FINISHED"}


_WHICH: Final = (
    ("PREVIOUS", "Previous", "Show only the variation before this one"),
    ("NEXT", "Next", "Show only the variation after this one"),
    ("ALL", "All", "Show all variations side by side"),
)


class IMAGE_TO_3D_OT_show_variation(PollMixin, bpy.types.Operator):
    """Show another variation of this model"""

    bl_idname = Op.SHOW_VARIATION
    bl_label = "Show Variation"
    bl_options: ClassVar[set[str]] = {"UNDO"}
    why_not = _why_no_variations

    if TYPE_CHECKING:
        which: str
    else:
        which: EnumProperty(
            name="Which",
            items=_WHICH,
            default="NEXT",
        )

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        return tr({value: text for value, _, text in _WHICH}[properties.which])

    def execute(self, context: bpy.types.Context) -> set[str]:
        root = _root(context)
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


class IMAGE_TO_3D_OT_keep_variation(PollMixin, bpy.types.Operator):
    """Keep this variation and remove the others from the scene. Their files are kept in the results folder"""

    bl_idname = Op.KEEP_VARIATION
    bl_label = "Keep Only This"
    bl_options: ClassVar[set[str]] = {"UNDO"}
    why_not = _why_no_variations

    def execute(self, context: bpy.types.Context) -> set[str]:
        root = _root(context)
        variations.keep(root, variations.group_of(root, context.scene), context.scene)
        return {"FINISHED"}


def _url_to_open(context: bpy.types.Context) -> str:
    """Returns the URL that Show Image would open, "" for a file: a URL in a .blend may be a stranger's."""
    image = provenance.image_url(_root(context))
    return tr("Open {url} in the browser?", url=one_line(image)) if image else ""


@operator(Op.SHOW_IMAGE, "Show Image", why_not=_why_no_model, confirm=_url_to_open)
def show_image(context: bpy.types.Context) -> None:
    """Open the image that this model was generated from"""
    image = _image_of(_root(context))
    if isinstance(image, str):
        bpy.ops.wm.url_open(url=image)
    else:
        shown = next(image.parent.glob("upload.*"), image) if image.suffix == SUFFIX else image
        open_with_system(shown, "The image")


@operator(Op.USE_MODEL_SETTINGS, "Use These Settings", why_not=_why_no_model)
def use_settings_of_model(context: bpy.types.Context) -> None:
    """Copy the settings that this model was generated with to the panel"""
    root = _root(context)
    settings = getattr(context.scene, SCENE_SETTINGS)
    placement = Placement.from_json(settings.placement.chosen().to_json() | provenance.placement_in(root))
    use_settings(context.scene, provenance.parameters_in(root), placement)


@operator(Op.OPEN_MODEL_FOLDER, "Open Folder", why_not=_why_no_model)
def open_model_folder(context: bpy.types.Context) -> None:
    """Open the folder with the model file, the image and all other files of this model"""
    folders = preferences.read_config().results_folders
    open_with_system(provenance.find_job_folder(_root(context), folders), "The folder")
