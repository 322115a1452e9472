# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of the kinds that generators make, and artists edit, as .blend files for the mesh tools.

Each is a function that returns new objects in this Blender's data. `write` stores them as the artist's Blender does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def grid_sphere(rows: int, radius: float = 1.0, bumps: float = 0.0) -> tuple[Array, Array, Array]:
    """Returns points, triangles and UVs per corner of a closed sphere with about 4 × rows² triangles."""
    around = 2 * rows
    t = np.linspace(0, math.pi, rows + 1)[1:-1]
    a = np.linspace(0, 2 * math.pi, around, endpoint=False)
    tt, aa = np.meshgrid(t, a, indexing="ij")
    r = radius * (1 + bumps * np.sin(5 * tt) * np.cos(4 * aa) * np.sin(tt))
    ring = np.stack((r * np.sin(tt) * np.cos(aa), r * np.sin(tt) * np.sin(aa), r * np.cos(tt)), -1).reshape(-1, 3)
    points = np.concatenate((ring, [[0, 0, radius], [0, 0, -radius]]))
    top, bottom = len(ring), len(ring) + 1
    i, j = (x.reshape(-1) for x in np.meshgrid(np.arange(rows - 2), np.arange(around), indexing="ij"))
    n = (j + 1) % around
    k, kn, d, dn = i * around + j, i * around + n, (i + 1) * around + j, (i + 1) * around + n
    j0 = np.arange(around)
    n0 = (j0 + 1) % around
    last = (rows - 2) * around
    faces = np.concatenate(
        (
            np.stack((k, d, dn), -1),
            np.stack((k, dn, kn), -1),
            np.stack((np.full(around, top), j0, n0), -1),
            np.stack((np.full(around, bottom), last + n0, last + j0), -1),
        )
    )

    def uv(row: Array, column: Array) -> Array:
        return np.stack((column / around, 1 - row / rows), -1)

    uvs = np.concatenate(
        (
            np.stack((uv(i + 1, j), uv(i + 2, j), uv(i + 2, j + 1)), 1),
            np.stack((uv(i + 1, j), uv(i + 2, j + 1), uv(i + 1, j + 1)), 1),
            np.stack((uv(0 * j0, j0 + 0.5), uv(0 * j0 + 1, j0), uv(0 * j0 + 1, j0 + 1)), 1),
            np.stack((uv(0 * j0 + rows, j0 + 0.5), uv(0 * j0 + rows - 1, j0 + 1), uv(0 * j0 + rows - 1, j0)), 1),
        )
    )
    return points, faces, uvs.reshape(-1, 2)


def grid_sheet(count: int, function: Any = None) -> tuple[Array, Array, Array]:
    """Returns points, triangles and UVs of a sheet with 2 × count² triangles; `function(x, y)`: its height."""
    side = np.linspace(-1, 1, count + 1)
    x, y = (v.reshape(-1) for v in np.meshgrid(side, side, indexing="ij"))
    points = np.stack((x, y, function(x, y) if function else 0 * x), -1)
    i, j = (v.reshape(-1) for v in np.meshgrid(np.arange(count), np.arange(count), indexing="ij"))
    k, w = i * (count + 1) + j, count + 1
    faces = np.concatenate((np.stack((k, k + w, k + w + 1), -1), np.stack((k, k + w + 1, k + 1), -1)))
    return points, faces, (points[faces.reshape(-1), :2] + 1) / 2


def make(name: str, points: Array, faces: Any, uvs: Array | None = None) -> bpy.types.Object:
    """Returns a new object with a mesh of faces; `uvs`: one for each corner."""
    mesh = bpy.data.meshes.new(name)
    faces = faces.tolist() if isinstance(faces, np.ndarray) else faces
    mesh.from_pydata(np.asarray(points, np.float64).tolist(), [], faces)
    if uvs is not None:
        mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", np.asarray(uvs, np.float32).reshape(-1))
    mesh.shade_smooth()
    item = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(item)
    return item


def split_seams(points: Array, faces: Array, uvs: Array) -> tuple[Array, Array, Array]:
    """Returns the mesh as glTF stores it: a vertex for each different UV."""
    corners = faces.reshape(-1)
    key = np.concatenate((corners[:, None], np.round(uvs * 1e5)), 1)
    _, first, number = np.unique(key, axis=0, return_index=True, return_inverse=True)
    return points[corners[first]], number.reshape(-1, 3), uvs


def join(*meshes: Sequence[Array]) -> tuple[Array, Array, Array]:
    """Returns several meshes as one."""
    starts = np.cumsum([0] + [len(m[0]) for m in meshes[:-1]])
    faces = np.concatenate([m[1] + start for m, start in zip(meshes, starts, strict=True)])
    return np.concatenate([m[0] for m in meshes]), faces, np.concatenate([m[2] for m in meshes])


