# SPDX-License-Identifier: GPL-3.0-or-later
"""What *Test Connection* finds out about a server, in one sentence."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import Message
from .connection import Connection
from .dialect import Dialect
from .dialects import DIALECTS, detect


class Found(NamedTuple):
    """A server that answers."""

    dialect: Dialect
    text: Message


def probe(connection: Connection, dialect_id: str = "") -> Found:
    """Returns what is at the address. Blocks for some seconds. Raises as `detect`."""
    dialect = DIALECTS.get(dialect_id) or detect(connection)
    template = "{server} answers at {address}."
    return Found(dialect, Message(template, {"server": dialect.name, "address": connection.address}))
