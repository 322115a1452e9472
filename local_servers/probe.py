# SPDX-License-Identifier: GPL-3.0-or-later
"""What *Test Connection* does: it finds out what answers at an address, or says in plain words what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from ..api.sanitize import mapping
from ..errors import LocalServerError, Message
from .connection import Connection
from .dialect import Dialect
from .dialects import DIALECTS, dialect_of
from .errors import SettingError
from .questions import Questions


@dataclass(frozen=True, slots=True)
class Found:
    """What answers at an address."""

    dialect: Dialect
    text: Message
    """One sentence."""


def probe(connection: Connection, dialect_id: str = "", model: str = "") -> Found:
    """Returns what was found. `dialect_id`, `model`: what the artist has chosen; "" for any, and for the default.

    Blocks for about 10 seconds at most. Raises as `detect`, and LocalServerError for a server of another kind.
    """
    chosen = DIALECTS.get(dialect_id)
    questions = Questions(connection)
    if chosen is not None and (chosen.recognize(questions) or questions.serves(chosen.path)):
        found = chosen
    else:
        found = dialect_of(questions)
    if chosen is not None and found is not chosen:
        raise SettingError(
            "The server at {address} is {found}, not {chosen}.",
            advice="Choose that kind of server, or Automatic.",
            address=questions.base,
            found=found.name,
            chosen=chosen.name,
        )
    wanted = model or found.default_model
    arguments = {"server": found.name, "address": questions.base, "model": wanted}
    if wanted and wanted not in _models(questions, wanted):
        return Found(found, Message("{server} answers at {address}, but does not list the model {model}.", arguments))
    return Found(found, Message("{server} answers at {address}.", arguments))


def _models(questions: Questions, default: str) -> set[str]:
    """Returns the names of the models that a server lists; the default if it lists none."""
    try:
        listed = mapping(questions.get("v1/models").json).get("data")
    except LocalServerError:
        return {default}  # what was found is true without it
    names = {str(mapping(entry).get("id")) for entry in listed} if isinstance(listed, list) else set()
    return names or {default}
