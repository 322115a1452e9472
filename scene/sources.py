# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the picture comes from."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..api.errors import PictureError


def from_text(text: str) -> Path | str:
    """The picture that a path (`//` is the .blend's folder) or a public web address means.

    Raises PictureError where there is none to look at.
    """
    text = text.strip()
    if not text:
        raise PictureError("No picture is chosen.", advice="Choose a picture first.")
    if is_address(text):
        return text
    path = Path(bpy.path.abspath(text)).expanduser().absolute()
    if not path.is_file():
        raise PictureError(f"There is no picture at {path}.", advice="Choose another picture.")
    return path


def is_address(text: str) -> bool:
    """Whether it is a web address rather than a file."""
    return text.lower().startswith(("http://", "https://"))
