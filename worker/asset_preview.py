# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders an asset's preview image, without a graphics card."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import bpy
from mathutils import Vector

from .mesh_data import Array
from .transform import bounds

SIDE: Final = 256
"""Pixels, as in the asset browser."""
SAMPLES: Final = 16
_VIEW: Final = Vector((0.55, -1.0, 0.45)).normalized()
"""From the model to the camera."""


def render(objects: Sequence[bpy.types.Object], target: Path) -> None:
    """Render objects from the front right and slightly above to a PNG with a transparent background.

    Leaves no data behind. Raises RuntimeError if rendering fails.
    """
    scene = bpy.data.scenes.new("Preview")
    created: list[bpy.types.ID] = []
    try:
        for item in objects:
            scene.collection.objects.link(item)
        created += _add_camera_and_lights(scene, *bounds(objects))
        configure_cycles(scene, target, SIDE, SAMPLES, max_bounces=3)
        scene.cycles.use_denoising = False
        scene.render.film_transparent = True
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.color_mode = "RGBA"
        bpy.ops.render.render(write_still=True, scene=scene.name)
    finally:
        bpy.data.scenes.remove(scene)
        for item in created:
            bpy.data.batch_remove([item])


def _add_camera_and_lights(scene: bpy.types.Scene, low: Array, high: Array) -> list[bpy.types.ID]:
    """Add a camera that frames the bounding box, a sun from the left, and a gray world. Returns what was created."""
    camera = bpy.data.cameras.new("Preview")
    camera.angle = math.radians(30)
    camera_object = bpy.data.objects.new("Preview", camera)
    rotation = _VIEW.to_track_quat("Z", "Y")
    center = Vector(((low + high) / 2).tolist())
    corners = [Vector(corner) - center for corner in itertools.product(*zip(low.tolist(), high.tolist(), strict=True))]
    in_view = [rotation.inverted() @ corner for corner in corners]
    distance = max(at.z + 1.06 * max(abs(at.x), abs(at.y)) / math.tan(camera.angle / 2) for at in in_view)
    camera.clip_start, camera.clip_end = distance * 0.01, distance * 10
    camera_object.location = center + _VIEW * distance
    camera_object.rotation_euler = rotation.to_euler()
    sun = bpy.data.lights.new("Preview", "SUN")
    sun.energy, sun.angle = 2.2, math.radians(20)
    sun_object = bpy.data.objects.new("Preview", sun)
    sun_object.rotation_euler = Vector((-0.6, -0.7, 0.9)).to_track_quat("Z", "Y").to_euler()
    world = bpy.data.worlds.new("Preview")
    world.color = (0.35, 0.35, 0.35)
    for item in (camera_object, sun_object):
        scene.collection.objects.link(item)
    scene.camera, scene.world = camera_object, world
    return [camera_object, sun_object, camera, sun, world]


def configure_cycles(scene: bpy.types.Scene, path: Path, side: int, samples: int, max_bounces: int) -> None:
    """Set the scene up to render squares of `side` pixels to `path` with Cycles on the CPU, in plain sRGB."""
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.max_bounces = max_bounces
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = side
    scene.render.filepath = str(path)
