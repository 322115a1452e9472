# SPDX-License-Identifier: GPL-3.0-or-later
"""Simplify, levels of detail, and export, run by a real worker. The files are read without our code."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import bpy
import mesh_kinds
import numpy as np
import pytest
from image_to_3d.errors import MeshToolError
from image_to_3d.worker.convert_model import clear_data
from image_to_3d.worker.worker_process import WorkerProcess
from mathutils import Matrix
from meshes import glb_parts, open_edges
from numpy.typing import NDArray

SIZE = (1.0, 0.5, 2.0)
"""Meters: a figure that is wider than deep, stands on the ground, and has a nose in front (-Y)."""


@pytest.fixture(autouse=True)
def _empty() -> None:
    clear_data()


def figure(rows: int = 24) -> bpy.types.Object:
    """Returns a textured figure as glTF stores it, with two materials, custom normals, and a normal map."""
    points, faces, uvs = mesh_kinds.split_seams(*mesh_kinds.grid_sphere(rows, 0.5))
    points = points * SIZE + (0, 0, SIZE[2] / 2)
    points[np.argmin(points[:, 1])] -= (0, 0.1, 0)
    item = mesh_kinds.make("Figure", points, faces, uvs)
    item.data.normals_split_custom_set([tuple(each.vector) for each in item.data.corner_normals])
    skin = mesh_kinds.material("Skin (old)", **{"Base Color": mesh_kinds.image("skin map", 64)})
    bumps = mesh_kinds.image("bumps", 32)
    bumps.colorspace_settings.name = "Non-Color"
    tree = skin.node_tree
    image, normal_map = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeNormalMap")
    image.image = bumps
    tree.links.new(image.outputs["Color"], normal_map.inputs["Color"])
    tree.links.new(normal_map.outputs["Normal"], tree.nodes["Principled BSDF"].inputs["Normal"])
    item.data.materials.append(skin)
    item.data.materials.append(mesh_kinds.material("Hat", **{"Base Color": (0.1, 0.2, 0.8, 1.0)}))
    high = points[faces].mean(axis=1)[:, 2] > 1.5
    item.data.polygons.foreach_set("material_index", high.astype(np.int32))
    item.data.update()
    return item


def source_file(folder: Path, *objects: bpy.types.Object) -> Path:
    folder.mkdir(exist_ok=True)
    return mesh_kinds.write(objects or [figure()], folder / "source.blend")


def load(path: Path) -> dict[str, bpy.types.Object]:
    """Returns the objects of a .blend in this Blender, by name."""
    clear_data()
    with bpy.data.libraries.load(str(path)) as (there, here):
        here.objects = there.objects
    for item in here.objects:
        bpy.context.scene.collection.objects.link(item)
    bpy.context.view_layer.update()
    return {item.name: item for item in here.objects}


def values(data: Any, name: str, width: int, kind: Any = np.float32) -> NDArray[Any]:
    result = np.empty(len(data) * width, kind)
    data.foreach_get(name, result)
    return result.reshape(-1, width)


def faces_of(item: bpy.types.Object) -> NDArray[np.int64]:
    return np.array([tuple(polygon.vertices) for polygon in item.data.polygons])


def lods_of(worker: WorkerProcess, folder: Path, *objects: bpy.types.Object, collision: bool = False) -> dict[str, Any]:
    """Runs the tool. Returns its result; the file is `lods.blend`."""
    source = source_file(folder, *objects)
    request = {"do": "lods", "source": str(source), "target": str(folder / "lods.blend"), "name": "Figure"}
    return worker.run(request | {"settings": {"collision": collision}})


def export(
    worker: WorkerProcess, source: Path, engine: str, file_format: str, textures: str = "PACKED", **more: Any
) -> tuple[Path, dict[str, Any]]:
    """Runs the tool. Returns the main file and the result."""
    request = {"do": "export", "source": str(source), "name": "Figure", "file": str(source.with_name("Figure")), **more}
    settings = {"engine": engine, "file_format": file_format, "textures": textures}
    result = worker.run(request | {"settings": settings})
    assert all((source.parent / name).stat().st_size > 0 for name in result["files"])
    return source.parent / result["files"][0], result


def notes_of(result: dict[str, Any]) -> str:
    return "\n".join(note["template"] for note in result["notes"])


# Simplify and levels of detail


def test_simplify_keeps_uvs_seams_shading_and_material_borders(worker: WorkerProcess, tmp_path: Path) -> None:
    source = source_file(tmp_path, figure(60))
    target = tmp_path / "result.blend"
    request = {"do": "simplify", "source": str(source), "target": str(target), "settings": {"ratio": 0.1}}
    result = worker.run(request)
    before = result["facts"]["triangles_before"]
    assert result["facts"]["triangles"] == pytest.approx(0.1 * before, rel=0.02)
    item = load(target)["Figure"]
    mesh = item.data
    assert open_edges(faces_of(item)) == 0, "the seams of the UVs cracked"
    points, corners = values(mesh.vertices, "co", 3), values(mesh.loops, "vertex_index", 1, np.int32)[:, 0]
    uvs = values(mesh.uv_layers[0].data, "uv", 2)
    at = (points - (0, 0, 1)) / SIZE / 0.5
    expected = np.stack(
        (np.arctan2(at[:, 1], at[:, 0]) / (2 * np.pi) % 1, 1 - np.arccos(np.clip(at[:, 2], -1, 1)) / np.pi), -1
    )
    error = uvs - expected[corners]
    error[:, 0] = (error[:, 0] + 0.5) % 1 - 0.5
    away_from_poles = np.abs(at[corners, 2]) < 0.9
    assert np.percentile(np.abs(error[away_from_poles]), 99) < 0.02
    spread = np.ptp(uvs[:, 0].reshape(-1, 3), axis=1)
    assert spread[away_from_poles.reshape(-1, 3).all(axis=1)].max() < 0.3, "a face reaches across the seam"
    normals = values(mesh.corner_normals, "vector", 3)
    smooth = at / SIZE
    smooth = (smooth / np.linalg.norm(smooth, axis=1, keepdims=True))[corners]
    assert np.percentile(np.einsum("ij,ij->i", normals, smooth), 2) > 0.99
    material = values(mesh.polygons, "material_index", 1, np.int32)[:, 0]
    middle = points[faces_of(item)].mean(axis=1)[:, 2]
    assert middle[material == 1].min() > 1.4
    assert middle[material == 0].max() < 1.6


def test_hard_edges_stay_hard_and_vertex_colors_stay(worker: WorkerProcess, tmp_path: Path) -> None:
    item = mesh_kinds.make("Box", *mesh_kinds.split_seams(*mesh_kinds.box((-1, -1, -1), (1, 1, 1), 20)))
    item.data.normals_split_custom_set(np.repeat([tuple(p.normal) for p in item.data.polygons], 3, axis=0).tolist())
    colors = item.data.color_attributes.new("Paint", "FLOAT_COLOR", "POINT")
    points = values(item.data.vertices, "co", 3)
    colors.data.foreach_set("color", np.pad(points / 2 + 0.5, ((0, 0), (0, 1)), constant_values=1).astype("f").ravel())
    source, target = source_file(tmp_path, item), tmp_path / "result.blend"
    worker.run({"do": "simplify", "source": str(source), "target": str(target), "settings": {"ratio": 0.1}})
    mesh = load(target)["Box"].data
    normals = values(mesh.corner_normals, "vector", 3)
    faces = np.repeat(values(mesh.polygons, "normal", 3), 3, axis=0)
    assert np.einsum("ij,ij->i", normals, faces).min() > 0.99
    found = values(mesh.color_attributes["Paint"].data, "color", 4)[:, :3]
    assert np.abs(found - (values(mesh.vertices, "co", 3) / 2 + 0.5)).max() < 0.05
    assert mesh.color_attributes.active_color_name == "Paint"
    assert len(mesh.color_attributes) == 1


def test_levels_of_detail_share_place_and_materials(worker: WorkerProcess, tmp_path: Path) -> None:
    result = lods_of(worker, tmp_path, collision=True)
    counts = [result["facts"][f"triangles_LOD{level}"] for level in range(4)]
    assert [count / counts[0] for count in counts] == pytest.approx([1, 0.5, 0.25, 0.1], abs=0.01)
    found = load(tmp_path / "lods.blend")
    assert list(result["objects"]) == [*(f"Figure_LOD{level}" for level in range(4)), "Figure_Collision"]
    assert set(found) == set(result["objects"])
    assert all(item.matrix_world == Matrix() for item in found.values())
    assert {m.name for m in bpy.data.materials} == {"Skin (old)", "Hat"}
    for level in range(4):
        assert [m.name for m in found[f"Figure_LOD{level}"].data.materials] == ["Skin (old)", "Hat"]


@pytest.mark.parametrize("kind", ["figure", "sheet"])
def test_the_collision_mesh_is_closed_convex_and_small(worker: WorkerProcess, tmp_path: Path, kind: str) -> None:
    item = figure(40) if kind == "figure" else mesh_kinds.make("Sheet", *mesh_kinds.grid_sheet(8))
    inside = values(item.data.vertices, "co", 3).astype(np.float64)
    lods_of(worker, tmp_path, item, collision=True)
    hull = load(tmp_path / "lods.blend")["Figure_Collision"]
    points, faces = values(hull.data.vertices, "co", 3).astype(np.float64), faces_of(hull)
    assert open_edges(faces) == 0
    assert 4 <= len(faces) <= 255
    a, b, c = (points[faces[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    assert np.einsum("ij,ij->i", a, normal).sum() > 0, "its faces point inward"
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    heights = np.einsum("fj,fvj->fv", normal, points[None] - a[:, None])
    assert heights.max() < 1e-4, "it is not convex"
    outside = np.einsum("fj,fvj->fv", normal, inside[None, ::7] - a[:, None]).max()
    assert outside < 0.05 * 2.0


def test_a_mesh_of_few_triangles_does_not_collapse(worker: WorkerProcess, tmp_path: Path) -> None:
    cube = mesh_kinds.make("Cube", *mesh_kinds.box((-1, -1, -1), (1, 1, 1), 1))
    result = lods_of(worker, tmp_path, cube)
    assert {count for name, count in result["facts"].items() if name.startswith("triangles")} == {12}
    assert open_edges(faces_of(load(tmp_path / "lods.blend")["Figure_LOD3"])) == 0


def test_an_open_sheet_keeps_its_border(worker: WorkerProcess, tmp_path: Path) -> None:
    sheet = mesh_kinds.make("Sheet", *mesh_kinds.grid_sheet(40, lambda x, y: 0.2 * np.sin(3 * x)))
    source, target = source_file(tmp_path, sheet), tmp_path / "result.blend"
    worker.run({"do": "simplify", "source": str(source), "target": str(target), "settings": {"ratio": 0.1}})
    mesh = load(target)["Sheet"].data
    points = values(mesh.vertices, "co", 3)
    uses = np.bincount(values(mesh.loops, "edge_index", 1, np.int32)[:, 0])
    border = points[values(mesh.edges, "vertices", 2, np.int32)[uses == 1]].reshape(-1, 3)
    assert np.abs(np.abs(border[:, :2]).max(axis=1) - 1).max() < 0.01
    assert np.ptp(points[:, :2], axis=0) == pytest.approx([2, 2])


def test_copies_of_one_mesh_stay_copies(worker: WorkerProcess, tmp_path: Path) -> None:
    one = figure()
    other = one.copy()
    other.name, other.location = "Other", (3, 0, 0)
    source, target = source_file(tmp_path, one, other), tmp_path / "result.blend"
    worker.run({"do": "simplify", "source": str(source), "target": str(target), "settings": {"ratio": 0.5}})
    found = load(target)
    assert found["Figure"].data == found["Other"].data
    assert found["Other"].location.x == 3


# glTF


def gltf_bounds(scene: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the corners of what a glTF shows; its nodes have no transforms."""
    assert not any({"rotation", "scale", "translation", "matrix"} & set(node) for node in scene["nodes"])
    used = [p["attributes"]["POSITION"] for mesh in scene["meshes"] for p in mesh["primitives"]]
    low = np.min([scene["accessors"][number]["min"] for number in used], axis=0)
    return low, np.max([scene["accessors"][number]["max"] for number in used], axis=0)


