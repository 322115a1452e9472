# SPDX-License-Identifier: GPL-3.0-or-later
"""Any image becomes one that the service can read, upright and with the same colors."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import png_chunk
from image_to_3d.errors import ImageError
from image_to_3d.formats.image_info import MAX_SIDE, read_image_info, uploadable_unchanged
from image_to_3d.worker.worker_process import WorkerProcess
from PIL import Image

LIMIT = 3_700_000
CORNERS = {"red": (230, 30, 20), "green": (20, 200, 40), "blue": (30, 40, 220), "white": (250, 250, 250)}


def quarters(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """Red at the top left, green top right, blue bottom left, white bottom right."""
    image = Image.new(mode, (width, height))
    for index, color in enumerate(CORNERS.values()):
        x, y = index % 2 * width // 2, index // 2 * height // 2
        fill = (*color, 255) if mode == "RGBA" else color
        image.paste(fill, (x, y, x + width // 2, y + height // 2))
    return image


def prepared(
    worker: WorkerProcess, source: Path, folder: Path, limit: int = LIMIT
) -> tuple[dict[str, Any], Image.Image]:
    folder.mkdir(exist_ok=True)
    reply = worker.run({"do": "image", "source": str(source), "folder": str(folder), "limit": limit})
    with Image.open(folder / reply["file"]) as image:
        image.load()
        return reply, image.copy()


def assert_quarters(image: Image.Image, tolerance: int = 6) -> None:
    width, height = image.size
    result = image.convert("RGB")
    for index, (name, color) in enumerate(CORNERS.items()):
        at = (width // 4 + index % 2 * width // 2, height // 4 + index // 2 * height // 2)
        assert result.getpixel(at) == pytest.approx(color, abs=tolerance), f"{name} at {at} of {image.size}"


def png_of_size(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\0" * 100)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_an_image_that_fits_is_uploaded_unchanged(tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    quarters().save(source)
    facts = uploadable_unchanged(source, LIMIT)
    assert facts is not None
    assert (facts.width, facts.height) == (96, 64)


def test_an_image_that_fits_is_recognized_without_a_background_blender(tmp_path: Path) -> None:
    quarters(mode="RGBA").save(tmp_path / "a.png")
    facts = uploadable_unchanged(tmp_path / "a.png", LIMIT)
    assert facts is not None
    assert (facts.mime, facts.width, facts.height, facts.alpha) == ("image/png", 96, 64, True)


def test_the_format_is_detected_by_content_not_by_file_name(tmp_path: Path) -> None:
    quarters().save(tmp_path / "a.png", "JPEG")
    facts = uploadable_unchanged(tmp_path / "a.png", LIMIT)
    assert facts is not None
    assert facts.mime == "image/jpeg"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_rotated_or_mirrored_image_is_turned_upright(
    worker: WorkerProcess, tmp_path: Path, orientation: int, kind: str
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
    _, image = prepared(worker, source, tmp_path / "out")
    assert image.size == (480, 320)
    assert_quarters(image, 12)
    assert (uploadable_unchanged(source, LIMIT) is None) == (orientation != 1 or kind in {"WEBP", "TIFF"})


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "BMP", "TGA", "JPEG2000"])
def test_other_formats_become_png_or_jpeg(worker: WorkerProcess, tmp_path: Path, kind: str) -> None:
    source = tmp_path / {"JPEG2000": "a.jp2"}.get(kind, f"a.{kind.lower()}")
    quarters().save(source, kind)
    reply, image = prepared(worker, source, tmp_path / "out")
    assert reply["file"] == "upload.jpg"
    assert_quarters(image, 10)


def test_transparency_is_preserved(worker: WorkerProcess, tmp_path: Path) -> None:
    image = quarters(mode="RGBA")
    image.paste((20, 200, 40, 0), (48, 0, 96, 32))
    image.paste((30, 40, 220, 128), (0, 32, 48, 64))
    image.save(tmp_path / "a.webp", lossless=True, exact=True)
    reply, result = prepared(worker, tmp_path / "a.webp", tmp_path / "out")
    assert reply["file"] == "upload.png"
    assert result.getpixel((24, 16)) == pytest.approx((230, 30, 20, 255), abs=2)
    assert result.getpixel((24, 48)) == pytest.approx((30, 40, 220, 128), abs=2)
    assert result.getpixel((72, 16))[3] == 0


def save_16_bit_png(path: Path, pixels: np.ndarray) -> None:
    """Write h × w × 4 values, 0 to 65535, which Pillow can't."""
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 6, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(lines)) + png_chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def test_a_16_bit_image_keeps_its_colors_at_8_bits(worker: WorkerProcess, tmp_path: Path) -> None:
    rows = np.zeros((64, 96, 4), np.uint16)
    rows[:32, :48], rows[:32, 48:] = (60000, 10000, 5000, 65535), (5000, 50000, 10000, 65535)
    rows[32:, :48], rows[32:, 48:] = (8000, 9000, 55000, 32768), (32768, 32768, 32768, 65535)
    save_16_bit_png(tmp_path / "a.png", rows)
    assert uploadable_unchanged(tmp_path / "a.png", LIMIT) is None
    _, result = prepared(worker, tmp_path / "a.png", tmp_path / "out")
    for at, values in (
        ((24, 16), rows[0, 0]),
        ((72, 16), rows[0, 90]),
        ((24, 48), rows[60, 0]),
        ((72, 48), rows[60, 90]),
    ):
        assert result.getpixel(at) == pytest.approx(tuple(int(v) / 257 for v in values), abs=2)


