# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions by which a server is recognized. None of them starts a generation, and together they take seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ..errors import ConnectionFailedError, ConnectionLostError
from .answers import require_ready
from .connection import SHORT_SECONDS, Answer, Connection
from .errors import BusyError, NoAnswerError, NotRunningError

_NOWHERE: Final = "image-to-3d/no-such-path"
_UNREADABLE: Final = b"{"
"""The beginning of a JSON object: whoever reads it must refuse it."""
NONE: Final = Answer(0, b"")
"""In place of an answer: the server ended the connection without one."""
_EMPTY: Final = b"{}"
"""For servers that end the connection at it: valid JSON, without an image."""
_MAX_BYTES: Final = 16 * 1024**2
"""Of an answer; *Test Connection* runs in the artist's Blender."""
_KNOWS_NO_PATH: Final = frozenset({404, 405, 501})


class Questions:
    """Questions to one server. Each is asked once, and all of them end within SHORT_SECONDS.

    They raise NotRunningError, BusyError for a server that loads or does not answer, LocalServerError for one that
    wants a token or redirects, UnsafeAddressError, CancelledError.
    """

    def __init__(self, connection: Connection) -> None:
        self.base = connection.base
        self._connection = replace(connection, max_bytes=_MAX_BYTES)
        self._deadline = time.monotonic() + SHORT_SECONDS
        self._answers: dict[tuple[str, str], Answer] = {}

    def get(self, path: str) -> Answer:
        """Returns the answer to a GET request."""
        return self._ask("GET", path, lambda seconds: self._connection.get(path, seconds=seconds))

    def serves(self, path: str, *, likely: bool = False) -> bool:
        """Whether the server takes POST requests at a path, and not at any path.

        `likely`: other answers say so, which decides for a server that fails at whatever it can't read.
        """
        if self.get(path).status == 405 and self.get(_NOWHERE).status != 405:
            return True
        there, nowhere = self._post(path, _UNREADABLE), self._post(_NOWHERE, _UNREADABLE)
        if there is nowhere is NONE:
            if likely:
                return True
            there, nowhere = self._post(path, _EMPTY), self._post(_NOWHERE, _EMPTY)
        alike = _is_known(nowhere) and (there is NONE) is (nowhere is NONE)
        return _is_known(there) and not alike

    def _post(self, path: str, body: bytes) -> Answer:
        post = self._connection.post
        return self._ask(f"POST {body!r}", path, lambda s: post(path, body, "application/json", seconds=s))

    def _ask(self, method: str, path: str, request: Callable[[float], Answer]) -> Answer:
        known = self._answers.get((method, path))
        if known is not None:
            return known
        try:
            answer = request(max(0.5, self._deadline - time.monotonic()))
        except NoAnswerError as error:
            raise BusyError(
                "The server at {address} did not answer within {seconds} seconds: it is busy, or it hangs.",
                address=self.base,
                seconds=f"{SHORT_SECONDS:g}",
            ) from error
        except ConnectionFailedError as error:
            raise not_running(self._connection, error) from error
        except ConnectionLostError:
            answer = NONE  # some do that with a path or a body that they did not expect
        require_ready(answer)
        self._answers[method, path] = answer
        return answer


def _is_known(answer: Answer) -> bool:
    """Whether a server tried to read what was posted to a path."""
    return answer.status not in _KNOWS_NO_PATH and not (answer.status < 300 and answer.is_web_page)


def not_running(connection: Connection, error: ConnectionFailedError) -> NotRunningError:
    """Returns the error for a server that can't be reached."""
    reason = error.message.arguments.get("reason")
    if reason is None:
        return NotRunningError("No server answers at {address}.", address=connection.base)
    return NotRunningError("No server answers at {address}: {reason}.", address=connection.base, reason=reason)
