# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's settings: the service's parameters, made from their one table, and how the model is to stand.

A scene's settings are saved with the .blend, so nothing of an account or of a job is among them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .api.parameters import PARAMETERS, Kind, Parameter, validate
from .placement import Placement
from .scene import asset_catalogs

NAME: Final = "image_to_3d"
"""The attribute of scenes that holds the settings."""

PAGE: Final = "image_to_3d_page"
"""The attribute of the window manager that says which page of the job list is shown."""

SETTINGS: Final = {name: parameter for name, parameter in PARAMETERS.items() if name != "image"}
"""The parameters that are scene settings: all but the image, which is a file as a rule."""

DIGITS: Final = 6
"""Decimal places that a setting means: Blender keeps single precision, where 0.9 is 0.89999998."""

_DEFAULT: Final = Placement()


def _keep_digits(name: str, largest: int) -> Callable[[Any, bpy.types.Context], None]:
    """An update function that makes of whatever was typed a whole number from 0 to `largest`."""

    def clean(settings: Any, _context: bpy.types.Context) -> None:
        typed = getattr(settings, name)
        digits = "".join(c for c in typed if c in "0123456789")[:20]
        wanted = str(min(int(digits or 0), largest))
        if wanted != typed:
            setattr(settings, name, wanted)

    return clean


def _property(parameter: Parameter) -> Any:
    """The Blender property for one of the service's parameters."""
    words = {"name": parameter.label, "description": parameter.description.rstrip(".")}
    low, high = parameter.minimum, parameter.maximum
    limits: dict[str, Any] = {}
    if low is not None:
        limits["min"] = low
    if high is not None:
        limits["max"] = high
    if parameter.soft_minimum is not None:
        limits["soft_min"] = parameter.soft_minimum
    match parameter.kind:
        case Kind.SWITCH:
            return BoolProperty(**words, default=bool(parameter.default))
        case Kind.CHOICE:
            return EnumProperty(
                **words, items=[tuple(choice) for choice in parameter.choices], default=parameter.default
            )
        case Kind.NUMBER:
            return FloatProperty(**words, default=parameter.default, **limits, precision=2, step=10)
        case Kind.INTEGER if parameter.digits:
            clean = _keep_digits(parameter.name, int(high or 0))
            return StringProperty(**words, default=str(parameter.default), update=clean)
        case Kind.INTEGER:
            return IntProperty(**words, default=parameter.default, **limits)
        case _:
            return StringProperty(**words, default=parameter.default or "")


def _image_changed(settings: Any, _context: bpy.types.Context) -> None:
    from . import engine
    from .scene import thumbnails

    thumbnails.refresh(settings.image)
    engine.warm()  # a job will probably follow


