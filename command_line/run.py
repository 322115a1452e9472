# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the command line, from its arguments to its exit code: one batch of files, placed in no scene."""

from __future__ import annotations

import glob
import os
import time
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from .. import engine, job_view, preferences
from ..control import Control
from ..data_folder import OWN_NAME
from ..errors import (
    NO_MESSAGE,
    ErrorInfo,
    ImageTo3DError,
    OnlineAccessError,
    ParameterError,
    StorageError,
    TakenOverError,
    counted,
)
from ..jobs.batch import BatchItem, BatchProgress, kind_of
from ..jobs.batch_request import BatchImage, with_views_by_name
from ..jobs.job import Job
from ..scene import image_files, image_sources
from . import earlier_runs, mesh_tool, model_files, output
from .interruption import Interruption
from .options import BLEND, Options, parse

DONE: Final = 0
SOME_FAILED: Final = 1
NOT_STARTED: Final = 2

_POLL_SECONDS: Final = 0.1


def run(arguments: list[str]) -> int:
    """Run the command. Returns the exit code, as `--help` describes it."""
    try:
        if arguments[:1] == [mesh_tool.COMMAND]:
            wanted = mesh_tool.parse(arguments[1:])
            return mesh_tool.run(wanted, output.ResultLines(output.take_stdout()))
        options = parse(arguments)
    except SystemExit as ended:  # help was shown on stdout, or an argument can't be used
        if ended.code:
            output.take_stdout()
        return int(ended.code or 0)
    lines = output.ResultLines(output.take_stdout())
    with Interruption() as interruption:
        try:
            _override_preferences(options)
            return Run(options, lines, interruption).run()
        except OnlineAccessError as error:
            output.say(f"{error} On the command line: blender --online-mode --command image_to_3d …")
        except ImageTo3DError as error:
            output.say(str(error))
        finally:
            engine.stop()
            preferences.override(None)
    return NOT_STARTED


def find_images(options: Options) -> dict[str, BatchImage]:
    """Returns the images that are wanted, each once, by their absolute paths and URLs.

    A file that does not exist is kept: it fails, and does not stop the others. Raises ImageError, ParameterError.
    """
    found: dict[str, None] = {}
    for text in options.images:
        if image_sources.is_url(text):
            found[text] = None
            continue
        path = _absolute(text)
        if path.is_dir() or (glob.has_magic(text) and not path.exists()):
            files = image_files.find(str(path), recursive=options.recursive, pattern=options.pattern)
            found |= dict.fromkeys(str(each) for each in files)
        else:
            found[str(path)] = None
    images = [BatchImage(image if image_sources.is_url(image) else Path(image)) for image in found]
    if options.views_by_name:
        images = with_views_by_name(images)
    if options.views:
        if len(images) != 1:
            raise ParameterError("Views belong to one image.", advice="Give one image, or use --views-by-name.")
        images = [images[0]._replace(views={side: _absolute(file) for side, file in options.views.items()})]
    numbered = {str(each.image): each for each in images}
    return {
        image: each
        for number, (image, each) in enumerate(numbered.items(), 1)
        if options.numbers is None or number in options.numbers
    }


def _absolute(text: str) -> Path:
    path = Path(os.path.abspath(Path(text).expanduser()))
    if os.name == "posix":  # which keeps two slashes at the start; for Blender they are the .blend's folder
        path = Path("/", *path.parts[1:])
    return path


def _override_preferences(options: Options) -> None:
    """Use what was given in place of the preferences. An output folder has a journal of its own.

    So a run can be resumed on another computer, and no other Blender continues it meanwhile.
    """
    output_folder = options.output
    data = output_folder / OWN_NAME if output_folder else None
    overrides = (options.service, options.local_url, options.local_model, options.jobs, output_folder, data)
    preferences.override(preferences.Overrides(*overrides))


