# SPDX-License-Identifier: GPL-3.0-or-later
"""A prepared model looks like Blender's own import of the file, and is placed as the artist chose."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
import pytest
from image_to_3d.benchmarks.shapes import Shape, ball, png, texture, write_glb, write_obj, write_ply, write_stl
from image_to_3d.worker.worker_process import WorkerProcess
from mathutils import Matrix, Quaternion
from repairs import repairs_of

Array = npt.NDArray[np.float64]
AS_DELIVERED = {"origin": "DELIVERED", "on_ground": False}


@pytest.fixture(autouse=True)
def _empty_blender() -> Iterator[None]:
    bpy.ops.wm.read_homefile(use_empty=True)
    yield
    bpy.ops.wm.read_homefile(use_empty=True)


@dataclass(frozen=True)
class DrawnMesh:
    """How a mesh object is drawn: values per face corner, in world space."""

    positions: Array
    normals: Array
    layers: Mapping[str, Array]
    materials: tuple[str, ...]
    mirrored: bool


def drawn(item: bpy.types.Object) -> DrawnMesh:
    mesh = item.data
    corners = np.array([loop.vertex_index for loop in mesh.loops])
    points = np.array([v.co for v in mesh.vertices])[corners]
    normals = np.array([n.vector for n in mesh.corner_normals])
    matrix = np.array(item.matrix_world)
    inverse_transpose = np.linalg.inv(matrix[:3, :3]).T
    normals = normals @ inverse_transpose.T
    layers = {}
    for layer in mesh.uv_layers:
        layers[layer.name] = np.array([uv.vector for uv in layer.uv])
    for colors in mesh.color_attributes:
        values = np.array([c.color for c in colors.data])
        layers[colors.name] = values if colors.domain == "CORNER" else values[corners]
    slots = [m.name if m else "" for m in mesh.materials]
    return DrawnMesh(
        points @ matrix[:3, :3].T + matrix[:3, 3],
        normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12),
        layers,
        tuple(slots[p.material_index] if slots else "" for p in mesh.polygons),
        bool(np.linalg.det(matrix[:3, :3]) < 0),
    )


def meshes_of(objects: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    return [item for item in objects if item.type == "MESH"]


def imported(path: Path) -> list[bpy.types.Object]:
    """The objects of a manual import."""
    before = set(bpy.data.objects)
    bpy.ops.import_scene.gltf(filepath=str(path))
    bpy.context.view_layer.update()
    return [item for item in bpy.data.objects if item not in before]


def appended(path: Path) -> list[bpy.types.Object]:
    with bpy.data.libraries.load(str(path), link=False) as (there, here):
        here.objects = there.objects
    for item in here.objects:
        bpy.context.scene.collection.objects.link(item)
    bpy.context.view_layer.update()
    return list(here.objects)


def prepared(
    worker: WorkerProcess, source: Path, placement: Mapping[str, Any] | None = None, **more: Any
) -> tuple[list[bpy.types.Object], dict[str, Any]]:
    target = source.with_suffix(f".{len(list(source.parent.iterdir()))}.blend")
    request = {"do": "model", "source": str(source), "format": source.suffix[1:], "target": str(target)}
    details = worker.run({**request, "name": "chair", "placement": placement or {}, **more})
    return appended(target), details


def corner_order(mirrored: bool, count: int) -> npt.NDArray[np.intp]:
    """Corner indices; applying a mirrored transform to a mesh reverses the order of each triangle's corners."""
    faces = np.arange(count).reshape(-1, 3)
    return (faces[:, [0, 2, 1]] if mirrored else faces).reshape(-1)


def visible(item: DrawnMesh) -> npt.NDArray[np.bool_]:
    """Which triangles have an area: the others are invisible, and their normals are arbitrary."""
    a, b, c = item.positions.reshape(-1, 3, 3).transpose(1, 0, 2)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return np.asarray(area > 1e-9 * np.ptp(item.positions, axis=0).max() ** 2)


