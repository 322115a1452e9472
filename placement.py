# SPDX-License-Identifier: GPL-3.0-or-later
"""How a model is to stand in the scene: chosen by the artist, done partly by the worker, partly on arrival."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, Self, get_args, get_type_hints

from .errors import ParameterError, one_line

Place = Literal["CURSOR", "ORIGIN", "PLACEHOLDER"]
Origin = Literal["BOTTOM", "CENTER", "DELIVERED"]

PLACES: Final[tuple[str, ...]] = get_args(Place)
ORIGINS: Final[tuple[str, ...]] = get_args(Origin)


@dataclass(frozen=True, slots=True)
class Placement:
    """The settings for placing one model. Lengths are in scene units."""

    # Done on arrival, in the artist's Blender
    place: Place = "CURSOR"
    collection: str = ""
    """Name of the target collection; empty: the active one. Made where it is missing."""
    select: bool = True

    # Done in the worker
    size: float = 0.0
    """Length of the longest side; 0: as delivered."""
    on_ground: bool = True
    """The lowest point stands on the place's height."""
    origin: Origin = "BOTTOM"
    shade_smooth: bool = False
    """Smooth shading throughout; False: as delivered."""
    triangle_budget: int = 0
    """Simplify down to this many triangles; 0: leave them."""
    merge_distance: float = 0.0
    """Merge vertices closer than this; 0: leave them."""
    mark_as_asset: bool = False
    asset_catalog: str = ""
    """UUID of the asset catalogue; empty: unassigned."""
    asset_tags: tuple[str, ...] = ()
    asset_author: str = ""

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """From a script's values. Raises ParameterError that names the setting, the value and what is allowed."""
        kinds = get_type_hints(cls)
        chosen: dict[str, Any] = {}
        for name, value in values.items():
            if name not in kinds:
                raise ParameterError(f'There is no setting "{name}" for placing; there are {", ".join(kinds)}.')
            chosen[name] = _checked(name, kinds[name], value)
        return cls(**chosen)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"asset_tags": list(self.asset_tags)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """From `as_json`'s form; what is unknown is left out, so that older and newer journals can be read."""
        known = {f.name for f in fields(cls)}
        chosen = {k: v for k, v in values.items() if k in known}
        if "asset_tags" in chosen:
            chosen["asset_tags"] = tuple(chosen["asset_tags"])
        return cls(**chosen)


def _checked(name: str, kind: Any, value: Any) -> Any:
    if choices := get_args(kind):
        if choices[-1] is Ellipsis:
            allowed, fits = "a list of texts", _is_list_of_texts(value)
        else:
            allowed, fits = "one of " + ", ".join(f'"{choice}"' for choice in choices), value in choices
    elif kind is bool:
        allowed, fits = "True or False", isinstance(value, bool)
    elif kind is str:
        allowed, fits = "a text", isinstance(value, str)
    else:
        allowed = "a whole number from 0" if kind is int else "a number from 0"
        numbers = int if kind is int else int | float
        fits = isinstance(value, numbers) and not isinstance(value, bool) and 0 <= value < math.inf
    if not fits:
        raise ParameterError(f"{name} is {one_line(repr(value), 80)}, but must be {allowed}.")
    return tuple(value) if isinstance(value, list) else value


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(text, str) for text in value)
