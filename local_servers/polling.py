# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a server again and again about a job that it works on, for dialects that answer a request at once with an id."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..errors import ConnectionFailedError, ConnectionLostError
from .answers import json_object
from .connection import Connection
from .errors import BusyError, NoAnswerError

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 3.0
_SECONDS: Final = 15.0
"""For one answer; more each time that it was not enough: the last one can be as large as the model."""


def replies(connection: Connection, path: str) -> Iterator[Mapping[str, Any]]:
    """Yields the JSON objects at a path, with pauses, until the time limit of a model.

    Raises ConnectionLostError if the server ended or no longer knows the job, LocalServerError, CancelledError.
    """
    end = time.monotonic() + connection.time_limit
    pause, seconds = _FIRST_PAUSE, _SECONDS
    while time.monotonic() < end:
        connection.control.sleep(pause)
        pause = min(pause * 1.3, _LONGEST_PAUSE)
        try:
            answer = connection.get(path, seconds=min(seconds, connection.time_limit))
            if answer.status == 404:
                raise ConnectionLostError("The server does not know the job any more: it was started again.")
            yield json_object(answer)
        except (NoAnswerError, BusyError):
            seconds *= 2
        except ConnectionFailedError as error:
            raise ConnectionLostError("The server stopped while it was making the model.") from error
