# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are captured for a job: the viewport, the last render, the clipboard. Each becomes a PNG file of ours."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import bpy

from ..errors import ImageError, StorageError, one_line
from . import image_files, image_sources
from .data_location import data_folder
from .image_content import save_render

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLDER_NAME: Final = "captures"
KEEP_DAYS: Final = 90
"""A job has its own copy; this is how long the setting of a saved .blend finds its image."""
_MAX_SIDE: Final = 2048
"""Pixels of a viewport's capture; the service gets no more anyway."""
_MARGIN: Final = 0.08
"""Of the subject's longest side, around a captured viewport's subject."""


def new_path(name: str) -> Path:
    """Returns the path for a captured image, in a new folder of ours. Raises StorageError."""
    from ..jobs import spool
    from ..jobs.job import new_id

    folder = data_folder() / FOLDER_NAME
    path = folder / new_id() / f"{spool.file_stem(name)}.png"
    try:
        spool.make_folder(path.parent)
    except OSError as error:
        raise StorageError("The image can't be stored: {reason}.", cause=error) from error
    spool.clean_up_once(folder, KEEP_DAYS)
    return path


def last_render(scene: bpy.types.Scene) -> Path:
    """Returns a new file with the last render as it is displayed. Raises ImageError if there is none."""
    result = next((image for image in bpy.data.images if image.type == "RENDER_RESULT"), None)
    if result is None:
        raise ImageError("There is no render in this session.", advice="Render an image (F12) first.")
    path = new_path(f"{scene.name} Render")
    save_render(result, scene, path, file_format="PNG", color_mode="RGBA", color_depth="8", compression=15)
    return path


def viewport(context: bpy.types.Context, area: bpy.types.Area) -> Path:
    """Returns a new file with what a 3D viewport shows, without overlays, gizmos and background. Raises ImageError."""
    import numpy as np

    region = next(region for region in area.regions if region.type == "WINDOW")
    space: Any = area.spaces.active
    factor = min(1.0, _MAX_SIDE / max(region.width, region.height, 1))
    width, height = max(1, round(region.width * factor)), max(1, round(region.height * factor))
    view: Any = space.region_3d
    overlays = space.overlay.show_overlays
    try:
        target: Any = _offscreen(width, height)
    except Exception as error:
        raise ImageError("The viewport can't be captured: {reason}.", advice="", reason=one_line(error)) from error
    try:
        space.overlay.show_overlays = False
        target.draw_view3d(
            context.scene,
            context.view_layer,
            space,
            region,
            view.view_matrix,
            view.window_matrix,
            do_color_management=True,
            draw_background=False,
        )
        buffer = target.texture_color.read()
        buffer.dimensions = width * height * 4
        pixels = np.array(buffer, np.uint8).reshape(height, width, 4)
    finally:
        space.overlay.show_overlays = overlays
        target.free()
    return write_png(_around_subject(pixels).astype(np.float32) / 255.0, new_path("Viewport"))


def _around_subject(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns what is visible, with a margin: most of a viewport is empty. Raises ImageError if nothing is."""
    import numpy as np

    rows, columns = (np.flatnonzero(pixels[..., 3].any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        raise ImageError("The viewport shows nothing.", advice="Turn the view toward the subject first.")
    margin = max(2, round(max(np.ptp(rows), np.ptp(columns)) * _MARGIN))
    return pixels[
        max(0, rows[0] - margin) : rows[-1] + margin + 1, max(0, columns[0] - margin) : columns[-1] + margin + 1
    ]


def _offscreen(width: int, height: int) -> Any:
    import gpu

    create: Any = gpu.types.GPUOffScreen
    return create(width, height)


def write_png(premultiplied: NDArray[np.float32], path: Path) -> Path:
    """Write premultiplied RGBA values as a PNG. Returns the path. Raises StorageError."""
    import numpy as np

    from ..imaging.raster import unpremultiply

    height, width = premultiplied.shape[:2]
    straight = np.clip(unpremultiply(premultiplied), 0.0, 1.0)
    image = bpy.data.images.new("capture", width, height, alpha=True)
    try:
        content: Any = image.pixels
        content.foreach_set(np.ascontiguousarray(straight, np.float32).reshape(-1))
        return _save(image, path)
    finally:
        bpy.data.images.remove(image)


def _save(image: bpy.types.Image, path: Path) -> Path:
    """Write an image that is ours."""
    image.filepath_raw, image.file_format = str(path), "PNG"
    try:
        image.save()
    except RuntimeError as error:
        raise StorageError("The image can't be stored: {reason}.", reason=one_line(error)) from error
    return path


def clipboard_texts(text: str) -> list[str]:
    """Returns the image files and public URLs that the clipboard's text names, one a line: local ones only."""
    found = []
    for line in text.splitlines()[:1000]:
        entry = line.strip().strip('"')
        if entry.lower().startswith("file:"):
            parts = urlsplit(entry)
            entry = unquote(parts.path) if parts.netloc in {"", "localhost"} else ""
            if len(entry) > 2 and entry[0] == "/" and entry[2] == ":":  # file:///C:/…
                entry = entry[1:]
        if image_sources.is_url(entry) or (_is_path(entry) and image_files.is_image(Path(entry))):
            found.append(entry)
    return found


def _is_path(text: str) -> bool:
    return (
        bool(text)
        and len(text) < 4096
        and text.isprintable()
        and Path(text).is_absolute()
        and (image_sources.is_local(text))
    )


def clipboard_image(context: bpy.types.Context) -> Path | None:
    """Returns a new file with the clipboard's image; None if there is none, or Blender can't read it on this system."""
    before = set(_pointers(bpy.data.images))
    area = context.area
    if area is None:
        return None
    was = area.type
    area.type = "IMAGE_EDITOR"
    try:
        with context.temp_override(area=area):
            paste: Any = bpy.ops.image.clipboard_paste
            if not paste.poll():
                return None
            paste()
    except RuntimeError:  # it holds no image
        return None
    finally:
        area.type = was
    pasted = [image for image in bpy.data.images if image.as_pointer() not in before]
    if not pasted:
        return None
    try:
        return _save(pasted[0], new_path("Clipboard"))
    finally:
        for image in pasted:
            bpy.data.images.remove(image)


def _pointers(images: Iterable[bpy.types.Image]) -> Iterable[int]:
    return (image.as_pointer() for image in images)
