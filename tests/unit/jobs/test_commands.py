# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command does to a job that is not running, and that only the right ones can cost money again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from image_to_3d.errors import Message, OutcomeUnknownError, ServiceRefusedError, StorageError
from image_to_3d.jobs.commands import Command, apply
from image_to_3d.jobs.job import InputImage, Job, State
from image_to_3d.jobs.retry import MAX_FREE_SUBMITS, Failures, RetryPolicy, decide


def a_job(**changes: Any) -> Job:
    image = InputImage("chair.png", "image.png", "0" * 64)
    job = Job(id="20260101-000000-000000-00000000", name="chair", image=image, parameters={}, folder=Path("chair"),
              service="CUSTOM")  # fmt: skip
    return replace(job, **changes)


def test_after_a_failed_generation_only_retry_and_send_again_pay_for_another_one() -> None:
    waiting = a_job(state=State.WAITING, service_id="7", sent=5.0, submitted=5.0, links=(("https://a.example/x",),))
    failed = decide(waiting, ServiceRefusedError("No mesh."), Failures(1, 0.0), RetryPolicy()).job
    assert failed.state is State.FAILED
    assert apply(Command.DOWNLOAD_AGAIN, failed) is None
    assert apply(Command.IMPORT_AGAIN, failed) is None
    for command in (Command.RETRY, Command.SEND_AGAIN):
        again = apply(command, failed)
        assert again is not None
        assert again.state is State.QUEUED


def test_a_job_that_failed_before_it_was_sent_starts_whatever_its_button_says() -> None:
    failed = a_job(state=State.FAILED, error=StorageError("The results folder can't be written.").info())
    for command in (Command.RETRY, Command.DOWNLOAD_AGAIN):
        again = apply(command, failed)
        assert again is not None
        assert again.state is State.QUEUED


def test_a_lost_submit_is_repeated_a_few_times_where_nothing_is_paid_and_never_elsewhere() -> None:
    lost = OutcomeUnknownError("{reason} It is not in the list.", reason=Message("No reply."))
    for service in ("LOCAL", "OFFLINE"):
        job, submits = a_job(service=service, state=State.RECONCILING, sent=5.0), 1
        while (job := decide(job, lost, Failures(1, 0.0), RetryPolicy()).job).state is State.QUEUED:
            assert not job.sent
            job, submits = replace(job, state=State.RECONCILING, sent=5.0), submits + 1
        assert (job.state, submits) == (State.UNCONFIRMED, MAX_FREE_SUBMITS)
    paid = a_job(state=State.RECONCILING, sent=5.0)
    assert decide(paid, lost, Failures(1, 0.0), RetryPolicy()).job.state is State.UNCONFIRMED
