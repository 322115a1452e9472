# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on this computer is reached at loopback addresses only, whatever its name resolves to."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from dialect_servers import Lemonade, running
from image_to_3d.errors import UnsafeAddressError
from image_to_3d.local_servers.connection import Connection
from model_files import glb


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers for every name of this computer with another machine's address."""
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        names = host == "localhost" or str(host).endswith(".localhost")
        return real("192.0.2.1" if names else host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("name", ["localhost", "gpu.localhost"])
def test_a_name_of_this_computer_that_leads_elsewhere_is_not_followed(name: str) -> None:
    server = Lemonade(glb())
    with running(server) as address:
        connection = Connection(address.replace("127.0.0.1", name))
        with pytest.raises(UnsafeAddressError):
            connection.post_json("v1/3d/generations", {})
    assert server.asked == []
