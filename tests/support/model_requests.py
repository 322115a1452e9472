# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for models, as the bridge passes them to a dialect."""

from __future__ import annotations

from typing import Any, Final

import package_stub  # noqa: F401  makes `image_to_3d` importable
from dialect_servers import Hunyuan, Hunyuan21, Lemonade, LocalAI, LocalServer, TrellisCpp, running
from image_to_3d.api.parameters import defaults
from image_to_3d.local_servers.connection import Connection
from image_to_3d.local_servers.dialect import ModelRequest
from image_to_3d.local_servers.dialects import DIALECTS, detect

IMAGE: Final = b"\x89PNG\r\n\x1a\n the front"
SERVERS: Final[dict[str, type[LocalServer]]] = {
    "LEMONADE": Lemonade,
    "LOCALAI": LocalAI,
    "TRELLIS_CPP": TrellisCpp,
    "HUNYUAN": Hunyuan,
    "HUNYUAN_21": Hunyuan21,
}
"""A server for each dialect, by its id."""


def a_request(model: str = "", views: dict[str, bytes] | None = None, **parameters: Any) -> ModelRequest:
    """A request with the parameters' defaults and a seed."""
    return ModelRequest(IMAGE, defaults(local=True) | {"seed": 7} | parameters, views or {}, model)


def model_from(server: LocalServer, request: ModelRequest | None = None, kind: str = "", **options: Any) -> bytes:
    """The model that a server makes, asked in the dialect `kind`, or in the one that is detected."""
    with running(server) as address:
        connection = Connection(address, **options)
        return (DIALECTS[kind] if kind else detect(connection)).generate(connection, request or a_request())