def test_a_glb_is_in_meters_upright_and_complete(worker: WorkerProcess, tmp_path: Path) -> None:
    path, result = export(worker, source_file(tmp_path), "UNREAL", "GLB")
    scene, _ = glb_parts(path)
    low, high = gltf_bounds(scene)
    assert high - low == pytest.approx([1.0, 2.0, 0.6], abs=0.01)
    assert low[1] == pytest.approx(0, abs=1e-3)
    assert high[2] == pytest.approx(0.35, abs=0.01), "the nose must point to +Z"
    assert [node["name"] for node in scene["nodes"]] == ["Figure"]
    assert {m["name"] for m in scene["materials"]} == {"Skin_old", "Hat"}
    assert {image["name"] for image in scene["images"]} == {"skin_map", "bumps"}
    assert all("bufferView" in image for image in scene["images"])
    skin = next(p for p in scene["meshes"][0]["primitives"] if "TANGENT" in p["attributes"])
    assert {"NORMAL", "TEXCOORD_0"} <= set(skin["attributes"])
    assert not {"cameras", "animations", "extensionsRequired"} & set(scene)
    assert result["files"] == ["Figure.glb"]
    assert result["facts"]["height"] == pytest.approx(2.0, abs=0.01)


def test_a_gltf_with_separate_textures_names_files_that_exist(worker: WorkerProcess, tmp_path: Path) -> None:
    import json

    path, result = export(worker, source_file(tmp_path), "GODOT", "GLB", "SEPARATE")
    scene = json.loads(path.read_text())
    named = {each["uri"] for each in (*scene["images"], *scene["buffers"])}
    assert named == set(result["files"][1:])
    assert named == {"Figure.bin", "Figure_textures/skin_map.png", "Figure_textures/bumps.png"}