def assert_looks_the_same(imported_objects: Iterable[bpy.types.Object], ours: Iterable[bpy.types.Object]) -> None:
    left, right = [drawn(o) for o in meshes_of(imported_objects)], [drawn(o) for o in meshes_of(ours)]
    assert len(left) == len(right)
    for a in left:
        middle = a.positions.mean(axis=0)
        b = min(
            (x for x in right if len(x.positions) == len(a.positions)),
            key=lambda x: float(np.abs(x.positions.mean(axis=0) - middle).max()),
        )
        same = corner_order(a.mirrored != b.mirrored, len(a.positions))
        size = np.ptp(a.positions, axis=0).max()
        assert np.abs(a.positions[same] - b.positions).max() < 1e-5 * max(1, size)
        cosines = (a.normals[same] * b.normals).sum(axis=1)[np.repeat(visible(b), 3)]
        assert np.degrees(np.arccos(np.clip(cosines.min(), -1, 1))) < 0.1
        assert a.layers.keys() == b.layers.keys()
        for name, values in a.layers.items():
            assert np.abs(values[same] - b.layers[name]).max() < 1e-5
        assert len(set(a.materials)) == len(set(b.materials))


# ----- models, exported by Blender or written here


def exported(path: Path, **options: Any) -> Path:
    bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB", **options)
    bpy.ops.wm.read_homefile(use_empty=True)
    return path


def solid_image(name: str, color: tuple[int, int, int], *, value: bool = False) -> bpy.types.Image:
    image = bpy.data.images.new(name, 16, 16)
    image.pixels.foreach_set(np.tile(np.array((*color, 255), np.float32) / 255, 256))
    image.pack()
    if value:
        image.colorspace_settings.name = "Non-Color"
    return image


def material(name: str, color: tuple[int, int, int]) -> bpy.types.Material:
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    surface = nodes["Principled BSDF"]
    base = nodes.new("ShaderNodeTexImage")
    base.image = solid_image(f"{name} color", color)
    links.new(base.outputs["Color"], surface.inputs["Base Color"])
    bumps = nodes.new("ShaderNodeTexImage")
    bumps.image = solid_image(f"{name} bumps", (128, 128, 255), value=True)
    normal_map = nodes.new("ShaderNodeNormalMap")
    links.new(bumps.outputs["Color"], normal_map.inputs["Color"])
    links.new(normal_map.outputs["Normal"], surface.inputs["Normal"])
    return made


def monkey(at: tuple[float, float, float] = (0, 0, 0), *, smooth: bool = True) -> bpy.types.Object:
    bpy.ops.mesh.primitive_monkey_add(location=at)
    item = bpy.context.object
    if smooth:
        item.data.shade_smooth()
    return item


def one_smooth_mesh(path: Path) -> Path:
    item = monkey((1, 2, 3))
    item.data.materials.append(material("skin", (200, 120, 40)))
    item.rotation_euler = (0.3, 0.5, 0.7)
    return exported(path)


def flat_mesh(path: Path) -> Path:
    monkey(smooth=False)
    return exported(path)


def sharp_and_smooth_mesh(path: Path) -> Path:
    item = monkey()
    item.data.set_sharp_from_angle(angle=math.radians(30))
    return exported(path)


def several_meshes(path: Path) -> Path:
    for index in range(3):
        monkey((index * 3, 0, 0)).data.materials.append(material(f"skin {index}", (80 * index, 120, 40)))
    bpy.ops.mesh.primitive_cube_add(location=(0, 4, 1))
    return exported(path)


def nodes_with_transforms(path: Path) -> Path:
    bpy.ops.object.empty_add(location=(1, 1, 0), rotation=(0.2, 0.4, 0.6))
    above = bpy.context.object
    above.scale = (2, 2, 2)
    bpy.ops.object.empty_add(location=(0, 1, 0), rotation=(0.5, 0, 0))
    middle = bpy.context.object
    middle.parent = above
    for at in ((0, 0, 0), (3, 0, 0)):
        item = monkey(at)
        item.scale = (1, 2, 0.5)
        item.parent = middle
    return exported(path)


def one_mesh_in_nested_nodes(path: Path) -> Path:
    bpy.ops.object.empty_add(location=(1, 1, 0), rotation=(0.2, 0.4, 0.6))
    above = bpy.context.object
    above.scale = (2, 3, 1)
    item = monkey((0, 2, 0))
    item.parent = above
    item.rotation_euler = (0.5, 0.1, 0)
    return exported(path)


def negative_scale(path: Path) -> Path:
    monkey((1, 0, 0)).scale = (-1, 1, 1)
    return exported(path)


def negative_scale_with_hard_edges(path: Path) -> Path:
    item = monkey((1, 0, 0))
    item.data.set_sharp_from_angle(angle=math.radians(40))
    item.scale = (-1, 2, 1)
    return exported(path)


