# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches on disk: in the journal, and as batch.json in each batch's folder, from which a journal is rebuilt."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from ..api.parameters import VIEWS
from ..atomic_file import atomic_write
from ..errors import TakenOverError
from ..placement import Placement
from .batch import Batch, BatchItem
from .serialization import target_scene_from_json

_log = logging.getLogger(__name__)

BATCH_FILE: Final = "batch.json"
_MAX_BATCH_FILE: Final = 64 << 20


def to_json(batch: Batch) -> dict[str, Any]:
    """Returns the batch as plain data."""
    return {f.name: getattr(batch, f.name) for f in fields(batch)} | {
        "folder": str(batch.folder),
        "items": [
            item._asdict() | {"parameters": dict(item.parameters), "views": dict(item.views)} for item in batch.items
        ],
        "parameters": dict(batch.parameters),
        "placement": batch.placement.to_json(),
        "target_scene": batch.target_scene._asdict(),
    }


def from_json(values: Mapping[str, Any]) -> Batch:
    """Returns the batch in `to_json`'s form, of this or another version. Raises ValueError if it is not a batch."""
    names = {f.name for f in fields(Batch)}
    try:
        known = {name: value for name, value in values.items() if name in names}
        return Batch(
            **known
            | {
                "folder": Path(known["folder"]),
                "items": tuple(_item_from_json(item) for item in known["items"]),
                "placement": Placement.from_json(known.get("placement") or {}),
                "target_scene": target_scene_from_json(known.get("target_scene") or {}),
            }
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a batch: {error}") from error


def write(database: sqlite3.Connection, batch: Batch, owner: str) -> None:
    """Write a batch as it is now. Raises TakenOverError if it belongs to another process."""
    previous = database.execute("SELECT owner FROM batches WHERE id = ?", (batch.id,)).fetchone()
    if previous is not None and previous[0] != owner:
        raise TakenOverError("{name} is continued by another Blender.", name=batch.name)
    database.execute(
        "INSERT OR REPLACE INTO batches (id, owner, listed, changed, record) VALUES (?, ?, ?, ?, ?)",
        (batch.id, owner, batch.listed, time.time(), json.dumps(to_json(batch))),
    )


def owners(database: sqlite3.Connection, wanted: Callable[[Batch], bool]) -> set[str]:
    """Returns the owners of the listed batches that are wanted."""
    return {owner for owner, _ in find(database, wanted)}


def find(database: sqlite3.Connection, wanted: Callable[[Batch], bool]) -> list[tuple[str, Batch]]:
    """Returns the listed batches that are wanted, with their owners, oldest first."""
    rows = database.execute("SELECT owner, record FROM batches WHERE listed ORDER BY id").fetchall()
    found = [(owner, _read(record)) for owner, record in rows]
    return [(owner, batch) for owner, batch in found if batch is not None and wanted(batch)]


def take_over(database: sqlite3.Connection, dead_owner: str, owner: str) -> list[Batch]:
    """Make `owner` the owner of a dead process's batches. Returns them, oldest first."""
    rows = database.execute("SELECT id, record FROM batches WHERE owner = ? AND listed ORDER BY id", (dead_owner,))
    batches = [batch for _, record in rows.fetchall() if (batch := _read(record)) is not None]
    database.executemany("UPDATE batches SET owner = ? WHERE id = ?", [(owner, batch.id) for batch in batches])
    return batches


def job_ids(database: sqlite3.Connection, batch_id: str) -> set[str]:
    """Returns the ids of all jobs of a batch that were ever written."""
    return {job_id for (job_id,) in database.execute("SELECT id FROM jobs WHERE batch = ?", (batch_id,))}


def write_batch_file(batch: Batch) -> None:
    """Write batch.json into the batch's folder. Raises OSError."""
    batch.folder.mkdir(parents=True, exist_ok=True)
    atomic_write(batch.folder / BATCH_FILE, json.dumps(to_json(batch)).encode())


def read_batch_files(results_folders: Sequence[Path]) -> Iterator[Batch]:
    """Yields the batches in these results folders that are still listed. Skips unreadable files."""
    for results in results_folders:
        for file in sorted(results.glob(f"*/{BATCH_FILE}")):
            try:
                if file.is_symlink() or file.stat().st_size > _MAX_BATCH_FILE:
                    continue
                batch = from_json(json.loads(file.read_text("utf-8")) | {"folder": str(file.parent)})
            except (OSError, ValueError, TypeError, RecursionError) as error:
                _log.warning("%s has no readable %s: %s", file.parent.name, BATCH_FILE, error)
                continue
            if batch.listed:
                yield batch


def _read(record: str) -> Batch | None:
    try:
        return from_json(json.loads(record))
    except ValueError as error:
        _log.warning("A batch in the journal can't be read and is skipped: %s", error)
        return None


def _item_from_json(values: Mapping[str, Any]) -> BatchItem:
    location = values.get("location")
    if location is not None:
        x, y, z = location
        location = (float(x), float(y), float(z))
    return BatchItem(
        str(values["job_id"]),
        str(values["image"]),
        str(values.get("name", "")),
        dict(values.get("parameters") or {}),
        location,
        str(values.get("image_name", "")),
        {str(side): str(path) for side, path in (values.get("views") or {}).items() if side in VIEWS},
    )
