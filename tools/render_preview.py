# SPDX-License-Identifier: GPL-3.0-or-later
"""Render a preview of a scene's objects: three-quarter view, soft light, a shadow on the ground.

    python tools/render_preview.py scene.blend preview.png [SIZE]

Renders with Cycles on the CPU, so it needs neither a window nor a GPU. Blender 4.2 to 5.2.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

CENTER = np.array([0.93, 0.935, 0.945])
EDGE = np.array([0.72, 0.74, 0.77])
"""The backdrop's colors (sRGB), in the center and at the corners."""
MARGIN = 1.25
"""Ratio of the image's side to the longest side of the objects in it."""


def render_preview(
    scene: Path | bpy.types.Scene | None,
    png_path: Path,
    size: int = 512,
    *,
    azimuth: float = 28.0,
    elevation: float = 14.0,
    samples: int = 16,
) -> Path:
    """Render `scene` (a .blend file, a scene, or None for the current one) to `png_path`, `size` pixels square.

    A .blend file replaces the open file; a scene is not changed. Angles are in degrees: `azimuth` from the front (−Y)
    to the right, `elevation` upward. Raises ValueError if nothing in the scene can be rendered.
    """
    if isinstance(scene, Path):
        bpy.ops.wm.open_mainfile(filepath=str(scene))
    source = scene if isinstance(scene, bpy.types.Scene) else bpy.context.scene
    bpy.context.view_layer.update()
    shown = [o for o in source.objects if o.type in {"MESH", "CURVE", "SURFACE", "META", "FONT"} and not o.hide_render]
    if not shown:
        raise ValueError("nothing in the scene can be rendered")
    points = np.concatenate([_points(item) for item in shown])
    with _studio(shown, points, azimuth, elevation) as studio:
        _configure_render(studio, size, samples, png_path)
        bpy.ops.render.render(write_still=True, scene=studio.name)
    _add_backdrop(png_path)
    return png_path


@contextmanager
def _studio(
    shown: Iterable[bpy.types.Object], points: NDArray[np.float64], azimuth: float, elevation: float
) -> Iterator[bpy.types.Scene]:
    """A temporary scene with the objects, a camera, lights and a ground plane."""
    studio = bpy.data.scenes.new("Image to 3D Preview")
    created: list[bpy.types.ID] = []

    def add(name: str, data: bpy.types.ID, matrix: Matrix) -> bpy.types.Object:
        item = bpy.data.objects.new(name, data)
        item.matrix_world = matrix
        studio.collection.objects.link(item)
        created.extend([item, data])
        return item

    try:
        for item in shown:
            studio.collection.objects.link(item)
        low, high = Vector(points.min(axis=0)), Vector(points.max(axis=0))
        center, radius = (low + high) / 2, max((high - low).length / 2, 1e-4)
        turn = Matrix.Rotation(math.radians(azimuth), 4, "Z")
        view = turn @ Matrix.Rotation(math.radians(90.0 - elevation), 4, "X")
        camera = bpy.data.cameras.new("Preview")
        camera.lens, camera.sensor_width = 85.0, 36.0
        camera.clip_start, camera.clip_end = radius * 0.01, radius * 100.0
        camera_object = add("Preview", camera, _fit_camera(view, points, camera.lens / camera.sensor_width))
        studio.camera = camera_object
        for azimuth_of, elevation_of, size, power, tint in (
            (-38.0, 48.0, 2.6, 27.0, (1.0, 0.97, 0.92)),  # key, from the left
            (58.0, 22.0, 4.0, 12.0, (0.9, 0.95, 1.0)),  # fill
            (170.0, 50.0, 2.5, 13.0, (1.0, 1.0, 1.0)),  # rim
        ):
            light = bpy.data.lights.new("Preview", "AREA")
            light.energy, light.size, light.color = power * radius**2 * 4.0, size * radius, tint
            aim = turn @ Matrix.Rotation(math.radians(azimuth_of), 4, "Z")
            aim = aim @ Matrix.Rotation(math.radians(90.0 - elevation_of), 4, "X")
            add("Preview", light, Matrix.Translation(center) @ aim @ Matrix.Translation((0.0, 0.0, 4.0 * radius)))
        ground = bpy.data.meshes.new("Preview")
        extent = 40.0 * radius
        ground.from_pydata(
            [(-extent, -extent, 0), (extent, -extent, 0), (extent, extent, 0), (-extent, extent, 0)], [], [(0, 1, 2, 3)]
        )
        floor = add("Preview", ground, Matrix.Translation((center.x, center.y, low.z - 0.002 * radius)))
        floor.is_shadow_catcher = True
        world = bpy.data.worlds.new("Preview")
        created.append(world)
        world.use_nodes = True
        background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
        background.inputs["Color"].default_value = (0.9, 0.95, 1.0, 1.0)
        background.inputs["Strength"].default_value = 0.36
        studio.world = world
        yield studio
    finally:
        bpy.data.scenes.remove(studio)
        bpy.data.batch_remove(created)


