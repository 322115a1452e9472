# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's settings, generated from the two tables: request parameters and placement settings.

They are saved with the .blend, so nothing of an account or a job is among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import bpy
from bpy.props import PointerProperty, StringProperty

from . import placement, property_definitions
from .api.parameters import ACCOUNT, PARAMETERS, VIEWS, undo_single_precision, validate
from .bl_ids import SCENE_SETTINGS
from .errors import ParameterError
from .placement import Placement
from .scene import asset_catalogs, image_sources, stored_settings, thumbnails

_NAMES_0_1_0: Final = {"picture": "image", "placing": "placement", "stamp": "scene_token"}
"""Settings that version 0.1.0 stored in .blend files under other names, and today's names."""

PANEL_PARAMETERS: Final = {
    name: row for name, row in PARAMETERS.items() if name != "image" and row.group not in ("account", "view")
}
"""The parameters that are scene settings: not the image, which is usually a file, nor what belongs to the account."""

PANEL_PLACEMENT: Final = {name: setting for name, setting in placement.SETTINGS.items() if setting.group != "script"}
"""The placement settings that are scene settings."""


def _placement_of(group: Any) -> Placement:
    """Returns the placement settings as set in the scene. Raises ParameterError."""
    values = {name: getattr(group, name) for name in PANEL_PLACEMENT}
    for name, value in values.items():
        if isinstance(value, float):
            values[name] = undo_single_precision(value)
        elif isinstance(value, str):
            values[name] = value.strip()
    return Placement.checked(
        values
        | {
            "collection": group.collection.name if group.collection else "",
            "asset_catalog": asset_catalogs.find(group.asset_catalog),
            "asset_tags": tuple(tag for text in group.asset_tags.split(",") if (tag := text.strip())),
        }
    )


def _parameters_of(settings: Any) -> dict[str, Any]:
    """Returns the request parameters as set in the scene, without the image. Raises ParameterError."""
    return validate({name: getattr(settings, name) for name in PANEL_PARAMETERS})


def _views_of(settings: Any) -> dict[str, Path | bytes]:
    """Returns the images of other sides that are chosen in the panel, by side. Raises ImageError."""
    fields = {side: getattr(settings, property_definitions.view_property(side)).strip() for side in VIEWS}
    return image_sources.views_from_any({side: text for side, text in fields.items() if text})


def use_settings(scene: bpy.types.Scene, parameters: Mapping[str, Any], chosen: Placement) -> None:
    """Put the parameters and the placement of a job or a model into the panel. The image stays as it is.

    A parameter that is missing or that the service does not take gets its default. A collection that this file does
    not have leaves the active one.
    """
    settings = getattr(scene, SCENE_SETTINGS)
    for name, row in PANEL_PARAMETERS.items():
        try:
            value = row.check(parameters.get(name, row.default))
        except ParameterError:
            value = row.default
        setattr(settings, name, str(value) if row.digits else value)
    for name in PANEL_PLACEMENT:
        setattr(settings.placement, name, _shown(name, getattr(chosen, name)))


def _shown(name: str, value: Any) -> Any:
    """Returns a placement setting as its property in the panel has it."""
    match name:
        case "collection":
            return bpy.data.collections.get(value)
        case "asset_catalog":
            return asset_catalogs.path_of(value)
        case "asset_tags":
            return ", ".join(value)
    return value


when_image_changed: Callable[[bpy.types.Context], None] | None = None
"""Called when the artist has chosen an image, or how it is prepared. `handlers` sets it."""


def _image_changed(settings: Any, context: bpy.types.Context) -> None:
    from . import preload

    thumbnails.chosen(settings.image)
    if settings.image and settings.source_image is not None:
        settings.source_image = None
    preload.start()  # a job will probably follow
    _preparation_changed(settings, context)


def _preparation_changed(_settings: Any, context: bpy.types.Context) -> None:
    if when_image_changed is not None:
        when_image_changed(context)


def _source_image_changed(settings: Any, _context: bpy.types.Context) -> None:
    from . import preload

    if settings.source_image is not None:
        thumbnails.chosen_image(settings.source_image)
        if settings.image:
            settings.image = ""
    preload.start()


def _is_no_render(_settings: Any, image: Any) -> bool:
    """Whether an image can be chosen: the next render replaces a render."""
    return bool(image.type != "RENDER_RESULT")


def _property_group(name: str, doc: str, annotations: dict[str, Any], **methods: Any) -> type[bpy.types.PropertyGroup]:
    body = {"__annotations__": annotations, "__doc__": doc, "__module__": __name__, **methods}
    return type(name, (bpy.types.PropertyGroup,), body)


IMAGE_TO_3D_Placement = _property_group(
    "IMAGE_TO_3D_Placement",
    "How a model is placed in the scene (see placement.Placement).",
    {name: property_definitions.placement_property(name, _preparation_changed) for name in PANEL_PLACEMENT}
    | property_definitions.placement_switches(PANEL_PLACEMENT),
    chosen=_placement_of,
)

IMAGE_TO_3D_Settings = _property_group(
    "IMAGE_TO_3D_Settings",
    "The scene's settings for Image to 3D.",
    {
        "image": StringProperty(
            name="Image", description="Image to generate from: a file or a public URL", update=_image_changed
        ),
        "source_image": PointerProperty(
            name="Image",
            description="Image of this file to generate from, as it is shown. Clear it to enter a file or a URL",
            type=bpy.types.Image,
            poll=_is_no_render,
            update=_source_image_changed,
        ),
        "view_left": StringProperty(name="Left", description="Image file that shows the left side of the subject"),
        "view_back": StringProperty(name="Back", description="Image file that shows the back of the subject"),
        "view_right": StringProperty(name="Right", description="Image file that shows the right side of the subject"),
        "placement": PointerProperty(type=IMAGE_TO_3D_Placement),
        "scene_token": StringProperty(
            name="Scene Token", description="Identifies the scene of a job in the reopened file", options={"HIDDEN"}
        ),
    }
    | {name: property_definitions.parameter_property(row) for name, row in PANEL_PARAMETERS.items()}
    | property_definitions.parameter_switches(),
    parameters=_parameters_of,
    views=_views_of,
)


def clean_stored(scene: bpy.types.Scene) -> None:
    """Make what a .blend brought safe to read and to draw (see scene.stored_settings)."""
    stored_settings.clean(scene, IMAGE_TO_3D_Settings, renamed=_NAMES_0_1_0, removed=ACCOUNT)


_register_classes, _unregister_classes = bpy.utils.register_classes_factory(
    (IMAGE_TO_3D_Placement, IMAGE_TO_3D_Settings)
)


def register() -> None:
    _register_classes()
    setattr(bpy.types.Scene, SCENE_SETTINGS, PointerProperty(type=IMAGE_TO_3D_Settings))


def unregister() -> None:
    if hasattr(bpy.types.Scene, SCENE_SETTINGS):
        delattr(bpy.types.Scene, SCENE_SETTINGS)
    _unregister_classes()
