# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns rows of the two tables of settings into Blender properties, with the switches that a panel adds to them.

A setting that is off at 0 has a checkbox in the panel, and keeps its number while it is off. The checkbox is not
stored but read from the number, so that the number alone says what happens, as in scripts.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterable
from typing import Any, Final

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from . import placement, setting_rows
from .api.parameters import MAX_SEED, PARAMETERS, Kind, Parameter
from .api.quality import CUSTOM, QUALITIES, quality_of
from .scene import asset_catalogs

Update = Callable[[Any, bpy.types.Context], None]

RANDOM_SEED: Final = "random_seed"
USE_TEMPORARY_STORAGE: Final = "use_temporary_storage"
QUALITY: Final = "quality"

_QUALITY_NAMES: Final = (*(quality.value for quality in QUALITIES), CUSTOM)
"""The value of the property is the position in it."""


def switch_of(name: str) -> str:
    """Returns the name of the checkbox for a setting that is off at 0."""
    return f"use_{name}"


def kept_name(name: str) -> str:
    """Returns the name of the property that keeps a setting's number while it is off."""
    return f"{name}_kept"


def view_property(side: str) -> str:
    """Returns the name of the property for the image of another side."""
    return f"view_{side}"


def parameter_property(parameter: Parameter) -> Any:
    """Returns the Blender property for a request parameter."""
    text = {"name": parameter.label, "description": parameter.description}
    limits = {"min": parameter.minimum, "max": parameter.maximum, "soft_min": parameter.soft_minimum}
    limits = {name: value for name, value in limits.items() if value is not None}
    match parameter.kind:
        case Kind.BOOLEAN:
            return BoolProperty(**text, default=bool(parameter.default))
        case Kind.ENUM:
            return EnumProperty(**text, items=[tuple(c) for c in parameter.choices], default=parameter.default)
        case Kind.NUMBER:
            return FloatProperty(**text, default=parameter.default, **limits, precision=2, step=10)
        case Kind.INTEGER if parameter.digits:
            clean = _keep_digits(parameter.name, int(parameter.maximum or 0))
            return StringProperty(**text, default=str(parameter.default), update=clean)
        case Kind.INTEGER:
            return IntProperty(**text, default=parameter.default, **limits)
        case _:
            return StringProperty(**text, default=parameter.default or "")


def parameter_switches() -> dict[str, Any]:
    """Returns the properties that stand for request parameters in the panel: quality, random seed, storage, texture."""
    texture = PARAMETERS["atlas_size"]
    text = {"name": texture.label, "description": texture.description}
    size = IntProperty(**text, default=2048, min=0, max=int(texture.maximum or 0))
    return switch("atlas_size", texture.label, texture.description, size) | {
        QUALITY: EnumProperty(
            name="Quality",
            description="Sets resolution, steps and decimation",
            items=[(q.value, q.label, q.description, number) for number, q in enumerate(QUALITIES)]
            + [(CUSTOM, "Custom", "Values of your own", len(QUALITIES))],
            get=lambda settings: _QUALITY_NAMES.index(quality_of(functools.partial(getattr, settings))),
            set=_set_quality,
        ),
        RANDOM_SEED: BoolProperty(
            name="Random",
            description="Use another seed for each model",
            get=lambda settings: settings.seed == "0",
            set=_set_random,
        ),
        kept_name("seed"): StringProperty(
            name="Seed",
            description="The seed that is used when Random is switched off",
            update=_keep_digits(kept_name("seed"), MAX_SEED, zero=""),
        ),
        USE_TEMPORARY_STORAGE: BoolProperty(
            name="Temporary Storage",
            description="Keep the files in the service's temporary storage only",
            get=_is_temporary,
            set=lambda settings, on: setattr(settings, "temp", "yes" if on else "no"),
        ),
    }


def new_seed() -> str:
    """Returns a random seed."""
    return str(random.randint(1, MAX_SEED))


def placement_property(name: str, image_update: Update) -> Any:
    """Returns the Blender property for a placement setting. `image_update`: for those of how an image is prepared."""
    setting, default = placement.SETTINGS[name], placement.DEFAULTS[name]
    text = {"name": setting.label, "description": setting.description}
    if setting.panel_default is not None:
        default = setting.panel_default
    if name == "collection":
        return PointerProperty(**text, type=bpy.types.Collection)
    if name == "asset_catalog":
        return StringProperty(**text, default="", search=_catalog_names, search_options={"SUGGESTION"})
    if isinstance(default, bool) and setting.group == "image":
        return BoolProperty(**text, default=default, update=image_update)
    if isinstance(default, int | float) and not isinstance(default, bool) and setting.maximum is None:
        return _number_property(setting, default)
    if setting.choices or isinstance(default, int | float):
        return tool_property(setting, default)
    return StringProperty(**text, default="")