def _fit_camera(view: Matrix, points: NDArray[np.float64], zoom: float) -> Matrix:
    """Returns the camera matrix with the rotation of `view` that centers all points in the image."""
    seen = points @ np.array(view.to_3x3())
    place = np.append((seen.min(axis=0) + seen.max(axis=0))[:2] / 2, seen[:, 2].max())
    for _ in range(20):  # perspective: center and distance depend on each other
        off = seen - place
        place[2] += (off[:, 2] + 2.0 * zoom * MARGIN * np.abs(off[:, :2]).max(axis=1)).max()
        shown = (seen[:, :2] - place[:2]) / (place[2] - seen[:, 2:])
        place[:2] += (shown.min(axis=0) + shown.max(axis=0)) / 2 * (place[2] - seen[:, 2].mean())
    return view @ Matrix.Translation(place)


def _points(item: bpy.types.Object) -> NDArray[np.float64]:
    """Returns an object's vertices in world space, n × 3; for other than meshes without modifiers, its bounding box."""
    if isinstance(item.data, bpy.types.Mesh) and item.data.vertices and not item.modifiers:
        coordinates = np.empty(len(item.data.vertices) * 3, np.float32)
        item.data.vertices.foreach_get("co", coordinates)
        local = coordinates.reshape(-1, 3).astype(np.float64)
    else:
        local = np.array([tuple(corner) for corner in item.bound_box])
    world = np.array(item.matrix_world)
    result: NDArray[np.float64] = local @ world[:3, :3].T + world[:3, 3]
    return result


def _configure_render(studio: bpy.types.Scene, size: int, samples: int, path: Path) -> None:
    render = studio.render
    render.engine = "CYCLES"
    render.resolution_x = render.resolution_y = size
    render.resolution_percentage = 100
    render.film_transparent = True
    render.filepath = str(path)
    if hasattr(render.image_settings, "media_type"):  # 5.0
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGBA"
    studio.cycles.device = "CPU"
    studio.cycles.samples = samples
    studio.cycles.use_adaptive_sampling = True
    studio.cycles.adaptive_threshold = 0.05
    studio.cycles.max_bounces = 3
    studio.cycles.use_light_tree = False  # three lights
    try:
        studio.cycles.use_denoising = True
        studio.cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:  # a build without the denoiser
        studio.cycles.use_denoising = False
        studio.cycles.samples = samples * 2
    studio.view_settings.view_transform = "Standard"
    studio.view_settings.look = "None"


def _add_backdrop(path: Path) -> None:
    """Composite the render over a bright radial gradient."""
    image = bpy.data.images.load(str(path), check_existing=False)
    try:
        width, height = image.size
        pixels = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(pixels)
        pixels = pixels.reshape(height, width, 4)
        y, x = np.mgrid[-1.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
        falloff = np.clip((x**2 + (y - 0.1) ** 2) / 1.9, 0.0, 1.0)[..., None]
        backdrop = CENTER * (1.0 - falloff) + EDGE * falloff
        alpha = pixels[..., 3:]
        pixels[..., :3] = pixels[..., :3] * alpha + backdrop * (1.0 - alpha)
        pixels[..., 3] = 1.0
        image.pixels.foreach_set(pixels.ravel())
        image.filepath_raw = str(path)
        image.file_format = "PNG"
        image.save()
    finally:
        bpy.data.images.remove(image)


if __name__ == "__main__":
    blend, png, *rest = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    render_preview(Path(blend), Path(png), int(rest[0]) if rest else 512)
