# SPDX-License-Identifier: GPL-3.0-or-later
"""Any picture an artist has becomes one that the service can read, upright and in its true colours."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_to_3d.api.errors import PictureError
from image_to_3d.workshop.picture_check import LONGEST_SIDE, look_at, ready_as_it_is
from image_to_3d.workshop.process import Workshop
from PIL import Image

LIMIT = 3_700_000
CORNERS = {"red": (230, 30, 20), "green": (20, 200, 40), "blue": (30, 40, 220), "white": (250, 250, 250)}


def quarters(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """Red at the top left, green top right, blue bottom left, white bottom right."""
    picture = Image.new(mode, (width, height))
    for index, colour in enumerate(CORNERS.values()):
        x, y = index % 2 * width // 2, index // 2 * height // 2
        fill = (*colour, 255) if mode == "RGBA" else colour
        picture.paste(fill, (x, y, x + width // 2, y + height // 2))
    return picture


def prepared(workshop: Workshop, source: Path, folder: Path, limit: int = LIMIT) -> tuple[dict[str, Any], Image.Image]:
    folder.mkdir(exist_ok=True)
    told = workshop.run({"do": "picture", "source": str(source), "folder": str(folder), "limit": limit})
    with Image.open(folder / told["file"]) as picture:
        picture.load()
        return told, picture.copy()


def assert_quarters(picture: Image.Image, tolerance: int = 6) -> None:
    width, height = picture.size
    seen = picture.convert("RGB")
    for index, (name, colour) in enumerate(CORNERS.items()):
        at = (width // 4 + index % 2 * width // 2, height // 4 + index // 2 * height // 2)
        assert seen.getpixel(at) == pytest.approx(colour, abs=tolerance), f"{name} at {at} of {picture.size}"


def png_of_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_picture_that_fits_is_uploaded_unchanged(workshop: Workshop, tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    quarters().save(source)
    told, _ = prepared(workshop, source, tmp_path / "out")
    assert not told["changed"]
    assert (tmp_path / "out" / told["file"]).read_bytes() == source.read_bytes()
    assert (told["width"], told["height"]) == (96, 64)


def test_a_picture_that_fits_is_recognised_without_a_second_blender(tmp_path: Path) -> None:
    quarters(mode="RGBA").save(tmp_path / "a.png")
    facts = ready_as_it_is(tmp_path / "a.png", LIMIT)
    assert facts is not None
    assert (facts.mime, facts.width, facts.height, facts.alpha) == ("image/png", 96, 64, True)


def test_the_file_name_does_not_decide_what_a_picture_is(tmp_path: Path) -> None:
    quarters().save(tmp_path / "a.png", "JPEG")
    facts = ready_as_it_is(tmp_path / "a.png", LIMIT)
    assert facts is not None
    assert facts.mime == "image/jpeg"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_turned_or_mirrored_picture_is_put_upright(
    workshop: Workshop, tmp_path: Path, orientation: int, kind: str
) -> None:
    # What a camera stores for a scene when it says this orientation.
    undo = {
        1: (),
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }[orientation]
    stored = quarters(480, 320)
    for turn in undo:
        stored = stored.transpose(turn)
    exif = Image.Exif()
    exif[274] = orientation
    source = tmp_path / f"a.{kind.lower()}"
    stored.save(source, kind, exif=exif.tobytes(), **({"quality": 95} if kind in {"JPEG", "WEBP"} else {}))
    told, picture = prepared(workshop, source, tmp_path / "out")
    assert picture.size == (480, 320)
    assert_quarters(picture, 12)
    assert told["changed"] == (orientation != 1 or kind in {"WEBP", "TIFF"})


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "BMP", "TGA", "JPEG2000"])
def test_other_formats_become_png_or_jpeg(workshop: Workshop, tmp_path: Path, kind: str) -> None:
    source = tmp_path / {"JPEG2000": "a.jp2"}.get(kind, f"a.{kind.lower()}")
    quarters().save(source, kind)
    told, picture = prepared(workshop, source, tmp_path / "out")
    assert told["mime"] == "image/jpeg"
    assert_quarters(picture, 10)


def test_transparency_is_kept(workshop: Workshop, tmp_path: Path) -> None:
    picture = quarters(mode="RGBA")
    picture.paste((20, 200, 40, 0), (48, 0, 96, 32))
    picture.paste((30, 40, 220, 128), (0, 32, 48, 64))
    picture.save(tmp_path / "a.webp", lossless=True, exact=True)
    told, seen = prepared(workshop, tmp_path / "a.webp", tmp_path / "out")
    assert told["mime"] == "image/png"
    assert seen.getpixel((24, 16)) == pytest.approx((230, 30, 20, 255), abs=2)
    assert seen.getpixel((24, 48)) == pytest.approx((30, 40, 220, 128), abs=2)
    assert seen.getpixel((72, 16))[3] == 0


def test_sixteen_bits_a_channel_become_eight_of_the_same_colours(workshop: Workshop, tmp_path: Path) -> None:
    rows = np.zeros((64, 96, 4), np.uint16)
    rows[:32, :48], rows[:32, 48:] = (60000, 10000, 5000, 65535), (5000, 50000, 10000, 65535)
    rows[32:, :48], rows[32:, 48:] = (8000, 9000, 55000, 32768), (32768, 32768, 32768, 65535)
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", 96, 64, 16, 6, 0, 0, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    )
    told, seen = prepared(workshop, tmp_path / "a.png", tmp_path / "out")
    assert told["changed"]
    for at, values in (
        ((24, 16), rows[0, 0]),
        ((72, 16), rows[0, 90]),
        ((24, 48), rows[60, 0]),
        ((72, 48), rows[60, 90]),
    ):
        assert seen.getpixel(at) == pytest.approx(tuple(int(v) / 257 for v in values), abs=2)


def test_light_stored_as_it_is_becomes_the_colours_seen(workshop: Workshop, tmp_path: Path) -> None:
    # Radiance: mantissas and one exponent for 0.5, 0.18, 2.0 of white
    def rgbe(value: float) -> bytes:
        mantissa, exponent = np.frexp(value)
        return bytes([int(mantissa * 256)] * 3 + [int(exponent) + 128])

    line = rgbe(0.5) + rgbe(0.18) + rgbe(2.0)
    (tmp_path / "a.hdr").write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 3\n" + line * 4)
    _, seen = prepared(workshop, tmp_path / "a.hdr", tmp_path / "out")
    grey = [seen.convert("RGB").getpixel((x, 2))[0] for x in range(3)]
    assert grey == pytest.approx([188, 118, 255], abs=12)


def test_print_colours_and_progressive_pictures_can_be_read(workshop: Workshop, tmp_path: Path) -> None:
    quarters(480, 320).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    told, seen = prepared(workshop, tmp_path / "a.jpg", tmp_path / "out")
    assert told["changed"]
    assert_quarters(seen, 40)
    quarters(480, 320).save(tmp_path / "b.jpg", progressive=True)
    assert ready_as_it_is(tmp_path / "b.jpg", LIMIT) is not None


def test_a_file_that_is_too_large_gets_smaller_until_it_fits(workshop: Workshop, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (600, 800, 4), np.uint8)
    Image.fromarray(noise, "RGBA").save(tmp_path / "a.png")
    told, seen = prepared(workshop, tmp_path / "a.png", tmp_path / "out", limit=300_000)
    assert (tmp_path / "out" / told["file"]).stat().st_size <= 300_000
    assert told["mime"] == "image/png"
    assert seen.size[0] / seen.size[1] == pytest.approx(4 / 3, rel=0.01)


def test_a_very_large_picture_is_scaled_down(workshop: Workshop, tmp_path: Path) -> None:
    quarters(LONGEST_SIDE + 200, 1200).save(tmp_path / "a.jpg")
    told, seen = prepared(workshop, tmp_path / "a.jpg", tmp_path / "out")
    assert max(told["width"], told["height"]) == 2048
    assert_quarters(seen)


def test_transparent_colours_do_not_bleed_into_the_outline(workshop: Workshop, tmp_path: Path) -> None:
    picture = Image.new("RGBA", (5000, 1000), (255, 0, 255, 0))
    picture.paste((0, 200, 0, 255), (1001, 0, 3001, 1000))
    picture.save(tmp_path / "a.png")
    _, seen = prepared(workshop, tmp_path / "a.png", tmp_path / "out")
    pixels = np.asarray(seen)
    visible = pixels[pixels[:, :, 3] > 30]
    assert visible[:, 0].max() <= 12
    assert visible[:, 2].max() <= 12


@pytest.mark.parametrize("size", [(60000, 60000), (2**31 - 1, 2**31 - 1), (0, 10)])
def test_a_picture_bomb_is_refused_by_its_header(workshop: Workshop, tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(png_of_size(*size))
    with pytest.raises(PictureError, match=r"too large|no size"):
        ready_as_it_is(tmp_path / "a.png", LIMIT)
    with pytest.raises(PictureError, match=r"too large|no size"):
        prepared(workshop, tmp_path / "a.png", tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.bmp", b"BM" + bytes(16) + struct.pack("<ii", 90_000, 90_000) + bytes(40)),
        ("a.psd", b"8BPS" + bytes(10) + struct.pack(">II", 90_000, 90_000) + bytes(40)),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x16ihdr" + struct.pack(">II", 90_000, 90_000) + bytes(40)),
        ("a.dds", b"DDS " + bytes(8) + struct.pack("<II", 90_000, 90_000) + bytes(99)),
        ("a.tga", bytes(12) + struct.pack("<HH", 60_000, 60_000) + bytes(40)),
        ("a.hdr", b"#?RADIANCE\n\n-Y 90000 +X 90000\n" + bytes(40)),
        (
            "a.exr",
            b"\x76\x2f\x31\x01\x02\0\0\0dataWindow\0box2i\0\x10\0\0\0" + struct.pack("<iiii", 0, 0, 90_000, 90_000),
        ),
        ("a.webp", b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xff\xff\xff" * 2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_in_other_formats_too(workshop: Workshop, tmp_path: Path, name: str, header: bytes) -> None:
    (tmp_path / name).write_bytes(header)
    with pytest.raises(PictureError, match="too large"):
        prepared(workshop, tmp_path / name, tmp_path / "out")


def jpeg() -> bytes:
    stream = io.BytesIO()
    quarters(480, 320).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture at all",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
        b"\xff\xd8\xff\xe1",
        b"\xff\xd8\xff\xe1\0\x20Exif\0\0MM\0*\xff\xff\xff\xff",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"II*\0\xff\xff\xff\xff",
        b"\x76\x2f\x31\x01\x02\0\0\0",
        b"#?RADIANCE\n\n-Y 99999999999 +X 4\n",
        b"8BPS",
        b"BM",
    ],
    ids=["empty", "text", "png", "png-zeros", "jpeg", "jpeg-exif", "webp", "tiff", "exr", "hdr", "psd", "bmp"],
)
def test_a_damaged_picture_is_refused_in_words(workshop: Workshop, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PictureError):
        prepared(workshop, tmp_path / "a.png", tmp_path / "out")
    assert workshop.run({"do": "ping"})["pid"] == workshop.pid


def test_a_picture_cut_off_in_the_middle_is_not_uploaded_as_it_is(tmp_path: Path) -> None:
    data = jpeg()
    for share in (0.3, 0.9):
        (tmp_path / "a.jpg").write_bytes(data[: int(len(data) * share)])
        assert ready_as_it_is(tmp_path / "a.jpg", LIMIT) is None


def test_a_missing_picture_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="No such file"):
        look_at(tmp_path / "nowhere.png")
