# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of an image in Blender, as the artist sees it, for a job. The image itself is never changed.

An unmodified image is its file, or its packed bytes. The pixels of any other (painted, generated, a movie's frame, a
viewer's) are copied on the main thread, and encoded in the background Blender. A render's are written by Blender as an
uncompressed OpenEXR file: nothing else gives access to them.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy

from ..errors import ImageError, StorageError, one_line
from . import view_settings
from .data_location import data_folder
from .paths import absolute, is_local

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AS_IN_FILE: Final = frozenset({"sRGB", "Non-Color", "Raw", "Linear Rec.709", "Linear"})
_LINEAR_SUFFIXES: Final = frozenset({".exr", ".hdr", ".tif", ".tiff", ".dpx", ".cin", ".jp2", ".psd", ".png"})
"""Files that may hold linear light. In others, it is a choice of the artist that the color space is linear."""
_ROWS_AT_ONCE: Final = 64


def source_of(
    image: bpy.types.Image, scene: bpy.types.Scene | None = None, image_user: bpy.types.ImageUser | None = None
) -> Path:
    """Returns the file with what the image shows. If it is in no file, or changed since, that is one of the spool's.

    `scene`: whose view settings and frame apply; by default the open one. `image_user`: chooses a sequence's frame.
    Raises ImageError, StorageError. Main thread only.
    """
    scene = scene or bpy.context.scene
    if image.type == "RENDER_RESULT":
        return _render(image, scene)
    view = None
    if image.use_view_as_render and image.source != "GENERATED":
        view = view_settings.read(scene)
    if image.source not in {"GENERATED", "VIEWER"} and not image.is_dirty and view is None:
        packed = _packed(image)
        if packed is not None and _is_shown_as_in_file(image):
            return _spooled(image, Path(image.filepath).suffix or ".img", packed)
        path = _file(image, scene, image_user)
        first_frame = image.source == "MOVIE" and not image.has_data and image.filepath.lower().endswith(".gif")
        if packed is None and path is not None and path.is_file() and (first_frame or _is_shown_as_in_file(image)):
            return path
    return _pixels(image, view)


def name_of(image: bpy.types.Image) -> str:
    """Returns the name for a model of this image: without what is a file name's suffix."""
    name = one_line(image.name)
    return re.sub(r"\.(\d{3}|[A-Za-z][A-Za-z0-9]{1,4})$", "", re.sub(r"\.\d{3}$", "", name)) or name


def folder() -> Path:
    """Returns the folder of the spool."""
    from ..jobs.spool import FOLDER_NAME

    return data_folder() / FOLDER_NAME


def _is_shown_as_in_file(image: bpy.types.Image) -> bool:
    """Whether the artist has not changed how the file's content is interpreted. Does not decode it."""
    space = image.colorspace_settings.name
    is_linear = space.startswith("Linear") and Path(image.filepath).suffix.lower() not in _LINEAR_SUFFIXES
    return space in _AS_IN_FILE and not is_linear and image.alpha_mode != "NONE" and image.source != "MOVIE"


def _packed(image: bpy.types.Image) -> bytes | None:
    """Returns the packed content; of a tiled image, that of the first tile."""
    files = list(image.packed_files)
    if image.source == "TILED" and files:
        first = image.tiles[0].number
        files = [each for each in files if each.tile_number == first] or files
    data = files[0].packed_file.data if files and files[0].packed_file is not None else b""
    return bytes(data) or None


def _file(image: bpy.types.Image, scene: bpy.types.Scene, image_user: bpy.types.ImageUser | None) -> Path | None:
    """Returns the path of the image's file: of a tiled image the first tile's, of a sequence the frame's."""
    text = image.filepath
    if not text:
        return None
    if image.library is not None:
        text = bpy.path.abspath(text, library=image.library)
    if image.source == "TILED" and len(image.tiles):
        number = image.tiles[0].number
        across, down = (number - 1001) % 10, (number - 1001) // 10
        text = text.replace("<UDIM>", str(number)).replace("<UVTILE>", f"u{across + 1}_v{down + 1}")
    elif image.source == "SEQUENCE":
        text = image.filepath_from_user(image_user=image_user) if image_user else _frame(text, scene.frame_current)
    path = absolute(text)
    if not is_local(path) and not image.has_data:
        raise ImageError("{path} is on another computer.", advice="Open the image first.", path=one_line(path))
    return Path(path)


def _frame(text: str, frame: int) -> str:
    """Returns the path of a sequence's file for a frame; the given path if there is none."""
    name = os.path.basename(text.replace("\\", "/"))
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", name, re.S)
    if found is None:
        return text
    first, digits, last = found.groups()
    wanted = text[: len(text) - len(name)] + f"{first}{frame:0{len(digits)}d}{last}"
    return wanted if os.path.isfile(absolute(wanted)) else text


def _pixels(image: bpy.types.Image, view: dict[str, Any] | None) -> Path:
    """Copy the pixels, and have a thread write them. A movie's are those of the frame that was shown last."""
    width, height = image.size
    if not width or not height or not image.has_data:
        raise ImageError(
            "The image {name} has no content.",
            advice="Open the image in the Image Editor to see whether its file is missing.",
            name=one_line(image.name),
        )
    import numpy as np

    from ..formats.pixel_dump import BYTES, FLOATS, SUFFIX, DumpHeader, header_bytes

    channels, is_float = image.channels, image.is_float
    pixels = np.empty(width * height * channels, np.float32)
    content: Any = image.pixels
    content.foreach_get(pixels)
    header = DumpHeader(
        FLOATS if is_float else BYTES,
        pixels.size * (4 if is_float else 1),
        width,
        height,
        channels,
        premultiplied=is_float and image.alpha_mode in {"STRAIGHT", "PREMUL"},
        colorspace="Non-Color" if image.colorspace_settings.is_data else image.colorspace_settings.name,
        view=view,
    )
    rows = pixels.reshape(height, width * channels)
    return _spool_add(
        image, SUFFIX, header_bytes(header), lambda: _floats(rows) if is_float else _bytes(rows), pixels.nbytes
    )


def _floats(rows: NDArray[np.float32]) -> Iterator[memoryview]:
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[first : first + _ROWS_AT_ONCE].astype("<f4", copy=False).data.cast("B")


def _bytes(rows: NDArray[np.float32]) -> Iterator[memoryview]:
    import numpy as np

    for first in range(0, len(rows), _ROWS_AT_ONCE):
        yield np.rint(rows[first : first + _ROWS_AT_ONCE] * 255.0).astype(np.uint8).data.cast("B")


def _spooled(image: bpy.types.Image, suffix: str, content: bytes) -> Path:
    suffix = suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,5}", suffix) else ".img"
    return _spool_add(image, suffix, content[:1024], lambda: iter((content[1024:],)), len(content))


