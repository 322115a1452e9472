# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing in a model file fills the memory, reads another file, or passes for ours; what was paid for arrives."""

from __future__ import annotations

import json
import os
import struct
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from image_to_3d.errors import ImportFailedError
from image_to_3d.worker.worker_process import WorkerProcess
from model_files import TRIANGLE, glb_of, png
from repairs import repairs_of

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\nf 1/1 2/2 3/3 4/4\n"
POINTS = b"".join(struct.pack("<3f", *corner) for corner in TRIANGLE)


def document(**parts: Any) -> dict[str, Any]:
    """One triangle."""
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "material": 0}]}],
        "materials": [{}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]}
        ],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "buffers": [{"byteLength": 36}],
    } | parts


def textured(image: bytes, mime: str = "image/png") -> bytes:
    parts = document(
        images=[{"bufferView": 1, "mimeType": mime}],
        textures=[{"source": 0}],
        materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        buffers=[{"byteLength": 36 + len(image)}],
    )
    parts["bufferViews"].append({"buffer": 0, "byteOffset": 36, "byteLength": len(image)})
    return glb_of(parts, POINTS + image)


def large_png(width: int, height: int) -> bytes:
    """A black image with one bit for each pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    line = b"\0" * (1 + (width + 7) // 8)
    rows = b"".join([*(packer.compress(line) for _ in range(height)), packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def converted(
    worker: WorkerProcess, folder: Path, name: str, content: bytes | str, **companions: bytes | str
) -> tuple[list[bpy.types.Object], dict[str, Any]]:
    """Returns the prepared objects, appended, and what was said about them. A companion's name: "_" is its dot."""
    bpy.ops.wm.read_homefile(use_empty=True)
    source, target = folder / name, folder / "out.blend"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    listed = []
    for number, (theirs, data) in enumerate(companions.items(), 1):
        theirs = theirs.replace("_", ".")
        ours = f"part-{number}.{theirs.rpartition('.')[2]}"
        (folder / ours).write_bytes(data if isinstance(data, bytes) else data.encode())
        listed.append({"file": ours, "name": theirs})
    request = {"do": "model", "source": str(source), "format": source.suffix[1:], "target": str(target)}
    details = worker.run({**request, "name": "thing", "companions": listed, "record": {"job": "ours"}})
    with bpy.data.libraries.load(str(target), link=False) as (there, here):
        here.objects = there.objects
    for item in here.objects:
        bpy.context.scene.collection.objects.link(item)
    bpy.context.view_layer.update()
    return list(here.objects), details


