# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what a job has in the scene, its model or its placeholder, and shows it to the artist."""

from __future__ import annotations

import bpy

from ..jobs.job import Job
from ..jobs.provenance import JOB, having_record, record_text
from ..translation import tr
from . import place_model, placeholder, variations


def model(job: Job) -> bpy.types.Object | None:
    """Returns the root of a job's model if it is in this file under the name that it was given. Cheap."""
    known = bpy.data.objects.get(job.objects[0]) if job.objects else None
    return known if known is not None and record_text(known, JOB) == job.id else None


def find(job: Job, scene: bpy.types.Scene) -> bpy.types.Object | None:
    """Returns the root of a job's model in a scene, whatever its name is now; without one, the job's placeholder."""
    if job.objects:
        named = model(job)
        if named is not None and scene.objects.get(named.name) == named:
            return named
        renamed = next((item for item in having_record(scene.objects) if record_text(item, JOB) == job.id), None)
        if renamed is not None:
            return renamed
    return placeholder.find(job.id, scene)


def show(context: bpy.types.Context, root: bpy.types.Object) -> None:
    """Select a model or placeholder alone, as one undo step, and frame it. Does nothing if that would disturb."""
    if context.mode != "OBJECT" or place_model.why_not_now(context) or not root.visible_get():
        return
    for item in context.selected_objects:
        item.select_set(False)
    for item in variations.parts(root):
        item.select_set(item.visible_get())
    context.view_layer.objects.active = root
    bpy.ops.ed.undo_push(message=tr("Select {name}", name=root.name))
    _frame(context)


def _frame(context: bpy.types.Context) -> None:
    """Frame the selected objects in the viewport whose sidebar is used, unless it looks through a camera."""
    area = context.area
    region = next((each for each in area.regions if each.type == "WINDOW"), None) if area is not None else None
    if region is None or area.type != "VIEW_3D" or area.spaces.active.region_3d.view_perspective == "CAMERA":
        return
    with context.temp_override(region=region):
        bpy.ops.view3d.view_selected()
