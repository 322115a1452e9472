# SPDX-License-Identifier: GPL-3.0-or-later
"""A short video of the model turning once around, rendered with Cycles on the processor. Main thread only."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import bpy
from mathutils import Matrix, Vector

from ..api.errors import ImageTo3DError

SIZE: Final = 320
FRAMES: Final = 24
FRAMES_PER_SECOND: Final = 12
SAMPLES: Final = 8


def film(body: bpy.types.Object, path: Path) -> Path:
    """Render the turntable as H.264 in MP4. Leaves camera and lights in the scene."""
    scene = bpy.context.scene
    corners = [body.matrix_world @ Vector(corner) for corner in body.bound_box]
    low, high = (Vector([pick(c[i] for c in corners) for i in range(3)]) for pick in (min, max))
    middle, radius = (low + high) / 2, (high - low).length / 2
    _light(scene, middle, radius)
    _watch(scene, middle, radius)
    body.rotation_mode = "XYZ"
    turning = [(1, 0.0), (FRAMES + 1, 2.0 * math.pi)]
    for frame, angle in turning:
        body.rotation_euler.z = angle
        body.keyframe_insert("rotation_euler", index=2, frame=frame)
    for curve in _curves(body):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    _settings(scene, path)
    bpy.ops.render.render(animation=True, scene=scene.name)
    body.animation_data_clear()
    body.rotation_euler.z = 0.0
    if not path.is_file():
        raise ImageTo3DError("The turntable video could not be written.")
    return path


def _curves(body: bpy.types.Object) -> list[bpy.types.FCurve]:
    action = body.animation_data.action
    if hasattr(action, "layers") and len(action.layers):  # 4.4 and newer; 5.0 knows nothing else
        return [curve for layer in action.layers for strip in layer.strips for bag in strip.channelbags for curve in bag.fcurves]
    return list(action.fcurves)


def _light(scene: bpy.types.Scene, middle: Vector, radius: float) -> None:
    for azimuth, elevation, power in ((-35.0, 45.0, 42.0), (55.0, 15.0, 16.0), (170.0, 45.0, 24.0)):
        light = bpy.data.lights.new("Light", "AREA")
        light.energy, light.size = power * 4.0 * radius**2, 3.0 * radius
        lamp = bpy.data.objects.new("Light", light)
        aim = Matrix.Rotation(math.radians(azimuth), 4, "Z") @ Matrix.Rotation(math.radians(90.0 - elevation), 4, "X")
        lamp.matrix_world = Matrix.Translation(middle) @ aim @ Matrix.Translation((0.0, 0.0, 4.0 * radius))
        scene.collection.objects.link(lamp)
    world = bpy.data.worlds.new("World")
    world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (0.72, 0.75, 0.8, 1.0)
    background.inputs["Strength"].default_value = 0.6
    scene.world = world


def _watch(scene: bpy.types.Scene, middle: Vector, radius: float) -> None:
    camera = bpy.data.cameras.new("Camera")
    camera.lens, camera.sensor_width = 70.0, 36.0
    eye = bpy.data.objects.new("Camera", camera)
    distance = 1.04 * radius * 2.0 * camera.lens / camera.sensor_width
    tilt = Matrix.Rotation(math.radians(90.0 - 10.0), 4, "X")
    eye.matrix_world = Matrix.Translation(middle) @ tilt @ Matrix.Translation((0.0, 0.0, distance))
    scene.collection.objects.link(eye)
    scene.camera = eye


def _settings(scene: bpy.types.Scene, path: Path) -> None:
    scene.frame_start, scene.frame_end = 1, FRAMES
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = SIZE
    render.resolution_percentage = 100
    render.fps = FRAMES_PER_SECOND
    render.use_persistent_data = True
    render.use_file_extension = False
    scene.cycles.device = "CPU"
    scene.cycles.samples = SAMPLES
    scene.cycles.max_bounces = 2
    try:
        scene.cycles.use_denoising = True
        scene.cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:  # a build without it
        scene.cycles.use_denoising = False
        scene.cycles.samples = 3 * SAMPLES
    scene.view_settings.view_transform = "Standard"
    if hasattr(render.image_settings, "media_type"):  # 5.0 and newer
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format = "MPEG4"
    render.ffmpeg.codec = "H264"
    render.ffmpeg.constant_rate_factor = "HIGH"
    render.ffmpeg.gopsize = FRAMES_PER_SECOND
    render.ffmpeg.audio_codec = "NONE"
    render.filepath = str(path)