class Run:
    """One run: its images, and which of them have ended."""

    def __init__(self, options: Options, lines: output.ResultLines, interruption: Interruption) -> None:
        self._options = options
        self._lines = lines
        self._interruption = interruption
        self._items: dict[str, BatchItem] = {}
        """By job id, the images that have not ended."""
        self._batch_ids: dict[str, str] = {}
        """By job id, for all images."""
        self._ended: Counter[str] = Counter()
        self._seen: set[str] = set()
        """Ids of jobs that exist."""
        self._skipped = 0
        self._started = time.monotonic()

    def run(self) -> int:
        """Start or resume the images, and wait for them. Returns the exit code. Raises ImageTo3DError."""
        images = find_images(self._options)
        if not images:
            output.say("None of the images that were found has a number in --range.")
            return DONE
        if self._options.check:
            return self._check(images)
        engine.require_ready(None)
        self._start(images)
        self._report_ended(skipped=True)
        self._skipped = self._ended.total()
        self._wait()
        if self._interruption:
            return self._interrupted()
        for batch_id in dict.fromkeys(self._batch_ids.values()):
            self._finish_report(batch_id)
        return self._exit_code()

    def _check(self, images: Collection[str]) -> int:
        """Write a line for each image with what earlier runs have made of it. Returns the exit code."""
        known = earlier_runs.look_up(engine.queue(), images)
        for image in images:
            batch, item, job = known.get(image, (None, BatchItem("", image), None))
            line = output.line_without_job(item, None)
            if batch is not None and job is not None:
                line = output.line_of(batch, job, item, skipped=True)
                self._add_path(line, job, provided_only=True)
            self._ended[line["state"]] += 1
            self._lines.write(line)
        output.say(f"{self._ended['done']} of {len(images)} models are there.")
        return self._exit_code()

    def _exit_code(self) -> int:
        missing = self._ended.total() - self._ended["done"]
        if missing <= self._options.max_failures:
            return DONE
        if self._options.openjd:
            output.say(f"openjd_fail: {missing} of {self._ended.total()} images have no model")
        return SOME_FAILED

    def _start(self, images: Mapping[str, BatchImage]) -> None:
        options, known = self._options, {}
        if options.resume:
            known = earlier_runs.take_over(
                engine.queue(),
                images,
                output.say,
                lambda: bool(self._interruption),
                send_unconfirmed=options.send_unconfirmed,
            )
            engine.drain(budget=60.0)  # the jobs that were taken over become known to the view
        for image in images:
            if image in known:
                batch_id, item = known[image]
                self._items[item.job_id] = item
                self._batch_ids[item.job_id] = batch_id
        new = [each for image, each in images.items() if image not in known]
        if new and not self._interruption:
            batch = engine.submit_batch(
                new,
                parameters=options.parameters,
                placement=options.placement,
                scene=None,
                name=options.name,
                report=options.report,
            )
            self._items |= {item.job_id: item for item in batch.items}
            self._batch_ids |= dict.fromkeys(self._items.keys() - self._batch_ids.keys(), batch.id)

    def _wait(self) -> None:
        name = self._options.name or next((b.name for b in job_view.batches() if b.id in self._batch_ids.values()), "")
        shown = output.make_progress(name or "Batch", openjd=self._options.openjd)
        waits_for = NO_MESSAGE
        while self._items and not self._interruption:
            engine.drain(budget=0.5)
            self._report_ended()
            if job_view.waits_for() != waits_for and (waits_for := job_view.waits_for()):
                shown.message(str(waits_for))
            for notice in job_view.take_notices():
                shown.message(str(notice.message))
            progress = self._progress()
            shown.show(progress, self._seconds_left(progress))
            time.sleep(_POLL_SECONDS)
        shown.finish(self._progress(), time.monotonic() - self._started)

    def _report_ended(self, *, skipped: bool = False) -> None:
        """Write a line for each image that has ended since the last call. `skipped`: an earlier run has made them."""
        for job_id, item in list(self._items.items()):
            job = job_view.job(job_id)
            if job is None:
                if error := self._lost(job_id):
                    self._end(item, "failed")
                    self._lines.write(output.line_without_job(item, error))
            elif not job.running:
                self._seen.add(job_id)
                if not skipped or kind_of(job.state) == "done":
                    self._write_line(job, item, skipped=skipped)
            else:
                self._seen.add(job_id)

    def _lost(self, job_id: str) -> ErrorInfo | None:
        """Returns why an image has no job and will get none; None if its job is still to be created."""
        if job_id in self._seen:
            return TakenOverError("{name} is continued by another Blender.", name=self._items[job_id].image).info()
        if job_view.batch(self._batch_ids[job_id]) is None:
            return StorageError("The journal can't be written.").info()
        return None

    def _write_line(self, job: Job, item: BatchItem, *, skipped: bool) -> None:
        batch = job_view.batch(job.batch)
        if batch is None:
            return
        line = output.line_of(batch, job, item, skipped=skipped)
        try:
            self._add_path(line, job)
        except StorageError as failure:
            line |= {"state": "failed", "error": output.error_of(failure.info())}
        self._end(item, line["state"])
        self._lines.write(line)

    def _add_path(self, line: dict[str, Any], job: Job, *, provided_only: bool = False) -> None:
        """Put the model's path in the output folder into a line, where it is provided if it is not yet.

        Raises StorageError.
        """
        blend, folder = self._options.model_format == BLEND, self._options.output
        if folder is None or line["state"] != "done":
            return
        find = model_files.provided if provided_only else model_files.provide
        path = find(job, folder, blend=blend)
        if path is not None:
            line["blend" if blend else "model"] = str(path)

    def _end(self, item: BatchItem, kind: str) -> None:
        self._ended[kind] += 1
        del self._items[item.job_id]

    def _progress(self) -> BatchProgress:
        kinds: Counter[str] = Counter()
        for job_id in self._items:
            job = job_view.job(job_id)
            kinds["waiting" if job is None else kind_of(job.state)] += 1
        ended, total = self._ended, self._ended.total() + len(self._items)
        running = kinds["running"]
        return BatchProgress(
            total, ended["done"], ended["failed"], ended["cancelled"], running, len(self._items) - running,
            (ended.total() + 0.5 * running) / total if total else 1.0,
        )  # fmt: skip

    def _seconds_left(self, progress: BatchProgress) -> float | None:
        """Returns the estimated time left in seconds, from how long this run's models took; None if none is done."""
        done = self._ended["done"] - self._skipped
        passed = time.monotonic() - self._started
        return passed * (0.5 * progress.running + progress.waiting) / done if done else None

    def _interrupted(self) -> int:
        """Pause what is left, so that no other Blender continues it, and write a line for each image of it."""
        for batch_id in dict.fromkeys(self._batch_ids.values()):
            engine.queue().pause_batch(batch_id, True)
        for job_id, item in self._items.items():
            job, batch = job_view.job(job_id), None
            if job is not None:
                batch = job_view.batch(job.batch)
            self._lines.write(
                output.line_of(batch, job, item, skipped=False)
                if job is not None and batch is not None
                else output.line_without_job(item, None)
            )
        left = counted(len(self._items), "1 image is left", "{count} images are left")
        output.say(f"Interrupted: {left}. Add --resume to continue.")
        return self._interruption.exit_code

    def _finish_report(self, batch_id: str) -> None:
        batch = job_view.batch(batch_id)
        if batch is not None and batch.report:
            output.say("Writing the report, with a preview of each model")
            engine.queue().write_report(batch_id, Control(lambda: bool(self._interruption)))
            output.say(f"Report: {batch.folder / 'report.html'}")