def vertex_colors(path: Path) -> Path:
    item = monkey()
    layer = item.data.color_attributes.new("Color", "BYTE_COLOR", "CORNER")
    values = np.random.default_rng(0).random((len(item.data.loops), 4), np.float32)
    layer.data.foreach_set("color", values.reshape(-1))
    item.data.materials.append(material("skin", (200, 120, 40)))
    return exported(path, export_vertex_color="ACTIVE")


def no_normals(path: Path) -> Path:
    monkey()
    return exported(path, export_normals=False)


def no_uvs(path: Path) -> Path:
    monkey()
    return exported(path, export_texcoords=False)


def draco(path: Path) -> Path:
    monkey().data.materials.append(material("skin", (200, 120, 40)))
    return exported(path, export_draco_mesh_compression_enable=True)


def shared_mesh(path: Path) -> Path:
    first = monkey()
    second = bpy.data.objects.new("again", first.data)
    bpy.context.collection.objects.link(second)
    second.location = (4, 0, 0)
    return exported(path)


def with_camera_and_light(path: Path) -> Path:
    monkey()
    bpy.ops.object.camera_add(location=(9, 0, 0))
    bpy.ops.object.light_add(type="POINT", location=(0, 0, 9))
    return exported(path, export_cameras=True, export_lights=True)


def bumpy_ball(path: Path) -> Path:
    return write_glb(path, ball(5000), texture(64))


Make = Callable[[Path], Path]
MODELS: tuple[Make, ...] = (
    one_smooth_mesh,
    flat_mesh,
    sharp_and_smooth_mesh,
    several_meshes,
    nodes_with_transforms,
    one_mesh_in_nested_nodes,
    negative_scale,
    negative_scale_with_hard_edges,
    vertex_colors,
    no_normals,
    no_uvs,
    draco,
    shared_mesh,
    with_camera_and_light,
    bumpy_ball,
)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_it_looks_like_a_manual_import(worker: WorkerProcess, tmp_path: Path, make: Make) -> None:
    path = make(tmp_path / "model.glb")
    imported_objects = imported(path)
    ours, details = prepared(worker, path, AS_DELIVERED)
    assert_looks_the_same(imported_objects, ours)
    count = sum(len(o.data.loop_triangles) for o in meshes_of(imported_objects) if not o.data.calc_loop_triangles())
    assert details["triangles"] == count


@pytest.mark.parametrize("make", [one_smooth_mesh, several_meshes, vertex_colors, draco], ids=lambda m: m.__name__)
def test_materials_and_images_are_those_of_a_manual_import(worker: WorkerProcess, tmp_path: Path, make: Make) -> None:
    def values(value: Any) -> Any:
        return tuple(value) if hasattr(value, "__len__") and not isinstance(value, str) else value

    def described(objects: Iterable[bpy.types.Object]) -> list[Any]:
        materials = {m.session_uid: m for o in meshes_of(objects) for m in o.data.materials if m}
        return sorted(
            (
                sorted((n.bl_idname, [values(i.default_value) for i in n.inputs if hasattr(i, "default_value")])
                       for n in m.node_tree.nodes if n.bl_idname != "ShaderNodeTexImage"),
                sorted((link.from_node.bl_idname, link.from_socket.identifier, link.to_socket.identifier)
                       for link in m.node_tree.links),
                sorted((bytes(n.image.packed_file.data), n.image.colorspace_settings.name, n.image.alpha_mode,
                        n.interpolation, n.extension) for n in m.node_tree.nodes if getattr(n, "image", None)),
            )
            for m in materials.values()
        )  # fmt: skip

    path = make(tmp_path / "model.glb")
    imported_objects = described(imported(path))
    ours, _ = prepared(worker, path)
    assert described(ours) == imported_objects


def test_images_are_packed_unchanged(worker: WorkerProcess, tmp_path: Path) -> None:
    data = texture(32)
    ours, _ = prepared(worker, write_glb(tmp_path / "a.glb", ball(200), data))
    image = next(n.image for n in ours[0].data.materials[0].node_tree.nodes if getattr(n, "image", None))
    assert bytes(image.packed_file.data) == data
    assert (image.colorspace_settings.name, image.filepath_raw) == ("sRGB", "")


