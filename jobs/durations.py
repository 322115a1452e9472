# SPDX-License-Identifier: GPL-3.0-or-later
"""How long jobs took, as remembered in the journal: what the estimates are made from."""

from __future__ import annotations

import sqlite3
import time

from .estimates import REMEMBERED


def read(database: sqlite3.Connection, account: tuple[str, str], settings: str) -> list[float]:
    """Returns the seconds that the latest jobs with these settings took, oldest first."""
    rows = database.execute(
        "SELECT seconds FROM durations WHERE account = ? AND settings = ? ORDER BY at DESC LIMIT ?",
        (" ".join(account), settings, REMEMBERED),
    ).fetchall()
    return [float(seconds) for (seconds,) in reversed(rows)]


def add(database: sqlite3.Connection, account: tuple[str, str], settings: str, seconds: float) -> None:
    """Remember how long a job took, in seconds, and forget the oldest ones with the same settings."""
    key = (" ".join(account), settings)
    database.execute("INSERT INTO durations VALUES (?, ?, ?, ?)", (*key, seconds, time.time()))
    database.execute(
        "DELETE FROM durations WHERE account = ?1 AND settings = ?2 AND at < (SELECT min(at) FROM"
        " (SELECT at FROM durations WHERE account = ?1 AND settings = ?2 ORDER BY at DESC LIMIT ?3))",
        (*key, REMEMBERED),
    )
