# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads, scales and writes images, in every format that Blender reads. Runs inside the background Blender.

An image is an array as in `imaging.raster`: h × w × 4, sRGB, 0 to 1, straight alpha, bottom row first.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np

from ..errors import ImageError, one_line
from ..formats.image_complete import first_gif_frame_twice, first_webp_frame
from ..formats.image_info import ImageInfo, read_image_info, require_complete
from ..formats.image_profile import color_profile
from ..imaging.color_profile import to_srgb
from ..imaging.raster import FloatArray, apply_orientation, downscale, linear_to_srgb, to_rgba, unpremultiply

MAX_SIDE: Final = 2048
"""Pixels; an image that has to be re-encoded is scaled down to this."""
MAX_PIXELS_AT_ONCE: Final = 50_000_000
"""Pixels read from Blender at once (16 bytes each). Larger images are scaled by Blender, with lower quality."""
MIN_SIDE: Final = 32
QUALITIES: Final = (95, 88, 80)
"""JPEG qualities, tried in this order before the image is made smaller."""
MIN_SUBJECT_SIDE: Final = 8
"""Pixels; the least width and height of what is opaque."""
MIN_OPACITY: Final = 0.8
"""TRELLIS crops the image to the pixels whose alpha is above this (its `preprocess_image`), and fails without any."""
_OTHER_IMAGE: Final = "Choose another image."
PNG: Final = 0
"""In place of a JPEG quality."""


def prepare(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle an "image" request: convert `source` to an upload.png if it has transparency, else to an upload.jpg.

    Returns the name in `folder`, width and height. Raises ImageError if it can't be made small enough for `limit`
    bytes, or the folder can't be written.
    """
    limit = int(request["limit"])
    image = read_image(Path(request["source"]))
    require_visible(image)
    progress(0.5)
    transparent = has_transparency(image)
    path = Path(request["folder"], "upload.png" if transparent else "upload.jpg")
    while True:
        height, width = image.shape[:2]
        for quality in (PNG,) if transparent else QUALITIES:
            write_image(image, path, quality)
            if path.stat().st_size <= limit:
                return {"file": path.name, "width": width, "height": height}
        smaller = int(max(width, height) * 0.8)
        if smaller < MIN_SIDE:
            path.unlink()
            raise ImageError("The image can't be made smaller than {limit} bytes.", limit=f"{limit:,}")
        image = downscale(image, smaller)


def thumbnail(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "thumbnail" request: write `source` as PNG, at most `longest` pixels long. Raises ImageError."""
    write_image(read_image(Path(request["source"]), int(request["longest"])), Path(request["target"]))
    progress(1.0)
    return {}


def check(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "check_image" request: an image that is uploaded as it is shows something. Raises ImageError."""
    require_visible(read_image(Path(request["source"])))
    progress(1.0)
    return {}


def require_visible(image: FloatArray) -> None:
    """Raises ImageError if there is nothing to generate a model from: the services fail on it after it was paid for."""
    height, width = image.shape[:2]
    if min(height, width) < MIN_SUBJECT_SIDE:
        raise ImageError(
            "The image is too small: {width} × {height} pixels.", advice=_OTHER_IMAGE, width=width, height=height
        )
    alpha = image[..., 3]
    rows, columns = (np.flatnonzero((alpha > MIN_OPACITY).any(axis=axis)) for axis in (1, 0))
    if min(np.ptp(rows) if len(rows) else -1, np.ptp(columns) if len(columns) else -1) + 1 >= MIN_SUBJECT_SIDE:
        return
    if float(alpha.max()) < 0.02:
        raise ImageError("The image is completely transparent.", advice=_OTHER_IMAGE)
    raise ImageError(
        "Almost nothing in the image is opaque: its most opaque pixel has {percent} % alpha.",
        advice="Make the subject opaque, or choose another image.",
        percent=round(100 * float(alpha.max())),
    )


def read_image(path: Path, max_side: int = MAX_SIDE) -> FloatArray:
    """Returns an image file's image, upright and scaled down to at most `max_side` pixels. Raises ImageError.

    Of an animated image, the first frame. Colors are converted from the file's color profile to sRGB.
    """
    info = read_image_info(path)
    require_complete(path)
    if info is not None and info.mime == "image/webp":
        still, left, top = first_webp_frame(path.read_bytes())
        pixels = _pasted(_decode_bytes(still, ".webp"), info, left, top)
    elif info is not None and info.mime == "image/gif":
        pixels = _decode_bytes(first_gif_frame_twice(path.read_bytes()), ".gif")
    else:
        pixels = _decode(path)
    pixels = to_srgb(pixels, color_profile(path))
    return downscale(apply_orientation(pixels, info.orientation if info is not None else 1), max_side)


def _pasted(frame: FloatArray, info: ImageInfo, left: int, top: int) -> FloatArray:
    """Returns a frame that covers a part of its image as a whole image."""
    if frame.shape[:2] == (info.height, info.width):
        return frame
    image = np.zeros((info.height, info.width, 4), np.float32)
    bottom = info.height - top - frame.shape[0]
    image[bottom : bottom + frame.shape[0], left : left + frame.shape[1]] = frame
    return image


def _decode_bytes(content: bytes, suffix: str) -> FloatArray:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "frame").with_suffix(suffix)
        file.write_bytes(content)
        return _decode(file)


def _decode(path: Path) -> FloatArray:
    try:
        image = bpy.data.images.load(str(path), check_existing=False)
    except RuntimeError as error:
        raise ImageError("The image can't be read: {reason}.", reason=one_line(error)) from error
    try:
        premultiplied = image.alpha_mode == "PREMUL"  # as OpenEXR and some TIFF files are
        if not premultiplied:
            image.alpha_mode = "CHANNEL_PACKED"  # keeps the colors of transparent pixels, also in 16-bit images
        width, height = image.size
        # A GIF is a movie for Blender, with one frame.
        if not width or not height or image.source not in {"FILE", "TILED", "MOVIE"}:
            raise _unreadable(path)
        if width * height > MAX_PIXELS_AT_ONCE:
            factor = math.sqrt(MAX_PIXELS_AT_ONCE / (width * height))
            image.scale(max(1, int(width * factor)), max(1, int(height * factor)))
            width, height = image.size
        flat = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(flat)
        if not image.has_data or not len(flat):
            raise _unreadable(path)
        is_linear = image.is_float  # 16-bit and HDR images
    finally:
        bpy.data.images.remove(image)
    pixels = to_rgba(flat.reshape(height, width, -1))
    if is_linear:
        pixels = np.nan_to_num(pixels, nan=0.0, posinf=1e4, neginf=0.0)
        pixels = np.clip(unpremultiply(pixels) if premultiplied else pixels, 0.0, 1.0)
        pixels[..., :3] = linear_to_srgb(pixels[..., :3])
    return pixels


def _unreadable(path: Path) -> ImageError:
    with path.open("rb") as file:
        brand = file.read(12)[4:].partition(b"ftyp")[2]
    name = {b"avif": "AVIF", b"avis": "AVIF", b"mif1": "HEIF", b"msf1": "HEIF"}.get(brand, "")
    name = name or ("HEIC" if brand[:3] in {b"hei", b"hev"} else "")
    if name:
        advice = "Save it as PNG or JPEG and choose that."
        return ImageError("This Blender can't read {format} images.", advice=advice, format=name)
    return ImageError("The file is not an image that Blender can read, or it is damaged.")


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
