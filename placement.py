# SPDX-License-Identifier: GPL-3.0-or-later
"""The placement settings, defined once: how a model is placed in the scene, and what is done to its mesh.

Validation, the Blender properties and docs/placement.md are generated from the fields of `Placement`. To add a setting,
add a field with `_setting(…)`.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, NamedTuple, Self

from .errors import Message, ParameterError, one_line

Group = Literal["image", "placement", "mesh", "asset", "script"]
"""Where the panel shows a setting; "script": nowhere."""


class Choice(NamedTuple):
    """One value of a setting that has a list of them."""

    value: str
    label: str
    description: str


class Setting(NamedTuple):
    """One placement setting: its wording and range. Its name, type and default are the field's."""

    label: str
    description: str
    group: Group
    choices: tuple[Choice, ...] = ()
    length: bool = False
    """A length in scene units."""
    soft_maximum: float | None = None
    """Where a slider ends; larger values can still be typed."""
    panel_default: Any = None
    """The default in the panel, if it differs from the one for scripts."""
    when_on: float | None = None
    """For a number that is off at 0: the value that the panel suggests when it is switched on."""


def _setting(default: Any, *args: Any, **options: Any) -> Any:
    return field(default=default, metadata={"setting": Setting(*args, **options)})


@dataclass(frozen=True, slots=True)
class Placement:
    """The placement settings of one model."""

    cut_out: bool = _setting(
        False,
        "Cut Out Subject",
        "Make the image's background transparent before it is sent. This is not AI, so look at the preview",
        "image",
    )
    crop: bool = _setting(
        False,
        "Crop to Square",
        "Center the subject in a square image with a small margin before it is sent",
        "image",
    )
    place: str = _setting(
        "CURSOR",
        "Location",
        "Where the model is placed",
        "placement",
        choices=(
            Choice(
                "PLACEHOLDER",
                "3D Cursor, with Placeholder",
                "Show the image at the 3D cursor; move, rotate or scale it while you wait",
            ),
            Choice("CURSOR", "3D Cursor", "Where the 3D cursor was when the job was started"),
            Choice("ORIGIN", "World Origin", "At the scene's origin"),
        ),
        panel_default="PLACEHOLDER",
    )
    collection: str = _setting(
        "",
        "Collection",
        "Collection for the model, created if it does not exist; empty for the active one",
        "placement",
    )
    own_collection: bool = _setting(
        False, "Collection per Model", "Put each model into a collection of its own, named after it", "placement"
    )
    select: bool = _setting(True, "Select", "Select the model and make it active when it arrives", "placement")
    size: float = _setting(
        0.0,
        "Size",
        "Length of the longest side; 0 keeps the original size",
        "placement",
        length=True,
        soft_maximum=100.0,
        when_on=1.0,
    )
    origin: str = _setting(
        "BOTTOM",
        "Origin",
        "Where the object's origin is",
        "placement",
        choices=(
            Choice("BOTTOM", "Bottom", "At the center of the underside"),
            Choice("CENTER", "Center", "At the center of the bounding box"),
            Choice("DELIVERED", "Original", "Where the model file has it"),
        ),
    )
    on_ground: bool = _setting(
        True, "On Ground", "Rest the model on the ground, at the height of its location", "placement"
    )
    up_axis: str = _setting(
        "Y",
        "Up Axis",
        "The axis of the model file that points up; change it if models lie on their side",
        "placement",
        choices=(
            Choice("Y", "Y Up", "As glTF files and the service's models have it"),
            Choice("Z", "Z Up", "As CAD programs and 3D printing have it"),
        ),
    )
    rotation: tuple[float, ...] = _setting(
        (0.0, 0.0, 0.0), "Rotation", "Rotation about X, Y and Z in degrees, applied to the model file", "script"
    )
    shade_smooth: bool = _setting(
        False, "Shade Smooth", "Shade the model smooth; otherwise the imported shading is kept", "mesh"
    )
    triangle_budget: int = _setting(
        0,
        "Triangle Limit",
        "Reduce the model to this many triangles; 0 keeps all",
        "mesh",
        soft_maximum=500_000,
        when_on=20_000,
    )
    merge_distance: float = _setting(
        0.0,
        "Merge Distance",
        "Merge vertices closer than this; 0 keeps all",
        "mesh",
        length=True,
        soft_maximum=0.1,
        when_on=0.0001,
    )
    mark_as_asset: bool = _setting(
        False, "Mark as Asset", "Make the model available in the Asset Browser, with a preview", "asset"
    )
    asset_catalog: str = _setting(
        "", "Catalog", "Path (Props/Chairs) or UUID of an existing asset catalog; empty for none", "asset"
    )
    asset_author: str = _setting("", "Author", "Author of the asset", "asset")
    asset_tags: tuple[str, ...] = _setting((), "Tags", "Tags of the asset; in the panel separated by commas", "asset")

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """Returns a placement from a script's values. Raises ParameterError that names setting, value and range."""
        for name in values:
            if name not in SETTINGS:
                raise ParameterError(
                    'There is no setting "{name}"; there are {names}.', name=one_line(name), names=", ".join(SETTINGS)
                )
        return cls(**{name: _check(name, value) for name, value in values.items()})

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"asset_tags": list(self.asset_tags), "rotation": list(self.rotation)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Returns a placement in `to_json`'s form, of any version: unknown settings and values are ignored."""
        known: dict[str, Any] = {}
        for name in SETTINGS.keys() & values.keys():
            with contextlib.suppress(ParameterError):
                known[name] = _check(name, values[name])
        return cls(**known)


SETTINGS: Final[Mapping[str, Setting]] = {f.name: f.metadata["setting"] for f in fields(Placement)}
"""Every setting by name, in the order to show them."""

DEFAULTS: Final[Mapping[str, Any]] = asdict(Placement())


_ALLOWED: Final[Mapping[type[Any], str]] = {
    bool: "True or False",
    str: "a text",
    tuple: "a list of texts",
    int: "an integer from 0",
}


def allowed(name: str) -> Message:
    """Returns the allowed values of a setting, to follow "must be"."""
    choices = SETTINGS[name].choices
    if choices:
        return Message("one of {names}", {"names": ", ".join(f'"{choice.value}"' for choice in choices)})
    if name == "rotation":
        return Message("three numbers")
    return Message(_ALLOWED.get(type(DEFAULTS[name]), "a number from 0"))


def range_text(name: str) -> str:
    """Returns the allowed values of a setting in English."""
    return str(allowed(name))


def _check(name: str, value: Any) -> Any:
    default, choices = DEFAULTS[name], SETTINGS[name].choices
    if choices:
        fits = value in [choice.value for choice in choices]
    elif name == "rotation":
        numbers = value if isinstance(value, list | tuple) else ()
        fits = len(numbers) == 3 and all(isinstance(x, int | float) and math.isfinite(x) for x in numbers)
    elif isinstance(default, tuple):
        fits = isinstance(value, list | tuple) and all(isinstance(text, str) for text in value)
    elif isinstance(default, bool | str):
        fits = isinstance(value, type(default))
    else:
        number = int if isinstance(default, int) else int | float
        fits = isinstance(value, number) and not isinstance(value, bool) and 0 <= value < math.inf
    if not fits:
        raise ParameterError(
            "{name} is {value}, but must be {allowed}.",
            name=name,
            value=one_line(repr(value), 80),
            allowed=allowed(name),
        )
    return tuple(value) if isinstance(value, list) else value
