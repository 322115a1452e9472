# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators that open the file browser for images have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import bpy
from bpy.props import BoolProperty, EnumProperty

_HIDDEN: Final[Any] = {"options": {"HIDDEN", "SKIP_SAVE"}}


class ImageFileBrowser:
    """Makes the file browser show images and folders only, as thumbnails."""

    if TYPE_CHECKING:
        filter_image: bool
        filter_folder: bool
        display_type: str
    else:
        filter_image: BoolProperty(default=True, **_HIDDEN)
        filter_folder: BoolProperty(default=True, **_HIDDEN)
        display_type: EnumProperty(
            items=(("DEFAULT", "Default", "", 0), ("THUMBNAIL", "Thumbnails", "", 3)), default="THUMBNAIL", **_HIDDEN
        )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


def names_of(files: Iterable[Any]) -> list[dict[str, str]]:
    """Returns the chosen files as the argument `files` of another operator."""
    return [{"name": each.name} for each in files if each.name]


def continue_with(operator: Any, ask: Callable[[], set[str]]) -> set[str]:
    """Call another operator, which asks in a dialog once the file browser is closed; report why it can't run."""
    try:
        return set(ask())
    except RuntimeError as error:  # it reported why
        operator.report({"ERROR"}, str(error).removeprefix("Error: ").strip())
        return {"CANCELLED"}
