# SPDX-License-Identifier: GPL-3.0-or-later
"""The process between the add-on and the artist's own server: a loopback service whose models that server makes.

Towards the add-on it speaks the service's contract (see `loopback.server`), towards the server a dialect. It waits for
a server that is not running or busy. Nothing is paid, so a request that was lost is sent once more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..control import Control
from ..errors import ConnectionFailedError, ConnectionLostError, LocalServerError, Message
from ..loopback.generator import Generator, Made, Work
from ..loopback.server import serve
from .connection import Connection
from .dialect import ModelRequest
from .dialects import DIALECTS, detect, not_running, takes_views
from .errors import BusyError, NotRunningError

WAIT_SECONDS: Final = 300.0
"""How long a server that is not running or busy is waited for, before a job that needs it fails."""
_PAUSE: Final = 2.0
"""Seconds between two tries."""

VIEWS_NOT_USED: Final = Message("The server takes no views of other sides, so it got the image of the front alone.")
SENT_AGAIN: Final = Message("The connection to the server was lost, so the image was sent again.")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the bridge is told about the server."""

    address: str
    dialect: str = ""
    """The id of a dialect; "" to find out."""
    token: str = ""
    model: str = ""
    time_limit: float = 1800.0
    """Seconds for one model."""
    wait: float = WAIT_SECONDS
    """Seconds that the server is waited for."""


def main(args: list[str]) -> None:
    """Serve from the folder `args[0]` until stdin closes."""
    serve(Path(args[0]), lambda settings: _generator(Settings(**settings)))


def _generator(settings: Settings) -> Generator:
    return Generator(
        name="The local server",
        note=f"Made by the server at {settings.address}.",
        tip="",
        formats=("glb",),
        make=lambda work: make(work, settings),
        estimate=lambda _job: 0.0,
        max_attempts=2,
    )


def make(work: Work, settings: Settings) -> Made:
    """Have the server make one model. Raises LocalServerError, CancelledError."""
    connection = Connection(settings.address, settings.token, work.control, time_limit=settings.time_limit)
    request = ModelRequest(
        work.image.read_bytes(),
        work.job.parameters,
        {view: path.read_bytes() for view, path in work.views.items()},
        settings.model,
    )
    notes = [SENT_AGAIN] if work.job.attempts else []
    deadline = time.monotonic() + settings.wait
    while True:
        try:
            dialect = DIALECTS.get(settings.dialect) or detect(connection)
            work.begin_attempt()
            model = dialect.generate(connection, request)
            break
        except (ConnectionFailedError, BusyError, NotRunningError) as error:  # it has not begun
            work.take_back_attempt()
            refusal = not_running(connection, error) if isinstance(error, ConnectionFailedError) else error
            _pause(work.control, deadline, refusal)
        except ConnectionLostError:
            notes = [SENT_AGAIN]
            deadline = time.monotonic() + settings.wait
    if request.views and not takes_views(dialect.id):
        notes = [*notes, VIEWS_NOT_USED]
    path = work.folder / f"{work.job.id}.glb"
    path.write_bytes(model)
    return Made([path.name], tuple(notes))


def _pause(control: Control, deadline: float, error: LocalServerError) -> None:
    """Wait a little before the next try. Raises the error after the deadline, CancelledError."""
    end = time.monotonic() + _PAUSE
    if end > deadline:
        raise error
    while time.monotonic() < end:
        control.check()
        time.sleep(0.1)
