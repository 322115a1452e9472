# SPDX-License-Identifier: GPL-3.0-or-later
"""An OBJ and its material library reach the importer without a reference that leads elsewhere."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from image_to_3d.formats import obj_rewrite
from image_to_3d.formats.mtl_rewrite import rewritten
from image_to_3d.formats.obj_rewrite import MAX_MATERIALS, MAX_OBJECTS, read_content

SHAPE = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"


def changed(tmp_path: Path, text: bytes) -> bytes:
    source, target = tmp_path / "a.obj", tmp_path / "b.obj"
    source.write_bytes(text)
    content = read_content(source)
    if not content.must_change:
        return text
    obj_rewrite.write_changed(source, target, content)
    return target.read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        b"mtllib x", b" \t\x0c\x0bmtllib x", b"\\\nmtllib x", b"\xef\xbb\xbfmtllib x", b"\rmtllib x", b"mtllib\\\n x",
        b"\x00mtllib x", b"\xffmtllib x", b"o a\rmtllib x", b"cstype bspline", b" curv 0 1 1", b"\tdeg 3",
        b"\x70arm u 0", b"end", b"surf 1", b"call x", b"csh x", b"maplib x", b"shadow_obj x", b"trace_obj x",
        b"cstype\\\n bspline",
    ],
)  # fmt: skip
def test_no_statement_but_those_of_a_mesh_reaches_the_importer(tmp_path: Path, line: bytes) -> None:
    result = changed(tmp_path, line + b"\n" + SHAPE + line)
    assert b"mtllib" not in result
    assert SHAPE in result
    for found in result.split(b"\n"):
        words = found.strip(bytes(range(33)) + bytes(range(128, 256)) + b"\\").split()
        assert not words or words[0] in {b"v", b"f", b"o", b"x"} or words[0].startswith(b"#") or words[0].isdigit()


def test_a_mesh_stays_byte_for_byte(tmp_path: Path) -> None:
    text = b"# a\no chair\ng legs\nusemtl wood\ns 1\n" + SHAPE + b"vn 0 0 1\nvt 0 0\nl 1 2\nf 1 2 \\\n 3\n#MRGB ff\n"
    assert changed(tmp_path, text) == text
    assert changed(tmp_path, b"mtllib a.mtl\n" + text) == b"##tllib a.mtl\n"[1:] + text


def test_a_face_that_continues_on_the_next_line_is_kept(tmp_path: Path) -> None:
    text = b"curv 1\nv 1 \\\n-2 \\\n.5\nf 1 2 \\\n 3\n"
    assert changed(tmp_path, text) == b"#urv 1\nv 1 \\\n-2 \\\n.5\nf 1 2 \\\n 3\n"


def test_very_many_objects_and_materials_are_read_as_one(tmp_path: Path) -> None:
    objects = b"".join(b"o a%d\n" % n for n in range(MAX_OBJECTS + 1))
    assert changed(tmp_path, objects + SHAPE) == objects.replace(b"o a", b"# a") + SHAPE
    materials = b"".join(b"usemtl a%d\n" % n for n in range(MAX_MATERIALS + 1))
    assert b"\nusemtl" not in b"\n" + changed(tmp_path, materials)
    few = b"s 1\nusemtl b\n" * 1000
    assert changed(tmp_path, few) == few


@pytest.mark.parametrize("unit", [b"\\\n", b"v 1 ", b"o ", b"\n", b"mtllib ", b" ", b"usemtl\\", b"g\n"])
def test_the_time_grows_with_the_length_only(tmp_path: Path, unit: bytes) -> None:
    started = time.monotonic()
    changed(tmp_path, unit * (4_000_000 // len(unit)))
    rewritten(unit * (400_000 // len(unit)), lambda _name: "")
    assert time.monotonic() - started < 20


def names(text: bytes) -> list[str]:
    """What a material library asks for."""
    asked: list[str] = []
    rewritten(text, lambda name: asked.append(name) or "")  # type: ignore[func-returns-value]
    return asked


def test_each_texture_gets_our_name_and_keeps_its_options() -> None:
    text = b'newmtl a b\nKd 1 0.5 0 9\nmap_Kd -s 2 2 -clamp on -o 1 0 0 "c d.png"\r\n\tbump -bm 0.5 \\\\host\\x.png\n'
    assert names(text) == ["c d.png", "\\\\host\\x.png"]
    expected = b"newmtl a b\nKd 1 0.5 0\nmap_Kd -s 2 2 -o 1 0 0 t.png\nbump -bm 0.5 t.png\n"
    assert rewritten(text, lambda _name: "t.png") == expected


@pytest.mark.parametrize(
    "line",
    [
        b"mtllib x",
        b"call x",
        b"Kd spectral /etc/x",
        b"Ns nan",
        b"Kd inf 1e999",
        b"\x00map_Kd x",
        b"map_Kd",
        b"include x",
    ],
)
def test_a_library_contains_only_what_is_known(line: bytes) -> None:
    result = rewritten(b"newmtl a\n" + line + b"\n", lambda _name: "")
    assert result == b"newmtl a\n"


def test_random_libraries_never_name_another_file() -> None:
    chooser = random.Random(1)
    parts = [
        b"map_Kd",
        b"newmtl",
        b" ",
        b"\t",
        b"\n",
        b"\r",
        b"\\\n",
        b"-s 1",
        b"-type",
        b"SECRET",
        b'"',
        b"\0",
        b"bump",
    ]
    for _ in range(3000):
        text = b"newmtl a\n" + b"".join(chooser.choices(parts, k=12))
        for line in rewritten(text, lambda _name: "t.png").split(b"\n"):
            assert b"SECRET" not in line or line.startswith(b"newmtl")
