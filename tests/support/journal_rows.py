# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the journal's tables without the extension's code."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def states_of(folder: Path, job_id: str) -> list[str]:
    """Returns the states that a job went through, oldest first."""
    newest = max(folder.glob("journal*.sqlite"), key=lambda path: (len(path.name), path.name))
    with closing(sqlite3.connect(newest)) as database:
        rows = database.execute("SELECT state FROM changes WHERE job = ? ORDER BY rowid", (job_id,))
        return [state for (state,) in rows]
