# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the input image comes from."""

from __future__ import annotations

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


def is_url(text: str) -> bool:
    """Whether the text is a URL rather than a path."""
    return text.lower().startswith(("http://", "https://"))
