# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialects of artists' own servers: from the image to the GLB file, over real connections."""

from __future__ import annotations

from typing import Any

import pytest
from dialect_servers import Hunyuan, Hunyuan21, Lemonade, LocalAI, LocalServer, TrellisCpp, running
from image_to_3d.api.parameters import defaults
from image_to_3d.local_servers.connection import Connection
from image_to_3d.local_servers.dialect import ModelRequest
from image_to_3d.local_servers.dialects import detect
from model_files import glb

IMAGE = b"\x89PNG\r\n\x1a\n the front"
GLB = glb()
SERVERS = {"LEMONADE": Lemonade, "LOCALAI": LocalAI, "TRELLIS_CPP": TrellisCpp, "HUNYUAN": Hunyuan}


def a_request(model: str = "", views: dict[str, bytes] | None = None, **parameters: Any) -> ModelRequest:
    return ModelRequest(IMAGE, defaults(local=True) | {"seed": 7} | parameters, views or {}, model)


def model_of(server: LocalServer, request: ModelRequest | None = None, **options: Any) -> bytes:
    """What the dialect that is found makes with a server."""
    with running(server) as address:
        connection = Connection(address, **options)
        return detect(connection).generate(connection, request or a_request())


@pytest.mark.parametrize("kind", [*SERVERS.values(), Hunyuan21])
def test_a_model_arrives_from_each_kind_of_server(kind: type[LocalServer]) -> None:
    server = kind(GLB)
    assert model_of(server) == GLB
    assert len(server.received) == 1