def peak_memory(worker: WorkerProcess) -> int:
    """Returns the most memory in bytes that the worker ever had."""
    status = Path(f"/proc/{worker.run({'do': 'ping'})['pid']}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


# ----- textures


@pytest.mark.skipif(sys.platform != "linux", reason="reads the worker's memory from /proc")
def test_a_texture_that_asks_for_gigabytes_is_left_out_before_it_is_decoded(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    before = peak_memory(worker)
    objects, details = converted(worker, tmp_path, "a.glb", textured(large_png(60_000, 60_000)))
    assert details["triangles"] == 1
    assert "a texture was left out" in str(repairs_of(details))
    assert not bpy.data.images
    assert peak_memory(worker) - before < 200_000_000
    assert objects[0].data.materials[0].node_tree.nodes.get("Principled BSDF") is not None


def test_a_bomb_beside_an_obj_is_left_out(worker: WorkerProcess, tmp_path: Path) -> None:
    library = "newmtl a\nmap_Kd x.png\n"
    model = "mtllib m.mtl\nusemtl a\n" + SQUARE
    _, details = converted(worker, tmp_path, "a.obj", model, m_mtl=library, x_png=large_png(60_000, 60_000))
    assert "a texture was left out" in str(repairs_of(details))
    assert not bpy.data.images


def test_a_huge_texture_is_scaled_down_and_that_is_said(worker: WorkerProcess, tmp_path: Path) -> None:
    _, details = converted(worker, tmp_path, "a.glb", textured(large_png(10_000, 5_000)))
    assert repairs_of(details) == ["a texture was scaled down"]
    assert tuple(bpy.data.images[0].size) == (8192, 4096)


@pytest.mark.parametrize("image", [b"\x76\x2f\x31\x01\x02\0\0\0" + b"A" * 400, b"SDPX" + b"\xff" * 2000, b"nothing"])
def test_the_content_of_a_texture_decides_whatever_its_type_says(
    worker: WorkerProcess, tmp_path: Path, image: bytes
) -> None:
    _, details = converted(worker, tmp_path, "a.glb", textured(image))
    assert "a texture was left out" in str(repairs_of(details))


# ----- references to other files


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    "reference",
    [
        "mtllib {}", "\tmtllib {}", "\x0cmtllib {}", "\\\nmtllib {}", "mtllib \\\n {}", '\ufeffmtllib "{}"',
        "mtllib {}\r", "o x\nmtllib ../pipe.mtl",
    ],
)  # fmt: skip
def test_no_other_material_library_is_opened(worker: WorkerProcess, tmp_path: Path, reference: str) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    os.mkfifo(tmp_path / "pipe.mtl")  # opening it would wait forever
    os.mkfifo(folder / "a.mtl")  # the importer looks for one that is called like the model, too
    started = time.monotonic()
    model = reference.format(tmp_path / "pipe.mtl") + "\nusemtl a\n" + SQUARE
    _, details = converted(worker, folder, "a.obj", model)
    assert (details["triangles"], repairs_of(details)) == (2, ["its materials are missing"])
    assert time.monotonic() - started < 20


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    "statement",
    [
        "map_Kd {}", "\tmap_Kd\t{}", "map_Kd -s 1 1 1 {}", 'map_Kd "{}"', "map_Kd -clamp on {}", "bump -bm 1 {}",
        "map_Kd ../pipe.png", "norm {}", "refl -type sphere {}", "map_Kd \\\\host\\share\\x.png",
    ],
)  # fmt: skip
def test_no_other_texture_is_opened(worker: WorkerProcess, tmp_path: Path, statement: str) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    library = "newmtl a\nKd 1 0 0\n" + statement.format(tmp_path / "pipe.png") + "\n"
    objects, details = converted(worker, folder, "a.obj", "mtllib m.mtl\nusemtl a\n" + SQUARE, m_mtl=library)
    assert repairs_of(details) == ["a texture is missing"]
    assert not bpy.data.images
    color = objects[0].data.materials[0].node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value
    assert tuple(color) == pytest.approx((1, 0, 0, 1))


@pytest.mark.parametrize("name", ["x.png", "sub\\x.png", "../../X.PNG", "other name.png"])
def test_an_objs_own_texture_arrives_however_its_library_names_it(
    worker: WorkerProcess, tmp_path: Path, name: str
) -> None:
    library = f"newmtl a\nmap_Kd -s 2 3 1 {name}\n"
    _, details = converted(worker, tmp_path, "a.obj", "mtllib b.mtl\nusemtl a\n" + SQUARE, m_mtl=library, x_png=png())
    assert repairs_of(details) == []
    assert [image.packed_file is not None for image in bpy.data.images] == [True]


def test_a_companion_that_is_not_there_does_not_cost_the_model(worker: WorkerProcess, tmp_path: Path) -> None:
    source = tmp_path / "a.obj"
    source.write_text("mtllib m.mtl\nusemtl a\n" + SQUARE)
    missing = [{"file": "part-1.mtl", "name": "m.mtl"}, {"file": "part-2.png", "name": "CON.png"}]
    request = {"do": "model", "source": str(source), "format": "obj", "target": str(tmp_path / "a.blend"), "name": "a"}
    assert repairs_of(worker.run({**request, "companions": missing})) == ["its materials are missing"]


