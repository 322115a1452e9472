# SPDX-License-Identifier: GPL-3.0-or-later
"""A small image of a model, rendered without a graphics card: the preview of an asset."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Vector

from .transform import bounds

_log = logging.getLogger(__name__)

SIDE: Final = 256
"""Pixels; what the asset browser shows."""
SAMPLES: Final = 16
_VIEW: Final = Vector((0.55, -1.0, 0.45)).normalized()
"""From the model towards the camera."""


def render(objects: Sequence[bpy.types.Object], target: Path, *, side: int = SIDE) -> None:
    """Render `objects`, seen from the front, right and a little above, to a PNG with a clear background.

    Leaves nothing behind in this Blender. Raises RuntimeError where rendering fails.
    """
    scene = bpy.data.scenes.new("Preview")
    made: list[bpy.types.ID] = []
    try:
        for item in objects:
            scene.collection.objects.link(item)
        low, high = bounds(objects)
        made += _stage(scene, low, high)
        _settings(scene, target, side)
        bpy.ops.render.render(write_still=True, scene=scene.name)
    finally:
        bpy.data.scenes.remove(scene)
        for item in made:
            bpy.data.batch_remove([item])


def _stage(scene: bpy.types.Scene, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> list[bpy.types.ID]:
    """A camera that sees the whole of the model, a sun from the left, and a grey sky."""
    camera = bpy.data.cameras.new("Preview")
    camera.angle = math.radians(30)
    eye = bpy.data.objects.new("Preview", camera)
    turn = _VIEW.to_track_quat("Z", "Y")
    middle = Vector(((low + high) / 2).tolist())
    corners = [Vector(corner) - middle for corner in itertools.product(*zip(low.tolist(), high.tolist(), strict=True))]
    seen = [turn.inverted() @ corner for corner in corners]
    distance = max(at.z + 1.06 * max(abs(at.x), abs(at.y)) / math.tan(camera.angle / 2) for at in seen)
    camera.clip_start, camera.clip_end = distance * 0.01, distance * 10
    eye.location = middle + _VIEW * distance
    eye.rotation_euler = turn.to_euler()
    sun = bpy.data.lights.new("Preview", "SUN")
    sun.energy, sun.angle = 2.2, math.radians(20)
    light = bpy.data.objects.new("Preview", sun)
    light.rotation_euler = Vector((-0.6, -0.7, 0.9)).to_track_quat("Z", "Y").to_euler()
    sky = bpy.data.worlds.new("Preview")
    sky.color = (0.35, 0.35, 0.35)
    for item in (eye, light):
        scene.collection.objects.link(item)
    scene.camera, scene.world = eye, sky
    return [eye, light, camera, sun, sky]


def _settings(scene: bpy.types.Scene, target: Path, side: int) -> None:
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = SAMPLES
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 3
    scene.view_settings.view_transform = "Standard"
    scene.render.film_transparent = True
    scene.render.resolution_x = scene.render.resolution_y = side
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = str(target)
