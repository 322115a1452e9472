# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of dialects, and which of them a server speaks."""

from __future__ import annotations

from typing import Final

from .connection import Connection
from .dialect import Dialect
from .errors import NotRunningError, SettingError
from .hunyuan import HUNYUAN
from .hunyuan_21 import HUNYUAN_21
from .lemonade import LEMONADE
from .localai import LOCALAI
from .questions import NONE, Questions
from .trellis_cpp import TRELLIS_CPP

DIALECTS: Final = {dialect.id: dialect for dialect in (HUNYUAN_21, HUNYUAN, LOCALAI, LEMONADE, TRELLIS_CPP)}
"""By id, in the order in which they are tried: the one whose answers are most like those of others comes last."""


def detect(connection: Connection) -> Dialect:
    """Returns the dialect that a server speaks. Blocks for some seconds, and starts no generation.

    Raises NotRunningError, BusyError, LocalServerError in plain words, UnsafeAddressError, CancelledError.
    """
    return dialect_of(Questions(connection))


def dialect_of(questions: Questions) -> Dialect:
    """Returns the dialect of the server that is asked. Blocks and raises as `detect`."""
    found = next((dialect for dialect in DIALECTS.values() if dialect.recognize(questions)), None)
    # A server may have nothing but the path for models.
    found = found or next((dialect for dialect in DIALECTS.values() if questions.serves(dialect.path)), None)
    if found is None:
        raise _unknown(questions)
    return found


def _unknown(questions: Questions) -> SettingError:
    """Returns the error for a server that speaks no dialect."""
    models, page = questions.get("v1/models"), questions.get("")
    if page is NONE:
        return NotRunningError(
            "No server answers at {address}: the program there ends each connection.", address=questions.base
        )
    if isinstance(models.json, dict) and "data" in models.json:
        return SettingError(
            "The server at {address} has models for other purposes, such as text, but no API for 3D models.",
            advice="Update it and install a 3D model on it, or enter the address of another server.",
            address=questions.base,
        )
    if page.status < 400 and page.is_web_page:
        return SettingError(
            "There is a web page at {address}, not the server's API.",
            advice="Start the API server as well, and enter its address: it has another port than the page. "
            "Usual addresses: {usual}.",
            address=questions.base,
            usual=_usual_addresses(),
        )
    return SettingError(
        "The program at {address} answers (HTTP {status}), but it is none of the servers known: {names}.",
        advice="Check the address. Often it is that of a web page, such as Gradio's: the API has another port.",
        address=questions.base,
        status=page.status,
        names=", ".join(dialect.name for dialect in DIALECTS.values()),
    )


def _usual_addresses() -> str:
    """Returns where servers listen if nobody changes that: "Hunyuan3D-2 http://127.0.0.1:8081, …"."""
    names: dict[int, list[str]] = {}
    for dialect in DIALECTS.values():
        names.setdefault(dialect.default_port, []).append(dialect.name)
    return ", ".join(f"{' / '.join(servers)} http://127.0.0.1:{port}" for port, servers in names.items())