def test_the_rotation_and_scale_in_the_scene_are_exported(worker: WorkerProcess, tmp_path: Path) -> None:
    turned = Matrix.Rotation(np.pi / 2, 3, "X") * 0.01  # it lies on its back, in a scene in centimeters
    rows = [float(x) for row in turned for x in row]
    path, _ = export(worker, source_file(tmp_path), "OTHER", "GLB", transform=rows)
    low, high = gltf_bounds(glb_parts(path)[0])
    assert high - low == pytest.approx([0.01, 0.006, 0.02], abs=1e-4)


def test_godot_gets_one_level_and_a_hull_that_it_recognizes(worker: WorkerProcess, tmp_path: Path) -> None:
    lods_of(worker, tmp_path, collision=True)
    path, result = export(worker, tmp_path / "lods.blend", "GODOT", "GLB")
    scene, _ = glb_parts(path)
    assert {node["name"] for node in scene["nodes"]} == {"Figure", "Figure-convcolonly"}
    assert "Godot makes levels of detail itself" in notes_of(result)
    with pytest.raises(MeshToolError, match="USD"):
        export(worker, tmp_path / "lods.blend", "GODOT", "USD")


# FBX


def fbx_file(path: Path) -> dict[str, list[Any]]:
    """Returns the raw elements of an FBX file, as [class, name, properties, values] by kind of element."""
    addons = Path(bpy.utils.resource_path("LOCAL")) / "scripts" / "addons_core"
    if str(addons) not in sys.path:
        sys.path.append(str(addons))
    from io_scene_fbx import parse_fbx  # type: ignore[import-not-found]

    root, _ = parse_fbx.parse(str(path))
    found: dict[str, list[Any]] = {}
    for group in root.elems:
        for element in group.elems if group.id == b"Objects" else [group]:
            properties = {
                p.props[0].decode(): p.props[4:] for e in element.elems if e.id == b"Properties70" for p in e.elems
            }
            plain = {e.id.decode(): e.props[0] for e in element.elems if e.props}
            name = element.props[1].split(b"\0")[0].decode() if len(element.props) > 1 else ""
            kind = element.props[2].decode() if len(element.props) > 2 else ""
            found.setdefault(element.id.decode(), []).append((kind, name, properties, plain))
    return found