@pytest.mark.parametrize(
    "tail",
    [
        "cstype rat bspline\ndeg 3 3\ncurv 0 1 1 2 3 65535\nparm u 0 0 0 0 1 1 1 1\nend\n",
        "cstype bspline\ndeg 2147483647\ncurv 0 1 1 2 3 4\nparm u 0 1\nend\n",
    ],
)
def test_curves_in_an_obj_do_not_reach_the_importer(worker: WorkerProcess, tmp_path: Path, tail: str) -> None:
    objects, _ = converted(worker, tmp_path, "a.obj", SQUARE + tail)
    assert [item.type for item in objects] == ["MESH"]


def test_a_ply_that_would_crash_the_importer_is_called_damaged(worker: WorkerProcess, tmp_path: Path) -> None:
    head = "ply\nformat ascii 1.0\nelement vertex 3\n" + "".join(f"property float {name}\n" for name in "xyzst")
    head += "element face 1\nproperty list uchar uint vertex_indices\nend_header\n"
    pid = worker.run({"do": "ping"})["pid"]
    with pytest.raises(ImportFailedError, match="vertices that it does not have"):
        converted(worker, tmp_path, "a.ply", head + "0 0 0 0 0\n" * 3 + "3 0 1 3000000000\n")
    assert worker.run({"do": "ping"})["pid"] == pid


# ----- what passes for ours


def test_no_custom_property_of_a_file_is_kept(worker: WorkerProcess, tmp_path: Path) -> None:
    extras = {
        "image_to_3d_image_url": "https://evil.example/",
        "image_to_3d_group": "x",
        "image_to_3d": {"job": "theirs", "image_url": "https://evil.example/"},
        "image_to_3d_placeholder": "20250101-000000-000000-00000000",
        "cycles": {"x": 1},
        "": 1,
    }
    parts = document(nodes=[{"mesh": 0, "extras": extras, "children": [1]}, {"extras": extras, "mesh": 0}])
    parts["meshes"][0]["extras"] = parts["materials"][0]["extras"] = parts["scenes"][0]["extras"] = extras
    objects, details = converted(worker, tmp_path, "a.glb", glb_of(parts, POINTS))
    root = next(item for item in objects if item.parent is None)
    assert details["root"] == root.name
    found = [*objects, *bpy.data.meshes, *bpy.data.materials, *bpy.data.collections]
    ours = {(item.name, key) for item in found for key in item.keys() if key.startswith("image_to_3d")}  # noqa: SIM118
    assert ours == {(root.name, "image_to_3d")}
    assert (root["image_to_3d"]["job"], root["image_to_3d"].get("image_url")) == ("ours", None)
    assert not any(key in extras and key != "image_to_3d" for item in found for key in item.keys())  # noqa: SIM118


# ----- very many parts