@pytest.mark.parametrize("texture_line", ["map_Kd skin.png", "map_Kd -s 1 1 1 -clamp on my skin 01.png"])
@pytest.mark.parametrize("names", [("model.mtl", "skin.png"), ("something else.mtl", "0123abcd.png")])
def test_separate_textures_are_found_and_packed(
    worker: WorkerProcess, tmp_path: Path, names: tuple[str, str], texture_line: str
) -> None:
    data = texture(32)
    shape = ball(200)
    body = write_obj(tmp_path / "a.obj", shape).read_text()
    (tmp_path / "a.obj").write_text("mtllib model.mtl\nusemtl skin\n" + body)
    (tmp_path / "file-1").write_text(f"newmtl skin\nKd 0.5 0.5 0.5\n{texture_line}\n")
    (tmp_path / "file-2").write_bytes(data)
    companions = [{"file": f"file-{i}", "name": name} for i, name in enumerate(names, 1)]
    ours, _ = prepared(worker, tmp_path / "a.obj", companions=companions)
    image = next(n.image for n in ours[0].data.materials[0].node_tree.nodes if getattr(n, "image", None))
    assert bytes(image.packed_file.data) == data
    assert str(tmp_path) not in image.filepath
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("~")) == []


def test_a_missing_texture_leaves_the_plain_color(worker: WorkerProcess, tmp_path: Path) -> None:
    body = write_obj(tmp_path / "a.obj", ball(200)).read_text()
    (tmp_path / "a.obj").write_text("mtllib model.mtl\nusemtl skin\n" + body)
    (tmp_path / "m").write_text("newmtl skin\nKd 0.5 0.25 0.125\nmap_Kd skin.png\n")
    ours, _ = prepared(worker, tmp_path / "a.obj", companions=[{"file": "m", "name": "model.mtl"}])
    nodes = ours[0].data.materials[0].node_tree.nodes
    assert not [n for n in nodes if n.bl_idname == "ShaderNodeTexImage"]
    assert tuple(nodes["Principled BSDF"].inputs["Base Color"].default_value)[:3] == (0.5, 0.25, 0.125)


def test_a_model_cannot_use_other_images_on_the_disk(worker: WorkerProcess, tmp_path: Path) -> None:
    private = tmp_path / "private" / "diary.png"
    private.parent.mkdir()
    private.write_bytes(texture(16))
    (tmp_path / "job").mkdir()
    body = write_obj(tmp_path / "job" / "a.obj", ball(200)).read_text()
    (tmp_path / "job" / "a.obj").write_text("mtllib model.mtl\nusemtl skin\n" + body)
    (tmp_path / "job" / "m").write_text(f"newmtl skin\nmap_Kd {private}\nnewmtl other\nmap_Kd ../private/diary.png\n")
    ours, _ = prepared(worker, tmp_path / "job" / "a.obj", companions=[{"file": "m", "name": "model.mtl"}])
    assert not [n for m in ours[0].data.materials for n in m.node_tree.nodes if getattr(n, "image", None)]
    assert private.read_bytes() == texture(16)


# ----- rigs and animations


def rigged(path: Path) -> Path:
    bpy.ops.object.armature_add()
    rig = bpy.context.object
    bpy.ops.mesh.primitive_cylinder_add(depth=2, location=(0, 0, 1))
    body = bpy.context.object
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.subdivide(number_cuts=4)
    bpy.ops.object.mode_set(mode="OBJECT")
    body.parent = rig
    body.modifiers.new("Armature", "ARMATURE").object = rig
    body.vertex_groups.new(name="Bone").add(range(len(body.data.vertices)), 1.0, "REPLACE")
    bone = rig.pose.bones["Bone"]
    bone.rotation_mode = "QUATERNION"
    for frame, angle in ((1, 0.0), (20, 1.0)):
        bone.rotation_quaternion = Quaternion((1, 0, 0), angle)
        bone.keyframe_insert("rotation_quaternion", frame=frame)
    return exported(path)


