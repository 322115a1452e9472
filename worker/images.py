# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads, scales and writes images, in every format that Blender reads. Runs inside the background Blender.

An image is an array as in `imaging.raster`: h × w × 4, sRGB, 0 to 1, straight alpha, bottom row first.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np

from ..errors import ImageError, one_line
from ..formats.animation import Frame, first_gif_frame, first_webp_frame
from ..formats.embedded_profile import embedded_profile
from ..formats.image_complete import is_complete
from ..formats.image_info import read_image_info, require_pixels
from ..formats.pixel_dump import is_dump
from ..formats.sniff import FIRST_BYTES, FormatError, require, sniff
from ..imaging.color_profile import convert_to_srgb
from ..imaging.cutout import without_plain_background
from ..imaging.framing import frame_subject
from ..imaging.raster import FloatArray, apply_orientation, downscale, linear_to_srgb, to_rgba, unpremultiply
from ..imaging.visibility import make_visible
from .displayed import read_dump

MAX_SIDE: Final = 2048
"""Pixels; an image that has to be re-encoded is scaled down to this."""
MAX_PIXELS_AT_ONCE: Final = 50_000_000
"""Pixels read from Blender at once (16 bytes each). Larger images are scaled by Blender, with lower quality."""
MIN_SIDE: Final = 32
QUALITIES: Final = (95, 88, 80)
"""JPEG qualities, tried in this order before the image is made smaller."""
PNG: Final = 0
"""In place of a JPEG quality."""
_NOT_EVERYWHERE: Final = {"avif", "heic"}
_INCOMPLETE: Final = re.compile(
    r"premature end|bad huffman|not enough data|read error|decoding error|failed to decode|JPEGLib:|libpng error", re.I
)
"""What Blender, libjpeg and libtiff print about an image of which a part is missing. Extraneous bytes are harmless."""


