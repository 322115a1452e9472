# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a short turntable video of the model with Cycles on the CPU. Main thread only."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import bpy
from mathutils import Matrix, Vector

from ...errors import ImageTo3DError
from ...worker.asset_preview import configure_cycles
from ...worker.transform import bounds

SIZE: Final = 256
FRAMES: Final = 24
FRAMES_PER_SECOND: Final = 12
SAMPLES: Final = 4


def render(model: bpy.types.Object, path: Path) -> Path:
    """Render the turntable video (H.264 in MP4) to `path`, and return it. Leaves camera and lights in the scene."""
    scene = bpy.context.scene
    low, high = map(Vector, bounds([model]))
    center, radius = (low + high) / 2, (high - low).length / 2
    # Camera and lights rotate around the model, which looks the same and lets Cycles keep the model's data.
    rig = bpy.data.objects.new("Rig", None)
    rig.location = center
    scene.collection.objects.link(rig)
    _add_camera_and_lights(scene, rig, radius)
    _configure_render(scene, path)
    for frame in range(1, FRAMES + 1):  # a keyframe each, so that nothing is interpolated
        rig.rotation_euler.z = -2.0 * math.pi * (frame - 1) / FRAMES
        rig.keyframe_insert("rotation_euler", index=2, frame=frame)
    bpy.ops.render.render(animation=True, scene=scene.name)
    if not path.is_file():
        raise ImageTo3DError("The turntable video could not be written.")
    return path


def _add_camera_and_lights(scene: bpy.types.Scene, rig: bpy.types.Object, radius: float) -> None:
    """Add camera and lights around the center, and the light of the world."""

    def place(data: bpy.types.ID, azimuth: float, elevation: float, distance: float) -> bpy.types.Object:
        item = bpy.data.objects.new(data.name, data)
        aim = Matrix.Rotation(math.radians(azimuth), 4, "Z") @ Matrix.Rotation(math.radians(90.0 - elevation), 4, "X")
        item.matrix_local = aim @ Matrix.Translation((0.0, 0.0, distance))
        item.parent = rig
        scene.collection.objects.link(item)
        return item

    for azimuth, elevation, power in ((-35.0, 45.0, 42.0), (55.0, 15.0, 16.0), (170.0, 45.0, 24.0)):
        light = bpy.data.lights.new("Light", "AREA")
        light.energy, light.size = power * 4.0 * radius**2, 3.0 * radius
        place(light, azimuth, elevation, 4.0 * radius)
    camera = bpy.data.cameras.new("Camera")
    camera.lens = 70.0
    scene.camera = place(camera, 0.0, 10.0, 1.04 * radius * 2.0 * camera.lens / camera.sensor_width)
    world = bpy.data.worlds.new("World")
    world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (0.72, 0.75, 0.8, 1.0)
    background.inputs["Strength"].default_value = 0.6
    scene.world = world


def _configure_render(scene: bpy.types.Scene, path: Path) -> None:
    scene.frame_start, scene.frame_end = 1, FRAMES
    configure_cycles(scene, path, SIZE, SAMPLES, max_bounces=2)
    render = scene.render
    render.fps = FRAMES_PER_SECOND
    render.use_persistent_data = True
    render.use_file_extension = False
    try:
        scene.cycles.use_denoising = True
        scene.cycles.denoiser = "OPENIMAGEDENOISE"
        # Denoising takes longer than rendering: for these small frames, the fast denoiser is good enough.
        scene.cycles.denoising_input_passes = "RGB"
        if hasattr(scene.cycles, "denoising_quality"):  # 4.2 has it on some platforms only
            scene.cycles.denoising_quality = "FAST"
    except TypeError:  # a build without it
        scene.cycles.use_denoising = False
        scene.cycles.samples = 3 * SAMPLES
    if hasattr(render.image_settings, "media_type"):  # 5.0 and newer
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format = "MPEG4"
    render.ffmpeg.codec = "H264"
    render.ffmpeg.constant_rate_factor = "HIGH"
    render.ffmpeg.gopsize = FRAMES_PER_SECOND
    render.ffmpeg.audio_codec = "NONE"
