# SPDX-License-Identifier: GPL-3.0-or-later
"""The quality levels: named values for the request parameters that trade detail for time.

The values are ours. The service documents ranges and defaults only; its defaults are the level "STANDARD".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from .parameters import defaults, validate

CUSTOM: Final = "CUSTOM"
"""What `quality_of` returns for any other values."""


class Quality(NamedTuple):
    """One quality level."""

    value: str
    label: str
    description: str
    resolution: int
    steps: int
    """Sampling steps, both of the rough shape and of its details."""
    mesh_simplify: float

    @property
    def parameters(self) -> dict[str, Any]:
        """The request parameters that the level sets."""
        steps = {"ss_sampling_steps": self.steps, "slat_sampling_steps": self.steps}
        return {"resolution": self.resolution, **steps, "mesh_simplify": self.mesh_simplify}


_SERVICE: Final = defaults()

QUALITIES: Final = (
    Quality("DRAFT", "Draft", "Fewer details in less time, to see whether the image works", 128, 6, 0.95),
    Quality(
        "STANDARD",
        "Standard",
        "The service's defaults",
        _SERVICE["resolution"],
        _SERVICE["ss_sampling_steps"],
        _SERVICE["mesh_simplify"],
    ),
    Quality("HIGH", "High", "More details, which takes longer", 512, 25, 0.9),
)


def quality_of(value_of: Callable[[str], Any]) -> str:
    """Returns the level that settings have; CUSTOM if they have none. `value_of`: returns a parameter's value."""
    for quality in QUALITIES:
        wanted = quality.parameters
        if validate({name: value_of(name) for name in wanted}) == wanted:
            return quality.value
    return CUSTOM
