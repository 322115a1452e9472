# SPDX-License-Identifier: GPL-3.0-or-later
"""Every request parameter, once: type, default, range and wording.

The validation, the Blender properties and the documentation's table are all made from `PARAMETERS`.
"""

from __future__ import annotations

import difflib
import enum
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from ..errors import ParameterError, one_line
from .http.urls import is_http_url

Group = Literal["generation", "output", "service"]

LARGEST_SEED: Final = 2**32 - 1


class Kind(enum.Enum):
    """What a parameter's value is."""

    TEXT = "text"
    SWITCH = "switch"
    INTEGER = "whole number"
    NUMBER = "number"
    CHOICE = "choice"


class Choice(NamedTuple):
    """One value of a parameter that has a list of them."""

    value: str
    label: str
    description: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One request parameter, under the service's own name."""

    name: str
    kind: Kind
    default: Any
    label: str
    description: str
    group: Group = "generation"
    minimum: float | None = None
    maximum: float | None = None
    soft_minimum: float | None = None
    """Where a slider begins; smaller values can still be typed in."""
    choices: tuple[Choice, ...] = ()
    required: bool = False
    schemes: tuple[str, ...] = ()
    """For a text that is a web address: the schemes it may have."""
    digits: bool = False
    """A whole number that may also come as text, because no signed 32-bit property holds it."""

    @property
    def range_text(self) -> str:
        """What is allowed, in words that follow "must be"."""
        match self.kind:
            case Kind.SWITCH:
                return "on or off (True or False)"
            case Kind.CHOICE:
                return "one of " + ", ".join(f'"{c.value}"' for c in self.choices)
            case Kind.TEXT:
                if not self.schemes:
                    return "a text"
                return "a web address that begins with " + " or ".join(f"{s}://" for s in self.schemes)
            case _:
                return f"a {self.kind.value} from {_number(self.minimum)} to {_number(self.maximum)}"

    def check(self, value: object) -> Any:
        """The value in the form that is sent. Raises ParameterError that names parameter, value and range."""
        value = _plain(value)
        match self.kind:
            case Kind.SWITCH:
                if isinstance(value, bool):
                    return value
            case Kind.CHOICE:
                for choice in self.choices:
                    if value == choice.value:
                        return choice.value
            case Kind.TEXT:
                return self._check_text(value)
            case Kind.INTEGER:
                return self._check_integer(value)
            case Kind.NUMBER:
                return self._check_number(value)
        raise self._wrong(value)

    def _check_text(self, value: object) -> str | None:
        if not self.required and (value is None or value == ""):
            return None
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(value)
        if self.schemes and not is_http_url(value, self.schemes):
            raise self._wrong(value)
        return value

    def _check_integer(self, value: object) -> int:
        if self.digits and isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self._inside(value):
            raise self._wrong(value)
        return value

    def _check_number(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(value)
        if isinstance(value, int):
            if not self._inside(value):
                raise self._wrong(value)
            return float(value)
        if not math.isfinite(value):
            raise self._wrong(value)
        cleaned = _without_single_precision(value)
        if not self._inside(cleaned):
            raise self._wrong(value)
        return cleaned

    def _inside(self, value: float) -> bool:
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)

    def _wrong(self, value: object) -> ParameterError:
        return ParameterError(f"{self.name} is {_shown(value)}, but must be {self.range_text}.")


_FORMATS: Final = (
    Choice("glb", "GLB", "One file with mesh, material and texture; the usual choice"),
    Choice("obj", "OBJ", "Mesh as text, with its material and textures in separate files"),
    Choice("stl", "STL", "Bare mesh without colour, for 3D printing"),
    Choice("ply", "PLY", "Mesh with a colour at each vertex"),
)