@pytest.mark.parametrize(
    ("engine", "unit", "up", "front"), [("UNREAL", 1, 2, 1), ("UNITY", 100, 1, 2), ("OTHER", 1, 1, 2)]
)
def test_an_fbx_needs_no_rotation_and_no_scale(
    worker: WorkerProcess, tmp_path: Path, engine: str, unit: int, up: int, front: int
) -> None:
    path, _ = export(worker, source_file(tmp_path), engine, "FBX")
    raw = fbx_file(path)
    space = raw["GlobalSettings"][0][2]
    assert space["UnitScaleFactor"][0] == unit
    assert (space["UpAxis"][0], space["UpAxisSign"][0]) == (up, 1)
    assert not any(name.startswith("Lcl") for _, _, properties, _ in raw["Model"] for name in properties)
    points = np.array(raw["Geometry"][0][3]["Vertices"]).reshape(-1, 3)
    assert np.ptp(points[:, up]) * unit == pytest.approx(200, abs=1), "its height in centimeters"
    nose = points[:, front].max() if engine != "UNREAL" else -points[:, front].min()
    assert nose * unit == pytest.approx(35, abs=1), "it must face the front"
    assert "Tangents" in str(raw["Geometry"][0][3].keys()) or "LayerElementTangent" in raw["Geometry"][0][3]

    clear_data()
    bpy.ops.import_scene.fbx(filepath=str(path))
    (item,) = bpy.data.objects
    bpy.context.view_layer.update()
    assert tuple(item.dimensions) == pytest.approx((1.0, 0.6, 2.0) if up == 2 else (1.0, 2.0, 0.6), abs=0.01)
    at = np.array([item.matrix_world @ vertex.co for vertex in item.data.vertices])
    assert at.min(axis=0) == pytest.approx([-0.5, -0.35, 0.0], abs=0.01)
    assert [slot.material.name for slot in item.material_slots] == ["Skin_old", "Hat"]


