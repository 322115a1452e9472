# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders objects as they look in even white light, to measure their colors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from image_to_3d.worker.asset_preview import configure_cycles
from mathutils import Matrix
from numpy.typing import NDArray


def front(objects: Iterable[bpy.types.Object], folder: Path, *, matte: bool = True, side: int = 64) -> NDArray[Any]:
    """Returns side × side RGBA (linear, from the bottom up) of objects up to 1 unit tall that stand on the ground.

    `matte`: without reflections, a convex surface has exactly its base color in this light.
    """
    scene = bpy.data.scenes.new("Front")
    for item in objects:
        scene.collection.objects.link(item)
        for slot in item.material_slots if matte else ():
            for node in slot.material.node_tree.nodes if slot.material is not None else ():
                if node.bl_idname == "ShaderNodeBsdfPrincipled":
                    node.inputs["Specular IOR Level"].default_value = 0
                    node.inputs["Roughness"].default_value = 1
    camera = bpy.data.objects.new("Front", bpy.data.cameras.new("Front"))
    camera.data.type, camera.data.ortho_scale = "ORTHO", 1.0
    camera.location, camera.rotation_euler = (0, -10, 0.5), (np.pi / 2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera, scene.world = camera, bpy.data.worlds.new("White")
    if scene.world.node_tree is None:  # before 5.0
        scene.world.use_nodes = True
    background = next(n for n in scene.world.node_tree.nodes if n.bl_idname == "ShaderNodeBackground")
    background.inputs["Color"].default_value, background.inputs["Strength"].default_value = (1, 1, 1, 1), 1
    path = folder / "front.exr"
    configure_cycles(scene, path, side, 32, max_bounces=4)
    scene.cycles.use_denoising = False
    scene.render.film_transparent = True
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_mode = "RGBA"
    bpy.ops.render.render(write_still=True, scene=scene.name)
    image = bpy.data.images.load(str(path), check_existing=False)
    pixels = np.empty(side * side * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return pixels.reshape(side, side, 4)


def middle(pixels: NDArray[Any], height: float) -> NDArray[Any]:
    """Returns the mean color around the center at a height from 0 to 1."""
    side = len(pixels)
    row, width = int(height * side), max(1, side // 32)
    found: NDArray[Any] = pixels[row - 1 : row + 1, side // 2 - width : side // 2 + width, :3].mean(axis=(0, 1))
    return found


def sides(item: bpy.types.Object, folder: Path, side: int = 96) -> NDArray[Any]:
    """Returns 4 × side × side RGBA of an object of any size, seen from four sides in even white light."""
    corners = np.array([corner[:] for corner in item.bound_box])
    low, size = corners.min(axis=0), float(np.linalg.norm(np.ptp(corners, axis=0)))
    made = []
    for turn in range(4):
        copy = item.copy()
        move = Matrix.Translation(-(low + np.ptp(corners, axis=0) / 2))
        lift = Matrix.Translation((0, 0, 0.5))
        copy.matrix_world = lift @ Matrix.Rotation(0.35 + turn * np.pi / 2, 4, "Z") @ Matrix.Scale(1 / size, 4) @ move
        made.append(front([copy], folder, side=side))
        bpy.data.objects.remove(copy)
    return np.stack(made)