def test_a_rig_keeps_its_bones_weights_and_animation(worker: WorkerProcess, tmp_path: Path) -> None:
    path = rigged(tmp_path / "model.glb")

    def poses(objects: list[bpy.types.Object]) -> list[Array]:
        body = next(o for o in meshes_of(objects) if o.modifiers)
        found = []
        for frame in (1, 12, 20):
            bpy.context.scene.frame_set(frame)
            posed = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
            found.append(np.array([posed.matrix_world @ v.co for v in posed.data.vertices]))
        return found

    imported_objects = poses(imported(path))
    bpy.ops.wm.read_homefile(use_empty=True)
    ours, details = prepared(worker, path, AS_DELIVERED)
    for a, b in zip(imported_objects, poses(ours), strict=True):
        assert np.abs(a - b).max() < 1e-4
    assert np.abs(imported_objects[0] - imported_objects[2]).max() > 0.3
    rig = next(o for o in ours if o.type == "ARMATURE")
    assert [b.custom_shape for b in rig.pose.bones] == [None]
    assert "Icosphere" not in " ".join(o.name for o in bpy.data.objects)
    assert "glTF_not_exported" not in bpy.data.collections
    assert details["objects"][0] == details["root"] == "chair"


def test_a_rig_is_sized_by_its_root_alone(worker: WorkerProcess, tmp_path: Path) -> None:
    ours, details = prepared(worker, rigged(tmp_path / "model.glb"), {"size": 5.0})
    assert max(details["dimensions"]) == pytest.approx(5.0, rel=1e-3)
    root = next(o for o in ours if o.parent is None)
    assert root.type == "EMPTY"
    assert root.scale.x == pytest.approx(root.scale.z)
    body = next(o for o in meshes_of(ours))
    points = np.array([body.matrix_world @ v.co for v in body.data.vertices])
    assert points[:, 2].min() == pytest.approx(0, abs=1e-3)
    assert (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) == pytest.approx([0, 0], abs=1e-3)


def test_shape_keys_are_kept_and_stay_in_place(worker: WorkerProcess, tmp_path: Path) -> None:
    item = monkey((0, 0, 3))
    item.shape_key_add(name="Basis")
    key = item.shape_key_add(name="Wide")
    for point in key.data:
        point.co.x *= 2
    key.value = 0
    ours, _ = prepared(worker, exported(tmp_path / "model.glb"), {"size": 1.0})
    keys = meshes_of(ours)[0].data.shape_keys.key_blocks
    assert [k.name for k in keys] == ["Basis", "Wide"]
    basis, wide = (np.array([p.co for p in k.data]) for k in keys)
    assert wide[:, 0] == pytest.approx(basis[:, 0] * 2, abs=1e-5)
    assert wide[:, 2] == pytest.approx(basis[:, 2], abs=1e-5)
    assert np.ptp(basis, axis=0).max() == pytest.approx(1.0, rel=1e-4)


# ----- placement


