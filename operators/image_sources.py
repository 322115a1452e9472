# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets the panel's image from what is in Blender or in the clipboard. Nothing is generated, nothing is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import bpy
from bpy.props import EnumProperty

from ..bl_ids import SCENE_SETTINGS, Op
from ..errors import ImageError, one_line
from ..scene import captures, image_sources
from .define import operator

_NO_CLIPBOARD = (
    "There is no image, file or address in the clipboard, or Blender can't read the clipboard's images on this system."
)
_choices: list[tuple[str, str, str]] = []
"""Blender keeps no reference to the texts of a dynamic enumeration."""


def use_file(context: bpy.types.Context, path: object) -> None:
    """Make a file or a public URL the panel's image."""
    getattr(context.scene, SCENE_SETTINGS).image = str(path)


def use_image(context: bpy.types.Context, image: bpy.types.Image) -> None:
    """Make an image in Blender the panel's image. A render is captured: the next one replaces it."""
    if image.type == "RENDER_RESULT":
        use_file(context, captures.last_render(context.scene))
    else:
        getattr(context.scene, SCENE_SETTINGS).source_image = image


def shown_image(context: bpy.types.Context) -> bpy.types.Image | None:
    """Returns the image in the Image Editor: this one, else the first that is open in this window."""
    areas = [context.area] if context.area and context.area.type == "IMAGE_EDITOR" else []
    areas += [area for area in context.screen.areas if area.type == "IMAGE_EDITOR"] if context.screen else []
    found: Any = (getattr(area.spaces.active, "image", None) for area in areas)
    return next((image for image in found if image is not None), None)


def _why_no_render(_context: bpy.types.Context) -> str:
    has_render = any(image.type == "RENDER_RESULT" for image in bpy.data.images)
    return "" if has_render else "There is no render yet: render an image (F12) first"


def _why_no_viewport(context: bpy.types.Context) -> str:
    if bpy.app.background:
        return "A viewport needs Blender's window"
    return "" if context.area and context.area.type == "VIEW_3D" else "Only in a 3D viewport"


def _why_no_editor(context: bpy.types.Context) -> str:
    return "" if shown_image(context) else "No Image Editor in this window shows an image"


@operator(Op.IMAGE_FROM_RENDER, "Last Render", why_not=_why_no_render)
def from_render(context: bpy.types.Context) -> None:
    """Use the last render as it is displayed. It is captured now: a later render does not change it"""
    use_file(context, captures.last_render(context.scene))


@operator(Op.IMAGE_FROM_VIEWPORT, "Viewport", why_not=_why_no_viewport)
def from_viewport(context: bpy.types.Context) -> None:
    """Capture this viewport as it is shaded, without overlays, gizmos and background"""
    use_file(context, captures.viewport(context, context.area))


@operator(Op.IMAGE_FROM_EDITOR, "Image Editor", why_not=_why_no_editor)
def from_editor(context: bpy.types.Context) -> None:
    """Use the image that is open in the Image Editor, with its unsaved changes"""
    image = shown_image(context)
    if image is not None:
        use_image(context, image)


@operator(Op.IMAGE_FROM_CLIPBOARD, "Clipboard")
def from_clipboard(context: bpy.types.Context) -> None:
    """Use the image, the image file or the address in the clipboard"""
    texts = captures.clipboard_texts(context.window_manager.clipboard)
    if texts:
        if image_sources.is_url(texts[0]):
            from ..jobs.request import check_image

            check_image(texts[0])
        use_file(context, texts[0])
        return
    path = captures.clipboard_image(context)
    if path is None:
        raise ImageError(_NO_CLIPBOARD, advice="Save the image as a file, and drop the file into the viewport.")
    use_file(context, path)


class IMAGE_TO_3D_OT_image_from_blend(bpy.types.Operator):
    """Use an image of this file, with its unsaved changes"""

    bl_idname = Op.IMAGE_FROM_BLEND
    bl_label = "Image in This File"
    bl_options: ClassVar[set[str]] = {"INTERNAL", "UNDO"}
    bl_property = "image"

    def _images(self, _context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
        _choices[:] = [
            (image.name, one_line(image.name), "")
            for image in bpy.data.images
            if image.type in {"IMAGE", "MULTILAYER", "UV_TEST"}
        ]
        return _choices

    if TYPE_CHECKING:
        image: str
    else:
        image: EnumProperty(name="Image", items=_images, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        found = any(image.type != "RENDER_RESULT" for image in bpy.data.images)
        if not found:
            cls.poll_message_set("This file has no images")
        return found

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.invoke_search_popup(self)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        use_image(context, bpy.data.images[self.image])
        return {"FINISHED"}
