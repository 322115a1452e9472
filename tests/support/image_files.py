# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files of every format that Blender reads, all of one picture, and the parts that Pillow can't write."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

CASES: Final = Path(__file__).resolve().parents[1] / "data" / "cases"
WIDTH, HEIGHT = 160, 120

Pixels = npt.NDArray[np.uint8]


def picture() -> Pixels:
    """Returns RGB values, top row first: gradients, and noise so that it can't be compressed to nothing."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    noise = np.random.default_rng(0).integers(0, 40, (HEIGHT, WIDTH))
    return np.stack([columns * 255 // WIDTH, rows * 255 // HEIGHT, noise], axis=-1).astype(np.uint8)


def with_alpha() -> Pixels:
    """Returns `picture`, of which the left third is transparent."""
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[:, : WIDTH // 3] = 0
    return np.concatenate([picture(), alpha], axis=-1)


def saved(pixels: Pixels, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(pixels: Pixels, *, interlaced: bool = False, data: bytes | None = None, end: bool = True) -> bytes:
    """Returns an RGB PNG. `data`: the compressed data, in place of the pixels'."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    height, width = pixels.shape[:2]
    lines = b"".join(
        b"\0" + row.tobytes()
        for left, top, across, down in (passes if interlaced else ((0, 0, 1, 1),))
        for row in pixels[top::down, left::across]
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced)
    chunks = [png_chunk(b"IHDR", header), png_chunk(b"IDAT", zlib.compress(lines) if data is None else data)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + (png_chunk(b"IEND", b"") if end else b"")


def psd() -> bytes:
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, HEIGHT, WIDTH, 8, 3)
    return header + bytes(12) + struct.pack(">H", 0) + picture().transpose(2, 0, 1).tobytes()


def hdr() -> bytes:
    exponent = np.full((HEIGHT, WIDTH, 1), 128, np.uint8)
    pixels = np.concatenate([picture(), exponent], axis=-1)
    return f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {HEIGHT} +X {WIDTH}\n".encode() + pixels.tobytes()


def exr(compressed: bool) -> bytes:
    """Returns an OpenEXR file of half floats: one line in a chunk, or sixteen if it is compressed (ZIP)."""
    at_once = 16 if compressed else 1

    def attribute(name: str, kind: str, value: bytes) -> bytes:
        return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<I", len(value)) + value

    channels = b"".join(name + b"\0" + struct.pack("<IIII", 1, 0, 1, 1) for name in (b"B", b"G", b"R")) + b"\0"
    window = struct.pack("<iiii", 0, 0, WIDTH - 1, HEIGHT - 1)
    header = b"\x76\x2f\x31\x01\x02\0\0\0" + b"".join(
        (
            attribute("channels", "chlist", channels),
            attribute("compression", "compression", b"\3" if compressed else b"\0"),
            attribute("dataWindow", "box2i", window),
            attribute("displayWindow", "box2i", window),
            attribute("lineOrder", "lineOrder", b"\0"),
            attribute("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
            attribute("screenWindowCenter", "v2f", bytes(8)),
            attribute("screenWindowWidth", "float", struct.pack("<f", 1.0)),
            b"\0",
        )
    )
    lines = (picture()[..., ::-1] / 255.0).astype("<f2").transpose(0, 2, 1)
    chunks = []
    for first in range(0, HEIGHT, at_once):
        body = lines[first : first + at_once].tobytes()
        if compressed:
            halves = np.frombuffer(body, np.uint8)
            ordered = np.concatenate([halves[::2], halves[1::2]]).astype(np.int16)
            ordered[1:] = np.diff(ordered) + 128
            packed = zlib.compress((ordered & 255).astype(np.uint8).tobytes())
            body = packed if len(packed) < len(body) else body
        chunks.append(struct.pack("<iI", first, len(body)) + body)
    starts, at = [], len(header) + 8 * len(chunks)
    for chunk in chunks:
        starts.append(at)
        at += len(chunk)
    return header + struct.pack(f"<{len(starts)}Q", *starts) + b"".join(chunks)


def frames() -> list[Image.Image]:
    """Returns two different frames of an animation, the first with transparency."""
    second = with_alpha()[:, ::-1]
    return [Image.fromarray(with_alpha()), Image.fromarray(np.ascontiguousarray(second))]


def animated(kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    first, *others = frames()
    first.save(stream, kind, save_all=True, append_images=others, duration=100, **options)
    return stream.getvalue()


FILES: Final[dict[str, Callable[[], bytes]]] = {
    "rgb.png": lambda: png(picture()),
    "interlaced.png": lambda: png(picture(), interlaced=True),
    "alpha.png": lambda: saved(with_alpha(), "PNG"),
    "baseline.jpg": lambda: saved(picture(), "JPEG", quality=92),
    "progressive.jpg": lambda: saved(picture(), "JPEG", quality=92, progressive=True),
    "restarts.jpg": lambda: saved(picture(), "JPEG", quality=92, restart_marker_rows=1),
    "lossy.webp": lambda: saved(picture(), "WEBP", quality=95),
    "lossless.webp": lambda: saved(with_alpha(), "WEBP", lossless=True, exact=True),
    "lossy_alpha.webp": lambda: saved(with_alpha(), "WEBP", quality=95, exact=True),
    "animated.webp": lambda: animated("WEBP", lossless=True, exact=True),
    "animated_lossy.webp": lambda: animated("WEBP", quality=95, allow_mixed=True),
    "plain.gif": lambda: saved(picture(), "GIF"),
    "not_interlaced.gif": lambda: saved(picture(), "GIF", interlace=0),
    "raw.tif": lambda: saved(picture(), "TIFF"),
    "lzw.tif": lambda: saved(picture(), "TIFF", compression="tiff_lzw"),
    "deflate.tif": lambda: saved(picture(), "TIFF", compression="tiff_deflate"),
    "jpeg.tif": lambda: saved(picture(), "TIFF", compression="jpeg", quality=95),
    "a.bmp": lambda: saved(picture(), "BMP"),
    "raw.tga": lambda: saved(picture(), "TGA"),
    "rle.tga": lambda: saved(picture(), "TGA", compression="tga_rle"),
    "a.jp2": lambda: saved(picture(), "JPEG2000"),
    "raw.dds": lambda: saved(with_alpha(), "DDS"),
    "dxt5.dds": lambda: saved(with_alpha(), "DDS", pixel_format="DXT5"),
    "a.psd": psd,
    "a.hdr": hdr,
    "plain.exr": lambda: exr(False),
    "zip.exr": lambda: exr(True),
}
