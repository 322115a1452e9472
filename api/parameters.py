# SPDX-License-Identifier: GPL-3.0-or-later
"""The request parameters, defined once: type, default, range and wording.

Validation, the Blender properties and the documentation's table are generated from `PARAMETERS`. To add a parameter,
add a row to `_ALL`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from ..errors import Message, ParameterError, one_line
from ..setting_rows import Choice
from .http.urls import is_http_url

Group = Literal["generation", "mesh", "advanced", "local", "view", "account"]
"""Where a parameter is set; "account": in the preferences, because a .blend is passed on to others. "local" and "view":
only servers that artists run themselves take it, "view" for a further image of the subject."""

MAX_SEED: Final = 2**32 - 1
VIEWS: Final = ("left", "back", "right")
"""The sides of the subject that further images can show; the image itself shows the front."""
_OUT_OF_RANGE: Final = "{name} is {value}, but must be {allowed}."


class Kind(enum.Enum):
    """The type of a parameter's value."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    ENUM = "enum"


class Parameter(NamedTuple):
    """One request parameter, by the service's name."""

    name: str
    kind: Kind
    default: Any
    label: str
    description: str
    group: Group = "generation"
    minimum: float | None = None
    maximum: float | None = None
    soft_minimum: float | None = None
    """Where a slider starts; smaller values can still be typed."""
    choices: tuple[Choice, ...] = ()
    required: bool = False
    schemes: tuple[str, ...] = ()
    """For a text that is a URL: the allowed schemes."""
    digits: bool = False
    """An integer that may also be given as text, because a signed 32-bit property can't hold it."""
    offline: bool = True
    """Whether the offline preview uses it."""

    @property
    def local_only(self) -> bool:
        """Whether only servers that artists run themselves take it."""
        return self.group in ("local", "view")

    @property
    def allowed(self) -> Message:
        """The allowed values, to follow "must be"."""
        limits = {"minimum": f"{self.minimum:,}", "maximum": f"{self.maximum:,}"} if self.maximum is not None else {}
        match self.kind:
            case Kind.BOOLEAN:
                return Message("True or False")
            case Kind.ENUM:
                return Message("one of {names}", {"names": ", ".join(f'"{c.value}"' for c in self.choices)})
            case Kind.TEXT if self.schemes == ("https",):
                return Message("a URL that starts with https://")
            case Kind.TEXT:
                return Message("a URL that starts with http:// or https://" if self.schemes else "a text")
            case Kind.INTEGER:
                return Message("an integer from {minimum} to {maximum}", limits)
            case _:
                return Message("a number from {minimum} to {maximum}", limits)

    @property
    def range_text(self) -> str:
        """The allowed values in English."""
        return str(self.allowed)

    def check(self, value: Any) -> Any:
        """Returns the value as it is sent. Raises ParameterError that names parameter, value and range."""
        value = _plain(value)
        is_digits = self.digits and isinstance(value, str) and re.fullmatch("[0-9]{1,20}", value)
        if self.kind is Kind.INTEGER and (is_digits or (isinstance(value, float) and value.is_integer())):
            value = int(value)
        match self.kind:
            case Kind.BOOLEAN if isinstance(value, bool):
                return value
            case Kind.ENUM if isinstance(value, str) and value in [choice.value for choice in self.choices]:
                return value
            case Kind.TEXT if not self.required and value in (None, ""):
                return None
            case Kind.TEXT if isinstance(value, str) and value.strip():
                if not self.schemes or is_http_url(value, self.schemes):
                    return value
            case Kind.INTEGER if isinstance(value, int) and not isinstance(value, bool) and self._in_range(value):
                return value
            case Kind.NUMBER if isinstance(value, int | float) and not isinstance(value, bool):
                number = value if isinstance(value, int) else undo_single_precision(value)
                if self._in_range(number):
                    return float(number)
        raise self._wrong(value)

    def _in_range(self, value: float) -> bool:
        return (self.minimum or 0) <= value <= (self.maximum or 0)

    def _wrong(self, value: object) -> ParameterError:
        return ParameterError(_OUT_OF_RANGE, name=self.name, value=_shown(value), allowed=self.allowed)


_FORMATS: Final = (
    Choice("glb", "GLB", "One file with mesh, material and texture; the usual choice"),
    Choice("obj", "OBJ", "Mesh as text, with its material and textures in separate files"),
    Choice("stl", "STL", "Mesh without color, for 3D printing"),
    Choice("ply", "PLY", "Mesh with a color at each vertex"),
)
_STORAGE: Final = (
    Choice("no", "No", "Keep the files in the service's permanent storage"),
    Choice("yes", "Yes", "Keep the files in temporary storage only"),
)

_BACKGROUNDS: Final = (
    Choice("auto", "Automatic", "The server decides"),
    Choice("keep", "Keep", "Use the image's own transparency"),
    Choice("remove", "Remove", "Separate the subject from its background, for photos"),
)
_VOXELS: Final = (
    Choice("auto", "From Resolution", "512 for a Resolution up to 256, else 1024"),
    Choice("512", "512", "Fast; least video memory"),
    Choice("1024", "1024", "More detail; several minutes"),
    Choice("1536", "1536", "Most detail; slow, and needs much video memory"),
)

