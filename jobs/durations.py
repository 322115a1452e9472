# SPDX-License-Identifier: GPL-3.0-or-later
"""How long jobs took, as remembered in the journal: what the estimates are made from."""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from .estimates import REMEMBERED, Duration, learned
from .progress import SECONDS_AFTER_SERVICE

WHOLE_JOB: Final = "whole job;"
"""Before the settings: how long a job took from preparing the image until its model was ready."""


def read(database: sqlite3.Connection, account: tuple[str, str], settings: str) -> list[Duration]:
    """Returns how long the latest jobs with these settings took, oldest first."""
    return _read(database, " ".join(account), settings)


def _read(database: sqlite3.Connection, account: str, settings: str) -> list[Duration]:
    rows = database.execute(
        "SELECT low, high FROM durations WHERE account = ? AND settings = ? ORDER BY at DESC LIMIT ?",
        (account, settings, REMEMBERED),
    ).fetchall()
    return [Duration(float(low), float(high)) for low, high in reversed(rows)]


def whole_job(database: sqlite3.Connection, account: str, settings: str) -> dict[tuple[str, str], float]:
    """Returns how many seconds a job with these settings takes by account and settings; nothing if it is unknown."""
    if seconds := learned(_read(database, account, WHOLE_JOB + settings)).typical:
        return {(account, settings): seconds}
    seconds = learned(_read(database, account, settings)).typical
    return {(account, settings): seconds + SECONDS_AFTER_SERVICE} if seconds else {}


def whole_jobs(database: sqlite3.Connection) -> dict[tuple[str, str], float]:
    """Returns what `whole_job` returns, for all accounts and settings."""
    rows = database.execute("SELECT DISTINCT account, settings FROM durations").fetchall()
    keys = {(account, settings.removeprefix(WHOLE_JOB)) for account, settings in rows}
    return {key: seconds for each in keys for key, seconds in whole_job(database, *each).items()}


def add(database: sqlite3.Connection, account: tuple[str, str], settings: str, duration: Duration) -> None:
    """Remember how long a job took, and forget the oldest ones with the same settings."""
    key = (" ".join(account), settings)
    database.execute("INSERT INTO durations VALUES (?, ?, ?, ?, ?)", (*key, *duration, time.time()))
    database.execute(
        "DELETE FROM durations WHERE account = ?1 AND settings = ?2 AND at < (SELECT min(at) FROM"
        " (SELECT at FROM durations WHERE account = ?1 AND settings = ?2 ORDER BY at DESC LIMIT ?3))",
        (*key, REMEMBERED),
    )
