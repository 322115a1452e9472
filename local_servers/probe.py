# SPDX-License-Identifier: GPL-3.0-or-later
"""What *Test Connection* does: it finds out what answers at an address, or says in plain words what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import LocalServerError, Message
from .connection import Connection
from .dialect import Dialect
from .dialects import DIALECTS, spoken
from .questions import Questions


@dataclass(frozen=True, slots=True)
class Found:
    """What answers at an address."""

    dialect: Dialect
    text: Message
    """One sentence."""


def probe(connection: Connection, dialect_id: str = "") -> Found:
    """Returns what was found. `dialect_id`: the kind of server that the artist has chosen; "" for any.

    Blocks for about 10 seconds at most. Raises as `detect`, and LocalServerError for a server of another kind.
    """
    chosen = DIALECTS.get(dialect_id)
    questions = Questions(connection)
    if chosen is not None and (chosen.recognize(questions) or questions.serves(chosen.path)):
        found = chosen
    else:
        found = spoken(questions)
    if chosen is not None and found is not chosen:
        raise LocalServerError(
            "The server at {address} is {found}, not {chosen}.",
            advice="Choose that kind of server, or Automatic.",
            address=questions.base,
            found=found.name,
            chosen=chosen.name,
        )
    return Found(found, Message("{server} answers at {address}.", {"server": found.name, "address": questions.base}))