def test_colors_of_transparent_pixels_are_preserved_in_16_bit_images(worker: WorkerProcess, tmp_path: Path) -> None:
    rows = np.full((64, 96, 4), (60000, 10000, 5000, 0), np.uint16)
    rows[:32, :, 3] = 600
    rows[:, :20, 3] = 65535
    save_16_bit_png(tmp_path / "a.png", rows)
    _, result = prepared(worker, tmp_path / "a.png", tmp_path / "out")
    for at in ((48, 16), (48, 48)):
        assert result.getpixel(at)[:3] == pytest.approx((60000 / 257, 10000 / 257, 5000 / 257), abs=2)


def test_premultiplied_alpha_is_converted_to_straight_alpha(worker: WorkerProcess, tmp_path: Path) -> None:
    """An OpenEXR file has premultiplied alpha: half-transparent white is stored as 0.5, 0.5, 0.5, 0.5."""
    import bpy

    image = bpy.data.images.new("a", 64, 64, alpha=True, float_buffer=True)
    pixels = np.ones((64, 64, 4), np.float32)
    pixels[:, 16:] = 0.5
    image.pixels.foreach_set(pixels.ravel())
    image.file_format = "OPEN_EXR"
    image.filepath_raw = str(tmp_path / "a.exr")
    image.save()
    bpy.data.images.remove(image)
    _, result = prepared(worker, tmp_path / "a.exr", tmp_path / "out")
    assert result.getpixel((32, 32)) == pytest.approx((255, 255, 255, 128), abs=2)


def test_linear_hdr_images_are_converted_to_srgb(worker: WorkerProcess, tmp_path: Path) -> None:
    # Radiance: mantissas and one exponent for 0.5, 0.18, 2.0 of white
    def rgbe(value: float) -> bytes:
        mantissa, exponent = np.frexp(value)
        return bytes([int(mantissa * 256)] * 3 + [int(exponent) + 128])

    line = rgbe(0.5) * 4 + rgbe(0.18) * 4 + rgbe(2.0) * 4
    (tmp_path / "a.hdr").write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 12 +X 12\n" + line * 12)
    _, result = prepared(worker, tmp_path / "a.hdr", tmp_path / "out")
    gray = [result.convert("RGB").getpixel((2 + 4 * x, 6))[0] for x in range(3)]
    assert gray == pytest.approx([188, 118, 255], abs=12)


def test_cmyk_and_progressive_jpegs_can_be_read(worker: WorkerProcess, tmp_path: Path) -> None:
    quarters(480, 320).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert uploadable_unchanged(tmp_path / "a.jpg", LIMIT) is None
    _, result = prepared(worker, tmp_path / "a.jpg", tmp_path / "out")
    assert_quarters(result, 40)
    quarters(480, 320).save(tmp_path / "b.jpg", progressive=True)
    assert uploadable_unchanged(tmp_path / "b.jpg", LIMIT) is not None


