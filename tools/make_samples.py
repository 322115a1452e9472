# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the sample images in samples/: small objects, modeled in a few lines and rendered with Cycles.

    python tools/make_samples.py [NAME…]

Needs the bpy module. All but the mug have a transparent background; the mug has a plain white one.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy
from mathutils import Matrix, Vector

SAMPLES = Path(__file__).absolute().parent.parent / "samples"
SIZE = 640
Color = tuple[float, float, float]
Profile = Sequence[tuple[float, float]]


def material(name: str, color: Color, roughness: float = 0.5, **more: float) -> bpy.types.Material:
    """Returns a plain material. `color` is linear; `more` are other inputs of the shader, with _ for spaces."""
    result = bpy.data.materials.new(name)
    result.use_nodes = True
    shader = _shader(result)
    shader.inputs["Base Color"].default_value = (*color, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    for socket, value in more.items():
        shader.inputs[socket.replace("_", " ")].default_value = value
    return result


def _shader(of: bpy.types.Material) -> bpy.types.Node:
    return next(node for node in of.node_tree.nodes if node.type == "BSDF_PRINCIPLED")


def banded_material(
    name: str, bands: Sequence[tuple[float, Color]], bottom: float, top: float, roughness: float
) -> bpy.types.Material:
    """Returns a glaze with color bands; each is a pair of its lowest height and its color."""
    result = material(name, (1.0, 1.0, 1.0), roughness)
    tree = result.node_tree
    place = tree.nodes.new("ShaderNodeNewGeometry")
    split = tree.nodes.new("ShaderNodeSeparateXYZ")
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 5.0
    wave = tree.nodes.new("ShaderNodeMath")
    wave.operation = "MULTIPLY_ADD"
    wave.inputs[1].default_value = 0.05
    span = tree.nodes.new("ShaderNodeMapRange")
    span.inputs["From Min"].default_value, span.inputs["From Max"].default_value = bottom, top
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.interpolation = "CONSTANT"
    while len(ramp.color_ramp.elements) < len(bands):
        ramp.color_ramp.elements.new(0.5)
    for element, (height, color) in zip(ramp.color_ramp.elements, bands, strict=True):
        element.position = (height - bottom) / (top - bottom)
        element.color = (*color, 1.0)
    link = tree.links.new
    link(place.outputs["Position"], split.inputs[0])
    link(place.outputs["Position"], noise.inputs["Vector"])
    link(noise.outputs[0], wave.inputs[0])
    link(split.outputs["Z"], wave.inputs[2])
    link(wave.outputs[0], span.inputs["Value"])
    link(span.outputs[0], ramp.inputs[0])
    link(ramp.outputs["Color"], _shader(result).inputs["Base Color"])
    return result


def revolve(name: str, profile: Profile, surface: bpy.types.Material, smooth: int = 3) -> bpy.types.Object:
    """Returns a solid of revolution around Z. `profile`: (radius, height) from the bottom, rounded `smooth` times."""
    points = [Vector(point) for point in profile]
    for _ in range(smooth):  # Chaikin's corner cutting
        cut = [points[0]]
        for a, b in itertools.pairwise(points):
            cut += [a.lerp(b, 0.25), a.lerp(b, 0.75)]
        points = [*cut, points[-1]]
    around = 96
    vertices = [
        (p.x * math.cos(t), p.x * math.sin(t), p.y)
        for p in points
        for t in (2 * math.pi * i / around for i in range(around))
    ]
    faces = [
        (
            row * around + i,
            row * around + (i + 1) % around,
            (row + 1) * around + (i + 1) % around,
            (row + 1) * around + i,
        )
        for row in range(len(points) - 1)
        for i in range(around)
    ]
    return _object(name, vertices, faces, surface)


def _object(
    name: str, vertices: Sequence[Sequence[float]], faces: Sequence[Sequence[int]], surface: bpy.types.Material
) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    mesh.shade_smooth()
    mesh.materials.append(surface)
    item = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(item)
    return item


def cushion(
    name: str,
    center: Sequence[float],
    size: Sequence[float],
    surface: bpy.types.Material,
    rounding: float = 0.1,
    tilt: float = 0.0,
) -> bpy.types.Object:
    """Returns a box with rounded edges, rotated by `tilt` degrees around X."""
    x, y, z = (length / 2 for length in size)
    corners = [(sx * x, sy * y, sz * z) for sz in (-1, 1) for sy in (-1, 1) for sx in (-1, 1)]
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    box = _object(name, corners, faces, surface)
    box.matrix_world = Matrix.Translation(center) @ Matrix.Rotation(math.radians(tilt), 4, "X")
    bevel = box.modifiers.new("Rounded", "BEVEL")
    bevel.width, bevel.segments = rounding, 8
    bevel.limit_method = "NONE"
    return box


def ball(
    name: str, center: Vector, size: Sequence[float], surface: bpy.types.Material, along: Vector | None = None
) -> bpy.types.Object:
    """Returns an ellipsoid whose Z axis points along `along`."""
    half = [(math.sin(math.pi * i / 24), -math.cos(math.pi * i / 24)) for i in range(25)]
    body = revolve(name, half, surface, 0)
    turn = (along or Vector((0, 0, 1))).to_track_quat("Z", "Y").to_matrix().to_4x4()
    body.matrix_world = Matrix.Translation(center) @ turn @ Matrix.Diagonal((*size, 1.0))
    return body


def toadstool() -> None:
    red, white = material("Cap", (0.55, 0.012, 0.012), 0.28), material("Stem", (0.85, 0.78, 0.66), 0.6)
    warts = material("Wart", (0.92, 0.88, 0.8), 0.7)
    revolve("Stem", [(0.0, 0.0), (0.3, 0.0), (0.36, 0.08), (0.3, 0.3), (0.22, 0.62), (0.2, 1.0), (0.24, 1.2)], white)
    revolve("Skirt", [(0.2, 0.92), (0.36, 0.84), (0.38, 0.8), (0.24, 0.88), (0.2, 0.98)], white)
    cap = [(0.0, 1.12), (0.5, 1.08), (0.82, 1.02), (0.9, 1.1), (0.84, 1.36), (0.6, 1.7), (0.28, 1.84), (0.0, 1.86)]
    revolve("Cap", cap, red, 4)
    for azimuth, height, size in (
        (-90, 0.62, 0.13), (-128, 0.42, 0.1), (-52, 0.36, 0.11), (-92, 0.2, 0.1), (-150, 0.72, 0.09),
        (-25, 0.74, 0.1),
        (-160, 0.3, 0.08), (-15, 0.25, 0.08), (-70, 0.88, 0.08), (-112, 0.86, 0.07),
        (90, 0.5, 0.12), (40, 0.5, 0.1), (140, 0.5, 0.1),
    ):  # fmt: skip
        around, up = math.radians(azimuth), height * math.pi / 2
        normal = Vector(
            (math.cos(around) * math.cos(up) / 0.86, math.sin(around) * math.cos(up) / 0.86, math.sin(up) / 0.74)
        )
        place = Vector(
            (0.86 * math.cos(around) * math.cos(up), 0.86 * math.sin(around) * math.cos(up), 1.12 + 0.72 * math.sin(up))
        )
        ball("Wart", place, (size, size, 0.045), warts, normal)


def vase() -> None:
    bands = [
        (0.0, (0.02, 0.08, 0.16)),
        (0.5, (0.03, 0.3, 0.36)),
        (0.92, (0.86, 0.6, 0.18)),
        (1.0, (0.72, 0.8, 0.72)),
        (1.34, (0.86, 0.6, 0.18)),
        (1.42, (0.03, 0.3, 0.36)),
        (1.95, (0.02, 0.08, 0.16)),
    ]
    glaze = banded_material("Glaze", bands, -0.2, 2.4, 0.16)
    revolve(
        "Vase",
        [
            (0.0, 0.0), (0.34, 0.0), (0.4, 0.06), (0.42, 0.2), (0.78, 0.75), (0.82, 1.15), (0.6, 1.65),
            (0.26, 1.9), (0.24, 2.1), (0.4, 2.28), (0.44, 2.32), (0.36, 2.3), (0.2, 2.1), (0.2, 1.9),
        ],
        glaze,
        4,
    )  # fmt: skip


def chair() -> None:
    velvet = material("Velvet", (0.06, 0.22, 0.2), 0.75, Sheen_Weight=0.6)
    dark = material("Piping", (0.03, 0.13, 0.12), 0.8)
    wood = material("Wood", (0.28, 0.12, 0.045), 0.35)
    cushion("Back", (0.0, 0.42, 1.05), (1.36, 0.34, 1.3), velvet, 0.15, -6.0)
    cushion("Base", (0.0, 0.0, 0.46), (1.5, 1.15, 0.36), dark, 0.1)
    cushion("Seat", (0.0, -0.08, 0.7), (1.06, 1.1, 0.26), velvet, 0.12)
    for side in (-1, 1):
        cushion("Arm", (side * 0.72, -0.06, 0.66), (0.32, 1.2, 0.78), velvet, 0.15)
    for x in (-1, 1):
        for y in (-1, 1):
            leg = revolve("Leg", [(0.0, 0.0), (0.05, 0.0), (0.055, 0.04), (0.085, 0.34)], wood, 1)
            leg.location = (x * 0.62, y * 0.44, 0.0)
    for row in range(3):
        for column in range(-1 - row % 2, 2 + row % 2):
            x, z = (
                (column + (0.5 if row % 2 and column < 0 else -0.5 if row % 2 and column > 0 else 0.0)) * 0.36,
                1.06 + 0.2 * row,
            )
            if row % 2 and column == 0:
                continue
            ball("Button", Vector((x, 0.42 - 0.175 + (z - 1.05) * 0.105, z)), (0.032, 0.02, 0.032), dark)


def mug() -> None:
    enamel = banded_material(
        "Enamel",
        [
            (-0.2, (0.75, 0.16, 0.05)),
            (0.34, (0.78, 0.6, 0.36)),
            (0.5, (0.75, 0.16, 0.05)),
            (0.8, (0.78, 0.6, 0.36)),
            (0.96, (0.75, 0.16, 0.05)),
        ],
        -0.2,
        1.6,
        0.2,
    )
    revolve(
        "Mug",
        [
            (0.0, 0.0), (0.5, 0.0), (0.56, 0.05), (0.6, 0.2), (0.6, 1.1), (0.6, 1.24), (0.57, 1.27),
            (0.54, 1.22), (0.53, 1.0), (0.5, 0.1), (0.0, 0.08),
        ],
        enamel,
        3,
    )  # fmt: skip
    around, across = 64, 24
    vertices = []
    for i in range(around + 1):
        t = math.pi * (i / around - 0.5) * 1.1
        for j in range(across):
            s = 2 * math.pi * j / across
            r = 0.36 + 0.075 * math.cos(s)
            vertices.append((0.58 + r * math.cos(t) * 0.95, 0.085 * math.sin(s), 0.66 + r * math.sin(t) * 1.08))
    faces = [
        (i * across + j, i * across + (j + 1) % across, (i + 1) * across + (j + 1) % across, (i + 1) * across + j)
        for i in range(around)
        for j in range(across)
    ]
    _object("Handle", vertices, faces, enamel)


SCENES: dict[str, tuple[Callable[[], None], bool]] = {
    "chair": (chair, True),
    "toadstool": (toadstool, True),
    "vase": (vase, True),
    "mug": (mug, False),
}
"""Name → the function that models it, and whether its background is transparent."""


def render(name: str, path: Path) -> None:
    """Model one sample and render it with soft lights from the front and an orthographic camera."""
    model, transparent = SCENES[name]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    model()
    bpy.context.view_layer.update()
    corners = [o.matrix_world @ Vector(c) for o in scene.objects for c in o.bound_box]
    low, high = (Vector(f(c[i] for c in corners) for i in range(3)) for f in (min, max))
    center, size = (low + high) / 2, max(high.x - low.x, high.z - low.z)
    camera = bpy.data.cameras.new("Camera")
    camera.type, camera.ortho_scale = "ORTHO", size * 1.14
    camera_object = bpy.data.objects.new("Camera", camera)
    tilt = 90.0 - 7.0
    camera_object.matrix_world = (
        Matrix.Translation(center) @ Matrix.Rotation(math.radians(tilt), 4, "X") @ Matrix.Translation((0, 0, 10))
    )
    scene.collection.objects.link(camera_object)
    scene.camera = camera_object
    for azimuth, elevation, power in (
        (-35.0, 45.0, 62.0),
        (40.0, 20.0, 26.0),
        (160.0, 50.0, 34.0),
        (-160.0, 50.0, 26.0),
    ):
        light = bpy.data.lights.new("Light", "AREA")
        light.energy, light.size = power * size**2, 1.6 * size
        light_object = bpy.data.objects.new("Light", light)
        turn = Matrix.Rotation(math.radians(azimuth), 4, "Z") @ Matrix.Rotation(math.radians(90.0 - elevation), 4, "X")
        light_object.matrix_world = Matrix.Translation(center) @ turn @ Matrix.Translation((0, 0, 2.2 * size))
        scene.collection.objects.link(light_object)
    world = bpy.data.worlds.new("World")
    world.use_nodes = True
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    background.inputs["Strength"].default_value = 0.3
    scene.world = world
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = 64
    scene.cycles.use_denoising = True
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.compression = 100
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    if not transparent:
        _on_white(path)


def _on_white(path: Path) -> None:
    """Composite the image over white, and remove its alpha channel."""
    import numpy as np

    image = bpy.data.images.load(str(path), check_existing=False)
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(-1, 4)
    pixels[:, :3] = pixels[:, :3] * pixels[:, 3:] + 1.0 - pixels[:, 3:]
    pixels[:, 3] = 1.0
    plain = bpy.data.images.new("Plain", width, height, alpha=False)
    plain.pixels.foreach_set(pixels.ravel())
    plain.filepath_raw, plain.file_format = str(path), "PNG"
    plain.save(quality=100)


if __name__ == "__main__":
    SAMPLES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SCENES:
        render(name, SAMPLES / f"{name}.png")
