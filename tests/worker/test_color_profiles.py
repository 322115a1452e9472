# SPDX-License-Identifier: GPL-3.0-or-later
"""An image with a color profile has the same colors in sRGB when it is re-encoded. Compared with LittleCMS."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from image_files import CASES, picture, png_chunk
from image_to_3d.imaging.color_profile import convert_to_srgb
from image_to_3d.worker.worker_process import WorkerProcess
from PIL import Image, ImageCms

LIMIT = 3_700_000
ADOBE = [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
P3 = [[0.51512, 0.29198, 0.1571], [0.2412, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
SRGB = [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.7141]]


def fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def gamma(value: float) -> bytes:
    return b"curv" + struct.pack(">4xIH", 1, round(value * 256))


def table(power: float) -> bytes:
    values = np.round(np.linspace(0, 1, 256) ** power * 65535).astype(">u2")
    return b"curv" + struct.pack(">4xI", 256) + values.tobytes()


def parametric(form: int, *values: float) -> bytes:
    return b"para" + struct.pack(">4xHH", form, 0) + fixed(*values)


SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
CURVES = {
    "identity": b"curv" + bytes(8),
    "gamma": gamma(2.2),
    "table": table(1.8),
    "parametric 0": parametric(0, 2.2),
    "parametric 1": parametric(1, 2.2, 1 / 1.05, 0.05 / 1.05),
    "parametric 2": parametric(2, 2.2, 0.9, 0.05, 0.02),
    "parametric 3": SRGB_CURVE,
    "parametric 4": parametric(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0.0, 0.0),
}


def profile(tags: dict[bytes, bytes], space: bytes = b"RGB ", connection: bytes = b"XYZ ") -> bytes:
    """Returns an ICC profile, version 4, with these tags."""
    white = fixed(0.9642, 1.0, 0.8249)
    text = b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", 2, 28) + "x".encode("utf-16-be") + b"\0\0"
    tags = {b"desc": text, b"cprt": text, b"wtpt": b"XYZ \0\0\0\0" + white, **tags}
    entries, body, at = b"", b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        entries += struct.pack(">4sII", name, at + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s", at + len(body), b"none", 0x04200000, b"mntr", space, connection, b"", b"acsp"
    )
    header = (header + bytes(28) + white).ljust(128, b"\0")
    return header + struct.pack(">I", len(tags)) + entries + body


def matrix_profile(columns: list[list[float]], curve: bytes) -> bytes:
    colors = {bytes([c]) + b"XYZ": b"XYZ \0\0\0\0" + fixed(*(row[i] for row in columns)) for i, c in enumerate(b"rgb")}
    return profile(colors | {bytes([c]) + b"TRC": curve for c in b"rgb"})


def by_little_cms(image: Image.Image, icc: bytes, mode: str = "RGB") -> np.ndarray:
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    converted = ImageCms.profileToProfile(
        image, source, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode=mode
    )
    assert converted is not None
    return np.asarray(converted.convert("RGB"), np.float32)


def prepared(worker: WorkerProcess, source: Path) -> np.ndarray:
    request = {"do": "image", "source": str(source), "folder": str(source.parent), "limit": LIMIT}
    with Image.open(source.parent / worker.run(request)["file"]) as result:
        return np.asarray(result.convert("RGB"), np.float32)


def as_array(image: Image.Image) -> np.ndarray:
    """As Blender gives it: RGBA, 0 to 1, bottom row first."""
    return np.asarray(image.convert("RGBA"), np.float32)[::-1] / 255.0


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("columns", [ADOBE, P3], ids=["Adobe RGB", "Display P3"])
def test_a_profile_is_converted_as_by_little_cms(columns: list[list[float]], curve: str) -> None:
    icc = matrix_profile(columns, CURVES[curve])
    image = Image.fromarray(picture())
    result = convert_to_srgb(as_array(image), icc)[::-1, :, :3] * 255.0
    difference = np.abs(result - by_little_cms(image, icc))
    # Near black, a steep curve makes two levels of the rounding in LittleCMS.
    assert difference.mean() < 0.6
    assert np.percentile(difference, 99) < 3.0


@pytest.mark.parametrize("connection", [b"XYZ ", b"Lab "])
def test_a_gray_profile_is_converted(connection: bytes) -> None:
    icc = profile({b"kTRC": gamma(1.8)}, b"GRAY", connection)
    image = Image.fromarray(picture()[..., 0])
    result = convert_to_srgb(as_array(image), icc)[::-1, :, 0] * 255.0
    assert np.abs(result - by_little_cms(image, icc)[..., 0]).mean() < 1.5


def test_the_colors_of_an_srgb_profile_are_not_touched() -> None:
    image = as_array(Image.fromarray(picture()))
    for icc in (matrix_profile(SRGB, SRGB_CURVE), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        assert convert_to_srgb(image, icc) is image


@pytest.mark.parametrize(
    "icc", [b"", b"x", bytes(200), matrix_profile(P3, b"curv"), matrix_profile(P3, b"abcd" + bytes(9))]
)
def test_a_damaged_profile_is_ignored(icc: bytes) -> None:
    image = as_array(Image.fromarray(picture()))
    assert convert_to_srgb(image, icc) is image


def test_alpha_is_not_converted() -> None:
    image = as_array(Image.fromarray(picture()))
    image[:40, :, 3] = 0.3
    result = convert_to_srgb(image, matrix_profile(P3, gamma(2.2)))
    assert (result[..., 3] == image[..., 3]).all()
    assert np.abs(result - image).max() > 0.05


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "16_bit.png"])
def test_the_profile_is_found_in_every_format(worker: WorkerProcess, tmp_path: Path, name: str) -> None:
    icc = matrix_profile(ADOBE, gamma(2.2)) + bytes(90_000)  # longer than a JPEG segment
    image = smooth()
    options = {"a.jpg": {"quality": 100, "subsampling": 0}, "a.webp": {"lossless": True}}
    if name == "16_bit.png":
        save_16_bit(image, icc, tmp_path / name)
    else:
        image.save(tmp_path / name, icc_profile=icc, **options.get(name, {}))
    expected = by_little_cms(image, icc)
    assert np.abs(prepared(worker, tmp_path / name) - expected).mean() < 2
    assert np.abs(np.asarray(image, np.float32) - expected).mean() > 5


def smooth() -> Image.Image:
    """Returns the picture without the noise that a JPEG would change."""
    pixels = picture()
    pixels[..., 2] = 90
    return Image.fromarray(pixels)


def save_16_bit(image: Image.Image, icc: bytes, path: Path) -> None:
    pixels = np.asarray(image).astype(">u2") * 257
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", image.width, image.height, 16, 2, 0, 0, 0)
    chunks = (
        png_chunk(b"IHDR", header),
        png_chunk(b"iCCP", b"x\0\0" + zlib.compress(icc)),
        png_chunk(b"IDAT", zlib.compress(lines)),
        png_chunk(b"IEND", b""),
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def test_the_profile_in_a_photoshop_file_is_found(worker: WorkerProcess, tmp_path: Path) -> None:
    icc = matrix_profile(ADOBE, gamma(2.2))
    resource = b"8BIM" + struct.pack(">HHI", 1039, 0, len(icc)) + icc + b"\0" * (len(icc) % 2)
    other = b"8BIM" + struct.pack(">H", 1000) + b"\x03abc" + struct.pack(">I", 3) + b"xyz\0"
    pixels = np.full((64, 64, 3), (40, 200, 60), np.uint8)
    psd = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 64, 64, 8, 3) + bytes(4)
    psd += struct.pack(">I", len(other + resource)) + other + resource + bytes(4) + bytes(2)
    (tmp_path / "a.psd").write_bytes(psd + pixels.transpose(2, 0, 1).tobytes())
    expected = by_little_cms(Image.fromarray(pixels), icc)[0, 0]
    assert prepared(worker, tmp_path / "a.psd")[32, 32] == pytest.approx(expected, abs=4)


def test_a_rotated_photo_of_a_phone_keeps_its_colors(worker: WorkerProcess, tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes((CASES / "p3_turned.jpg").read_bytes())
    with Image.open(source) as image:
        icc = image.info["icc_profile"]
        upright = image.transpose(Image.Transpose.ROTATE_270)
    expected = by_little_cms(upright, icc)
    result = prepared(worker, source)
    assert result.shape == expected.shape
    assert np.abs(result - expected).mean() < 1.5
    assert np.abs(result - np.asarray(upright.convert("RGB"), np.float32)).max() > 20


def test_a_cmyk_jpeg_is_converted_by_one_minus_ink_whatever_its_profile(worker: WorkerProcess, tmp_path: Path) -> None:
    image = Image.new("CMYK", (64, 64), (200, 20, 240, 30))
    image.save(tmp_path / "a.jpg", quality=100, icc_profile=profile({}, b"CMYK", b"Lab "))
    red, green, blue = prepared(worker, tmp_path / "a.jpg")[32, 32]
    expected = [(255 - ink) * (255 - 30) / 255 for ink in (200, 20, 240)]
    assert (red, green, blue) == pytest.approx(expected, abs=4)