def test_fbx_textures_are_in_the_file_or_beside_it(worker: WorkerProcess, tmp_path: Path) -> None:
    path, result = export(worker, source_file(tmp_path / "packed"), "UNITY", "FBX")
    assert result["files"] == ["Figure.fbx"]
    videos = {name: plain for _, name, _, plain in fbx_file(path)["Video"]}
    assert {plain["Content"][:4] for plain in videos.values()} == {b"\x89PNG"}
    assert all(plain["RelativeFilename"].endswith(b".png") for plain in videos.values())

    path, result = export(worker, source_file(tmp_path / "separate"), "UNITY", "FBX", "SEPARATE")
    videos = {name: plain for _, name, _, plain in fbx_file(path)["Video"]}
    named = {plain["RelativeFilename"].decode().replace("\\", "/") for plain in videos.values()}
    assert named == {"Figure_textures/skin_map.png", "Figure_textures/bumps.png"} == set(result["files"][1:])
    assert not any(plain.get("Content") for plain in videos.values())


def test_unreal_finds_levels_of_detail_and_the_hull_in_an_fbx(worker: WorkerProcess, tmp_path: Path) -> None:
    lods_of(worker, tmp_path, collision=True)
    path, _ = export(worker, tmp_path / "lods.blend", "UNREAL", "FBX")
    raw = fbx_file(path)
    assert [kind for kind, *_ in raw["NodeAttribute"]] == ["LodGroup"]
    names = {name for _, name, *_ in raw["Model"]}
    assert names == {"Figure", *(f"Figure_LOD{level}" for level in range(4)), "UCX_Figure_LOD0_00"}


