# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks an image before it is sent and paid for, and composes several views. Runs inside the background Blender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import NO_MESSAGE
from ..imaging.cutout import cut_out
from ..imaging.framing import compose_views, frame_subject
from ..imaging.raster import downscale
from ..imaging.subject_check import NOT_CUT_OUT, TITLES, check_image
from ..imaging.visibility import make_visible
from .images import read_image, write_image


def check(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "check" request. Returns warnings (messages of what makes a bad model probable, the worst first), the
    worst one in a few words, and the image's size in pixels.

    `target`: write what would be sent there as PNG, at most `longest` pixels long; "" writes nothing.
    Raises ImageError.
    """
    image = make_visible(read_image(Path(request["source"])))
    found = check_image(image)
    warnings, title = [warning.message for warning in found], TITLES[found[0].code] if found else NO_MESSAGE
    progress(0.5)
    if request["target"]:
        framed, reason = frame_subject(image, cut=bool(request["cut_out"]), crop=bool(request["crop"]))
        if reason and not warnings:
            warnings, title = [reason], NOT_CUT_OUT
        write_image(downscale(framed, int(request["longest"])), Path(request["target"]))
    size = [image.shape[1], image.shape[0]]
    return {"warnings": [message.to_json() for message in warnings], "title": title.to_json(), "size": size}


def compose(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "views" request: cut the subject out of each of `sources`, and write all in one PNG, `target`.

    Returns warnings: messages about views without a subject that could be separated. Raises ImageError.
    """
    views, warnings = [], []
    for number, source in enumerate(request["sources"], 1):
        image = make_visible(read_image(Path(source)))
        found = cut_out(image)
        views.append((image, found))
        if found.reason:
            warnings.append(found.reason.to_json())
        progress(number / (len(request["sources"]) + 1))
    write_image(compose_views(views), Path(request["target"]))
    return {"warnings": warnings}
