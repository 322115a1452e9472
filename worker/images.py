# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares images for upload, from every format that Blender reads. Runs inside the background Blender."""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np
import numpy.typing as npt

from ..errors import ImageError, one_line
from ..formats.image_info import read_image_info, uploadable_unchanged
from ..imaging.raster import linear_to_srgb

_log = logging.getLogger(__name__)

MAX_SIDE: Final = 2048
"""Pixels; an image that has to be re-encoded is scaled down to this."""
MAX_PIXELS_AT_ONCE: Final = 50_000_000
"""Pixels read from Blender at once (16 bytes each). Larger images are scaled by Blender, with lower quality."""
MIN_SIDE: Final = 32
QUALITIES: Final = (95, 88, 80)
"""JPEG qualities, tried in this order before the image is made smaller."""

Pixels = npt.NDArray[np.float32]
"""h × w × 4, rows from the top; RGBA as stored in files: sRGB, 0 to 1, straight alpha."""


def prepare(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle an "image" request: convert `source` into `folder`, to at most `limit` bytes. Raises ImageError."""
    source, folder, limit = Path(request["source"]), Path(request["folder"]), int(request["limit"])
    info = uploadable_unchanged(source, limit)
    if info is not None:
        name = "upload.png" if info.mime == "image/png" else "upload.jpg"
        if source != folder / name:
            shutil.copyfile(source, folder / name)
        return {"file": name, "mime": info.mime, "width": info.width, "height": info.height, "changed": False}
    pixels = read(source)
    progress(0.5)
    name, size = write(pixels, folder, limit)
    mime = "image/png" if name.endswith(".png") else "image/jpeg"
    return {"file": name, "mime": mime, "width": size[0], "height": size[1], "changed": True}


def thumbnail(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "thumbnail" request: write `source` as PNG, at most `longest` pixels long. Raises ImageError."""
    _save(shrink(read(Path(request["source"])), int(request["longest"])), Path(request["target"]), 0)
    progress(1.0)
    return {}


def read(source: Path) -> Pixels:
    """Returns the image upright, at most MAX_SIDE long, in sRGB. Raises ImageError."""
    info = read_image_info(source)
    try:
        image = bpy.data.images.load(str(source), check_existing=False)
    except RuntimeError as error:
        raise ImageError("The image can't be read: {reason}.", reason=one_line(error)) from error
    try:
        width, height = image.size
        if not image.has_data or not width or not height or image.source not in {"FILE", "TILED"}:
            raise ImageError("The file is not an image that Blender can read, or it is damaged.")
        if width * height > MAX_PIXELS_AT_ONCE:
            factor = math.sqrt(MAX_PIXELS_AT_ONCE / (width * height))
            image.scale(max(1, int(width * factor)), max(1, int(height * factor)))
        width, height = image.size
        flat = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(flat)
        pixels = _four_channels(flat.reshape(height, width, image.channels)[::-1])
        pixels = np.nan_to_num(pixels, nan=0.0, posinf=1e4, neginf=0.0)
        if image.is_float:
            pixels = to_srgb(pixels)
    finally:
        bpy.data.images.remove(image)
    pixels = upright(pixels, info.orientation if info is not None else 1)
    return shrink(pixels, MAX_SIDE)


def _four_channels(pixels: Pixels) -> Pixels:
    channels = pixels.shape[2]
    if channels >= 4:
        return pixels[:, :, :4]
    full = np.ones((*pixels.shape[:2], 4), np.float32)
    if channels == 3:
        full[:, :, :3] = pixels
    else:
        full[:, :, :3] = pixels[:, :, :1]
        if channels == 2:
            full[:, :, 3] = pixels[:, :, 1]
    return full


def to_srgb(linear: Pixels) -> Pixels:
    """Convert Blender's pixels (linear, premultiplied alpha) to those of a file. Values above white are clipped."""
    alpha = linear[:, :, 3:].clip(0, 1)
    color = np.divide(linear[:, :, :3], alpha, out=linear[:, :, :3].copy(), where=alpha > 0).clip(0, 1)
    return np.concatenate((linear_to_srgb(color), alpha), axis=2)


def upright(pixels: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Undo the mirroring and rotation that an EXIF orientation describes."""
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return pixels


def shrink(pixels: Pixels, longest: int) -> Pixels:
    """Scale down to at most `longest` pixels by area averaging. Colors of transparent pixels don't bleed in."""
    height, width = pixels.shape[:2]
    if max(height, width) <= longest:
        return pixels
    factor = longest / max(height, width)
    alpha = pixels[:, :, 3:]
    work = np.concatenate((pixels[:, :, :3] * alpha, alpha), axis=2)
    work = _mean_along(work, max(1, round(height * factor)))
    work = _mean_along(work.transpose(1, 0, 2), max(1, round(width * factor))).transpose(1, 0, 2)
    alpha = work[:, :, 3:]
    color = np.divide(work[:, :, :3], alpha, out=np.zeros_like(work[:, :, :3]), where=alpha > 1e-6)
    return np.concatenate((color, alpha), axis=2)


def _mean_along(lines: Pixels, count: int) -> Pixels:
    """Returns `count` lines, each the mean of the lines it covers, fractions of lines included."""
    edges = np.linspace(0, lines.shape[0], count + 1)
    whole = np.minimum(edges.astype(np.int64), lines.shape[0] - 1)
    part = (edges - whole)[:, None, None]
    result = np.empty((count, *lines.shape[1:]), np.float32)
    for start in range(0, lines.shape[1], 128):  # by strips: the running sums need double precision
        strip = lines[:, start : start + 128]
        total = np.zeros((lines.shape[0] + 1, *strip.shape[1:]), np.float64)
        np.cumsum(strip, axis=0, out=total[1:])
        sums = total[whole] + (total[whole + 1] - total[whole]) * part
        result[:, start : start + 128] = np.diff(sums, axis=0) / np.diff(edges)[:, None, None]
    return result


def write(pixels: Pixels, folder: Path, limit: int) -> tuple[str, tuple[int, int]]:
    """Write the image into `folder`, as PNG if it has transparency, else as JPEG. Returns its file name and size.

    Raises ImageError if it can't be made small enough for `limit` bytes, or the folder can't be written.
    """
    transparent = bool((pixels[:, :, 3] < 0.999).any())
    while True:
        height, width = pixels.shape[:2]
        for quality in (0,) if transparent else QUALITIES:
            name = "upload.png" if transparent else "upload.jpg"
            _save(pixels, folder / name, quality)
            if (folder / name).stat().st_size <= limit:
                return name, (width, height)
        if max(width, height) * 0.8 < MIN_SIDE:
            (folder / name).unlink()
            raise ImageError("The image can't be made smaller than {limit} bytes.", limit=limit)
        pixels = shrink(pixels, int(max(width, height) * 0.8))


def _save(pixels: Pixels, path: Path, quality: int) -> None:
    height, width = pixels.shape[:2]
    image = bpy.data.images.new("upload", width, height, alpha=True)
    try:
        image.alpha_mode = "STRAIGHT" if not quality else "NONE"
        image.pixels.foreach_set(np.ascontiguousarray(pixels[::-1], np.float32).reshape(-1))
        image.file_format = "JPEG" if quality else "PNG"
        image.filepath_raw = str(path)
        image.save(quality=quality) if quality else image.save()
    except RuntimeError as error:
        raise ImageError("The prepared image can't be written: {reason}.", reason=one_line(error)) from error
    finally:
        bpy.data.images.remove(image)