def test_unity_gets_its_names_and_the_hull_in_another_file(worker: WorkerProcess, tmp_path: Path) -> None:
    lods_of(worker, tmp_path, collision=True)
    path, result = export(worker, tmp_path / "lods.blend", "UNITY", "FBX")
    assert {name for _, name, *_ in fbx_file(path)["Model"]} == {f"Figure_LOD{level}" for level in range(4)}
    assert result["files"] == ["Figure.fbx", "Figure_Collision.fbx"]
    assert {name for _, name, *_ in fbx_file(tmp_path / "Figure_Collision.fbx")["Model"]} == {"Figure_Collision"}


def test_fbx_gets_the_texture_behind_the_nodes_that_it_does_not_know(worker: WorkerProcess, tmp_path: Path) -> None:
    item = figure()
    tree = item.data.materials[0].node_tree
    color = tree.nodes["Principled BSDF"].inputs["Base Color"]
    image = color.links[0].from_node
    mix = tree.nodes.new("ShaderNodeMixRGB")
    mix.blend_type = "MULTIPLY"
    mix.inputs[2].default_value = (0.2, 0.2, 0.2, 1)
    tree.links.new(image.outputs["Color"], mix.inputs[1])
    tree.links.new(mix.outputs["Color"], color)
    path, result = export(worker, source_file(tmp_path, item), "UNITY", "FBX")
    assert {name for _, name, *_ in fbx_file(path)["Video"]} == {"skin_map", "bumps"}
    assert "colors that nodes compute" in notes_of(result)


# USD and textures


@pytest.mark.parametrize("textures", ["PACKED", "SEPARATE"])
def test_a_usd_is_in_meters_upright_and_finds_its_textures(
    worker: WorkerProcess, tmp_path: Path, textures: str
) -> None:
    path, result = export(worker, source_file(tmp_path), "UNREAL", "USD", textures)
    if textures == "PACKED":
        with zipfile.ZipFile(path) as archive:
            names = {Path(name).name for name in archive.namelist()}
        assert names == {"Figure.usdc", "skin_map.png", "bumps.png"}
        assert result["files"] == ["Figure.usdz"]
    else:
        assert set(result["files"]) == {"Figure.usdc", "Figure_textures/skin_map.png", "Figure_textures/bumps.png"}
        moved = path.parent.rename(tmp_path.with_name("moved")) / path.name
        path = moved
    clear_data()
    bpy.ops.wm.usd_import(filepath=str(path))
    bpy.context.view_layer.update()
    item = next(item for item in bpy.data.objects if item.type == "MESH")
    at = np.array([item.matrix_world @ vertex.co for vertex in item.data.vertices])
    assert at.min(axis=0) == pytest.approx([-0.5, -0.35, 0.0], abs=0.01)
    assert at.max(axis=0) == pytest.approx([0.5, 0.25, 2.0], abs=0.01)
    assert tuple(item.matrix_world.to_scale()) == pytest.approx((1, 1, 1))
    pixels = [image for image in bpy.data.images if image.size[0] in (64, 32)]
    assert len(pixels) == 2, "its textures are not found"


