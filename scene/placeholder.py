# SPDX-License-Identifier: GPL-3.0-or-later
"""Placeholders: empties that reserve a model's place in the viewport while the service works.

A placeholder shows the image, upright, where the model will be. What the artist does to it meanwhile (move, rotate,
scale, parent, put into a collection) is what the model gets. Deleted by the artist, it means "not here".
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import bpy
from mathutils import Matrix, Vector

from ..jobs import provenance
from ..jobs.job import Job
from . import placeholder_images

JOB_PROPERTY: Final = "image_to_3d_placeholder"
"""The custom property that holds the job's id."""

UPRIGHT: Final = Matrix.Rotation(math.radians(90.0), 4, "X")
"""Image empties lie flat; the image has to be upright and face the front."""

_DEFAULT_SIZE: Final = 1.0
"""Scene units; the longest side of the service's models."""

_names: dict[str, str] = {}
"""By job id: the last known name of its placeholder."""


def expected_size(job: Job) -> Vector:
    """Returns the size that a job's model is expected to have: its longest side is known, or that of most models."""
    return Vector([job.placement.size or _DEFAULT_SIZE] * 3)


def corners(empty: bpy.types.Object) -> list[Vector]:
    """Returns the corners of the box in which the model is expected to be, in world space."""
    half = empty.empty_display_size / 2
    where = (empty.matrix_basis if empty.parent is None else empty.matrix_world) @ UPRIGHT.inverted()
    return [where @ Vector((x, y, z)) for x in (-half, half) for y in (-half, half) for z in (0.0, 2 * half)]


def add(job: Job, collection: bpy.types.Collection, at: Vector) -> bpy.types.Object:
    """Add a placeholder for a job to a collection, at a location in world space."""
    empty = bpy.data.objects.new(f"{job.name} (placeholder)", None)  # the name without suffix is the model's
    empty.empty_display_type = "IMAGE"
    empty.empty_display_size = expected_size(job).x
    empty.empty_image_offset = (-0.5, 0.0)
    empty.empty_image_depth = "DEFAULT"
    empty.use_empty_image_alpha = True
    empty.hide_render = True
    empty[JOB_PROPERTY] = job.id
    empty.matrix_basis = Matrix.Translation(at) @ UPRIGHT
    collection.objects.link(empty)
    _names[job.id] = empty.name
    show_image(job, empty)
    return empty


def find(job_id: str, scene: bpy.types.Scene | None = None) -> bpy.types.Object | None:
    """Returns a job's placeholder; None if the artist deleted it, or it is not in `scene`."""
    known = find_cached(job_id)
    if known is None:
        search()
        known = find_cached(job_id)
    return known if known is None or scene is None or scene.objects.get(known.name) == known else None


def find_cached(job_id: str) -> bpy.types.Object | None:
    """Like `find`, without a search: a renamed placeholder is missed until it is found again."""
    name = _names.get(job_id)
    known = bpy.data.objects.get(name) if name is not None else None
    return known if known is not None and known.get(JOB_PROPERTY) == job_id else None


def search() -> list[str]:
    """Look through the whole file once, for `find_cached`. Returns the ids of their jobs."""
    _names.clear()
    for item in bpy.data.objects:
        job_id = provenance.text(item, JOB_PROPERTY)
        if job_id and item.library is None and item.type == "EMPTY":
            _names[job_id] = item.name
    return list(_names)


def show_image(job: Job, empty: bpy.types.Object) -> None:
    """Set the placeholder's image, once there is one that is small enough to be drawn without a stall.

    One without background replaces the image as it is.
    """
    files = (placeholder_images.path(job.id), job.thumbnail_path)
    path = next((file for file in files if file is not None and file.is_file()), None)
    before = empty.data
    if path is None or (isinstance(before, bpy.types.Image) and Path(before.filepath) == path):
        return
    empty.data = bpy.data.images.load(str(path), check_existing=True)
    _remove_unused(before)


def model_matrix(empty: bpy.types.Object) -> Matrix:
    """Returns the matrix, relative to the placeholder's parent, for the model that replaces it."""
    return empty.matrix_basis @ UPRIGHT.inverted()


def reparent_children(empty: bpy.types.Object, root: bpy.types.Object) -> None:
    """Parent the placeholder's children to the model's root, whose matrix is still the imported one."""
    turned = root.matrix_basis.inverted() @ UPRIGHT
    for child in [item for item in bpy.data.objects if item.parent == empty]:
        kept = turned @ child.matrix_parent_inverse
        child.parent = root
        child.matrix_parent_inverse = kept


def remove(empty: bpy.types.Object) -> None:
    """Remove a placeholder, and its image if nothing else uses it."""
    _names.pop(provenance.text(empty, JOB_PROPERTY), None)
    image = empty.data
    bpy.data.objects.remove(empty)
    _remove_unused(image)


def _remove_unused(image: bpy.types.ID | None) -> None:
    if isinstance(image, bpy.types.Image) and image.users == 0:
        bpy.data.images.remove(image)


def any_shown(job_ids: Iterable[str]) -> bool:
    """Whether any of these jobs has a placeholder, whose progress is drawn."""
    return any(find_cached(job_id) is not None for job_id in job_ids)
