# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks an image before it is sent and paid for, and shows what would be sent. Runs inside the background Blender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..imaging.framing import frame_subject
from ..imaging.raster import downscale
from ..imaging.subject_check import check_image
from ..imaging.visibility import make_visible
from .images import read_image, write_image


def check(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "check" request. Returns warnings: messages of what makes a bad model probable, the worst first.

    `target`: write what would be sent there as PNG, at most `longest` pixels long; "" writes nothing.
    Raises ImageError.
    """
    image = make_visible(read_image(Path(request["source"])))
    warnings = [warning.message for warning in check_image(image)]
    progress(0.5)
    if request["target"]:
        framed, reason = frame_subject(image, cut=bool(request["cut_out"]), crop=bool(request["crop"]))
        if reason and not warnings:
            warnings.append(reason)
        write_image(downscale(framed, int(request["longest"])), Path(request["target"]))
    return {"warnings": [message.to_json() for message in warnings]}
