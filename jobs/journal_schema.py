# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal's database schema, and its migrations from earlier versions."""

from __future__ import annotations

import sqlite3
from typing import Final

MIGRATIONS: Final = (
    # 0 → 1: the tables of version 0.1.0, which did not set a schema version.
    """
    CREATE TABLE IF NOT EXISTS jobs (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        service TEXT NOT NULL,
        service_id TEXT NOT NULL,
        state TEXT NOT NULL,
        listed INTEGER NOT NULL DEFAULT 1,
        changed REAL NOT NULL,
        record TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, listed);
    CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state);
    CREATE TABLE IF NOT EXISTS changes (
        job TEXT NOT NULL,
        at REAL NOT NULL,
        state TEXT NOT NULL,
        note TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS changes_by_job ON changes (job);
    CREATE TABLE IF NOT EXISTS seen (
        service TEXT NOT NULL,
        service_id TEXT NOT NULL,
        PRIMARY KEY (service, service_id)
    );
    """,
    # 1 → 2: three states were renamed. The column is used to count jobs and to find lost submits.
    """
    UPDATE jobs SET state = 'reconciling' WHERE state = 'looking';
    UPDATE jobs SET state = 'unconfirmed' WHERE state = 'unknown';
    UPDATE jobs SET state = 'importing' WHERE state = 'converting';
    """,
    # 2 → 3: batches, and how long jobs took.
    """
    ALTER TABLE jobs ADD COLUMN batch TEXT NOT NULL DEFAULT '';
    CREATE INDEX jobs_by_batch ON jobs (batch);
    CREATE TABLE batches (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        listed INTEGER NOT NULL DEFAULT 1,
        changed REAL NOT NULL,
        record TEXT NOT NULL
    );
    CREATE TABLE durations (
        account TEXT NOT NULL,
        settings TEXT NOT NULL,
        low REAL NOT NULL,
        high REAL NOT NULL,
        at REAL NOT NULL
    );
    CREATE INDEX durations_by_settings ON durations (account, settings, at);
    """,
    # 3 → 4: what jobs cost, and the balances from which that is learned (see `spending`).
    """
    CREATE TABLE charges (
        job TEXT NOT NULL,
        delivery INTEGER NOT NULL,
        wallet TEXT NOT NULL,
        settings TEXT NOT NULL,
        sent REAL NOT NULL DEFAULT 0,
        done REAL NOT NULL DEFAULT 0,
        price REAL,
        currency TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (job, delivery)
    );
    CREATE INDEX charges_by_wallet ON charges (wallet, sent);
    CREATE INDEX charges_by_settings ON charges (wallet, settings, sent);
    CREATE TABLE balances (
        wallet TEXT NOT NULL,
        asked REAL NOT NULL,
        at REAL NOT NULL,
        amount REAL NOT NULL,
        currency TEXT NOT NULL
    );
    CREATE INDEX balances_by_wallet ON balances (wallet, at);
    CREATE TABLE list_prices (
        wallet TEXT PRIMARY KEY,
        amount REAL NOT NULL,
        currency TEXT NOT NULL
    );
    """,
)
"""SQL statements without semicolons in them; number n upgrades schema version n to n + 1.

Add one to change the schema; never edit an old one.
"""


def migrate(database: sqlite3.Connection) -> None:
    """Upgrade the schema step by step. A file of a newer version is used as it is: its changes only add things.

    Each step reads the version again under SQLite's own lock: two Blenders may open the file at the same time, and
    the lock file does not work on every network drive.
    """
    for number, script in enumerate(MIGRATIONS):
        database.execute("BEGIN IMMEDIATE")
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version == number:
                for statement in script.split(";"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {number + 1}")
            database.execute("COMMIT")
        except BaseException:
            database.execute("ROLLBACK")
            raise
