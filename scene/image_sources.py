# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the image comes from."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import ImageError


def from_text(text: str) -> Path | str:
    """The image that a path (`//` is the .blend's folder) or a public web address means.

    Raises ImageError where there is none to look at.
    """
    text = text.strip()
    if not text:
        raise ImageError("No image is chosen.", advice="Choose an image first.")
    if is_address(text):
        return text
    path = Path(bpy.path.abspath(text)).expanduser().absolute()
    if not path.is_file():
        raise ImageError(f"There is no image at {path}.", advice="Choose another image.")
    return path


def is_address(text: str) -> bool:
    """Whether it is a web address rather than a file."""
    return text.lower().startswith(("http://", "https://"))
