# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside the second Blender: an image made fit for upload, from whatever Blender can read."""

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
from ..formats.image_info import look_at, ready_as_it_is

_log = logging.getLogger(__name__)

LONGEST_SIDE: Final = 2048
"""Pixels of an image that has to be written anew."""
MOST_AT_ONCE: Final = 50_000_000
"""Pixels taken out of Blender at once (16 bytes each). Blender scales larger images itself, if less well."""
SMALLEST_SIDE: Final = 32
QUALITIES: Final = (95, 88, 80)
"""Of JPEG, tried in this order before the image is made smaller."""

Pixels = npt.NDArray[np.float32]
"""Rows from the top, columns, red green blue alpha; sRGB as stored in files, 0 to 1, alpha not multiplied in."""


def prepare(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Do a "image" request: `source` into `folder`, in at most `limit` bytes. Raises ImageError."""
    source, folder, limit = Path(request["source"]), Path(request["folder"]), int(request["limit"])
    facts = ready_as_it_is(source, limit)
    if facts is not None:
        name = "upload.png" if facts.mime == "image/png" else "upload.jpg"
        if source != folder / name:
            shutil.copyfile(source, folder / name)
        return {"file": name, "mime": facts.mime, "width": facts.width, "height": facts.height, "changed": False}
    pixels = read(source)
    progress(0.5)
    name, size = write(pixels, folder, limit)
    mime = "image/png" if name.endswith(".png") else "image/jpeg"
    return {"file": name, "mime": mime, "width": size[0], "height": size[1], "changed": True}


def thumbnail(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Do a "thumbnail" request: `source` as the PNG `target`, at most `longest` pixels long. Raises ImageError."""
    _save(shrink(read(Path(request["source"])), int(request["longest"])), Path(request["target"]), 0)
    progress(1.0)
    return {}


def read(source: Path) -> Pixels:
    """The image upright, at most LONGEST_SIDE long, in sRGB. Raises ImageError."""
    facts = look_at(source)
    try:
        image = bpy.data.images.load(str(source), check_existing=False)
    except RuntimeError as error:
        raise ImageError(f"The image can't be read: {one_line(error)}.") from error
    try:
        width, height = image.size
        if not image.has_data or not width or not height or image.source not in {"FILE", "TILED"}:
            raise ImageError("The file is no image that Blender can read, or it is damaged.")
        if width * height > MOST_AT_ONCE:
            factor = math.sqrt(MOST_AT_ONCE / (width * height))
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
    pixels = upright(pixels, facts.orientation if facts is not None else 1)
    return shrink(pixels, LONGEST_SIDE)


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
    """Light as Blender keeps it (linear, alpha multiplied in), as a file keeps it. Brighter than white is white."""
    alpha = linear[:, :, 3:].clip(0, 1)
    colour = np.divide(linear[:, :, :3], alpha, out=linear[:, :, :3].copy(), where=alpha > 0).clip(0, 1)
    curve = np.where(colour <= 0.0031308, colour * 12.92, 1.055 * np.power(colour, 1 / 2.4) - 0.055)
    return np.concatenate((curve.astype(np.float32), alpha), axis=2)


def upright(pixels: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Undo what EXIF says was done: mirror, turn, or both."""
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return pixels


def shrink(pixels: Pixels, longest: int) -> Pixels:
    """At most `longest` pixels long, each new one the mean of those it covers. Transparent colours don't bleed in."""
    height, width = pixels.shape[:2]
    if max(height, width) <= longest:
        return pixels
    factor = longest / max(height, width)
    alpha = pixels[:, :, 3:]
    work = np.concatenate((pixels[:, :, :3] * alpha, alpha), axis=2)
    work = _mean_along(work, max(1, round(height * factor)))
    work = _mean_along(work.transpose(1, 0, 2), max(1, round(width * factor))).transpose(1, 0, 2)
    alpha = work[:, :, 3:]
    colour = np.divide(work[:, :, :3], alpha, out=np.zeros_like(work[:, :, :3]), where=alpha > 1e-6)
    return np.concatenate((colour, alpha), axis=2)


def _mean_along(lines: Pixels, count: int) -> Pixels:
    """`count` lines, each the mean of its share of `lines`, parts of lines included."""
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
    """The image's new file name in `folder` and its size: PNG where it is transparent, else JPEG.

    Raises ImageError where nothing recognisable fits into `limit` bytes, or the folder can't be written.
    """
    transparent = bool((pixels[:, :, 3] < 0.999).any())
    while True:
        height, width = pixels.shape[:2]
        for quality in (0,) if transparent else QUALITIES:
            name = "upload.png" if transparent else "upload.jpg"
            _save(pixels, folder / name, quality)
            if (folder / name).stat().st_size <= limit:
                return name, (width, height)
        if max(width, height) * 0.8 < SMALLEST_SIDE:
            (folder / name).unlink()
            raise ImageError(f"The image can't be made smaller than {limit} bytes.")
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
        raise ImageError(f"The prepared image can't be written: {one_line(error)}.") from error
    finally:
        bpy.data.images.remove(image)