def prepare(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle an "image" request: convert `source` to a PNG file if it has transparency, else to a JPEG file.

    `stem`: the file's name without its extension; "upload" by default. `unchanged`: the service can read the file as
    it is, so it is kept if enough is visible. `cut_out`, `crop`: see `framing.frame_subject`. Returns the name in
    `folder`, width, height and warnings (messages). Raises ImageError if nothing is visible, the image can't be made
    small enough for `limit` bytes, or the folder can't be written.
    """
    limit, source = int(request["limit"]), Path(request["source"])
    as_read = read_image(source)
    visible = make_visible(as_read)
    image, reason = frame_subject(visible, cut=bool(request.get("cut_out")), crop=bool(request.get("crop")))
    warnings = [reason.to_json()] if reason else []
    progress(0.5)
    info = read_image_info(source)
    if request.get("unchanged") and image is as_read and info is not None:
        return {"file": source.name, "width": info.width, "height": info.height, "warnings": warnings}
    transparent = has_transparency(image)
    path = Path(request["folder"], f"{request.get('stem', 'upload')}{'.png' if transparent else '.jpg'}")
    while True:
        height, width = image.shape[:2]
        for quality in (PNG,) if transparent else QUALITIES:
            write_image(image, path, quality)
            if path.stat().st_size <= limit:
                return {"file": path.name, "width": width, "height": height, "warnings": warnings}
        smaller = int(max(width, height) * 0.8)
        if smaller < MIN_SIDE:
            path.unlink()
            raise ImageError("The image can't be made smaller than {limit} bytes.", limit=f"{limit:,}")
        image = downscale(image, smaller)


def thumbnail(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "thumbnail" request: write `source` as PNG, at most `longest` pixels long. Raises ImageError.

    `cut_out`: make a plain background transparent.
    """
    image = read_image(Path(request["source"]), int(request["longest"]))
    write_image(without_plain_background(image) if request.get("cut_out") else image, Path(request["target"]))
    progress(1.0)
    return {}


def read_image(path: Path, max_side: int = MAX_SIDE) -> FloatArray:
    """Returns an image file's image, upright, in sRGB and scaled down to at most `max_side` pixels.

    Of an animated image, that is its first frame. Raises ImageError, also if the image is not complete.
    """
    if is_dump(path):
        return downscale(read_dump(path, max_side), max_side)
    info = read_image_info(path)
    is_complete(path)
    with path.open("rb") as file:
        format = sniff(file.read(FIRST_BYTES))
    try:
        if format == "gif":
            pixels = _read_gif(path)
        elif format == "webp" and (animated := first_webp_frame(path.read_bytes())):
            pixels = _read_webp_frame(*animated)
        else:
            pixels = _decode(path, format)
    except FormatError as error:
        raise ImageError("The image is damaged: {reason}.", reason=error.reason) from error
    pixels = downscale(apply_orientation(pixels, info.orientation if info is not None else 1), max_side)
    return convert_to_srgb(pixels, embedded_profile(path))


def _read_gif(path: Path) -> FloatArray:
    channels, frame = first_gif_frame(path.read_bytes())
    require_pixels(frame.canvas_width, frame.canvas_height, MAX_PIXELS_AT_ONCE)
    lines = np.stack([np.frombuffer(channel, np.uint8) for channel in channels], axis=-1)
    return _on_canvas(lines.reshape(frame.height, frame.width, 4)[::-1].astype(np.float32) / 255.0, frame)


def _read_webp_frame(still: bytes, frame: Frame) -> FloatArray:
    require_pixels(frame.canvas_width, frame.canvas_height, MAX_PIXELS_AT_ONCE)
    with tempfile.TemporaryDirectory(prefix="image_to_3d_") as folder:
        path = Path(folder, "frame.webp")
        path.write_bytes(still)
        pixels = _decode(path, "webp")
    require(pixels.shape[:2] == (frame.height, frame.width), "its first frame has another size than it says")
    return _on_canvas(pixels, frame)


def _on_canvas(pixels: FloatArray, frame: Frame) -> FloatArray:
    """Returns a frame's image on its transparent canvas."""
    canvas = np.zeros((frame.canvas_height, frame.canvas_width, 4), np.float32)
    bottom = frame.canvas_height - frame.top - frame.height
    canvas[bottom : bottom + frame.height, frame.left : frame.left + frame.width] = pixels
    return canvas


def _decode(path: Path, format: str) -> FloatArray:
    """Returns an image as stored, decoded by Blender. Raises ImageError if it can't be decoded completely."""
    with tempfile.TemporaryFile() as output:
        with _output_to(output.fileno()):
            pixels = _load(path, format)
        output.seek(0)
        printed = output.read(1 << 20).decode(errors="replace")
    sys.stderr.write(printed)
    if _INCOMPLETE.search(printed):
        raise ImageError("The image is damaged: a part of it is missing, or can't be decoded.")
    if format == "webp" and not pixels.any():
        # What Blender 4.2 and 4.5 make of a WebP that they can't decode. If it is complete, nothing is lost.
        raise ImageError("The image is fully transparent, or it is damaged.")
    return pixels


def _load(path: Path, format: str) -> FloatArray:
    try:
        image = bpy.data.images.load(str(path), check_existing=False)
    except RuntimeError as error:
        raise ImageError("The image can't be read: {reason}.", reason=one_line(error)) from error
    try:
        premultiplied = image.alpha_mode == "PREMUL"  # as OpenEXR and some TIFF files are
        if not premultiplied:
            image.alpha_mode = "CHANNEL_PACKED"  # keeps the colors of transparent pixels, also in 16-bit images
        width, height = image.size
        if not image.has_data or not width or not height or image.source not in {"FILE", "TILED"}:
            if format in _NOT_EVERYWHERE:
                raise ImageError(
                    "Blender {version} can't read {format} images, or this one is damaged: save it as PNG or JPEG.",
                    version=bpy.app.version_string,
                    format=format.upper(),
                )
            raise ImageError("The file is not an image that Blender can read, or it is damaged.")
        if width * height > MAX_PIXELS_AT_ONCE:
            factor = math.sqrt(MAX_PIXELS_AT_ONCE / (width * height))
            image.scale(max(1, int(width * factor)), max(1, int(height * factor)))
            width, height = image.size
        flat = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(flat)
        is_linear = image.is_float  # 16-bit and HDR images
    finally:
        bpy.data.images.remove(image)
    pixels = to_rgba(flat.reshape(height, width, -1))
    if is_linear:
        pixels = np.nan_to_num(pixels, nan=0.0, posinf=1e4, neginf=0.0)
        pixels = np.clip(unpremultiply(pixels) if premultiplied else pixels, 0.0, 1.0)
        pixels[..., :3] = linear_to_srgb(pixels[..., :3])
    return pixels


@contextlib.contextmanager
def _output_to(target: int) -> Iterator[None]:
    """Redirect what Blender and its libraries print: it is all they say about a JPEG, TIFF or WebP that is damaged."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {number: os.dup(number) for number in (1, 2)}  # Blender 5 prints its errors to stdout
    try:
        for number in saved:
            os.dup2(target, number)
        yield
    finally:
        for number, copy in saved.items():
            os.dup2(copy, number)
            os.close(copy)


def has_transparency(image: FloatArray) -> bool:
    """Whether any pixel is visibly transparent."""
    return bool((image[..., 3] < 0.999).any())


def write_image(image: FloatArray, path: Path, quality: int = PNG) -> None:
    """Write an image as PNG (with an alpha channel only if it is needed), or as JPEG. Raises ImageError."""
    height, width = image.shape[:2]
    target = bpy.data.images.new("image", width, height, alpha=quality == PNG and has_transparency(image))
    try:
        target.pixels.foreach_set(np.ascontiguousarray(image, np.float32).reshape(-1))
        target.file_format = "JPEG" if quality else "PNG"
        target.filepath_raw = str(path)
        target.save(quality=quality)
    except RuntimeError as error:
        raise ImageError("The image can't be written: {reason}.", reason=one_line(error)) from error
    finally:
        bpy.data.images.remove(target)
