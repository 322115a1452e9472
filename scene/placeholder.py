# SPDX-License-Identifier: GPL-3.0-or-later
"""An empty that holds a model's place in the viewport while the service works.

It shows the image, standing where the model will stand. What the artist does to it meanwhile (move, turn,
scale, parent, put into a collection) is what the model gets. Deleted by the artist, it means "not here".
"""

from __future__ import annotations

import math
from typing import Final

import bpy
from mathutils import Matrix

from ..jobs.job import Job
from ..placement import Placement

MARK: Final = "image_to_3d_placeholder"
"""The custom property that holds the job's id."""

UPRIGHT: Final = Matrix.Rotation(math.radians(90.0), 4, "X")
"""An image empty lies flat; the image is to stand and face the front."""

_USUAL_SIZE: Final = 1.0
"""Scene units; the longest side of what the service delivers."""

_names: dict[str, str] = {}
"""By job id: what its placeholder was called when it was last seen."""


def put(
    job: Job, scene: bpy.types.Scene, layer: bpy.types.ViewLayer, at: tuple[float, float, float]
) -> bpy.types.Object:
    """A placeholder for a job, at a spot in world space."""
    empty = bpy.data.objects.new(f"{job.name} (placeholder)", None)  # the name itself is the model's
    empty.empty_display_type = "IMAGE"
    empty.empty_display_size = Placement.from_json(job.placement).size or _USUAL_SIZE
    empty.empty_image_offset = (-0.5, 0.0)
    empty.empty_image_depth = "DEFAULT"
    empty.use_empty_image_alpha = True
    empty.hide_render = True
    empty[MARK] = job.id
    empty.matrix_basis = Matrix.Translation(at) @ UPRIGHT
    active = layer.active_layer_collection
    usable = active is not None and active.collection.library is None and active.collection.override_library is None
    (active.collection if usable else scene.collection).objects.link(empty)
    _names[job.id] = empty.name
    show_image(job, empty)
    return empty


def find(job_id: str, scene: bpy.types.Scene | None = None) -> bpy.types.Object | None:
    """A job's placeholder; None where the artist deleted it, or it is not in `scene`."""
    known = bpy.data.objects.get(_names.get(job_id, ""))
    if known is None or known.get(MARK) != job_id:
        known = next((item for item in bpy.data.objects if item.get(MARK) == job_id), None)
        if known is None:
            return None
        _names[job_id] = known.name
    if scene is not None and scene.objects.get(known.name) != known:
        return None
    return known


def find_cached(job_id: str) -> bpy.types.Object | None:
    """`find` without a search, so it misses one that was renamed until it is found again."""
    name = _names.get(job_id)
    known = bpy.data.objects.get(name) if name is not None else None
    return known if known is not None and known.get(MARK) == job_id else None


def search() -> list[str]:
    """Look through the whole file once, so that `glimpse` knows all there are; the ids of their jobs."""
    _names.clear()
    for item in bpy.data.objects:
        job_id = item.get(MARK)
        if isinstance(job_id, str) and item.library is None:
            _names[job_id] = item.name
    return list(_names)


def show_image(job: Job, empty: bpy.types.Object) -> None:
    """Give the placeholder its image, once there is one that is small enough to be drawn without a hitch."""
    path = job.thumbnail_path
    if empty.data is None and path is not None and path.is_file():
        empty.data = bpy.data.images.load(str(path), check_existing=True)


def model_matrix(empty: bpy.types.Object) -> Matrix:
    """How a model stands, relative to the placeholder's parent, that takes its place."""
    return empty.matrix_basis @ UPRIGHT.inverted()


def reparent_children(empty: bpy.types.Object, root: bpy.types.Object) -> None:
    """Let a model take over what hangs on its placeholder. The root's matrix is still the one it came with."""
    turned = root.matrix_basis.inverted() @ UPRIGHT
    for child in [item for item in bpy.data.objects if item.parent == empty]:
        kept = turned @ child.matrix_parent_inverse
        child.parent = root
        child.matrix_parent_inverse = kept


def remove(empty: bpy.types.Object) -> None:
    """Take a placeholder away, and its image if nothing else shows it."""
    _names.pop(empty.get(MARK, ""), None)
    image = empty.data
    bpy.data.objects.remove(empty)
    if isinstance(image, bpy.types.Image) and image.users == 0:
        bpy.data.images.remove(image)


def file_loaded() -> None:
    """Another file is open: names of before mean nothing."""
    _names.clear()
