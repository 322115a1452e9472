# SPDX-License-Identifier: GPL-3.0-or-later
"""What `--resume` continues: the batches of ended runs that have one of the images."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import ImageError, TakenOverError
from ..jobs.batch import Batch, BatchItem
from ..jobs.commands import Command
from ..jobs.job import Job, State

if TYPE_CHECKING:
    from ..jobs.queue import Queue

WAIT_FOR_OTHERS: Final = 600.0
"""Seconds to wait for another Blender that has the images: it may have been killed on another computer, which shows
only after a minute (`process_lock`)."""
_LOOK_AGAIN: Final = 1.0
_SAY_AGAIN: Final = 60.0


class Known(NamedTuple):
    """An image that an earlier run was started with."""

    batch_id: str
    item: BatchItem


def look_up(queue: Queue, images: Collection[str]) -> dict[str, tuple[Batch, BatchItem, Job | None]]:
    """Returns what earlier runs have made of these images, by image, and starts nothing. Blocks. Raises StorageError.

    An image that was started several times counts in its last batch. The job is None if it does not exist yet.
    """
    wanted = frozenset(images)
    known: dict[str, tuple[Batch, BatchItem, Job | None]] = {}
    for batch, jobs in queue.find_batches(lambda batch: any(item.image in wanted for item in batch.items)):
        for item in batch.items:
            if item.image in wanted:
                known[item.image] = batch, item, jobs.get(item.job_id)
    return known


def take_over(
    queue: Queue,
    images: Collection[str],
    say: Callable[[str], None],
    interrupted: Callable[[], bool],
    *,
    send_unconfirmed: bool,
) -> dict[str, Known]:
    """Take over what earlier runs have left of these images, and continue it. Returns what is known, by image. Blocks.

    An image that was started several times counts in its last batch; the other batches rest. Waits for other Blenders
    that still have such images. `send_unconfirmed`: requests whose outcome is unknown are sent again.
    Raises TakenOverError if the other Blenders do not end, StorageError.
    """
    wanted = frozenset(images)
    started, said = time.monotonic(), -_SAY_AGAIN
    while queue.take_over_batches(lambda batch: any(item.image in wanted for item in batch.items)):
        now = time.monotonic()
        if interrupted():
            return {}
        if now - started > WAIT_FOR_OTHERS:
            raise TakenOverError("{name} is continued by another Blender.", name="The batch")
        if now - said > _SAY_AGAIN:
            said = now
            say("Another Blender has a batch with these images. Waiting until it ends.")
        time.sleep(_LOOK_AGAIN)
    known: dict[str, Known] = {}
    for batch in queue.batches():  # oldest first
        known |= {item.image: Known(batch.id, item) for item in batch.items if item.image in wanted}
    for batch in queue.batches():
        queue.pause_batch(batch.id, all(each.batch_id != batch.id for each in known.values()))
    return {image: each for image, each in known.items() if _continue(queue, each, send_unconfirmed=send_unconfirmed)}


def _continue(queue: Queue, known: Known, *, send_unconfirmed: bool) -> bool:
    """Continue the job of an image, if it has ended without a model. Returns False if the image is to start anew."""
    job = queue.job(known.item.job_id)
    if job is None:  # the batch creates it, unless it was cancelled
        return not any(batch.id == known.batch_id and batch.cancelled for batch in queue.batches())
    if job.state is State.FAILED and not job.sent and job.error is not None and job.error.code == ImageError.code:
        return False  # the job has a copy of the image, and somebody may have replaced the original since
    if job.state is State.UNCONFIRMED:
        queue.command(job.id, Command.SEND_AGAIN if send_unconfirmed else Command.CHECK_AGAIN)
    elif job.state in (State.FAILED, State.CANCELLED):
        queue.command(job.id, Command.RETRY)
    return True
