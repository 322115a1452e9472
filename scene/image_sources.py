# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the input image comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from ..errors import ImageError
from ..jobs import views
from .image_content import name_of as name_of_image
from .image_content import source_of
from .paths import absolute as absolute
from .paths import is_local as is_local
from .paths import relative as relative


def from_text(text: str) -> Path | str:
    """Returns the image for a path (`//` is the .blend's folder) or a public URL. Raises ImageError."""
    text = text.strip()
    if not text:
        raise ImageError("No image is chosen.", advice="Choose an image first.")
    if is_url(text):
        return text
    path = Path(absolute(text)).expanduser().absolute()
    if not path.is_file():
        raise ImageError("Image not found: {path}.", advice="Choose another image.", path=str(path))
    return path


def from_any(image: str | os.PathLike[str] | bpy.types.Image) -> Path | str:
    """Returns the image for a path, a public URL, or an image in Blender: the file of what it shows.

    Raises ImageError, StorageError.
    """
    if isinstance(image, bpy.types.Image):
        return source_of(image)
    return from_text(os.fspath(image))


def views_from_any(
    images: Mapping[str, str | os.PathLike[str] | bytes | bpy.types.Image],
) -> dict[str, Path | bytes]:
    """Returns the images of other sides of a subject, by side: files, or what `bytes` hold.

    Raises ParameterError for a side that there is not, ImageError, StorageError.
    """
    views.check_sides(images)
    found: dict[str, Path | bytes] = {}
    for side, image in images.items():
        with views.named(side):
            source = image if isinstance(image, bytes) else from_any(image)
            if isinstance(source, str):
                raise ImageError("Views must be files.", advice="Download the images first.")
        found[side] = source
    return found


def name_of(image: object) -> str:
    """Returns the model's name for an image in Blender; empty for any other, whose file gives the name."""
    return name_of_image(image) if isinstance(image, bpy.types.Image) else ""


def from_settings(settings: Any) -> tuple[Path | str, str]:
    """Returns the image that is chosen in the panel, and the model's name; empty if the file gives it.

    Raises ImageError, StorageError.
    """
    image = settings.source_image
    return (from_any(image), name_of(image)) if image is not None else (from_text(settings.image), "")


def is_url(text: str) -> bool:
    """Whether the text is a URL rather than a path."""
    return text.lower().startswith(("http://", "https://"))