@pytest.mark.parametrize("write", [write_glb, write_obj, write_stl, write_ply], ids=["glb", "obj", "stl", "ply"])
@pytest.mark.parametrize(
    "placement", [{}, AS_DELIVERED, {"size": 3.0, "origin": "CENTER"}], ids=["set", "as is", "sized"]
)
def test_it_is_placed_the_same_in_each_format(
    worker: WorkerProcess, tmp_path: Path, write: Callable[..., Path], placement: dict[str, Any]
) -> None:
    shape = ball(2000)
    ours, details = prepared(worker, write(tmp_path / f"a.{write.__name__[6:]}", shape), placement)
    assert [o.name for o in ours] == ["chair"]
    expected = shape.positions.astype(np.float64) @ np.array(((1, 0, 0), (0, 0, -1), (0, 1, 0))).T.astype(np.float64).T
    expected = np.stack((shape.positions[:, 0], -shape.positions[:, 2], shape.positions[:, 1]), -1).astype(np.float64)
    low, high = expected.min(axis=0), expected.max(axis=0)
    if placement is not AS_DELIVERED:
        scale = 3.0 / (high - low).max() if placement else 1.0
        expected = (expected - ((low + high) / 2 * (1, 1, 0) + (0, 0, low[2]))) * scale
    points = np.array([ours[0].matrix_world @ v.co for v in ours[0].data.vertices])
    assert points.min(axis=0) == pytest.approx(expected.min(axis=0), abs=2e-5)
    assert points.max(axis=0) == pytest.approx(expected.max(axis=0), abs=2e-5)
    # A point that no mirroring or turning leaves in its place
    probe = expected[len(expected) // 3]
    assert np.linalg.norm(points - probe, axis=1).min() < 1e-4
    assert details["dimensions"] == pytest.approx(np.ptp(points, axis=0), abs=1e-5)


@pytest.mark.parametrize(
    ("placement", "origin", "lowest"),
    [
        ({"origin": "BOTTOM"}, "bottom", 0.0),
        ({"origin": "BOTTOM", "on_ground": False}, "bottom", 0.0),
        ({"origin": "CENTER", "on_ground": False}, "center", None),
        ({"origin": "CENTER", "on_ground": True}, "center", 0.0),
        ({"origin": "DELIVERED", "on_ground": True}, "delivered", 0.0),
        ({"origin": "DELIVERED", "on_ground": False}, "delivered", None),
    ],
)
@pytest.mark.parametrize("make", [one_smooth_mesh, several_meshes], ids=["one mesh", "several"])
def test_origin_and_ground_are_as_requested(
    worker: WorkerProcess, tmp_path: Path, make: Make, placement: dict[str, Any], origin: str, lowest: float | None
) -> None:
    path = make(tmp_path / "model.glb")
    imported_objects = np.concatenate([drawn(o).positions for o in meshes_of(imported(path))])
    bpy.ops.wm.read_homefile(use_empty=True)
    ours, _ = prepared(worker, path, placement)
    root = next(o for o in ours if o.parent is None)
    points = np.concatenate([drawn(o).positions for o in meshes_of(ours)])
    low, high, middle = points.min(axis=0), points.max(axis=0), (points.min(axis=0) + points.max(axis=0)) / 2
    where = np.array(root.matrix_world.translation)
    if origin == "bottom":
        assert where == pytest.approx((middle[0], middle[1], low[2]), abs=1e-4)
    elif origin == "center":
        assert where == pytest.approx(middle, abs=1e-4)
    else:
        assert low[:2] == pytest.approx(imported_objects.min(axis=0)[:2], abs=1e-4)
    if lowest is not None:
        assert low[2] == pytest.approx(lowest, abs=1e-4)
    elif origin == "delivered":
        assert low[2] == pytest.approx(imported_objects.min(axis=0)[2], abs=1e-4)
    assert high - low == pytest.approx(np.ptp(imported_objects, axis=0), abs=1e-4)


@pytest.mark.parametrize("make", [one_smooth_mesh, several_meshes, nodes_with_transforms], ids=lambda m: m.__name__)
def test_the_longest_side_is_as_requested(worker: WorkerProcess, tmp_path: Path, make: Make) -> None:
    ours, details = prepared(worker, make(tmp_path / "model.glb"), {"size": 1.75})
    points = np.concatenate([drawn(o).positions for o in meshes_of(ours)])
    assert np.ptp(points, axis=0).max() == pytest.approx(1.75, rel=1e-4)
    assert max(details["dimensions"]) == pytest.approx(1.75, rel=1e-4)


@pytest.mark.skipif(bpy.app.version < (4, 5, 0), reason="an uneven scale stays on the object: its normals are angles")
def test_a_single_mesh_is_one_object_without_rotation_or_scale(worker: WorkerProcess, tmp_path: Path) -> None:
    ours, _ = prepared(worker, one_mesh_in_nested_nodes(tmp_path / "model.glb"), {"size": 2.0})
    assert [(o.type, o.matrix_world) for o in ours] == [("MESH", Matrix.Identity(4))]
    assert ours[0].rotation_mode == "XYZ"


@pytest.mark.parametrize("write", [write_glb, write_obj, write_stl, write_ply], ids=["glb", "obj", "stl", "ply"])
@pytest.mark.parametrize("budget", [500, 4000])
def test_a_triangle_budget_is_met_and_the_shape_is_kept(
    worker: WorkerProcess, tmp_path: Path, write: Callable[..., Path], budget: int
) -> None:
    source = write(tmp_path / f"a.{write.__name__[6:]}", ball(20_000))
    ours, details = prepared(worker, source, {"triangle_budget": budget, "size": 2.0})
    assert budget * 0.9 <= details["triangles"] <= budget
    assert max(details["dimensions"]) == pytest.approx(2.0, rel=1e-4)
    edges = np.array([e.vertices for e in ours[0].data.edges])
    assert len(edges) == details["triangles"] * 3 / 2, "it must not be torn open along the seams of its texture"
    assert not ours[0].data.has_custom_normals, "the normals of a shape that is no more"


def test_a_budget_is_shared_by_several_meshes(worker: WorkerProcess, tmp_path: Path) -> None:
    _, details = prepared(worker, several_meshes(tmp_path / "model.glb"), {"triangle_budget": 600})
    assert 500 <= details["triangles"] <= 600
    assert len(details["objects"]) == 5


def test_a_simplified_model_keeps_its_texture(worker: WorkerProcess, tmp_path: Path) -> None:
    ours, _ = prepared(worker, write_glb(tmp_path / "a.glb", ball(5000), texture(64)), {"triangle_budget": 800})
    mesh = ours[0].data
    assert [layer.name for layer in mesh.uv_layers] == ["UVMap"]
    assert len([m for m in mesh.materials if m]) == 1
    uvs = np.array([uv.vector for uv in mesh.uv_layers[0].uv])
    assert np.ptp(uvs, axis=0) == pytest.approx([1, 1], abs=0.1)


def test_close_vertices_are_merged_on_request(worker: WorkerProcess, tmp_path: Path) -> None:
    path = write_glb(tmp_path / "a.glb", ball(5000), texture(64))
    _, as_is = prepared(worker, path)
    _, merged = prepared(worker, path, {"merge_distance": 1e-4})
    assert merged["vertices"] < as_is["vertices"] - 50
    assert merged["dimensions"] == pytest.approx(as_is["dimensions"], abs=1e-3)


@pytest.mark.parametrize("write", [write_glb, write_stl], ids=["glb", "stl"])
def test_smooth_shading_is_smooth_everywhere(worker: WorkerProcess, tmp_path: Path, write: Callable[..., Path]) -> None:
    ours, _ = prepared(worker, write(tmp_path / f"a.{write.__name__[6:]}", ball(3000)), {"shade_smooth": True})
    mesh = ours[0].data
    corners = np.array([loop.vertex_index for loop in mesh.loops])
    normals = np.array([n.vector for n in mesh.corner_normals])
    first = np.zeros((len(mesh.vertices), 3))
    first[corners] = normals
    assert (first[corners] * normals).sum(axis=1).min() > 0.9999
    assert not mesh.has_custom_normals


# ----- contents of the .blend


def test_everything_is_named_after_the_image(worker: WorkerProcess, tmp_path: Path) -> None:
    ours, details = prepared(worker, write_glb(tmp_path / "a.glb", ball(300), texture(16)))
    mesh = ours[0].data
    image = next(n.image for n in mesh.materials[0].node_tree.nodes if getattr(n, "image", None))
    assert (ours[0].name, mesh.name, mesh.materials[0].name, image.name) == ("chair",) * 4
    assert details["root"] == "chair"


def test_a_long_or_non_ascii_name_is_kept_as_far_as_blender_can(worker: WorkerProcess, tmp_path: Path) -> None:
    path = write_glb(tmp_path / "a.glb", ball(300))
    name = "Стул из дуба с резной спинкой и подлокотниками, вид спереди"
    ours, details = prepared(worker, path, name=name)
    assert name.startswith(ours[0].name)
    assert len(ours[0].name) >= 25
    assert details["root"] == ours[0].name


def test_the_provenance_is_on_the_root(worker: WorkerProcess, tmp_path: Path) -> None:
    parts = {"parameters": {"resolution": 256, "big": 2**40}, "rotation": [0, 90.0, 0], "tags": ["a"], "none": []}
    record = {"seed": "3480183101", "a": 3.5, "big": 2**40, "yes": True, **parts}
    ours, _ = prepared(worker, several_meshes(tmp_path / "model.glb"), record=record)
    root = next(o for o in ours if o.parent is None)
    kept = root["image_to_3d"].to_dict()
    measured, report = kept.pop("model"), kept.pop("report")
    assert kept == {**record, "big": str(2**40), "parameters": {"resolution": 256, "big": str(2**40)}}
    assert measured["triangles"] == sum(len(m.loops) - 2 * len(m.polygons) for m in (o.data for o in ours) if m)
    assert len(measured["dimensions"]) == 3
    assert report["triangles"] == measured["triangles"]


def test_nothing_but_the_model_is_in_the_file(worker: WorkerProcess, tmp_path: Path) -> None:
    prepared(worker, several_meshes(tmp_path / "first.glb"))
    path = write_glb(tmp_path / "a.glb", ball(300), texture(16))
    prepared(worker, path)
    target = next(p for p in tmp_path.iterdir() if p.name.startswith("a.") and p.suffix == ".blend")
    with bpy.data.libraries.load(str(target)) as (there, _):
        kinds = {k: list(v) for k in dir(there) if (v := getattr(there, k)) and isinstance(v, list)}
    assert kinds == {"objects": ["chair"], "meshes": ["chair"], "materials": ["chair"], "images": ["chair"]}
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("~")]