def tool_property(row: setting_rows.Setting, default: Any, update: Update | None = None) -> Any:
    """Returns the Blender property for a setting with choices or a range. `update`: called when it is changed."""
    text = {"name": row.label, "description": row.description, "update": update}
    if row.choices:
        return EnumProperty(**text, items=[tuple(choice) for choice in row.choices], default=default)
    if isinstance(default, bool):
        return BoolProperty(**text, default=default)
    limits = {"min": row.minimum} | ({} if row.maximum is None else {"max": row.maximum})
    if isinstance(default, int):
        return IntProperty(**text, default=default, **{name: int(limit) for name, limit in limits.items()}, step=500)
    subtype = "FACTOR" if row.maximum == 1.0 else "NONE"
    return FloatProperty(**text, default=default, **limits, precision=3 if row.maximum == 1.0 else 1, subtype=subtype)


def placement_switches(names: Iterable[str]) -> dict[str, Any]:
    """Returns the checkboxes of those placement settings that are off at 0, and the numbers that these keep."""
    found: dict[str, Any] = {}
    for name in names:
        setting = placement.SETTINGS[name]
        if setting.when_on is not None:
            kept = type(placement.DEFAULTS[name])(setting.when_on)
            found |= switch(name, setting.label, setting.description, _number_property(setting, kept))
    return found


def switch(name: str, label: str, description: str, kept: Any) -> dict[str, Any]:
    """Returns the checkbox for a number that is off at 0, and `kept`, the property of the number that it keeps."""

    def is_on(owner: Any) -> bool:
        return bool(getattr(owner, name) > 0)

    def set_on(owner: Any, on: bool) -> None:
        if on and not is_on(owner):
            default = owner.bl_rna.properties[kept_name(name)].default
            setattr(owner, name, getattr(owner, kept_name(name)) or default)
        elif is_on(owner) and not on:
            setattr(owner, kept_name(name), getattr(owner, name))
            setattr(owner, name, 0)

    return {
        switch_of(name): BoolProperty(name=label, description=description, get=is_on, set=set_on),
        kept_name(name): kept,
    }


def _number_property(setting: setting_rows.Setting, default: float) -> Any:
    text = {"name": setting.label, "description": setting.description}
    if isinstance(default, int):
        return IntProperty(**text, default=default, min=0, soft_max=int(setting.soft_maximum or 0), step=1000)
    precision = 5 if (setting.soft_maximum or 1.0) < 1.0 else 2
    unit = "LENGTH" if setting.length else "NONE"
    return FloatProperty(
        **text, default=default, min=0.0, soft_max=setting.soft_maximum, precision=precision, unit=unit
    )


def _keep_digits(name: str, maximum: int, zero: str = "0") -> Update:
    """Returns an update function that turns whatever was typed into an integer from 0 to `maximum`."""

    def clean(settings: Any, _context: bpy.types.Context) -> None:
        typed = getattr(settings, name)
        digits = "".join(c for c in typed if c in "0123456789")[:20]
        number = min(int(digits or 0), maximum)
        wanted = str(number) if number else zero
        if wanted != typed:
            setattr(settings, name, wanted)

    return clean


def _set_quality(settings: Any, number: int) -> None:
    for quality in QUALITIES:
        if quality.value == _QUALITY_NAMES[number]:
            for name, value in quality.parameters.items():
                setattr(settings, name, value)


def _is_temporary(settings: Any) -> bool:
    return bool(settings.temp == "yes")


def _set_random(settings: Any, on: bool) -> None:
    if on and settings.seed != "0":
        settings.seed_kept, settings.seed = settings.seed, "0"
    elif not on and settings.seed == "0":
        settings.seed = settings.seed_kept or new_seed()


def _catalog_names(_group: Any, _context: bpy.types.Context, _typed: str) -> list[str]:
    """Returns the paths of the asset catalogs that can be chosen. Blender calls it when the field is clicked."""
    return asset_catalogs.paths()
