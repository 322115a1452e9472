# SPDX-License-Identifier: GPL-3.0-or-later
"""The process between the add-on and the artist's own server: a loopback service whose models that server makes.

Towards the add-on it speaks the service's contract (see `loopback.server`), towards the server a dialect. It waits for
a server that is not running or busy. Nothing is paid, so a request that was lost is sent once more.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..errors import ConnectionFailedError, ConnectionLostError, LocalServerError, Message
from ..loopback.generation_queue import LostError
from ..loopback.generator import Generator, Made, Work
from ..loopback.server import serve
from .connection import Connection
from .dialect import Dialect, ModelRequest
from .dialects import DIALECTS, detect
from .errors import BusyError, NoApiError, NotRunningError, TimeLimitError
from .questions import not_running
from .turns import turn

WAIT_SECONDS: Final = 300.0
"""How long a server that is not running is waited for, before a job that needs it fails. A busy one is waited for as
long as it may take for a model: it makes one for somebody else, or one that was cancelled here."""
_PAUSE: Final = 2.0
"""Seconds between two tries."""
_SAME_OUTAGE: Final = 30.0
"""Seconds after a job gave up waiting in which the next one asks once only: else each image of a batch would wait."""

ANOTHER_BLENDER: Final = Message("Waiting for a model of another Blender")
VIEWS_NOT_USED: Final = Message("The server takes no views of other sides, so it got only the front image.")
SENT_AGAIN: Final = Message("The connection to the server was lost, so the image was sent again.")

_known: Final[dict[str, Dialect]] = {}
"""By base URL: what a server spoke when it made its last model, so that it is not asked before each one."""
_gave_up: Final[dict[tuple[str, bool], float]] = {}
"""By base URL and whether it was not running: when a job last gave up waiting for a server (monotonic)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the bridge is told about the server."""

    address: str
    dialect: str = ""
    """The id of a dialect; "" to find out."""
    token: str = field(default="", repr=False)
    model: str = ""
    time_limit: float = 1800.0
    """Seconds for one model."""
    wait: float = WAIT_SECONDS
    """Seconds that a server that is not running is waited for."""


def main(args: list[str]) -> None:
    """Serve from the folder `args[0]` until stdin closes."""
    turns = Path(args[0]) / "turns"
    serve(Path(args[0]), lambda settings: _generator(Settings(**settings), turns))


def _generator(settings: Settings, turns: Path) -> Generator:
    return Generator(
        name=Message("The local server"),
        note=f"Made by the server at {settings.address}.",
        tip="",
        formats=("glb",),
        make=lambda work: make(work, settings, turns),
        estimate=lambda _job: 0.0,
        max_attempts=2,
        target=settings.address,
    )


def make(work: Work, settings: Settings, turns: Path) -> Made:
    """Have the server make one model. `turns`: a folder. Raises LocalServerError, CancelledError."""
    connection = Connection(settings.address, settings.token, work.control, time_limit=settings.time_limit)
    request = ModelRequest(
        work.image.read_bytes(),
        work.job.parameters,
        {view: path.read_bytes() for view, path in work.views.items()},
        settings.model,
    )
    path = work.folder / f"{work.job.id}.glb"
    with turn(turns, connection.base, work.control, lambda: work.waits_for(ANOTHER_BLENDER)):
        model, notes = _generate(work, settings, connection, request)
    path.write_bytes(model)
    return Made([path.name], tuple(notes))


def _generate(
    work: Work, settings: Settings, connection: Connection, request: ModelRequest
) -> tuple[bytes, list[Message]]:
    """Returns the model, and what the artist should know about it."""
    sent_again = work.job.attempts > 0
    waits_since = time.monotonic()
    while True:
        begun = False
        try:
            dialect = DIALECTS.get(settings.dialect) or _known.get(connection.base) or detect(connection)
            _begin(work)
            begun = True
            model = dialect.generate(connection, request)
            _known[connection.base] = dialect
            _gave_up.clear()
            lost = [SENT_AGAIN] if sent_again else []
            return model, [*lost, VIEWS_NOT_USED] if request.views and not dialect.takes_views else lost
        except (ConnectionFailedError, BusyError, NotRunningError) as error:
            if begun:
                work.take_back_attempt()
            refusal = not_running(connection, error) if isinstance(error, ConnectionFailedError) else error
            work.waits_for(_reason(refusal))
            longest = settings.wait if isinstance(refusal, NotRunningError) else settings.time_limit
            if _is_over(refusal, connection.base, waits_since + longest):
                raise refusal from error
            work.control.sleep(_PAUSE)
        except ConnectionLostError:
            _gave_up.clear()  # it was running
            sent_again = True
            waits_since = time.monotonic()
        except LocalServerError as error:
            if not _is_of_another_kind(connection, error):
                raise
            work.take_back_attempt()


def _is_of_another_kind(connection: Connection, error: LocalServerError) -> bool:
    """Whether the server that refused a request is not of the kind that was remembered: it must be asked again."""
    known = _known.pop(connection.base, None)
    if known is None or isinstance(error, TimeLimitError):
        return False
    if isinstance(error, NoApiError):
        return True
    try:
        return detect(connection) is not known
    except LocalServerError:
        return False


def _begin(work: Work) -> None:
    """Begin an attempt. Raises LocalServerError if there were enough."""
    try:
        work.begin_attempt()
    except LostError as error:
        raise LocalServerError(
            "The model was lost twice while the server made it: the connection broke, or Blender ended.",
            advice="See the output of the server: it may lack memory. Then choose a lower resolution, or retry.",
        ) from error


def _reason(refusal: LocalServerError) -> Message:
    """Returns what the artist is told while the job waits."""
    if isinstance(refusal, NotRunningError):
        return Message("Waiting for the server: it is not running")
    return Message("Waiting: {reason}", {"reason": refusal.message})


def _is_over(refusal: LocalServerError, base: str, deadline: float) -> bool:
    """Whether a job has waited for long enough, or the one before it has waited for the same thing in vain."""
    now, outage = time.monotonic(), (base, isinstance(refusal, NotRunningError))
    over = now + _PAUSE > deadline or now - _gave_up.get(outage, -math.inf) < _SAME_OUTAGE
    if over:
        _gave_up[outage] = now
    return over
