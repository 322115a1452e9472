# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh tool runs on each model before it is placed. It never costs the model, and never runs or is paid for twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from image_to_3d.jobs import after_import
from image_to_3d.jobs.batch_request import BatchImage, BatchRequest
from image_to_3d.jobs.commands import Command
from image_to_3d.jobs.job import Job, State
from image_to_3d.jobs.queue import Queue
from image_to_3d.placement import Placement
from model_files import glb
from queues import a_request, an_image, rest, states_seen, until
from scripted_service import ScriptedService
from victim import Victim, kept_jobs

CLEAN_UP = Placement(after_import="CLEAN_UP")


def outcome(job: Job) -> after_import.Outcome:
    found = after_import.outcome_of(job)
    assert found is not None
    return found


def test_the_tool_s_result_is_beside_the_model_and_no_temporary_file_is_left(queue: Queue) -> None:
    job = queue.add(a_request(placement=CLEAN_UP))
    [job] = rest(queue)
    assert (job.state, job.blend_file, job.tool_file) == (State.READY, "model.blend", "model-clean.blend")
    assert states_seen(queue, job.id)[-3:] == [State.IMPORTING, State.PROCESSING, State.READY]
    assert outcome(job).result.notes
    assert outcome(job).result.blend == job.folder / "model-clean.blend"
    assert [path.name for path in job.folder.glob("~*")] == []
    assert {"model.blend", "model-clean.blend"} <= {path.name for path in job.folder.iterdir()}