def test_thousands_of_objects_arrive_as_one_that_looks_the_same(worker: WorkerProcess, tmp_path: Path) -> None:
    nodes = [{"mesh": n % 2, "translation": [n, 0, 0], "scale": [1 - 2 * (n % 2), 1, 1]} for n in range(2000)]
    meshes = [
        {"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "material": m}]} for m in (0, 1)
    ]
    normals = struct.pack("<9f", *[0.0, 0.6, 0.8] * 3)
    uvs = struct.pack("<6f", 0, 0, 1, 0, 0, 1)
    accessor = {"componentType": 5126, "count": 3}
    parts = document(
        nodes=nodes,
        scenes=[{"nodes": list(range(2000))}],
        meshes=meshes,
        materials=[{"name": "red"}, {"name": "blue"}],
        buffers=[{"byteLength": 96}],
        bufferViews=[{"buffer": 0, "byteOffset": a, "byteLength": b} for a, b in ((0, 36), (36, 36), (72, 24))],
    )
    parts["accessors"] += [accessor | {"bufferView": 1, "type": "VEC3"}, accessor | {"bufferView": 2, "type": "VEC2"}]
    (item,), details = converted(worker, tmp_path, "a.glb", glb_of(parts, POINTS + normals + uvs))
    assert "2,000 objects were joined into one" in repairs_of(details)
    mesh = item.data
    assert (len(mesh.polygons), len(mesh.materials), len(mesh.uv_layers)) == (2000, 2, 1)
    assert sorted({face.material_index for face in mesh.polygons}) == [0, 1]
    assert item.dimensions.x == pytest.approx(1998 + 0, abs=1.01)
    faces = np.array([face.normal for face in mesh.polygons])
    assert np.abs(faces - faces[0]).max() < 1e-5, "mirrored objects face the same way"
    drawn = np.array([normal.vector for normal in mesh.corner_normals])
    assert np.abs(drawn - (0, -0.8, 0.6)).max() < 0.01


def test_a_rig_among_very_many_objects_keeps_working(worker: WorkerProcess, tmp_path: Path) -> None:
    count = 400
    keys = struct.pack("<2f", 0, 1) + struct.pack("<6f", 0, 0, 0, 5, 0, 0)
    parts = document(
        nodes=[{"children": [1]}, {"mesh": 0}, *({"mesh": 0, "translation": [0, n, 0]} for n in range(count))],
        scenes=[{"nodes": [0, *range(2, count + 2)]}],
        buffers=[{"byteLength": 68}],
        bufferViews=[{"buffer": 0, "byteOffset": a, "byteLength": b} for a, b in ((0, 36), (36, 8), (44, 24))],
        animations=[
            {
                "samplers": [{"input": 1, "output": 2}],
                "channels": [{"sampler": 0, "target": {"node": 1, "path": "translation"}}],
            }
        ],
    )  # fmt: skip
    parts["accessors"] += [
        {"bufferView": 1, "componentType": 5126, "count": 2, "type": "SCALAR", "min": [0], "max": [1]},
        {"bufferView": 2, "componentType": 5126, "count": 2, "type": "VEC3"},
    ]
    objects, details = converted(worker, tmp_path, "a.glb", glb_of(parts, POINTS + keys))
    assert f"{count} objects were joined into one" in repairs_of(details)
    assert sum(item.animation_data is not None for item in objects) == 1
    assert details["triangles"] == count + 1


def test_more_parts_than_an_importer_can_read_are_refused_at_once(worker: WorkerProcess, tmp_path: Path) -> None:
    parts = document(nodes=[{"mesh": 0}] * 100_000, scenes=[{"nodes": list(range(100_000))}])
    started = time.monotonic()
    with pytest.raises(ImportFailedError, match="too many parts: 100,000"):
        converted(worker, tmp_path, "a.glb", glb_of(json.loads(json.dumps(parts)), POINTS))
    assert time.monotonic() - started < 20


def test_an_obj_of_very_many_groups_arrives_as_one_object(worker: WorkerProcess, tmp_path: Path) -> None:
    groups = "".join(f"o g{n}\nusemtl m{n % 3}\nf 1/1 2/2 3/3\n" for n in range(20_000))
    objects, details = converted(worker, tmp_path, "a.obj", SQUARE + groups)
    assert len(objects) == 1
    assert "20,000 objects were joined into one" in repairs_of(details)


@pytest.mark.parametrize("name", ["line.obj", "line.stl"])
def test_one_very_long_line_takes_no_time(worker: WorkerProcess, tmp_path: Path, name: str) -> None:
    facet = "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
    long = {
        "line.obj": SQUARE + "v " + "1 " * 1_000_000 + "\n# " + "v nan" * 1_000_000 + "\n",
        "line.stl": "solid x\n" + facet * 2 + "# " + "vertex" * 100_000 + " nan\nendsolid x\n",
    }
    started = time.monotonic()
    assert converted(worker, tmp_path, name, long[name])[1]["triangles"] in {1, 2}
    assert time.monotonic() - started < 20
