# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the input image comes from."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ..errors import ImageError


def from_text(text: str) -> Path | str:
    """Returns the image for a path (`//` is the .blend's folder) or a public URL. Raises ImageError."""
    text = text.strip()
    if not text:
        raise ImageError("No image is chosen.", advice="Choose an image first.")
    if is_url(text):
        return text
    path = Path(bpy.path.abspath(text)).expanduser().absolute()
    if not path.is_file():
        raise ImageError("Image not found: {path}.", advice="Choose another image.", path=str(path))
    return path


def from_any(image: str | os.PathLike[str] | bpy.types.Image) -> Path | str:
    """Returns the image for a path, a public URL, or an image in Blender. Raises ImageError."""
    if isinstance(image, bpy.types.Image):
        return from_text(image.filepath)
    return from_text(os.fspath(image))


def absolute(text: str) -> str:
    """Returns the path for one as it is stored in a .blend (`//` is the .blend's folder)."""
    return str(bpy.path.abspath(text))


def is_url(text: str) -> bool:
    """Whether the text is a URL rather than a path."""
    return text.lower().startswith(("http://", "https://"))