def _spool_add(image: bpy.types.Image, suffix: str, head: bytes, chunks: Any, size: int) -> Path:
    from ..jobs import spool

    return spool.add(folder(), name_of(image), suffix, head, chunks, size)


def _render(image: bpy.types.Image, scene: bpy.types.Scene) -> Path:
    """Have Blender write the last render, and a thread put the view settings in front of it."""
    from ..formats.pixel_dump import EXR, SUFFIX, DumpHeader, header_bytes
    from ..jobs import spool
    from ..jobs.job import new_id

    path = folder() / f"{new_id()}.exr"
    try:
        spool.make_folder(path.parent)
        save_render(image, scene, path, file_format="OPEN_EXR", color_mode="RGBA", color_depth="16", exr_codec="NONE")
        size = path.stat().st_size
    except OSError as error:
        raise StorageError("The image can't be stored: {reason}.", cause=error) from error
    header = DumpHeader(EXR, size, view=view_settings.read(scene))

    def chunks() -> Iterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                yield chunk
        path.unlink()

    return _spool_add(image, SUFFIX, header_bytes(header), chunks, 0)


def save_render(image: bpy.types.Image, scene: bpy.types.Scene, path: Path, **output: str | int) -> None:
    """Write the last render with these output settings. The scene's own are restored. Raises ImageError."""
    settings: Any = scene.render.image_settings
    with _restored(settings):
        if hasattr(settings, "media_type"):  # 5.0
            settings.media_type = "IMAGE"
        for name, value in output.items():
            setattr(settings, name, value)
        try:
            image.save_render(str(path), scene=scene)
        except RuntimeError as error:
            raise ImageError("There is no render in this session.", advice="Render an image (F12) first.") from error


@contextlib.contextmanager
def _restored(settings: Any) -> Iterator[None]:
    """Context: afterward, the output settings are as they were."""
    names = [p.identifier for p in settings.bl_rna.properties if not p.is_readonly and p.type != "POINTER"]
    names.sort(key=lambda name: {"media_type": 0, "file_format": 1}.get(name, 2))
    before = {name: getattr(settings, name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            with contextlib.suppress(TypeError):  # one that the format does not have
                setattr(settings, name, value)
