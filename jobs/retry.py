# SPDX-License-Identifier: GPL-3.0-or-later
"""The retry policy: what an error in a step means for its job. Retry with a delay, continue elsewhere, or fail.

Transient errors are retried with exponential backoff and jitter. Nothing that was paid for is given up within the
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
    NoCreditError,
    OnlineAccessError,
    OutcomeUnknownError,
    RateLimitError,
    ResultDamagedError,
    ResultMissingError,
    ServiceRefusedError,
    WorkerError,
)
from .config import FREE
from .job import NO_REPLY, Job, State


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retry limits and backoff, in seconds or attempts."""

    first_wait: float = 2.0
    growth: float = 2.0
    max_wait: float = 60.0
    before_accepted: float = 180.0
    """How long steps are retried before the service has accepted the job. Without a connection, the service's whole
    queue is paused meanwhile."""
    after_accepted: float = 3600.0
    recheck_interval: float = 5.0
    """Between two checks whether online access is enabled, or a key is set, again."""
    longest_pause: float = 3600.0
    """A service that asks for a longer pause is asked again after this."""
    rate_limit: float = 60.0
    """Pause if the service says "too many requests" but not how long to wait."""
    without_files: float = 180.0
    """How long a job is polled that the service calls done, but without files."""
    new_links: int = 3
    """How often new links are requested if the links don't answer or the files are damaged."""
    list_attempts: int = 5
    """How often the service's list is requested if it can't be read."""


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures of one job since its last step that succeeded."""

    count: int
    seconds: float
    """Since the first of them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The job's next state. `delay`: seconds until its next step. `pause`: seconds for the service's whole queue."""

    job: Job
    delay: float = 0.0
    pause: float = 0.0


MAX_WORKER_ATTEMPTS: Final = 2
"""A file that ended a Blender or its worker so often is tried again only if the artist says so."""
MAX_FREE_SUBMITS: Final = 3
"""How often a job that costs nothing is submitted by itself, when it is not known what became of the submit."""
_BEFORE_SUBMIT: Final = frozenset({State.QUEUED, State.PREPARING, State.UPLOADING, State.SUBMITTING})
_ACCEPTED: Final = frozenset({State.RECONCILING, State.WAITING, State.DOWNLOADING})


def decide(job: Job, error: ImageTo3DError, failures: Failures, policy: RetryPolicy) -> Decision:
    """Returns what happens to a job whose step raised `error`."""
    if job.state is State.SUBMITTING and not isinstance(error, OutcomeUnknownError):
        job = replace(job, sent=0.0)  # definitely refused: nothing was charged
    match error:
        case CancelledError():
            return Decision(job.moved(State.CANCELLED))
        case OutcomeUnknownError() if job.state is State.SUBMITTING:
            note = Message("Not confirmed; checking whether the service received it")
            return Decision(job.moved(State.RECONCILING, note=note, lost_reply=error.message))
        case OutcomeUnknownError() if job.service in FREE and job.delivery < MAX_FREE_SUBMITS:
            # Nothing was paid, and its process has no such job, and perhaps no image any more.
            return Decision(job.to_submit_again().without_uploads().moved(State.QUEUED))
        case OutcomeUnknownError() if job.state is State.WAITING:
            return _fail(job.to_submit_again(), error)
        case OutcomeUnknownError():
            return Decision(job.moved(State.UNCONFIRMED, error=error.info()))
        case OnlineAccessError() | KeyMissingError():
            # The job could be started, so it continues once the access or the key is there again.
            return _wait(job, error.message, policy.recheck_interval)
        case _ if job.state is State.RECONCILING and (not error.transient or failures.count >= policy.list_attempts):
            lost = job.lost_reply or NO_REPLY
            unknown = OutcomeUnknownError(
                "{lost} Your account's list can't be read: {reason}", lost=lost, reason=error.message
            )
            return Decision(job.moved(State.UNCONFIRMED, error=unknown.info()))
        case RateLimitError():
            wait = policy.rate_limit if error.retry_after is None else min(error.retry_after, policy.longest_pause)
            # The limit of a file's host is not the service's.
            return _wait(job, error.message, wait, pause=0.0 if job.state is State.DOWNLOADING else wait)
        case ResultMissingError() if job.state is State.WAITING:
            return _no_files(job, error, failures, policy)
        case ResultMissingError() | ResultDamagedError() if job.state is State.DOWNLOADING:
            return _request_new_links(job, error, failures, policy)
        case ConnectionFailedError() if job.state is State.DOWNLOADING and job.service in FREE:
            # The process that gave the links has ended; the next one serves the file at another port.
            return _request_new_links(job, error, failures, policy)
        case ResultMissingError() if job.state is State.IMPORTING:
            return Decision(job.moved(State.DOWNLOADING, model_file=""))
        case ServiceRefusedError() | NoCreditError() if job.state is State.WAITING:
            # Over: what the reply to the submit announced is no result. A retry submits again.
            return _fail(job.to_submit_again(), error)
        case WorkerError() if job.state in {State.IMPORTING, State.PREPARING}:
            attempts = job.conversions if job.state is State.IMPORTING else failures.count
            if error.transient and attempts < MAX_WORKER_ATTEMPTS:
                return Decision(job)
            return _fail(job, error)
        case _ if not error.transient:
            return _fail(job, error)
    if failures.seconds >= (policy.after_accepted if job.state in _ACCEPTED else policy.before_accepted):
        return _fail(job, error)
    asked = min(error.retry_after or 0.0, policy.longest_pause)
    wait = max(_backoff(failures.count, policy), asked)
    unreachable = isinstance(error, ConnectionFailedError) and job.state in _BEFORE_SUBMIT
    pauses = unreachable or (asked and job.state is not State.DOWNLOADING)
    return _wait(job, Message("Trying again: {reason}", {"reason": error.message}), wait, wait if pauses else 0.0)


def _wait(job: Job, note: Message, seconds: float, pause: float = 0.0) -> Decision:
    """Repeat the step later. Before the submit, the job frees its slot at the service meanwhile."""
    if job.state in _BEFORE_SUBMIT and job.state is not State.QUEUED:
        return Decision(job.moved(State.QUEUED, note=note), seconds, pause)
    return Decision(replace(job, note=note), seconds, pause)


def _fail(job: Job, error: ImageTo3DError) -> Decision:
    return Decision(job.moved(State.FAILED, error=error.info()))


def _request_new_links(job: Job, error: ImageTo3DError, failures: Failures, policy: RetryPolicy) -> Decision:
    """All mirrors failed: request new links from the service, a few times."""
    if failures.count > policy.new_links:
        return _fail(job, error)
    wait = _backoff(failures.count, policy)
    note = Message("Requesting new links: {reason}", {"reason": error.message})
    if job.service_id or job.fetch_url:
        return Decision(job.moved(State.WAITING, note=note), wait)
    return Decision(replace(job, note=note), wait)


def _no_files(job: Job, error: ImageTo3DError, failures: Failures, policy: RetryPolicy) -> Decision:
    """The service says "success" without files, or no longer knows the job: try announced links, and poll a while."""
    if job.links and failures.count == 1:
        return Decision(job.moved(State.DOWNLOADING))
    if failures.seconds >= policy.without_files:
        return _fail(job, error)
    return _wait(job, Message("Trying again: {reason}", {"reason": error.message}), _backoff(failures.count, policy))


def _backoff(failures: int, policy: RetryPolicy) -> float:
    """Returns the delay before the next attempt: exponential, with jitter so that many Blenders spread out."""
    full = min(policy.first_wait * policy.growth ** min(failures - 1, 30), policy.max_wait)
    return full * random.uniform(0.7, 1.0)
