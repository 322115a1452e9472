# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of dialects, and which of them a server speaks."""

from __future__ import annotations

from typing import Final

from ..api.parameters import VIEWS
from ..errors import ConnectionFailedError, ConnectionLostError, LocalServerError
from .answers import web_page
from .connection import Connection
from .dialect import Dialect
from .errors import NotRunningError
from .lemonade import LEMONADE

DIALECTS: Final = {dialect.id: dialect for dialect in (LEMONADE,)}
"""By id, in the order in which a server is asked for them."""


def takes_views(dialect_id: str) -> bool:
    """Whether a kind of server takes further images of the subject. One whose kind is not known yet may take them."""
    dialect = DIALECTS.get(dialect_id)
    return dialect is None or any(f"image_{side}" in dialect.parameters for side in VIEWS)


def detect(connection: Connection) -> Dialect:
    """Returns the dialect that a server speaks. Blocks for some seconds.

    Raises NotRunningError, LocalServerError in plain words, UnsafeAddressError, CancelledError.
    """
    try:
        for dialect in DIALECTS.values():
            if dialect.recognize(connection):
                return dialect
        if connection.get("").is_web_page:
            raise web_page()
    except (ConnectionFailedError, ConnectionLostError) as error:
        raise not_running(connection, error) from error
    raise LocalServerError(
        "The server at {address} speaks none of the known protocols: {names}.",
        advice="Check the address; it must be that of the API, without a path.",
        address=connection.address,
        names=", ".join(dialect.name for dialect in DIALECTS.values()),
    )


def not_running(connection: Connection, error: ConnectionFailedError | ConnectionLostError) -> NotRunningError:
    """Returns the error for a server that can't be reached."""
    return NotRunningError("No server answers at {address}: {reason}", address=connection.address, reason=error.message)
