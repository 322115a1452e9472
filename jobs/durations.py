# SPDX-License-Identifier: GPL-3.0-or-later
"""How long jobs took, as remembered in the journal: what the estimates are made from."""

from __future__ import annotations

import sqlite3
import time

from .estimates import REMEMBERED, Duration


def read(database: sqlite3.Connection, account: tuple[str, str], settings: str) -> list[Duration]:
    """Returns how long the latest jobs with these settings took, oldest first."""
    rows = database.execute(
        "SELECT low, high FROM durations WHERE account = ? AND settings = ? ORDER BY at DESC LIMIT ?",
        (" ".join(account), settings, REMEMBERED),
    ).fetchall()
    return [Duration(float(low), float(high)) for low, high in reversed(rows)]


def add(database: sqlite3.Connection, account: tuple[str, str], settings: str, duration: Duration) -> None:
    """Remember how long a job took, and forget the oldest ones with the same settings."""
    key = (" ".join(account), settings)
    database.execute("INSERT INTO durations VALUES (?, ?, ?, ?, ?)", (*key, *duration, time.time()))
    database.execute(
        "DELETE FROM durations WHERE account = ?1 AND settings = ?2 AND at < (SELECT min(at) FROM"
        " (SELECT at FROM durations WHERE account = ?1 AND settings = ?2 ORDER BY at DESC LIMIT ?3))",
        (*key, REMEMBERED),
    )
