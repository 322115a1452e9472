# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as the artist sees them: reads what the artist's Blender dumped, and applies the view settings."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np

from ..errors import ImageError, one_line
from ..formats.image_info import require_pixels
from ..formats.pixel_dump import BYTES, EXR, DumpHeader, read_header
from ..imaging.raster import FloatArray, linear_to_srgb, resize, to_rgba, unpremultiply

_MAX_PIXELS: Final = 1 << 30
_NO_CONVERSION: Final = frozenset({"sRGB", "Non-Color", ""})
_STANDARD: Final[Mapping[str, Any]] = {
    "display_device": "sRGB", "view_transform": "Standard", "look": "None", "exposure": 0.0, "gamma": 1.0,
}  # fmt: skip


def read_dump(path: Path, max_side: int) -> FloatArray:
    """Returns a dumped image as it is shown: sRGB, straight alpha, at most `max_side` pixels. Raises ImageError."""
    header, offset = read_header(path)
    if header.payload == EXR:
        return _shown_render(path, header, offset)
    require_pixels(header.width, header.height, _MAX_PIXELS)
    pixels = _premultiplied(path, header, offset, max_side)
    is_linear = header.payload != BYTES and header.colorspace != "Non-Color"
    if header.view is None and (is_linear or header.colorspace in _NO_CONVERSION):
        pixels = np.clip(unpremultiply(pixels), 0.0, 1.0)
        if is_linear:
            pixels[..., :3] = linear_to_srgb(pixels[..., :3])
        return pixels
    image = bpy.data.images.new("dump", *pixels.shape[1::-1], alpha=True, float_buffer=is_linear)
    try:
        if not is_linear:
            image.colorspace_settings.name = header.colorspace
            pixels = unpremultiply(pixels)
        image.pixels.foreach_set(np.ascontiguousarray(pixels, np.float32).reshape(-1))
        return _saved_as_shown(image, header.view or _STANDARD)
    except TypeError as error:
        raise ImageError("The image's color space is not known: {reason}.", reason=one_line(error)) from error
    finally:
        bpy.data.images.remove(image)


def _premultiplied(path: Path, header: DumpHeader, offset: int, max_side: int) -> FloatArray:
    """Returns the pixels, premultiplied and scaled down. At most some rows are in memory at full size."""
    kind = np.dtype(np.uint8 if header.payload == BYTES else "<f4")
    data = np.memmap(path, kind, "r", offset, (header.height, header.width, header.channels))
    step = max(1, max(header.width, header.height) // max_side)
    rows = []
    for first in range(0, header.height, step):
        band = to_rgba(np.asarray(data[first : first + step], np.float32))
        if header.payload == BYTES:
            band = band / 255.0
            if header.channels not in {2, 4}:
                band[..., 3] = 1.0
        else:
            band = np.nan_to_num(band, nan=0.0, posinf=1e4, neginf=0.0)
        if not header.premultiplied:
            band = np.concatenate([band[..., :3] * band[..., 3:], band[..., 3:]], axis=-1)
        if step > 1:
            band = np.add.reduceat(band.mean(axis=0, keepdims=True), range(0, header.width, step), axis=1)
            band /= np.diff([*range(0, header.width, step), header.width])[None, :, None]
        rows.append(band.astype(np.float32))
    pixels = np.concatenate(rows)
    height, width = pixels.shape[:2]
    if max(height, width) <= max_side:
        return pixels
    factor = max_side / max(height, width)
    return np.maximum(resize(pixels, max(1, round(height * factor)), max(1, round(width * factor))), 0.0)


def _shown_render(path: Path, header: DumpHeader, offset: int) -> FloatArray:
    with tempfile.TemporaryDirectory(prefix="image_to_3d_") as folder:
        exr = Path(folder, "render.exr")
        with path.open("rb") as source, exr.open("wb") as target:
            source.seek(offset)
            shutil.copyfileobj(source, target)
        image = bpy.data.images.load(str(exr))
        try:
            require_pixels(*image.size, _MAX_PIXELS)
            return _saved_as_shown(image, header.view or _STANDARD)
        finally:
            bpy.data.images.remove(image)


def _saved_as_shown(image: bpy.types.Image, view: Mapping[str, Any]) -> FloatArray:
    """Returns the pixels of an image with the view settings applied, by Blender itself."""
    scene = bpy.data.scenes.new("view")
    with tempfile.TemporaryDirectory(prefix="image_to_3d_") as folder:
        path = str(Path(folder, "shown.png"))
        try:
            _apply(scene, view)
            image.save_render(path, scene=scene)
            return _pixels_of(path)
        except RuntimeError as error:
            raise ImageError("The image can't be converted: {reason}.", reason=one_line(error)) from error
        finally:
            bpy.data.scenes.remove(scene)


def _pixels_of(path: str) -> FloatArray:
    image = bpy.data.images.load(path)
    try:
        image.alpha_mode = "CHANNEL_PACKED"
        flat = np.empty(len(image.pixels), np.float32)
        image.pixels.foreach_get(flat)
        return to_rgba(flat.reshape(image.size[1], image.size[0], -1))
    finally:
        bpy.data.images.remove(image)


def _apply(scene: bpy.types.Scene, view: Mapping[str, Any]) -> None:
    """Set a scene's view settings. One that this Blender does not know, such as a configuration's own, is left out."""
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGBA", "8"
    settings.compression = 0
    scene.render.dither_intensity = 0.0
    target: Any = scene.view_settings
    for name, value in [*_STANDARD.items(), *view.items()]:
        owner = scene.display_settings if name == "display_device" else target
        if hasattr(owner, name) and name != "curves":
            try:
                setattr(owner, name, value)
            except TypeError:  # not among this Blender's choices
                continue
    if "curves" not in view:
        return
    target.use_curve_mapping = True
    mapping = target.curve_mapping
    mapping.black_level, mapping.white_level = view["black_level"], view["white_level"]
    for curve, points in zip(mapping.curves, view["curves"], strict=False):
        while len(curve.points) < len(points):
            curve.points.new(0.5, 0.5)
        for point, (x, y, handle) in zip(curve.points, points, strict=False):
            point.location, point.handle_type = (x, y), handle
    mapping.update()
