# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the preview image of a model, for the asset browser and for reports, without a graphics card."""

from __future__ import annotations

import itertools
import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import bpy
import numpy as np
from mathutils import Vector

from ..errors import one_line
from .mesh_data import Array, positions
from .transform import bounds

_log = logging.getLogger(__name__)

FILE_NAME: Final = "preview.png"
SIDE: Final = 256
"""Pixels, as in the asset browser."""
SAMPLES: Final = 12
_VIEW: Final = Vector((0.55, -1.0, 0.45)).normalized()
"""From the model to the camera."""
_ANGLE: Final = math.radians(30)
"""The camera's field of view."""
_MARGIN: Final = 1.08
"""Ratio of the image's side to that of the model in it."""


def write(objects: Sequence[bpy.types.Object], folder: Path) -> str:
    """Render the preview to `FILE_NAME` in a folder. Returns that name; "" if it failed: it never costs the model."""
    path = folder / FILE_NAME
    try:
        path.unlink(missing_ok=True)  # of an earlier import
        render(objects, path)
    except Exception as error:
        _log.warning("the model has no preview: %s", one_line(error))
        return ""
    return FILE_NAME


def render(objects: Sequence[bpy.types.Object], target: Path) -> None:
    """Render objects from the front right and slightly above to a PNG with a transparent background.

    Leaves no data behind. Raises RuntimeError if rendering fails.
    """
    scene = bpy.data.scenes.new("Preview")
    created: list[bpy.types.ID] = []
    try:
        for item in objects:
            scene.collection.objects.link(item)
        created += _add_camera_and_lights(scene, _points(objects))
        configure_cycles(scene, target, SIDE, SAMPLES, max_bounces=3)
        scene.cycles.use_denoising = False
        # The other half is for the artist's Blender, and for jobs that are under way.
        scene.render.threads_mode, scene.render.threads = "FIXED", max((os.cpu_count() or 2) // 2, 1)
        scene.render.film_transparent = True
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.color_mode = "RGBA"
        bpy.ops.render.render(write_still=True, scene=scene.name)
    finally:
        bpy.data.scenes.remove(scene)
        for item in created:
            bpy.data.batch_remove([item])


def _add_camera_and_lights(scene: bpy.types.Scene, points: Array) -> list[bpy.types.ID]:
    """Add a camera that sees all points, a sun from the left, and a gray world. Returns what was created."""
    camera = bpy.data.cameras.new("Preview")
    camera.angle = _ANGLE
    camera_object = bpy.data.objects.new("Preview", camera)
    rotation = _VIEW.to_track_quat("Z", "Y").to_matrix()
    seen = points @ np.array(rotation)
    place = _camera_place(seen)
    distance = float(place[2] - seen[:, 2].min())
    camera.clip_start, camera.clip_end = distance * 0.01, distance * 10
    camera_object.location = rotation @ Vector(place.tolist())
    camera_object.rotation_euler = rotation.to_euler()
    sun = bpy.data.lights.new("Preview", "SUN")
    sun.energy, sun.angle = 2.2, math.radians(20)
    sun_object = bpy.data.objects.new("Preview", sun)
    sun_object.rotation_euler = Vector((-0.6, -0.7, 0.9)).to_track_quat("Z", "Y").to_euler()
    world = bpy.data.worlds.new("Preview")
    world.use_nodes = True  # always on since 5.0
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (0.35, 0.35, 0.35, 1.0)
    for item in (camera_object, sun_object):
        scene.collection.objects.link(item)
    scene.camera, scene.world = camera_object, world
    return [camera_object, sun_object, camera, sun, world]


def _points(objects: Sequence[bpy.types.Object]) -> Array:
    """Returns points of the objects in world space, n × 3: up to 50,000 vertices of each, corners if it is modified."""
    found: list[Array] = []
    for item in objects:
        mesh = item.data
        if not isinstance(mesh, bpy.types.Mesh) or not len(mesh.vertices):
            continue
        if item.modifiers or mesh.shape_keys:
            found.append(np.array(list(itertools.product(*zip(*bounds([item]), strict=True)))))
        else:
            matrix = np.array(item.matrix_world)
            found.append(positions(mesh)[:: 1 + len(mesh.vertices) // 50_000] @ matrix[:3, :3].T + matrix[:3, 3])
    return np.concatenate(found)


def _camera_place(seen: Array) -> Array:
    """Returns where the camera centers all points and just sees them. `seen`, and the result: in its own rotation."""
    place = np.append((seen.min(axis=0) + seen.max(axis=0))[:2] / 2, seen[:, 2].max())
    for _ in range(6):  # with perspective, center and distance depend on each other
        off = seen - place
        place[2] += (off[:, 2] + _MARGIN / math.tan(_ANGLE / 2) * np.abs(off[:, :2]).max(axis=1)).max()
        shown = (seen[:, :2] - place[:2]) / (place[2] - seen[:, 2:])
        place[:2] += (shown.min(axis=0) + shown.max(axis=0)) / 2 * (place[2] - seen[:, 2].mean())
    return place


def configure_cycles(scene: bpy.types.Scene, path: Path, side: int, samples: int, max_bounces: int) -> None:
    """Set the scene up to render squares of `side` pixels to `path` with Cycles on the CPU, in plain sRGB."""
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.max_bounces = max_bounces
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = side
    scene.render.filepath = str(path)