def box(low: Sequence[float], high: Sequence[float], cells: int = 4) -> tuple[Array, Array, Array]:
    """Returns a closed box whose sides have cells × cells quads as triangles."""
    side = np.linspace(0, 1, cells + 1)
    u, v = (x.reshape(-1) for x in np.meshgrid(side, side, indexing="ij"))
    i, j = (x.reshape(-1) for x in np.meshgrid(np.arange(cells), np.arange(cells), indexing="ij"))
    k, w = i * (cells + 1) + j, cells + 1
    grid = np.concatenate((np.stack((k, k + w, k + w + 1), -1), np.stack((k, k + w + 1, k + 1), -1)))
    points, faces, uvs = [], [], []
    for axis in range(3):
        for end in (0, 1):
            at = np.zeros((len(u), 3))
            at[:, axis], at[:, (axis + 1) % 3], at[:, (axis + 2) % 3] = end, u, v
            points.append(at)
            own = grid if end else grid[:, ::-1]
            faces.append(own + len(u) * (2 * axis + end))
            uvs.append((np.stack((u, v), -1)[own.reshape(-1)] + [axis, end]) / 3)
    at = np.concatenate(points)
    _, first, number = np.unique(np.round(at, 6), axis=0, return_index=True, return_inverse=True)
    at = np.asarray(low) + at[first] * (np.asarray(high) - np.asarray(low))
    return at, number.reshape(-1)[np.concatenate(faces)], np.concatenate(uvs)


def without_patches(points: Array, faces: Array, uvs: Array, count: int, radius: float) -> tuple[Array, Array, Array]:
    """Returns the mesh without the faces around `count` points; `radius`: relative to the size 1."""
    rng = np.random.default_rng(3)
    centers = points[faces].mean(axis=1)
    keep = np.ones(len(faces), np.bool_)
    for middle in centers[rng.choice(len(faces), count, replace=False)]:
        keep &= np.linalg.norm(centers - middle, axis=1) > radius
    return points, faces[keep], uvs.reshape(-1, 3, 2)[keep].reshape(-1, 2)


def image(name: str, side: int = 512, hue: float = 0.0) -> bpy.types.Image:
    """Returns a packed image of colored squares with a gradient."""
    y, x = np.mgrid[0:side, 0:side] / side
    check = ((np.floor(x * 16) + np.floor(y * 16)) % 2) * 0.35
    pixels = np.stack((0.25 + 0.4 * x + check, 0.2 + 0.5 * y, 0.6 - 0.4 * x + check * hue, np.ones_like(x)), -1)
    made = bpy.data.images.new(name, side, side)
    made.pixels.foreach_set(np.clip(np.roll(pixels, int(hue * 3), -1) if hue else pixels, 0, 1).astype("f").reshape(-1))
    made.pack()
    return made


