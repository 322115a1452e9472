# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist can command for a job that is not running, as pure functions from the job to how it continues.

To add a command: add it here, an operator in operators/job_actions.py, and a button in panels/job_details.py.
"""

from __future__ import annotations

import enum
from dataclasses import replace

from .job import Job, State, resume_state


class Command(enum.Enum):
    """What an artist can command for a job that is not running."""

    RETRY = "retry"
    """Continue where it stopped, without being paid for again."""
    CHECK_AGAIN = "check_again"
    """Look the job up at the service: by its id if it has one, else in the account's list."""
    SEND_AGAIN = "send_again"
    """Send the request again. It may be charged a second time, so only an artist commands this."""
    DOWNLOAD_AGAIN = "download_again"
    """Download the result's files again, from new links."""
    IMPORT_AGAIN = "import_again"
    """Make the .blend from the downloaded model file again."""


DELETES_DOWNLOADS = frozenset({Command.SEND_AGAIN, Command.DOWNLOAD_AGAIN})
"""The files of the earlier attempt are deleted first."""

_ENDED = frozenset({State.FAILED, State.CANCELLED, State.UNCONFIRMED})


def apply(command: Command, job: Job) -> Job | None:
    """Returns the job in the state in which it continues; None if the command does not fit its state."""
    match command:
        case Command.RETRY if job.state in _ENDED:
            return job.moved(resume_state(job))
        case Command.CHECK_AGAIN if job.state in {State.UNCONFIRMED, State.FAILED}:
            return job.moved(State.WAITING if job.service_id or job.fetch_url else State.RECONCILING)
        case Command.SEND_AGAIN if job.state in _ENDED:
            return job.to_submit_again().moved(State.QUEUED)
        case Command.DOWNLOAD_AGAIN if job.state in {State.FAILED, State.CANCELLED}:
            bare = job.to_download_again()
            state = resume_state(bare)
            if state is State.QUEUED and job.submitted:
                return None  # there is nothing to download: a new request is paid for, so only Retry sends it
            return bare.moved(state)
        case Command.IMPORT_AGAIN if job.model_file and job.state in {State.FAILED, State.CANCELLED, State.READY}:
            return replace(job, blend_file="").moved(State.IMPORTING)
    return None
