# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch: many images with one set of settings, as a list of jobs with a name. It is not a second engine.

A batch is an immutable snapshot like a job. It is written to the journal before its first job is created, with all of
its images, so that a crash in between loses none of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..placement import Placement
from .job import Job, State, TargetScene

ARRANGE_CHOICES: Final = ("GRID", "ROW", "NONE")
"""How the models of a batch are arranged in the scene; NONE: each where its placement says."""


class BatchItem(NamedTuple):
    """One image of a batch, and what is different for it."""

    job_id: str
    """The id of its job, chosen in advance: after a crash, the same image never becomes a second job."""
    image: str
    """An absolute path or a public URL."""
    name: str = ""
    """The model's name; by default the image's."""
    parameters: Mapping[str, Any] = {}
    """Request parameters of this image alone."""
    location: tuple[float, float, float] | None = None
    """Where its model is placed, if that is already known."""
    image_name: str = ""
    """The name of the image that the artist chose, if the file is a copy of it."""
    views: Mapping[str, str] = {}
    """Absolute paths of further images of the subject, by the side that they show."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Many images that become models. All times are seconds since the epoch."""

    id: str
    name: str
    folder: Path
    """The batch's results folder. Its reports and the folders of its jobs are in it."""
    items: tuple[BatchItem, ...]
    service: str
    base_url: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Validated request parameters of all images."""
    placement: Placement = field(default_factory=Placement)
    target_scene: TargetScene = field(default_factory=TargetScene)
    place_by_itself: bool = True
    group: str = ""
    """Shared by the variations of one model."""
    arrange: str = "NONE"
    """One of ARRANGE_CHOICES."""
    report: bool = True
    """A report is written into its folder."""
    created: float = 0.0
    paused: bool = False
    """No job of it starts."""
    cancelled: bool = False
    """No more jobs of it are created."""
    listed: bool = True
    """Shown in the job list; False once the artist removed it."""


class BatchChanged(NamedTuple):
    """Event: a batch is new, or was paused, resumed or cancelled. Its progress follows from its jobs."""

    batch: Batch


class BatchRemoved(NamedTuple):
    """Event: a batch was removed from the list. Its jobs are removed by events of their own."""

    batch_id: str


BatchEvent = BatchChanged | BatchRemoved


class BatchProgress(NamedTuple):
    """How far a batch is."""

    total: int
    done: int
    """Jobs whose model is ready or placed."""
    failed: int
    """Jobs that failed or whose submit was not confirmed."""
    cancelled: int
    running: int
    """Jobs that the service or this computer is working on."""
    waiting: int
    """Jobs that wait for a slot, and images whose job does not exist yet."""
    fraction: float
    """Finished part of the whole batch, 0 to 1."""

    @property
    def finished(self) -> bool:
        """Whether nothing of it is running or waiting."""
        return not (self.running or self.waiting)


_KINDS: Final[Mapping[State, str]] = {
    State.QUEUED: "waiting",
    State.READY: "done",
    State.PLACED: "done",
    State.FAILED: "failed",
    State.UNCONFIRMED: "failed",
    State.CANCELLED: "cancelled",
}
"""What each state counts as; all others: running."""


def kind_of(state: State) -> str:
    """Returns which number of `BatchProgress` a job in this state belongs to."""
    return _KINDS.get(state, "running")


def progress(total: int, states: Counter[State], *, cancelled: bool = False) -> BatchProgress:
    """Returns a batch's progress. `states`: the number of its jobs in each state. `cancelled`: `Batch.cancelled`."""
    kinds: Counter[str] = Counter()
    for state, count in states.items():
        kinds[kind_of(state)] += count
    missing = max(0, total - states.total())
    kinds["cancelled" if cancelled else "waiting"] += missing
    ended = kinds["done"] + kinds["failed"] + kinds["cancelled"]
    fraction = (ended + 0.5 * kinds["running"]) / total if total else 1.0
    return BatchProgress(
        total, kinds["done"], kinds["failed"], kinds["cancelled"], kinds["running"], kinds["waiting"], fraction
    )


def states_of(jobs: Iterable[Job]) -> Counter[State]:
    """Returns the number of jobs in each state."""
    return Counter(job.state for job in jobs)


def columns_of(batch: Batch) -> int:
    """Returns how the batch is arranged, as `Job.columns`: a grid has about as many rows as columns."""
    match batch.arrange:
        case "GRID":
            return math.ceil(math.sqrt(len(batch.items)))
        case "ROW":
            return 0
    return -1