def material(name: str, **inputs: Any) -> bpy.types.Material:
    """Returns a new material; an image for a color, an attribute's name for one, or a value, for each input."""
    made = bpy.data.materials.new(name)
    if made.node_tree is None:  # before 5.0
        made.use_nodes = True
    tree = made.node_tree
    surface = next(n for n in tree.nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")
    for key, value in inputs.items():
        socket = surface.inputs[key.replace("_", " ").title()]
        if isinstance(value, bpy.types.Image):
            node = tree.nodes.new("ShaderNodeTexImage")
            node.image = value
            tree.links.new(node.outputs["Color"], socket)
        elif isinstance(value, str):
            node = tree.nodes.new("ShaderNodeVertexColor")
            node.layer_name = value
            tree.links.new(node.outputs["Color"], socket)
        else:
            socket.default_value = value
    return made


def textured(item: bpy.types.Object, **inputs: Any) -> bpy.types.Object:
    """Returns the object with a new textured material."""
    item.data.materials.append(material(item.name, **{"Base Color": image(item.name)}, **inputs))
    return item


def write(objects: Iterable[bpy.types.Object], path: Path) -> Path:
    """Write the objects to a .blend as the artist's Blender hands them over. Returns its path."""
    bpy.data.libraries.write(str(path), set(objects), fake_user=False, compress=False)
    return path


def smooth(rows: int = 160) -> bpy.types.Object:
    """Closed, with bumps; about 4 × rows² triangles."""
    return textured(make("smooth", *grid_sphere(rows, bumps=0.25)))


def seam_split(rows: int = 160) -> bpy.types.Object:
    """The same as a glTF importer makes it."""
    return textured(make("seam_split", *split_seams(*grid_sphere(rows, bumps=0.25))))


def sheet(count: int = 100) -> bpy.types.Object:
    """An open sheet."""
    return textured(make("sheet", *grid_sheet(count, lambda x, y: 0.3 * np.sin(3 * x) * np.cos(2 * y))))


def inner_part(rows: int = 100) -> bpy.types.Object:
    """A sphere in a sphere."""
    return textured(make("inner_part", *join(grid_sphere(rows), grid_sphere(rows // 2, 0.5))))


def many_holes(rows: int = 160) -> bpy.types.Object:
    """With 200 holes."""
    return textured(make("many_holes", *without_patches(*grid_sphere(rows, bumps=0.25), 200, 0.03)))


def large_hole(rows: int = 120) -> bpy.types.Object:
    """With one hole that is much larger than a voxel."""
    return textured(make("large_hole", *without_patches(*grid_sphere(rows), 1, 0.5)))


def vertex_colors(rows: int = 100) -> bpy.types.Object:
    """Without UVs and materials."""
    points, faces, _ = grid_sphere(rows, bumps=0.25)
    item = make("vertex_colors", points, faces)
    layer = item.data.color_attributes.new("Color", "FLOAT_COLOR", "POINT")
    colors = np.concatenate((0.5 + 0.5 * np.sin(4 * points), np.ones((len(points), 1))), 1)
    layer.data.foreach_set("color", colors.astype("f").reshape(-1))
    return item


def several_materials(rows: int = 100) -> bpy.types.Object:
    """Two textures, a plain metal, a color through a Mix node, and a second UV map."""
    points, faces, uvs = grid_sphere(rows)
    item = make("several_materials", points, faces, uvs)
    other = item.data.uv_layers.new(name="Other")
    other.data.foreach_set("uv", (uvs[:, ::-1] * 2).astype("f").reshape(-1))
    item.data.materials.append(material("one", Base_Color=image("one"), Roughness=0.9))
    second = material("two", Base_Color=image("two", hue=0.5), Roughness=0.3)
    nodes, links = second.node_tree.nodes, second.node_tree.links
    texture = next(n for n in nodes if n.bl_idname == "ShaderNodeTexImage")
    uv, mix = nodes.new("ShaderNodeUVMap"), nodes.new("ShaderNodeMix")
    uv.uv_map = "Other"
    mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
    mix.inputs["Factor"].default_value = 1.0
    mix.inputs[7].default_value = (1.0, 0.5, 0.5, 1.0)
    surface = next(n for n in nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")
    links.new(uv.outputs[0], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], mix.inputs[6])
    links.new(mix.outputs[2], surface.inputs["Base Color"])
    item.data.materials.append(second)
    item.data.materials.append(material("metal", Base_Color=(0.9, 0.6, 0.1, 1), Metallic=1.0, Roughness=0.2))
    height = points[faces].mean(axis=1)[:, 2]
    item.data.polygons.foreach_set("material_index", np.digitize(height, (-0.4, 0.4)).astype(np.int32))
    return item


def non_manifold(count: int = 40) -> bpy.types.Object:
    """Sheets that meet in a T, and two boxes that share an edge."""
    flat = grid_sheet(count)
    upright = flat[0][:, [0, 2, 1]] + [0, 0, 1], flat[1], flat[2]
    boxes = [box((1.5, 0, 0), (2, 0.5, 1), 12), box((2, 0.5, 0), (2.5, 1, 1), 12)]
    points, faces, uvs = join(flat, upright, *boxes)
    _, first, number = np.unique(np.round(points, 6), axis=0, return_index=True, return_inverse=True)
    return textured(make("non_manifold", points[first], number.reshape(-1)[faces], uvs))


def chair(cells: int = 40) -> bpy.types.Object:
    """Thin legs; its parts overlap."""
    legs = [box((x, y, 0), (x + 0.04, y + 0.04, 0.5), cells) for x in (0.01, 0.45) for y in (0.01, 0.45)]
    seat, back = box((0, 0, 0.48), (0.5, 0.5, 0.53), cells), box((0.02, 0.44, 0.5), (0.48, 0.48, 1.1), cells)
    return textured(make("chair", *join(*legs, seat, back)))


def cards(count: int = 300) -> bpy.types.Object:
    """Many small open sheets, as leaves are."""
    rng = np.random.default_rng(0)
    points, faces, uvs = grid_sheet(2)
    turned = [points * 0.08 @ np.linalg.qr(rng.standard_normal((3, 3)))[0] + 2 * rng.random(3) for _ in range(count)]
    return textured(make("cards", *join(*((each, faces, uvs) for each in turned))))


def thin(rows: int = 80) -> bpy.types.Object:
    """Closed, and as thin as paper."""
    points, faces, uvs = grid_sphere(rows)
    return textured(make("thin", points * (1, 1, 0.004), faces, uvs))


def noisy(rows: int = 110) -> bpy.types.Object:
    """A rough surface."""
    points, faces, uvs = grid_sphere(rows, bumps=0.25)
    points = points * (1 + 0.01 * np.random.default_rng(1).standard_normal((len(points), 1)))
    return textured(make("noisy", points, faces, uvs))


def sized(item: bpy.types.Object, scale: float) -> bpy.types.Object:
    """Returns the object with its mesh scaled."""
    item.data.transform(np.diag((scale, scale, scale, 1.0)).tolist())
    return item


def million() -> bpy.types.Object:
    """A million triangles, seams split."""
    return seam_split(500)


KINDS = {
    "smooth": smooth, "seam_split": seam_split, "sheet": sheet, "inner_part": inner_part, "many_holes": many_holes,
    "large_hole": large_hole, "vertex_colors": vertex_colors, "several_materials": several_materials,
    "non_manifold": non_manifold, "chair": chair, "cards": cards, "thin": thin, "noisy": noisy,
    "tiny": lambda: sized(smooth(60), 1e-3), "huge": lambda: sized(smooth(60), 1e3), "million": million,
}  # fmt: skip
"""Each kind by its name."""
