# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fault in a step means for its job: wait and try again, another way, or the end.

Faults that may pass are met with growing, jittered waits. Nothing that was paid for is given up within the
hour; nothing that may have been paid for is sent a second time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from ..errors import (
    CancelledError,
    ConnectionFailedError,
    ImageTo3DError,
    KeyMissingError,
    Message,
    OnlineAccessError,
    OutcomeUnknownError,
    RateLimitError,
    ResultDamagedError,
    ResultMissingError,
    ServiceRefusedError,
    WorkerError,
)
from .job import Job, State


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long faults that may pass are met with another try. Seconds, or tries."""

    first_wait: float = 2.0
    growth: float = 2.0
    longest_wait: float = 60.0
    unpaid: float = 180.0
    """For steps before the service took the job; no connection makes the whole queue wait meanwhile."""
    paid: float = 3600.0
    """For steps after it."""
    hold: float = 5.0
    """Between two looks at whether online access or a key is back."""
    rate_limit: float = 60.0
    """Where the service says "too many" and not how long."""
    fresh_links: int = 3
    """How often a result is asked for anew when its links don't answer or its files are damaged."""
    looks: int = 5
    """How often a list of generated models that can't be read is asked for."""
    conversions: int = 2


@dataclass(frozen=True, slots=True)
class Failures:
    """The faults of one job since its last step that worked."""

    tries: int
    lasting: float
    """Seconds since the first of them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the job. `after`: seconds until its next step. `pause`: seconds for the whole queue."""

    job: Job
    after: float = 0.0
    pause: float = 0.0


BEFORE_SUBMIT: Final = frozenset({State.QUEUED, State.PREPARING, State.UPLOADING, State.SUBMITTING})
_PAID: Final = frozenset({State.RECONCILING, State.WAITING, State.DOWNLOADING})


def decide(job: Job, error: ImageTo3DError, trouble: Failures, retry_policy: RetryPolicy) -> Decision:
    """What becomes of a job whose step ended with `error`."""
    if job.state is State.SUBMITTING and not isinstance(error, OutcomeUnknownError):
        job = replace(job, sent=0.0)  # a definite no: nothing was paid
    match error:
        case CancelledError():
            return Decision(job.moved(State.CANCELLED))
        case OutcomeUnknownError() if job.state is State.SUBMITTING:
            return Decision(
                job.moved(State.RECONCILING, note=Message("No reply; checking whether the service received it"))
            )
        case OutcomeUnknownError():
            return Decision(job.moved(State.UNCONFIRMED, error=error.info()))
        case OnlineAccessError() | KeyMissingError():
            # It was there when the job was ordered: the job waits until it is there again.
            return _wait(job, error.message, retry_policy.hold)
        case _ if job.state is State.RECONCILING and (not error.transient or trouble.tries >= retry_policy.looks):
            unknown = OutcomeUnknownError(
                "No reply, and your account's list can't be read: {reason}", reason=error.message
            )
            return Decision(job.moved(State.UNCONFIRMED, error=unknown.info()))
        case RateLimitError():
            wait = retry_policy.rate_limit if error.retry_after is None else error.retry_after
            # What a file's host says of itself says nothing of the service.
            return _wait(job, error.message, wait, pause=0.0 if job.state is State.DOWNLOADING else wait)
        case ResultMissingError() | ResultDamagedError() if job.state is State.DOWNLOADING:
            return _fresh_links(job, error, trouble, retry_policy)
        case ResultMissingError() if job.state is State.IMPORTING:
            return Decision(job.moved(State.DOWNLOADING, model_file=""))
        case ServiceRefusedError() if job.state is State.WAITING:
            return _refused_after_all(job, error, trouble, retry_policy)
        case WorkerError() if job.state in {State.IMPORTING, State.PREPARING}:
            if error.transient and trouble.tries < retry_policy.conversions:
                return Decision(job)
            return _failed(job, error)
        case _ if not error.transient:
            return _failed(job, error)
    lasting = retry_policy.paid if job.state in _PAID else retry_policy.unpaid
    if trouble.lasting >= lasting:
        return _failed(job, error)
    wait = max(_growing(trouble.tries, retry_policy), min(error.retry_after or 0.0, retry_policy.paid))
    pause = wait if isinstance(error, ConnectionFailedError) and job.state in BEFORE_SUBMIT else 0.0
    return _wait(job, Message("Trying again: {reason}", {"reason": error.message}), wait, pause)


def _wait(job: Job, note: Message, seconds: float, pause: float = 0.0) -> Decision:
    """The same step again later; before the submit, the job gives its place at the service free meanwhile."""
    if job.state in BEFORE_SUBMIT and job.state is not State.QUEUED:
        return Decision(job.moved(State.QUEUED, note=note), seconds, pause)
    return Decision(replace(job, note=note), seconds, pause)


def _failed(job: Job, error: ImageTo3DError) -> Decision:
    return Decision(job.moved(State.FAILED, error=error.info()))


def _fresh_links(job: Job, error: ImageTo3DError, trouble: Failures, retry_policy: RetryPolicy) -> Decision:
    """The mirrors have all been tried: ask the service for new addresses, a few times."""
    if trouble.tries > retry_policy.fresh_links:
        return _failed(job, error)
    wait = _growing(trouble.tries, retry_policy)
    note = Message("Requesting new links: {reason}", {"reason": error.message})
    if job.service_id or job.fetch_url:
        return Decision(job.moved(State.WAITING, note=note), wait)
    return Decision(replace(job, note=note), wait)


def _refused_after_all(job: Job, error: ServiceRefusedError, trouble: Failures, retry_policy: RetryPolicy) -> Decision:
    """The service says the generation failed. What can be had by its links is still tried; then it is over."""
    if error.transient and trouble.tries <= retry_policy.fresh_links:
        return _wait(job, error.message, _growing(trouble.tries, retry_policy))
    if job.links:
        return Decision(job.moved(State.DOWNLOADING))
    over = replace(job, service_id="", fetch_url="", sent=0.0, details={**job.details, "failed_id": job.service_id})
    return _failed(over, error)


def _growing(tries: int, retry_policy: RetryPolicy) -> float:
    full = min(retry_policy.first_wait * retry_policy.growth ** min(tries - 1, 30), retry_policy.longest_wait)
    return full * random.uniform(0.7, 1.0)  # jitter: many Blenders must not come back in step