def test_cameras_and_lights_are_left_out(worker: WorkerProcess, tmp_path: Path) -> None:
    ours, _ = prepared(worker, with_camera_and_light(tmp_path / "model.glb"))
    assert {o.type for o in ours} <= {"MESH", "EMPTY"}


@pytest.mark.skipif(bpy.app.version < (4, 5, 0), reason="this Blender has no plain custom normals")
def test_normals_are_stored_in_the_form_that_is_cheap_to_draw(worker: WorkerProcess, tmp_path: Path) -> None:
    ours, _ = prepared(worker, bumpy_ball(tmp_path / "a.glb"), {"size": 2.0})
    mesh = ours[0].data
    attribute = mesh.attributes["custom_normal"]
    assert (attribute.domain, attribute.data_type) == ("POINT", "FLOAT_VECTOR")
    assert mesh.normals_domain == "POINT"
    assert len(mesh.edges) > len(mesh.polygons)


@pytest.mark.parametrize("write", [write_glb, write_obj, write_stl, write_ply], ids=["glb", "obj", "stl", "ply"])
def test_nonfinite_points_are_removed_and_reported(
    worker: WorkerProcess, tmp_path: Path, write: Callable[..., Path]
) -> None:
    shape = ball(20_000)
    positions = shape.positions.copy()
    positions[1000:1010] = np.nan
    broken = Shape(positions, shape.normals, shape.uvs, shape.triangles)
    ours, details = prepared(worker, write(tmp_path / f"a.{write.__name__[6:]}", broken), AS_DELIVERED)
    points = np.array([v.co for v in ours[0].data.vertices])
    assert np.linalg.norm(points, axis=1).min() > 0.5
    assert any("points without valid coordinates" in text for text in repairs_of(details))