def test_a_file_that_is_too_large_gets_smaller_until_it_fits(worker: WorkerProcess, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (600, 800, 4), np.uint8)
    Image.fromarray(noise, "RGBA").save(tmp_path / "a.png")
    reply, result = prepared(worker, tmp_path / "a.png", tmp_path / "out", limit=300_000)
    assert (tmp_path / "out" / reply["file"]).stat().st_size <= 300_000
    assert reply["file"] == "upload.png"
    assert result.size[0] / result.size[1] == pytest.approx(4 / 3, rel=0.01)


def test_a_very_large_image_is_scaled_down(worker: WorkerProcess, tmp_path: Path) -> None:
    quarters(MAX_SIDE + 200, 1200).save(tmp_path / "a.jpg")
    reply, result = prepared(worker, tmp_path / "a.jpg", tmp_path / "out")
    assert max(reply["width"], reply["height"]) == 2048
    assert_quarters(result)


def test_transparent_colors_do_not_bleed_into_the_outline(worker: WorkerProcess, tmp_path: Path) -> None:
    image = Image.new("RGBA", (5000, 1000), (255, 0, 255, 0))
    image.paste((0, 200, 0, 255), (1001, 0, 3001, 1000))
    image.save(tmp_path / "a.png")
    _, result = prepared(worker, tmp_path / "a.png", tmp_path / "out")
    pixels = np.asarray(result)
    visible = pixels[pixels[:, :, 3] > 30]
    assert visible[:, 0].max() <= 12
    assert visible[:, 2].max() <= 12


@pytest.mark.parametrize("size", [(60000, 60000), (2**31 - 1, 2**31 - 1), (0, 10)])
def test_a_decompression_bomb_is_refused_by_its_header(
    worker: WorkerProcess, tmp_path: Path, size: tuple[int, int]
) -> None:
    (tmp_path / "a.png").write_bytes(png_of_size(*size))
    with pytest.raises(ImageError, match=r"too large|no size"):
        uploadable_unchanged(tmp_path / "a.png", LIMIT)
    with pytest.raises(ImageError, match=r"too large|no size"):
        prepared(worker, tmp_path / "a.png", tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.bmp", b"BM" + bytes(16) + struct.pack("<ii", 90_000, 90_000) + bytes(40)),
        ("a.psd", b"8BPS" + bytes(10) + struct.pack(">II", 90_000, 90_000) + bytes(40)),
        (
            "a.jp2",
            b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\0jp2c\xff\x4f\xff\x51\0\x2f\0\0"
            + struct.pack(">IIII", 90_000, 90_000, 0, 0)
            + bytes(40),
        ),
        ("a.dds", b"DDS " + bytes(8) + struct.pack("<II", 90_000, 90_000) + bytes(99)),
        ("a.tga", bytes(12) + struct.pack("<HH", 60_000, 60_000) + bytes(40)),
        ("a.hdr", b"#?RADIANCE\n\n-Y 90000 +X 90000\n" + bytes(40)),
        (
            "a.exr",
            b"\x76\x2f\x31\x01\x02\0\0\0dataWindow\0box2i\0\x10\0\0\0"
            + struct.pack("<iiii", 0, 0, 90_000, 90_000)
            + bytes(9),
        ),
        ("a.webp", b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xff\xff\xff" * 2),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_decompression_bomb_is_refused_in_other_formats_too(
    worker: WorkerProcess, tmp_path: Path, name: str, header: bytes
) -> None:
    (tmp_path / name).write_bytes(header)
    with pytest.raises(ImageError, match="too large"):
        prepared(worker, tmp_path / name, tmp_path / "out")


def jpeg() -> bytes:
    stream = io.BytesIO()
    quarters(480, 320).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an image at all",
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
def test_a_damaged_image_is_refused_with_a_message(worker: WorkerProcess, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError):
        prepared(worker, tmp_path / "a.png", tmp_path / "out")
    assert worker.run({"do": "ping"})["pid"] == worker.pid


def test_a_truncated_image_is_not_uploaded_unchanged(tmp_path: Path) -> None:
    data = jpeg()
    for share in (0.3, 0.9):
        (tmp_path / "a.jpg").write_bytes(data[: int(len(data) * share)])
        assert uploadable_unchanged(tmp_path / "a.jpg", LIMIT) is None


def test_a_missing_image_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        read_image_info(tmp_path / "nowhere.png")
