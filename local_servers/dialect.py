# SPDX-License-Identifier: GPL-3.0-or-later
"""What a dialect is: how one kind of server is recognized, and asked for a model."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..api.parameters import VIEWS
from .connection import Connection
from .questions import Questions


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a server is asked for: one model."""

    image: bytes
    """A PNG or JPEG file; the front of the subject."""
    parameters: Mapping[str, Any]
    """By their names in `api.parameters`, all of them, checked."""
    views: Mapping[str, bytes] = field(default_factory=dict)
    """Image files of other sides of the subject, by those of `api.parameters.VIEWS`."""
    model: str = ""
    """The name of the model that the server is to use; "" for the dialect's default."""

    @property
    def image_base64(self) -> str:
        """The image as base64 text."""
        return as_base64(self.image)

    @property
    def seed(self) -> int:
        """The seed, from 1 to 2³¹ - 1: LocalAI and trellis.cpp read a signed 32-bit number, and 0 can mean random."""
        return int(self.parameters["seed"]) & 0x7FFFFFFF or 1

    @property
    def voxels(self) -> int:
        """The resolution of the voxel grid: 512, 1024 or 1536."""
        chosen = str(self.parameters["voxel_resolution"])
        return int(chosen) if chosen != "auto" else 512 if int(self.parameters["resolution"]) <= 256 else 1024


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server."""

    id: str
    """As it is stored in the preferences."""
    name: str
    default_port: int
    default_model: str
    """The model that is asked for where the artist names none; "" if the server has one only."""
    parameters: frozenset[str]
    """The parameters that have an effect; with "image_left" and so on if the server takes views of these sides."""
    path: str
    """Below the base URL: where requests for models are posted to."""
    recognize: Callable[[Questions], bool]
    """Whether the server certainly speaks this dialect. False excludes nothing: see `dialects.dialect_of`."""
    generate: Callable[[Connection, ModelRequest], bytes]
    """Returns the model as a GLB file. Blocks for minutes. Raises LocalServerError, CancelledError."""

    @property
    def takes_views(self) -> bool:
        """Whether it takes images of other sides of the subject."""
        return any(f"image_{side}" in self.parameters for side in VIEWS)


def as_base64(content: bytes) -> str:
    """Returns some bytes as base64 text."""
    return base64.b64encode(content).decode()