_ALL: Final = (
    Parameter("image", Kind.TEXT, "", "Image", "Public URL of the image", required=True, schemes=("http", "https")),
    Parameter("output_format", Kind.ENUM, "glb", "Format", "File format of the model", "advanced", choices=_FORMATS),
    Parameter("render", Kind.BOOLEAN, False, "Turntable Video", "Also make a video of the rotating model", "advanced"),
    Parameter("resolution", Kind.INTEGER, 256, "Resolution", "Detail of the generated shape; higher takes longer",
              minimum=1, maximum=512, soft_minimum=64),
    Parameter("multi_image", Kind.BOOLEAN, False, "Sheet of Views",
              "The image is a transparent PNG with several views of the subject (experimental)"),
    Parameter("ss_guidance_strength", Kind.NUMBER, 7.5, "Shape Guidance",
              "How closely the rough shape follows the image (sparse structure)",
              minimum=0, maximum=10, offline=False),
    Parameter("ss_sampling_steps", Kind.INTEGER, 12, "Shape Steps",
              "Sampling steps for the rough shape (sparse structure); more takes longer",
              minimum=1, maximum=50, offline=False),
    Parameter("slat_guidance_strength", Kind.NUMBER, 3.0, "Detail Guidance",
              "How closely details and surface follow the image (structured latents)",
              minimum=0, maximum=10, offline=False),
    Parameter("slat_sampling_steps", Kind.INTEGER, 12, "Detail Steps",
              "Sampling steps for details and surface (structured latents); more takes longer",
              minimum=1, maximum=50, offline=False),
    Parameter("mesh_simplify", Kind.NUMBER, 0.9, "Decimate", "Fraction of triangles removed by the service", "mesh",
              minimum=0.9, maximum=0.98),
    Parameter("chunk_size", Kind.INTEGER, 8192, "Chunk Size",
              "Batch size on the service's GPU; higher needs more video memory", "advanced",
              minimum=1, maximum=12000, soft_minimum=1024, offline=False),
    Parameter("seed", Kind.INTEGER, 0, "Seed", "The same image, settings and seed give the same model; 0 is random",
              minimum=0, maximum=MAX_SEED, digits=True),
    Parameter("temp", Kind.ENUM, "no", "Temporary Storage", "Keep the files in the service's temporary storage only",
              "advanced", choices=_STORAGE, offline=False),
    Parameter("voxel_resolution", Kind.ENUM, "auto", "Voxels", "Resolution of the server's voxel grid",
              "local", choices=_VOXELS, offline=False),
    Parameter("background", Kind.ENUM, "auto", "Background", "What the server does with the image's background",
              "local", choices=_BACKGROUNDS, offline=False),
    Parameter("texture", Kind.BOOLEAN, True, "Texture", "Also generate a texture", "local", offline=False),
    Parameter("atlas_size", Kind.INTEGER, 0, "Texture Size", "Side of the texture in pixels; 0 is the server's default",
              "local", minimum=0, maximum=8192, offline=False),
    Parameter("face_count", Kind.INTEGER, 40000, "Max Faces", "The most faces that a textured model has",
              "local", minimum=1000, maximum=100000, offline=False),
    *(Parameter(f"image_{view}", Kind.TEXT, None, f"{view.capitalize()} View", f"Public URL of an image of the {view}",
                "view", schemes=("http", "https"), offline=False) for view in VIEWS),
    Parameter("webhook", Kind.TEXT, None, "Webhook", "URL that the service calls when the model is done",
              "account", schemes=("https",)),
    Parameter("track_id", Kind.TEXT, None, "Track ID", "Your own ID for the request, passed on to the webhook",
              "account"),
)  # fmt: skip

PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType({p.name: p for p in _ALL})
"""Every parameter by name, `image` first, in the order to show them."""

ACCOUNT: Final = frozenset(p.name for p in _ALL if p.group == "account")
"""The parameters that belong to the artist's account: no .blend has them."""


def validate(values: Mapping[str, object], *, complete: bool = False) -> dict[str, Any]:
    """Returns the given values as they are sent, without defaults; `complete`: none that is required may be missing.

    Raises ParameterError for an unknown name, a value of the wrong type or out of range, or a missing value.
    """
    checked: dict[str, Any] = {}
    for name, value in values.items():
        parameter = PARAMETERS.get(name)
        if parameter is None:
            raise _unknown(name)
        checked[name] = parameter.check(value)
    missing = next((p for p in _ALL if complete and p.required and p.name not in checked), None)
    if missing:
        raise ParameterError("{name} is missing; it must be {allowed}.", name=missing.name, allowed=missing.allowed)
    return checked


def defaults(*, local: bool = False) -> dict[str, Any]:
    """Returns the defaults for everything but the image. `local`: also of what only an artist's own server takes."""
    return {p.name: p.default for p in PARAMETERS.values() if not p.required and (local or not p.local_only)}


def without_local(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parameters without those that only an artist's own server takes."""
    return {name: value for name, value in values.items() if not PARAMETERS[name].local_only}


def _unknown(name: object) -> ParameterError:
    import difflib

    text = one_line(name, 60)
    near = "image" if name == "init_image" else next(iter(difflib.get_close_matches(text, PARAMETERS, 1)), "")
    if near:
        return ParameterError('There is no parameter "{name}"; did you mean "{near}"?', name=text, near=near)
    return ParameterError('There is no parameter "{name}"; there are {names}.', name=text, names=", ".join(PARAMETERS))


def _plain(value: Any) -> Any:
    """Returns a NumPy scalar as a Python value; anything else as it is."""
    if getattr(value, "shape", None) == () and callable(item := getattr(value, "item", None)):
        value = item()
    return value


def undo_single_precision(value: float) -> float:
    """Returns the decimal number that was meant, if a Blender property made it single precision.

    Such a property turns 0.9 into 0.89999998, which would be out of a range that starts at 0.9.
    """
    import struct

    try:
        is_single = struct.unpack("f", struct.pack("f", value))[0] == value
    except OverflowError:
        return value
    return float(f"{value:.7g}") if is_single else value


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 128:
        return "a huge number"
    if isinstance(value, str | int | float | None):
        return one_line(repr(value), 80)
    return f"a {type(value).__name__}"