def test_textures_in_formats_that_engines_do_not_read_become_png(worker: WorkerProcess, tmp_path: Path) -> None:
    item = figure()
    tree = item.data.materials[0].node_tree
    image = tree.nodes["Principled BSDF"].inputs["Base Color"].links[0].from_node.image
    image.file_format = "TARGA"
    image.save(filepath=str(tmp_path / "skin.tga"))
    loaded = bpy.data.images.load(str(tmp_path / "skin.tga"))
    loaded.pack()
    missing = bpy.data.images.load(str(tmp_path / "skin.tga"))
    image.user_remap(loaded)
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = missing
    missing.filepath_raw = str(tmp_path / "gone.tga")
    tree.links.new(node.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Emission Color"])
    path, result = export(worker, source_file(tmp_path, item), "GODOT", "GLB")
    scene, _ = glb_parts(path)
    assert {image["mimeType"] for image in scene["images"]} == {"image/png"}
    assert {image["name"] for image in scene["images"]} == {"skin", "bumps"}
    assert "missing" in notes_of(result)
    path, _ = export(worker, source_file(tmp_path, item), "UNREAL", "USD", "PACKED")
    with zipfile.ZipFile(path) as archive:
        names = {Path(name).name: name for name in archive.namelist()}
        assert set(names) == {"Figure.usdc", "skin.png", "bumps.png"}
        assert archive.read(names["skin.png"])[:4] == b"\x89PNG"


def test_names_of_files_are_safe(worker: WorkerProcess, tmp_path: Path) -> None:
    source = source_file(tmp_path)
    path, _ = export(worker, source, "UNREAL", "GLB", file=str(tmp_path / "My chair: v1.5"), name="con")
    assert path.name == "My_chair_v1_5.glb"
    assert [node["name"] for node in glb_parts(path)[0]["nodes"]] == ["con_"]


def test_tiled_images_are_refused_by_name(worker: WorkerProcess, tmp_path: Path) -> None:
    item = mesh_kinds.textured(mesh_kinds.make("tiled", *mesh_kinds.grid_sheet(2)))
    bpy.data.images["tiled"].source = "TILED"
    with pytest.raises(MeshToolError, match=r"tiled has several tiles .* Remesh to Quads"):
        export(worker, source_file(tmp_path, item), "GODOT", "GLB")


def test_an_export_that_cannot_be_written_says_why(worker: WorkerProcess, tmp_path: Path) -> None:
    (tmp_path / "Figure.fbx").mkdir()
    with pytest.raises(MeshToolError, match="exporter failed") as failure:
        export(worker, source_file(tmp_path), "UNITY", "FBX")
    assert "Traceback" not in str(failure.value)
    assert "Location" not in str(failure.value)


def test_several_objects_and_hulls_keep_their_places_and_get_names(worker: WorkerProcess, tmp_path: Path) -> None:
    seat = mesh_kinds.make("Seat", *mesh_kinds.box((0, 0, 1), (1, 1, 1.1), 1))
    leg = mesh_kinds.make("Leg", *mesh_kinds.box((0, 0, 0), (0.1, 0.1, 1), 1))
    mirrored = leg.copy()
    mirrored.location, mirrored.scale = (1, 0, 0), (-1, 1, 1)
    hulls = [mesh_kinds.make("Seat_Collision", *mesh_kinds.box((0, 0, 1), (1, 1, 1.1), 1)) for _ in range(2)]
    path, _ = export(worker, source_file(tmp_path, seat, leg, mirrored, *hulls), "UNREAL", "GLB")
    scene, _ = glb_parts(path)
    assert {node["name"] for node in scene["nodes"]} == {"Seat", "Leg", "Leg_2", "UCX_Seat_00", "UCX_Seat_01"}
    low, high = gltf_bounds(scene)
    assert [*low, *high] == pytest.approx([0, 0, -1, 1, 1.1, 0], abs=1e-5)
    mesh = next(mesh for mesh in scene["meshes"] if mesh["name"] == "Leg_2")
    accessor = scene["accessors"][mesh["primitives"][0]["attributes"]["POSITION"]]
    assert (accessor["min"][0], accessor["max"][0]) == pytest.approx((0.9, 1.0))
