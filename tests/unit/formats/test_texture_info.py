# SPDX-License-Identifier: GPL-3.0-or-later
"""An image that would fill the memory is recognized by its header, in every format that Blender decodes."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from image_to_3d.formats.image_info import ImageInfo
from image_to_3d.formats.texture_info import can_be_shown, scaled_size, texture_info
from model_files import png


def attribute(name: bytes, kind: bytes, value: bytes) -> bytes:
    return name + b"\0" + kind + b"\0" + struct.pack("<I", len(value)) + value


def exr(width: int, height: int) -> bytes:
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    lie = attribute(b"dataWindow", b"box2i", struct.pack("<4i", 0, 0, 1, 1))
    attributes = attribute(b"note", b"string", lie) + attribute(b"dataWindow", b"box2i", window)
    return b"\x76\x2f\x31\x01\x02\0\0\0" + attributes + b"\0"


def png_header(width: int, height: int, depth: int = 8) -> bytes:
    return png()[:16] + struct.pack(">IIBB", width, height, depth, 2) + png()[26:]


def jp2(width: int, height: int) -> bytes:
    lie = struct.pack(">I4s", 16, b"free") + b"ihdr\0\0\0\1"
    stream = b"\xff\x4f\xff\x51" + struct.pack(">HHIIII", 47, 0, width, height, 0, 0) + b"\0" * 40
    return b"\0\0\0\x0cjP  \r\n\x87\n" + lie + struct.pack(">I4s", 8 + len(stream), b"jp2c") + stream


MAKERS = {
    "png": png_header,
    "exr": exr,
    "jp2": jp2,
    "hdr": lambda w, h: b"#?RADIANCE\n-Y 1 +X 1\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (h, w) + b"\0" * 99,
    "bmp": lambda w, h: b"BM" + b"\0" * 12 + struct.pack("<Iii", 40, w, -h) + b"\0" * 99,
    "tga": lambda w, h: b"\0\0\x02" + b"\0" * 9 + struct.pack("<HHBB", w, h, 24, 0) + b"\0" * 99,
    "psd": lambda w, h: b"8BPS" + b"\0" * 10 + struct.pack(">II", h, w) + b"\0" * 99,
    "dds": lambda w, h: b"DDS \x7c\0\0\0" + b"\0" * 4 + struct.pack("<II", h, w) + b"\0" * 200,
    "tif": lambda w, h: b"II*\0\x08\0\0\0" + struct.pack("<HHHIIHHII", 2, 256, 4, 1, w, 257, 4, 1, h) + b"\0" * 99,
    "webp": lambda w, h: b"RIFF\x40\0\0\0WEBPVP8X\x0a" + b"\0" * 7 + struct.pack("<HBHB", w - 1, 0, h - 1, 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", MAKERS)
def test_the_size_is_read_and_a_bomb_refused(kind: str) -> None:
    info = texture_info(MAKERS[kind](300, 200))
    assert info is not None
    assert (info.width, info.height) == (300, 200)
    assert texture_info(MAKERS[kind](60_000, 60_000)) is None


def test_a_texture_is_measured_by_the_memory_that_it_needs() -> None:
    assert texture_info(png_header(12_000, 12_000)) is not None
    assert texture_info(png_header(12_000, 12_000, depth=16)) is None


@pytest.mark.parametrize("data", [b"", b"x" * 1000, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"SDPX" + b"\0" * 999])
def test_what_cannot_be_measured_is_not_decoded(data: bytes) -> None:
    assert texture_info(data) is None


def test_only_a_huge_texture_is_scaled() -> None:
    assert scaled_size(ImageInfo("image/png", 8192, 8192)) is None
    assert scaled_size(ImageInfo("image/png", 16384, 4)) == (8192, 2)
    assert scaled_size(ImageInfo("image/png", 4, 100_000)) == (1, 8192)


@pytest.mark.parametrize(("content", "shown"), [(png(), True), (png_header(60_000, 60_000), False), (b"no", False)])
def test_the_interface_shows_no_image_that_would_stall_it(tmp_path: Path, content: bytes, shown: bool) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert can_be_shown(path) == shown
    assert not can_be_shown(tmp_path / "nowhere.png")
