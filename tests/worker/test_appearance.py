# SPDX-License-Identifier: GPL-3.0-or-later
"""A model looks as its file means: measured in rendered pixels."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from image_to_3d.errors import Action, ImportFailedError
from image_to_3d.formats import archive
from image_to_3d.worker.worker_process import WorkerProcess
from model_cases import Gltf, Lamp, lamp, lamp_glb, obj, ply, splats, stl_text
from model_files import glb_of, png
from numpy.typing import NDArray
from renders import front, middle
from repairs import repairs_of

Array = NDArray[Any]
DIELECTRIC = {"metallicFactor": 0, "roughnessFactor": 1}
TEXTURED = {"baseColorTexture": {"index": 0}}


@pytest.fixture(autouse=True)
def _empty_blender() -> Iterator[None]:
    bpy.ops.wm.read_homefile(use_empty=True)
    yield
    bpy.ops.wm.read_homefile(use_empty=True)


def prepared(
    worker: WorkerProcess, source: Path, data: bytes | None = None, **more: Any
) -> tuple[list[bpy.types.Object], dict[str, Any]]:
    if data is not None:
        source.write_bytes(data)
    target = source.with_suffix(".blend")
    request = {"do": "model", "source": str(source), "format": source.suffix[1:], "target": str(target)}
    details = worker.run({**request, "name": "chair", "placement": {"size": 1.0}, **more})
    with bpy.data.libraries.load(str(target)) as (there, here):
        here.objects = there.objects
    for item in here.objects:
        bpy.context.scene.collection.objects.link(item)
    bpy.context.view_layer.update()
    return list(here.objects), details


def surfaces(item: bpy.types.Object) -> list[bpy.types.ShaderNode]:
    trees = [material.node_tree for material in item.data.materials if material is not None]
    return [node for tree in trees for node in tree.nodes if node.bl_idname == "ShaderNodeBsdfPrincipled"]


# ----- vertex colors

PLYS: list[dict[str, Any]] = [
    *({"form": "ascii", "line_end": end} for end in ("\n", "\r\n")),
    *(
        {"form": form, "kind": kind, "alpha": alpha}
        for form in ("binary_little_endian", "binary_big_endian")
        for kind, alpha in (("uchar", False), ("uchar", True), ("ushort", False), ("float", True))
    ),
    {"form": "ascii", "kind": "float"},
]
COLORED: dict[str, Callable[[], bytes]] = {
    "obj": lambda: obj(colors=True),
    "obj with an unknown material": lambda: obj(colors=True, head="usemtl skin"),
    "glb without a material": lambda: lamp_glb(colors=True).bytes(),
    "glb with a plain material": lambda: lamp_glb({"pbrMetallicRoughness": DIELECTRIC}, colors=True).bytes(),
    **{"ply " + " ".join(map(repr, x.values())): (lambda x=x: ply(**x)) for x in PLYS},  # type: ignore[misc]
}


@pytest.mark.parametrize("name", COLORED)
def test_vertex_colors_are_what_is_rendered(worker: WorkerProcess, tmp_path: Path, name: str) -> None:
    (chair,), _ = prepared(worker, tmp_path / f"a.{name.split()[0]}", COLORED[name]())
    pixels = front([chair], tmp_path)
    for height in (0.2, 0.8):
        assert middle(pixels, height) == pytest.approx([1 - height, 0.15, height], abs=0.04)
    mesh = chair.data
    assert mesh.color_attributes.render_color_index == mesh.color_attributes.active_color_index == 0
    solid = tuple(mesh.materials[0].diffuse_color)
    assert solid == pytest.approx((0.5, 0.15, 0.5, 1.0), abs=0.02), "Solid view shows the mean color"


def test_a_texture_is_not_replaced_by_vertex_colors(worker: WorkerProcess, tmp_path: Path) -> None:
    head = "mtllib a.mtl\nusemtl skin"
    (tmp_path / "m").write_text("newmtl skin\nKd 1 1 1\nmap_Kd a.png\n")
    (tmp_path / "p").write_bytes(png())
    companions = [{"file": "m", "name": "a.mtl"}, {"file": "p", "name": "a.png"}]
    (chair,), _ = prepared(worker, tmp_path / "a.obj", obj(colors=True, head=head), companions=companions)
    (link,) = surfaces(chair)[0].inputs["Base Color"].links
    assert link.from_node.bl_idname == "ShaderNodeTexImage"


@pytest.mark.parametrize(("factor", "expected"), [(1.0, (0.578, 0.127, 0.032)), (0.5, (0.289, 0.064, 0.016))])
def test_solid_view_shows_the_mean_color_of_the_texture(
    worker: WorkerProcess, tmp_path: Path, factor: float, expected: tuple[float, ...]
) -> None:
    material = {"pbrMetallicRoughness": DIELECTRIC | TEXTURED | {"baseColorFactor": [factor, factor, factor, 1]}}
    (chair,), _ = prepared(worker, tmp_path / "a.glb", lamp_glb(material, image=png()).bytes())
    assert tuple(chair.data.materials[0].diffuse_color) == pytest.approx((*expected, 1.0), abs=0.01)


def test_a_material_shared_with_a_mesh_without_colors_stays_as_it_is_there(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    gltf = lamp_glb({"pbrMetallicRoughness": DIELECTRIC}, colors=True)
    gltf.node(mesh=gltf.mesh(lamp(), 0), translation=[5, 0, 0])
    objects, _ = prepared(worker, tmp_path / "a.glb", gltf.bytes())
    plain = next(o for o in objects if o.type == "MESH" and not len(o.data.color_attributes))
    assert not surfaces(plain)[0].inputs["Base Color"].is_linked


# ----- metal and back faces


def test_what_specifies_no_metal_looks_like_a_dielectric(worker: WorkerProcess, tmp_path: Path) -> None:
    image = png()
    looks = {}
    for name, values in {
        "unspecified": {},
        "dielectric": {"metallicFactor": 0},
        "metal": {"metallicFactor": 1},
    }.items():
        material = {"pbrMetallicRoughness": {**TEXTURED, "roughnessFactor": 1.0, **values}}
        (chair,), _ = prepared(worker, tmp_path / f"{name}.glb", lamp_glb(material, image=image).bytes())
        assert surfaces(chair)[0].inputs["Metallic"].default_value == (name == "metal")
        looks[name] = middle(front([chair], tmp_path, matte=False), 0.8)
    assert looks["unspecified"] == pytest.approx(looks["dielectric"], abs=0.01)
    assert np.abs(looks["metal"] - looks["dielectric"]).max() > 0.02


def test_a_material_without_any_value_is_no_metal(worker: WorkerProcess, tmp_path: Path) -> None:
    (chair,), _ = prepared(worker, tmp_path / "a.glb", lamp_glb({"name": "bare"}).bytes())
    assert surfaces(chair)[0].inputs["Metallic"].default_value == 0


@pytest.mark.parametrize("value", [{}, {"doubleSided": False}, {"doubleSided": True}], ids=str)
def test_no_back_face_vanishes(worker: WorkerProcess, tmp_path: Path, value: dict[str, bool]) -> None:
    (chair,), _ = prepared(worker, tmp_path / "a.glb", lamp_glb({"pbrMetallicRoughness": DIELECTRIC, **value}).bytes())
    assert not chair.data.materials[0].use_backface_culling


# ----- hidden parts


def plane(size: float) -> Lamp:
    points = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]], np.float32) * np.float32(size)
    return Lamp(points, points[:, :2], points, np.array([[0, 2, 1], [0, 3, 2]], np.uint32))


@pytest.mark.parametrize("kind", ["another scene", "no scene", "invisible", "below a hidden node"])
def test_what_is_hidden_is_no_part_of_the_model(worker: WorkerProcess, tmp_path: Path, kind: str) -> None:
    gltf = Gltf()
    helper = gltf.mesh(plane(5))
    if kind == "another scene":
        gltf.json["scenes"].append({"nodes": []})
        gltf.json["scene"] = 1
        gltf.node(0, mesh=helper)
    elif kind == "no scene":
        gltf.node(None, mesh=helper)
    elif kind == "invisible":
        gltf.node(0, mesh=helper, extensions={"KHR_node_visibility": {"visible": False}})
        gltf.json["extensionsUsed"] = ["KHR_node_visibility"]
    else:
        gltf.node(None, children=[gltf.node(None, mesh=helper)])
    gltf.node(gltf.json["scene"], mesh=gltf.mesh(lamp()), translation=[0, 3, 0])
    scenes = len(bpy.data.scenes)
    objects, details = prepared(worker, tmp_path / "a.glb", gltf.bytes())
    assert [item.name for item in objects] == ["chair"]
    assert details["triangles"] == len(lamp().triangles)
    assert details["dimensions"][2] == pytest.approx(1.0, abs=1e-3)
    assert min(v.co.z for v in objects[0].data.vertices) == pytest.approx(0, abs=1e-4)
    assert repairs_of(details) == ["1 hidden part was left out"]
    assert len(bpy.data.scenes) == scenes


def test_loose_points_beside_a_model_do_not_change_its_size(worker: WorkerProcess, tmp_path: Path) -> None:
    gltf = lamp_glb()
    far = (np.random.default_rng(1).random((200, 3), np.float32) - 0.5) * 20
    gltf.node(mesh=gltf.mesh(Lamp(far, far[:, :2], far, np.zeros((0, 3), np.uint32))))
    (chair,), details = prepared(worker, tmp_path / "a.glb", gltf.bytes())
    assert details["triangles"] == len(chair.data.polygons) == len(lamp().triangles)
    assert repairs_of(details) == ["200 loose points beside the model were left out"]


# ----- extensions


@pytest.mark.parametrize("name", ["KHR_texture_basisu", "EXT_texture_avif", "ACME_texture_wavelet"])
def test_a_required_texture_extension_costs_the_texture_only(worker: WorkerProcess, tmp_path: Path, name: str) -> None:
    gltf = Gltf()
    gltf.add("textures", extensions={name: {"source": gltf.image(b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(200), "image/x")}})
    values = {**TEXTURED, "metallicFactor": 0, "baseColorFactor": [0.8, 0.5, 0.2, 1]}
    gltf.node(mesh=gltf.mesh(lamp(), gltf.add("materials", pbrMetallicRoughness=values), uvs=True))
    gltf.json["extensionsUsed"] = gltf.json["extensionsRequired"] = [name]
    (chair,), details = prepared(worker, tmp_path / "a.glb", gltf.bytes())
    assert repairs_of(details) == [f"a texture is missing: Blender can't read the image format ({name})"]
    assert middle(front([chair], tmp_path), 0.8) == pytest.approx([0.8, 0.5, 0.2], abs=0.03)


@pytest.mark.parametrize("name", ["EXT_meshopt_compression", "ACME_mesh_compression", "ACME_shapes"])
def test_what_cannot_be_read_is_explained_and_the_file_is_at_hand(
    worker: WorkerProcess, tmp_path: Path, name: str
) -> None:
    gltf = lamp_glb()
    gltf.json["extensionsUsed"] = gltf.json["extensionsRequired"] = [name]
    for view in gltf.json["bufferViews"]:
        size = view["byteLength"]
        view["extensions"] = {name: {"buffer": 0, "byteOffset": view["byteOffset"], "byteLength": size}}
        view["extensions"][name] |= {"byteStride": 4, "mode": "ATTRIBUTES", "count": size // 4}
    with pytest.raises(ImportFailedError) as caught:
        prepared(worker, tmp_path / "a.glb", gltf.bytes())
    text = str(caught.value)
    assert not [word for word in ("addon", "Location", ".py", str(tmp_path), "/") if word in text], text
    if "meshopt" not in name:
        assert name in text
        assert "Open the folder" in text
        assert caught.value.action is not Action.DOWNLOAD_AGAIN, "the same file would come again"


def test_a_file_that_is_damaged_inside_offers_to_download_it_again(worker: WorkerProcess, tmp_path: Path) -> None:
    gltf = lamp_glb()
    gltf.json["meshes"][0]["primitives"][0]["indices"] = 99
    with pytest.raises(ImportFailedError) as caught:
        prepared(worker, tmp_path / "a.glb", gltf.bytes())
    assert str(caught.value.message) == "The model file can't be read: its content is damaged."
    assert caught.value.action is Action.DOWNLOAD_AGAIN
    with pytest.raises(ImportFailedError) as caught:
        prepared(worker, tmp_path / "b.glb", glb_of({"asset": {"version": "2.0"}, "nodes": [{}]}))
    assert caught.value.action is Action.DOWNLOAD_AGAIN


# ----- points, text STL, archives


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("kind", ["splats", "points"])
def test_points_are_drawn_in_their_colors(worker: WorkerProcess, tmp_path: Path, form: str, kind: str) -> None:
    data = splats(form) if kind == "splats" else ply(form, faces=False)
    (chair,), details = prepared(worker, tmp_path / "a.ply", data)
    assert len(chair.data.vertices) == details["vertices"] == len(lamp().points)
    assert details["dimensions"][2] == pytest.approx(1.0, abs=1e-3)
    assert ("Gaussian splats" in repairs_of(details)[0]) == (kind == "splats")
    assert "GLB gives a mesh" in repairs_of(details)[0]
    pixels = front([chair], tmp_path)
    shown = pixels[..., 3] > 0.99
    assert 0.2 < pixels[..., 3].mean() < 0.5, "the points cover what the surface did"
    for low, high in ((0, 16), (48, 64)):
        red, green, blue = (pixels[low:high, ..., i][shown[low:high]].max() for i in range(3))
        assert (blue > red) == (low > 0)
        # At 1/8 and 7/8 of the height; the points shade each other, so the brightest is compared.
        assert max(red, blue) == pytest.approx(0.9, abs=0.12)
        assert green < 0.25


def test_the_points_of_a_glb_are_drawn(worker: WorkerProcess, tmp_path: Path) -> None:
    gltf = Gltf()
    gltf.node(mesh=gltf.mesh(lamp()._replace(triangles=np.zeros((0, 3), np.uint32)), colors=True))
    (chair,), details = prepared(worker, tmp_path / "a.glb", gltf.bytes())
    assert [modifier.type for modifier in chair.modifiers] == ["NODES"]
    assert "instead of a mesh" in repairs_of(details)[0]
    assert front([chair], tmp_path)[..., 3].mean() > 0.2


def test_compressed_splats_are_refused_with_a_reason(worker: WorkerProcess, tmp_path: Path) -> None:
    head = "ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty uint packed_position\nend_header\n"
    with pytest.raises(ImportFailedError, match="compressed Gaussian splats"):
        prepared(worker, tmp_path / "a.ply", head.encode() + bytes(4))


@pytest.mark.parametrize(
    "change", [bytes.upper, lambda x: b"\xef\xbb\xbf" + x, lambda x: x.replace(b"facet", b"Facet")]
)
def test_a_text_stl_is_read_whatever_its_case(
    worker: WorkerProcess, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    _, details = prepared(worker, tmp_path / "a.stl", change(stl_text()))
    assert details["triangles"] == len(lamp(10, 12).triangles)


def test_an_obj_in_an_archive_has_its_texture(worker: WorkerProcess, tmp_path: Path) -> None:
    packed = tmp_path / "model.zip"
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("out/lamp.obj", obj(head="mtllib lamp.mtl\nusemtl skin"))
        file.writestr("out/lamp.mtl", "newmtl skin\nKd 1 1 1\nmap_Kd textures/skin.png\n")
        file.writestr("out/textures/skin.png", png())
    model, companions = archive.unpack(packed, tmp_path)
    named = [{"file": ours, "name": theirs} for ours, theirs in companions]
    (chair,), _ = prepared(worker, model, companions=named)
    image = next(n.image for n in chair.data.materials[0].node_tree.nodes if getattr(n, "image", None))
    assert bytes(image.packed_file.data) == png()


def test_the_original_file_is_not_changed(worker: WorkerProcess, tmp_path: Path) -> None:
    data = lamp_glb({"name": "bare"}).bytes()
    prepared(worker, tmp_path / "a.glb", data)
    assert (tmp_path / "a.glb").read_bytes() == data
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.blend", "a.glb"]
    assert json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])["materials"] == [{"name": "bare"}]
