# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole files are accepted, others are not; told by the file alone."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import model_files
import pytest
from image_to_3d.errors import ResultDamagedError, StorageError
from image_to_3d.formats.check import check_file
from image_to_3d.formats.sniff import sniff
from model_files import WHOLE, glb_of, scene_of

PAGE = b"<!DOCTYPE html><html><body>404 Not Found</body></html>" + b" " * 600


def check(tmp_path: Path, data: bytes, format: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    check_file(path, format)


def assert_damaged(tmp_path: Path, data: bytes, format: str, words: str = "damaged") -> None:
    with pytest.raises(ResultDamagedError, match=words) as raised:
        check(tmp_path, data, format)
    assert format.upper() in str(raised.value.message)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files_are_accepted(name: str, tmp_path: Path) -> None:
    check(tmp_path, WHOLE[name], name.split()[0])


@pytest.mark.parametrize("name", WHOLE)
def test_files_are_known_by_their_first_bytes(name: str) -> None:
    word = name.split()
    expected = word[-1] if word[0] == "video" else {"mtl": "", "stl": ""}.get(name, word[0])
    assert sniff(WHOLE[name][:512]) == expected


@pytest.mark.parametrize("format", ["glb", "obj", "stl", "ply", "png", "video", "mp4"])
@pytest.mark.parametrize("data", [b"", b"\0", PAGE, b'{"error": "expired"}', b"\0" * 5000, b"AccessDenied"])
def test_what_comes_instead_of_a_file_is_not_accepted(format: str, data: bytes, tmp_path: Path) -> None:
    assert_damaged(tmp_path, data, format)


@pytest.mark.parametrize("wanted", ["glb", "obj", "stl", "ply", "png", "video"])
@pytest.mark.parametrize("name", [n for n in WHOLE if n != "mtl"])
def test_a_file_of_one_format_is_not_accepted_as_another(wanted: str, name: str, tmp_path: Path) -> None:
    if wanted != name.split()[0]:
        assert_damaged(tmp_path, WHOLE[name], wanted)


@pytest.mark.parametrize("name", ["mp4", "mov", "m4v", "webm", "gif", "video"])
@pytest.mark.parametrize("content", ["video mp4", "video gif", "video webm"])
def test_a_video_is_one_whatever_its_extension_says(name: str, content: str, tmp_path: Path) -> None:
    check(tmp_path, WHOLE[content], name)
    assert_damaged(tmp_path, PAGE, name)


# A GIF's end mark may by chance stand anywhere; JPEG, WebM and text can't all be told.
@pytest.mark.parametrize("name", [n for n in WHOLE if n.split()[0] in ("glb", "stl", "ply", "png") or n == "video mp4"])
def test_a_file_that_ends_too_early_is_not_accepted(name: str, tmp_path: Path) -> None:
    data = WHOLE[name]
    # The text formats still say the same without their last line's end.
    spare = 20 if name == "stl as text" else 2 if name.endswith("as text") else 0
    for end in {*range(0, len(data) - spare, max(len(data) // 60, 1)), len(data) - spare - 1}:
        assert_damaged(tmp_path, data[:end], name.split()[0])


def test_an_obj_that_ends_in_a_line_is_not_accepted(tmp_path: Path) -> None:
    for tail in (b"f 1 2", b"f 1/1/1 2/1/", b"f 1 2 9", b"f 1 2 x", b"v 1.0", b"f"):
        assert_damaged(tmp_path, model_files.obj() + tail, "obj")
    check(tmp_path, model_files.obj() + b"f 1 2 3", "obj")
    check(tmp_path, model_files.obj() + b"f -1 -2 -3\n\n# end\n", "obj")


@pytest.mark.parametrize("data", [b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", b"o empty\n", b"f 1 2 3\n", b"# only words\n"])
def test_an_obj_without_faces_is_not_accepted(data: bytes, tmp_path: Path) -> None:
    assert_damaged(tmp_path, data, "obj", "no faces")


def test_an_obj_larger_than_one_piece_is_counted_right(tmp_path: Path) -> None:
    lines = b"".join(b"v %d 0 0\n" % i for i in range(300_000))
    check(tmp_path, lines + b"f 1 2 300000\n", "obj")
    assert_damaged(tmp_path, lines + b"f 1 2 300001\n", "obj")


def test_an_obj_with_lines_of_windows_is_accepted(tmp_path: Path) -> None:
    check(tmp_path, model_files.obj().replace(b"\n", b"\r\n"), "obj")


def test_an_stl_that_begins_like_text_but_is_binary_is_accepted(tmp_path: Path) -> None:
    check(tmp_path, b"solid thing".ljust(80) + model_files.stl()[80:], "stl")


def test_an_stl_without_triangles_is_not_accepted(tmp_path: Path) -> None:
    assert_damaged(tmp_path, model_files.stl(0), "stl", "no triangles")
    assert_damaged(tmp_path, b"solid thing\nendsolid thing\n", "stl")


@pytest.mark.parametrize("claim", [0, 3, 5, 2**31, 2**32 - 1])
def test_an_stl_that_lies_about_its_triangles_is_not_accepted(claim: int, tmp_path: Path) -> None:
    data = model_files.stl(4)
    assert_damaged(tmp_path, data[:80] + struct.pack("<I", claim) + data[84:], "stl")


def test_a_large_stl_as_text_is_accepted(tmp_path: Path) -> None:
    check(tmp_path, model_files.stl_text(20_000), "stl")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"element vertex 3", b"element vertex 4"),
        (b"element vertex 3", b"element vertex 99999999999"),
        (b"element vertex 3", b"element vertex 9999999999999999999999"),
        (b"element vertex 3", b"element vertex -3"),
        (b"element vertex 3", b"element vertex 0"),
        (b"element vertex 3", b"element vertex"),
        (b"element vertex 3", b"element point 3"),
        (b"element face 2", b"element face 3"),
        (b"element face 2", b"element face 999999999999999"),
        (b"property float x", b"property floaty x"),
        (b"property float x", b"property double x"),
        (b"list uchar int", b"list uchar"),
        (b"list uchar int", b"list float int"),
        (b"format ", b"formal "),
        (b" 1.0", b" 9.0"),
        (b"end_header", b"end_of_it"),
        (b"ply\n", b"plx\n"),
    ],
)
@pytest.mark.parametrize("name", ["ply", "ply with quads", "ply big endian", "ply as text"])
def test_a_ply_that_lies_about_itself_is_not_accepted(name: str, before: bytes, after: bytes, tmp_path: Path) -> None:
    assert before in WHOLE[name]
    if name == "ply big endian" and after == b"property double x":
        return  # the shifted data happens to be long enough
    if name == "ply as text" and after in (b"property double x", b"list float int"):
        return  # A number's type does not change a text's length.
    assert_damaged(tmp_path, WHOLE[name].replace(before, after, 1), "ply")


def test_a_ply_with_a_huge_list_is_not_accepted(tmp_path: Path) -> None:
    data = model_files.ply(corners=4).replace(b"list uchar int", b"list uint int ")
    assert_damaged(tmp_path, data, "ply")


@pytest.mark.parametrize("line", [b"stray words\n", b"comment x\n", b"obj_info y\n", b"\n"])
@pytest.mark.parametrize("name", ["ply", "ply with quads", "ply big endian", "ply as text"])
def test_a_ply_with_a_stray_header_line_is_accepted_as_by_blender(name: str, line: bytes, tmp_path: Path) -> None:
    check(tmp_path, WHOLE[name].replace(b"element vertex", line + b"element vertex", 1), "ply")


@pytest.mark.parametrize("name", ["ply", "ply with quads", "ply big endian"])
def test_a_ply_with_data_behind_its_end_is_accepted_as_by_blender(name: str, tmp_path: Path) -> None:
    check(tmp_path, WHOLE[name] + b"anything else", "ply")


def test_a_ply_of_points_is_accepted(tmp_path: Path) -> None:
    check(tmp_path, model_files.ply(0), "ply")
    check(tmp_path, model_files.ply_text(0), "ply")


SPARSE = {"count": 1, "indices": {"bufferView": 0}, "values": {"bufferView": 0}}
Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.pop("asset"),
        lambda s: s["asset"].update(version="1.0"),
        lambda s: s["asset"].update(version=None),
        lambda s: s.update(asset=[]),
        lambda s: s["buffers"][0].update(byteLength=10**9),
        lambda s: s["buffers"][0].update(byteLength=-1),
        lambda s: s["buffers"][0].update(byteLength=10**400),
        lambda s: s["buffers"][0].pop("byteLength"),
        lambda s: s["buffers"][0].update(uri="thing.bin"),
        lambda s: s["buffers"][0].update(uri="file:///etc/passwd"),
        lambda s: s["buffers"][0].update(uri="https://evil.example/x.bin"),
        lambda s: s["buffers"][0].update(uri=7),
        lambda s: s.update(images=[{"bufferView": 99}]),
        lambda s: s.update(images={}),
        lambda s: s["bufferViews"][0].update(byteLength=10**6),
        lambda s: s["bufferViews"][0].update(byteOffset=10**6),
        lambda s: s["bufferViews"][0].update(byteOffset=-4),
        lambda s: s["bufferViews"][0].update(buffer=1),
        lambda s: s["bufferViews"][0].update(buffer=-1),
        lambda s: s["bufferViews"][0].update(buffer=None),
        lambda s: s["accessors"][0].update(count=10**18),
        lambda s: s["accessors"][0].update(count=-3),
        lambda s: s["accessors"][0].update(count=True),
        lambda s: s["accessors"][0].update(count=2.5),
        lambda s: s["accessors"].append({"componentType": 5126, "count": 10**9, "type": "VEC3"}),
        lambda s: s["accessors"].extend([{"componentType": 5126, "count": 5 * 10**7, "type": "VEC3"}] * 3),
        lambda s: s.update(accessors=None),
    ],
)  # fmt: skip
def test_a_glb_that_lies_about_itself_is_not_accepted(change: Change, tmp_path: Path) -> None:
    scene, binary = scene_of()
    change(scene)
    assert_damaged(tmp_path, glb_of(scene, binary), "glb")


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.pop("meshes"),
        lambda s: s.update(meshes=[]),
        lambda s: s.update(meshes=[{"primitives": []}]),
        lambda s: s.update(meshes=7),
        lambda s: s["meshes"][0].pop("primitives"),
        lambda s: s["meshes"][0]["primitives"][0]["attributes"].update(POSITION=9),
        lambda s: s["meshes"][0]["primitives"][0]["attributes"].update(POSITION=-1),
        lambda s: s["meshes"][0]["primitives"][0]["attributes"].update(POSITION="0"),
        lambda s: s["accessors"][0].update(count=4),
        lambda s: s["accessors"][0].update(count=0),
        lambda s: s["accessors"][0].update(byteOffset=1),
        lambda s: s["accessors"][0].update(type="VEC9"),
        lambda s: s["accessors"][0].update(componentType=1),
        lambda s: s["accessors"][0].update(bufferView=2),
        lambda s: s["accessors"][0].update(bufferView=[0]),
        lambda s: s["accessors"][1].update(sparse=SPARSE | {"count": 10**9}),
        lambda s: s["accessors"][1].update(sparse=SPARSE | {"indices": {"bufferView": 9}}),
        lambda s: s["accessors"][1].update(sparse={"count": 1}),
    ],
)  # fmt: skip
def test_a_complete_glb_is_accepted_even_if_only_the_importer_can_tell_what_is_wrong(
    change: Change, tmp_path: Path
) -> None:
    scene, binary = scene_of()
    change(scene)
    check(tmp_path, glb_of(scene, binary), "glb")


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(images=[{"bufferView": 0, "mimeType": "image/png"}]),
        lambda s: s.update(images=[{"uri": "data:image/png;base64,AAAA"}]),
        # It is never opened, and costs its texture only.
        lambda s: s.update(images=[{"uri": "../../../../etc/passwd"}]),
        lambda s: s.update(images=[{"uri": 7}]),
        lambda s: s["accessors"].append({"componentType": 5126, "count": 3, "type": "VEC3"}),
        lambda s: s["bufferViews"][0].update(byteStride=12),
        lambda s: s["accessors"][0].update(count=3.0),
        lambda s: s["buffers"].append({"byteLength": 10**9, "extensions": {"EXT_meshopt_compression": {}}}),
        lambda s: s["accessors"][1].update(sparse=SPARSE),
        lambda s: s.update(extras={"anything": [None]}, extensionsUsed=["KHR_new"]),
    ],
)  # fmt: skip
def test_a_glb_with_what_glbs_have_is_accepted(change: Change, tmp_path: Path) -> None:
    scene, binary = scene_of()
    change(scene)
    check(tmp_path, glb_of(scene, binary), "glb")


@pytest.mark.parametrize(
    "description", [b"", b"null", b"[]", b'"x"', b"{", b"\xff\xff\xff\xff", b"[" * 100_000, b"9" * 100_000]
)
def test_a_glb_whose_description_is_none_is_not_accepted(description: bytes, tmp_path: Path) -> None:
    data = struct.pack("<4sIII4s", b"glTF", 2, 20 + len(description), len(description), b"JSON") + description
    assert_damaged(tmp_path, data, "glb")


@pytest.mark.parametrize("length", [0, 12, 2**31, 2**32 - 1])
def test_a_glb_whose_length_lies_is_not_accepted(length: int, tmp_path: Path) -> None:
    data = model_files.glb()
    assert_damaged(tmp_path, data[:8] + struct.pack("<I", length) + data[12:], "glb")
    assert_damaged(tmp_path, data[:12] + struct.pack("<I", length) + data[16:], "glb")


def test_a_glb_of_the_old_version_is_not_accepted(tmp_path: Path) -> None:
    data = model_files.glb()
    assert_damaged(tmp_path, data[:4] + struct.pack("<I", 1) + data[8:], "glb", "version")


def test_a_file_that_is_not_there_is_a_matter_of_storage(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        check_file(tmp_path / "nothing", "glb")
