# SPDX-License-Identifier: GPL-3.0-or-later
"""What a generator is: the part of a loopback service that makes models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..control import Control
from ..errors import Message
from .storage import StoredJob


@dataclass(frozen=True, slots=True)
class Work:
    """One job that is to be made."""

    job: StoredJob
    image: Path
    views: dict[str, Path]
    """Further images of the subject, by the side that they show."""
    folder: Path
    """Where its files go."""
    control: Control
    """Whether the job was cancelled."""
    begin_attempt: Callable[[], None]
    """Record that an attempt begins, which can't be undone or continued. Raises LostError after too many of them."""
    take_back_attempt: Callable[[], None]
    """Record that the last attempt did not begin after all."""
    waits_for: Callable[[Message], None]
    """Tell what the job waits for before its next attempt begins."""


@dataclass(frozen=True, slots=True)
class Made:
    """The files that were made, by name, and what the artist should know about them."""

    files: list[str]
    notes: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Generator:
    """Makes models, one after the other."""

    name: Message
    """As the subject of a sentence: "The offline preview". It is translated."""
    note: str
    """What each reply says about it."""
    tip: str
    formats: tuple[str, ...]
    """The file formats that it makes. Where another one is requested, it makes the first."""
    make: Callable[[Work], Made]
    """Raises ImageTo3DError. Called on the main thread."""
    estimate: Callable[[StoredJob], float]
    """Seconds that a job takes, before any was measured; 0 if that is not known."""
    max_attempts: int
    """How often one job may begin: it can be lost with the process or with a connection."""
    target: str = ""
    """The server that makes the jobs submitted now; "" if there is only one. A job for another is not begun."""