def test_an_asset_has_its_metadata_and_a_preview(worker: WorkerProcess, tmp_path: Path) -> None:
    placement = {
        "mark_as_asset": True,
        "asset_catalog": "6c0c1a5e-43d3-4f10-9f1d-3d6b1c5ab6f2",
        "asset_tags": ["chair", "generated"],
        "asset_author": "Ada",
    }
    path = write_glb(tmp_path / "a.glb", ball(2000), png(np.full((8, 8, 3), (200, 40, 40), np.uint8)))
    ours, _ = prepared(worker, path, placement)
    metadata = ours[0].asset_data
    assert (metadata.author, sorted(t.name for t in metadata.tags)) == ("Ada", ["chair", "generated"])
    assert metadata.catalog_id == placement["asset_catalog"]
    width, height = ours[0].preview.image_size
    pixels = np.array(ours[0].preview.image_pixels_float).reshape(height, width, 4)
    visible = pixels[pixels[:, :, 3] > 0.5]
    assert 0.1 < len(visible) / (width * height) < 0.95
    assert visible[:, 0].mean() > 2 * visible[:, 1].mean(), "the preview shows the red texture"


def test_several_objects_become_one_asset(worker: WorkerProcess, tmp_path: Path) -> None:
    path = several_meshes(tmp_path / "model.glb")
    prepared(worker, path, {"mark_as_asset": True})
    target = next(p for p in tmp_path.iterdir() if p.suffix == ".blend")
    with bpy.data.libraries.load(str(target), assets_only=True) as (there, here):
        assert (there.collections, there.objects) == (["chair"], [])
        here.collections = there.collections
    assert len(here.collections[0].objects) == 5


def test_a_triangle_soup_is_imported(worker: WorkerProcess, tmp_path: Path) -> None:
    """glTF without indices, normals, UVs and material: the minimum."""
    points = ball(600).positions[ball(600).triangles].reshape(-1, 3)
    document = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 5, 0, 1]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": len(points),
                "type": "VEC3",
                "min": points.min(axis=0).tolist(),
                "max": points.max(axis=0).tolist(),
            }
        ],
        "bufferViews": [{"buffer": 0, "byteLength": points.nbytes}],
        "buffers": [{"byteLength": points.nbytes}],
    }
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = (
        struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", points.nbytes, b"BIN\0") + points.tobytes()
    )
    path = tmp_path / "a.glb"
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    imported_objects = imported(path)
    ours, details = prepared(worker, path, AS_DELIVERED)
    assert_looks_the_same(imported_objects, ours)
    assert details["triangles"] == len(points) / 3