_ALL: Final = (
    Parameter(
        "image", Kind.TEXT, "", "Image", "Public web address of the image",
        required=True, schemes=("http", "https"),
    ),
    Parameter(
        "output_format", Kind.CHOICE, "glb", "Format", "File format of the model",
        "output", choices=_FORMATS,
    ),
    Parameter(
        "render", Kind.SWITCH, False, "Turntable Video", "Also make a video of the model turning around",
        "output",
    ),
    Parameter(
        "resolution", Kind.INTEGER, 256, "Resolution", "Detail of the generated shape; higher takes longer",
        minimum=1, maximum=512, soft_minimum=64,
    ),
    Parameter(
        "multi_image", Kind.SWITCH, False, "Several Views",
        "The image is one transparent PNG that holds several views of the subject",
    ),
    Parameter(
        "ss_guidance_strength", Kind.NUMBER, 7.5, "Shape Guidance",
        "How closely the rough shape follows the image (sparse structure)",
        minimum=0, maximum=10,
    ),
    Parameter(
        "ss_sampling_steps", Kind.INTEGER, 12, "Shape Steps",
        "Sampling steps for the rough shape (sparse structure); more takes longer",
        minimum=1, maximum=50,
    ),
    Parameter(
        "slat_guidance_strength", Kind.NUMBER, 3.0, "Detail Guidance",
        "How closely details and surface follow the image (structured latents)",
        minimum=0, maximum=10,
    ),
    Parameter(
        "slat_sampling_steps", Kind.INTEGER, 12, "Detail Steps",
        "Sampling steps for details and surface (structured latents); more takes longer",
        minimum=1, maximum=50,
    ),
    Parameter(
        "mesh_simplify", Kind.NUMBER, 0.9, "Simplify", "Share of the triangles that is removed",
        "output", minimum=0.9, maximum=0.98,
    ),
    Parameter(
        "chunk_size", Kind.INTEGER, 8192, "Chunk Size", "How much the service computes at once in video memory",
        "service", minimum=1, maximum=12000, soft_minimum=1024,
    ),
    Parameter(
        "seed", Kind.INTEGER, 0, "Seed", "The same seed, image and settings give the same model; 0 is random",
        minimum=0, maximum=LARGEST_SEED, digits=True,
    ),
    Parameter(
        "temp", Kind.CHOICE, "no", "Temporary Storage", "Whether the service keeps the files in temporary storage only",
        "service",
        choices=(
            Choice("no", "No", "Keep the files in the service's usual storage"),
            Choice("yes", "Yes", "Keep the files in temporary storage only"),
        ),
    ),
    Parameter(
        "webhook", Kind.TEXT, None, "Webhook", "Web address that the service calls when the model is done",
        "service", schemes=("https",),
    ),
    Parameter(
        "track_id", Kind.TEXT, None, "Track ID", "Your own name for the request, which the webhook is told",
        "service",
    ),
)  # fmt: skip

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType({p.name: p for p in _ALL})
"""Every parameter of the service by name, `image` first, in the order to show them."""


def validate(values: Mapping[str, object], *, complete: bool = False) -> dict[str, Any]:
    """The given values in the form that is sent; no defaults are filled in.

    `complete`: also insist on what the service requires. Raises ParameterError for an unknown name,
    a value of the wrong type or out of range, or, with `complete`, a missing one.
    """
    checked: dict[str, Any] = {}
    for name, value in values.items():
        parameter = PARAMETERS.get(name)
        if parameter is None:
            raise _unknown(name)
        checked[name] = parameter.check(value)
    if complete:
        for parameter in PARAMETERS.values():
            if parameter.required and parameter.name not in checked:
                raise ParameterError(f"{parameter.name} is missing, but must be {parameter.range_text}.")
    return checked


def defaults() -> dict[str, Any]:
    """What the service assumes for everything but the image."""
    return {p.name: p.default for p in PARAMETERS.values() if not p.required}


def markdown_table() -> str:
    """The documentation's table of all parameters."""
    rows = [
        "| Parameter | In the panel | Default | Allowed | Meaning |",
        "|---|---|---|---|---|",
    ]
    for p in PARAMETERS.values():
        allowed = p.range_text + ("" if p.required or p.kind is not Kind.TEXT else ", or none")
        default = "required" if p.required else _default_text(p.default)
        rows.append(f"| `{p.name}` | {p.label} | {default} | {allowed} | {p.description} |")
    return "\n".join(rows) + "\n"


def _default_text(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "on" if value else "off"
        case str():
            return f"`{value}`"
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)


def _unknown(name: object) -> ParameterError:
    text = one_line(name, 60)
    near = "image" if name == "init_image" else next(iter(difflib.get_close_matches(text, PARAMETERS, 1)), "")
    hint = f'; did you mean "{near}"?' if near else "; there are " + ", ".join(PARAMETERS) + "."
    return ParameterError(f'There is no parameter "{text}"{hint}')


def _plain(value: object) -> object:
    """A NumPy scalar as the Python value it stands for; anything else as it is."""
    if getattr(value, "shape", None) == () and callable(item := getattr(value, "item", None)):
        plain: object = item()
        return plain
    return value


def _without_single_precision(value: float) -> float:
    """The decimal number somebody meant, where a Blender property made it single precision.

    Such a property turns 0.9 into 0.89999998, which would be out of a range that begins at 0.9.
    """
    try:
        is_single = struct.unpack("f", struct.pack("f", value))[0] == value
    except OverflowError:
        return value
    return float(f"{value:.7g}") if is_single else value


def _number(value: float | None) -> str:
    if value is None:
        return "any"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 128:
        return "a huge number"
    if isinstance(value, str | int | float | None):
        return one_line(repr(value), 80)
    return f"a {type(value).__name__}"