class IMAGE_TO_3D_Placement(bpy.types.PropertyGroup):
    """How the model is to stand in the scene (see placement)."""

    if TYPE_CHECKING:
        place: str
        collection: bpy.types.Collection | None
        select: bool
        size: float
        on_ground: bool
        origin: str
        shade_smooth: bool
        triangle_budget: int
        merge_distance: float
        mark_as_asset: bool
        asset_catalog: str
        asset_author: str
        asset_tags: str
    else:
        place: EnumProperty(
            name="Place",
            description="Where the model is put",
            items=(
                (
                    "PLACEHOLDER",
                    "Placeholder",
                    "An empty with the image holds the place at the 3D cursor; move, turn or scale it meanwhile",
                ),
                ("CURSOR", "3D Cursor", "Where the 3D cursor was when the job was started"),
                ("ORIGIN", "World Origin", "At the scene's origin"),
            ),
            default="PLACEHOLDER",
        )
        collection: PointerProperty(
            name="Collection",
            description="The collection the model is put into; empty for the active one",
            type=bpy.types.Collection,
        )
        select: BoolProperty(
            name="Select",
            description="Select the model and make it the active object when it arrives",
            default=_DEFAULT.select,
        )
        size: FloatProperty(
            name="Size",
            description="Length of the model's longest side; 0 for the size it comes in",
            default=_DEFAULT.size,
            min=0.0,
            soft_max=100.0,
            unit="LENGTH",
        )
        on_ground: BoolProperty(
            name="On Ground",
            description="Let the model's lowest point stand on the place's height",
            default=_DEFAULT.on_ground,
        )
        origin: EnumProperty(
            name="Origin",
            description="Where the object's origin is",
            items=(
                ("BOTTOM", "Bottom", "In the middle of the underside"),
                ("CENTER", "Center", "In the middle of the bounding box"),
                ("DELIVERED", "As Delivered", "Where the model's file has it"),
            ),
            default=_DEFAULT.origin,
        )
        shade_smooth: BoolProperty(
            name="Shade Smooth",
            description="Shade the whole model smooth instead of as it comes",
            default=_DEFAULT.shade_smooth,
        )
        triangle_budget: IntProperty(
            name="Triangles",
            description="Simplify the model down to this many triangles; 0 to leave it as it comes",
            default=_DEFAULT.triangle_budget,
            min=0,
            soft_max=500_000,
            step=1000,
        )
        merge_distance: FloatProperty(
            name="Merge Distance",
            description="Merge vertices closer than this; 0 to leave them",
            default=_DEFAULT.merge_distance,
            min=0.0,
            soft_max=0.1,
            precision=5,
            unit="LENGTH",
        )
        mark_as_asset: BoolProperty(
            name="Mark as Asset",
            description="Mark the model as an asset, with a preview image",
            default=_DEFAULT.mark_as_asset,
        )
        asset_catalog: StringProperty(
            name="Catalog",
            description=(
                "The asset catalog, by its path (Props/Chairs) or its UUID; it has to be in the catalogs of an asset "
                "library or of the folder that this file is in"
            ),
        )
        asset_author: StringProperty(name="Author", description="The asset's author", default=_DEFAULT.asset_author)
        asset_tags: StringProperty(name="Tags", description="The asset's tags, separated by commas")

    def chosen(self) -> Placement:
        """These settings as plain data."""
        return Placement(
            place=self.place,
            collection=self.collection.name if self.collection else "",
            select=self.select,
            size=round(self.size, DIGITS),
            on_ground=self.on_ground,
            origin=self.origin,
            shade_smooth=self.shade_smooth,
            triangle_budget=self.triangle_budget,
            merge_distance=round(self.merge_distance, DIGITS),
            mark_as_asset=self.mark_as_asset,
            asset_catalog=asset_catalogs.find(self.asset_catalog),
            asset_tags=tuple(tag for t in self.asset_tags.split(",") if (tag := t.strip())),
            asset_author=self.asset_author.strip(),
        )


def _parameters(settings: Any) -> dict[str, Any]:
    """The request parameters as set in the scene, without the image. Raises ParameterError."""
    return validate({name: getattr(settings, name) for name in SETTINGS})


def _settings_class() -> type[bpy.types.PropertyGroup]:
    """The scene's property group: the image, the placing, and one property a parameter."""
    annotations: dict[str, Any] = {
        "image": StringProperty(
            name="Image",
            description="The image to make a model of: a file, or the public web address of one",
            update=_image_changed,
        ),
        "placement": PointerProperty(type=IMAGE_TO_3D_Placement),
        "scene_token": StringProperty(
            name="Stamp",
            description="Marks the scene so that a job finds it again in the reopened file",
            options={"HIDDEN"},
        ),
    }
    annotations |= {name: _property(parameter) for name, parameter in SETTINGS.items()}
    body = {
        "__annotations__": annotations,
        "__doc__": "The scene's settings for Image to 3D.",
        "__module__": __name__,
        "parameters": _parameters,
    }
    return type("IMAGE_TO_3D_Settings", (bpy.types.PropertyGroup,), body)


IMAGE_TO_3D_Settings = _settings_class()

_register_classes, _unregister_classes = bpy.utils.register_classes_factory(
    (IMAGE_TO_3D_Placement, IMAGE_TO_3D_Settings)
)


def register() -> None:
    _register_classes()
    setattr(bpy.types.Scene, NAME, PointerProperty(type=IMAGE_TO_3D_Settings))
    setattr(
        bpy.types.WindowManager,
        PAGE,
        IntProperty(name="Page", description="Page of the job list", min=0, options={"SKIP_SAVE", "HIDDEN"}),
    )


def unregister() -> None:
    for owner, name in ((bpy.types.WindowManager, PAGE), (bpy.types.Scene, NAME)):
        if hasattr(owner, name):
            delattr(owner, name)
    _unregister_classes()
