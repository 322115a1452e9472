# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches for scripts: `generate_many` and the handle of a batch."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy

from .. import engine, job_view, waiting
from ..control import NO_CONTROL, Control
from ..errors import ImageError
from ..jobs.batch import Batch, BatchProgress
from ..jobs.job import State
from ..operators import monitor
from ..placement import SETTINGS, Placement
from ..scene import image_files, image_sources
from ..terminal_progress import TerminalProgress
from .jobs import OPEN_SCENE, JobHandle, main_thread_only, scene_of

if TYPE_CHECKING:
    from ..jobs.batch_request import BatchImage

_POLL_SECONDS: Final = 0.05

Images = (
    str | os.PathLike[str] | bpy.types.Image | Iterable[str | os.PathLike[str] | bpy.types.Image | Mapping[str, Any]]
)


class BatchHandle:
    """One batch, for scripts. Its properties always have the latest values. Main thread only.

    Iterate over it to get each job as soon as it has ended: `for job in batch: …`. In asyncio code, `await` it.
    """

    def __init__(self, batch: Batch) -> None:
        self._last = batch
        self.id: Final = batch.id

    def __repr__(self) -> str:
        progress = self.progress
        return f"<Batch {self.name!r}: {progress.done} of {progress.total} done, {progress.failed} failed>"

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self._last.items)

    def __iter__(self) -> Iterator[JobHandle]:
        """Yields each job once, as soon as it has ended, placing included. Blocks in between."""
        main_thread_only()
        given: set[str] = set()
        try:
            while len(given) < len(self):
                engine.drain(budget=1.0)
                for job in self.jobs:
                    if job.id not in given and job.done:
                        given.add(job.id)
                        yield job
                if self.done and not any(job.id not in given and job.done for job in self.jobs):
                    break
                time.sleep(_POLL_SECONDS)
            self._complete_report()
        finally:
            monitor.start()

    def __await__(self) -> Generator[Any, None, BatchHandle]:
        """Wait in asyncio code until the batch is done."""
        import asyncio  # whoever awaits has imported it; enabling the extension must not

        main_thread_only()
        while not self.done:
            engine.drain()
            yield from asyncio.sleep(_POLL_SECONDS).__await__()
        yield from asyncio.to_thread(self._complete_report).__await__()
        return self

    @property
    def name(self) -> str:
        """The batch's name."""
        return self._last.name

    @property
    def folder(self) -> Path:
        """The folder with the reports, and with the folders of the jobs."""
        return self._last.folder

    @property
    def report_path(self) -> Path:
        """The report for a browser. It is written a few seconds after a change, and when the batch is done."""
        return self.folder / "report.html"

    @property
    def jobs(self) -> list[JobHandle]:
        """The jobs that exist so far, in the order of the images. A large batch creates them in the background."""
        return [JobHandle(job) for job in job_view.batch_jobs(self.id)]

    @property
    def failed(self) -> list[JobHandle]:
        """The jobs that failed, or whose request the service did not confirm."""
        return [job for job in self.jobs if job.state in (State.FAILED, State.UNCONFIRMED)]

    @property
    def progress(self) -> BatchProgress:
        """How many images are done, failed, cancelled, running and waiting, and the finished fraction."""
        found = job_view.batch_progress(self.id)
        if found is not None:
            self._progress = found
        return self._progress or BatchProgress(len(self), 0, 0, 0, 0, len(self), 0.0)

    @property
    def done(self) -> bool:
        """Whether nothing is running or waiting any more, and each model that can be placed is placed."""
        return self.progress.finished and not any(engine.is_pending(job.id) for job in job_view.batch_jobs(self.id))

    @property
    def seconds_left(self) -> float | None:
        """The estimated time left in seconds; None if it is unknown, as at first. It never rises."""
        return job_view.batch_seconds_left(self.id)

    def wait(self, timeout: float | None = None, *, show_progress: bool = False) -> BatchHandle:
        """Wait until the batch is done. Returns the handle. Blocks; main thread only.

        `show_progress`: show progress and time left in the terminal (stderr).
        Raises TimeoutError after `timeout` seconds; the batch continues.
        """
        main_thread_only()
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        shown = TerminalProgress(sys.stderr, self.name) if show_progress else None

        def is_done(progress: BatchProgress) -> bool:
            if shown is not None:
                shown.show(progress, self.seconds_left)
            return progress.finished

        try:
            waiting.wait_for_batch(self.id, is_done, timeout)
            self._complete_report(Control(lambda: time.monotonic() > deadline))
        finally:
            monitor.start()
            if shown is not None:
                shown.finish(self.progress, time.time() - self._last.created)
        return self

    def _complete_report(self, control: Control = NO_CONTROL) -> None:
        """Wait for the report's previews, until `control` is cancelled: without a window, the script may end then."""
        if self._last.report and bpy.app.background:
            engine.queue().write_report(self.id, control)

    def pause(self) -> None:
        """Start no further job. Jobs that have started continue."""
        engine.queue().pause_batch(self.id, True)

    def resume(self) -> None:
        """Continue after `pause`."""
        engine.queue().pause_batch(self.id, False)
        monitor.start()

    def cancel(self) -> None:
        """Cancel all jobs that are not done. The service may still charge for work it has started."""
        engine.queue().cancel_batch(self.id)

    def retry_failed(self) -> int:
        """Continue the failed and cancelled jobs; nothing is paid for twice. Returns their number."""
        count = engine.queue().retry_batch(self.id)
        monitor.start()
        return count

    _progress: BatchProgress | None = None


def generate_many(
    images: Images,
    *,
    wait: bool = False,
    timeout: float | None = None,
    on_done: Callable[[BatchHandle], object] | None = None,
    arrange: str = "GRID",
    collection: str | bpy.types.Collection | None = None,
    name: str = "",
    scene: bpy.types.Scene | object | None = OPEN_SCENE,
    views_by_name: bool = False,
    report: bool = True,
    **settings: Any,
) -> BatchHandle:
    """Generate a 3D model from each of many images. An image that fails does not stop the others.

    `images`: a folder (all images in it, not in its sub-folders), a glob pattern ("shots/**/*.png"), or a sequence of
    files, public URLs, and Blender images. A mapping in the sequence has settings for one image:
    `{"image": "a.png", "name": "Chair", "seed": 7, "views": {"back": "b.png"}}`.
    `views_by_name`: files such as chair_front.png, chair_left.png and chair_back.png are one subject.
    `arrange`: how the models are arranged in the scene, from the 3D cursor: "GRID" or "ROW", spaced by their sizes;
    "NONE": each where its placement says. `collection`: for all models; by default a new one with the batch's name.
    `report`: write a report with a preview of each model into the batch's folder.
    `name`: the batch's; by default that of the images' folder. `scene`: where the models are placed; by default the
    open scene, None for files only. `settings`: request parameters and placement settings as in `generate`.
    `on_done`: called once with the batch, on the main thread, when it is done.

    Returns at once with a batch that continues by itself, even after Blender was restarted; with `wait`, when it is
    done, showing progress in the terminal (or raises TimeoutError after `timeout` seconds).

    Raises ParameterError, ImageError (no image was found), KeyMissingError, OnlineAccessError, before anything is sent.
    """
    main_thread_only()
    wanted_scene = scene_of(scene)
    if isinstance(collection, bpy.types.Collection):
        collection = collection.name
    found = list(_batch_images(images))
    if views_by_name:
        from ..jobs.batch_request import with_views_by_name

        found = with_views_by_name(found)
    batch_name = name or (image_files.common_name(images) if isinstance(images, str | os.PathLike) else "")
    placement = {key: value for key, value in settings.items() if key in SETTINGS}
    if wanted_scene is not None:
        placement["collection"] = collection or batch_name or "Batch"
    batch = engine.submit_batch(
        found,
        parameters={key: value for key, value in settings.items() if key not in SETTINGS},
        placement=Placement.checked(placement),
        scene=wanted_scene,
        name=batch_name,
        arrange=arrange if wanted_scene is not None else "NONE",
        report=report,
    )
    handle = BatchHandle(batch)
    if on_done is not None:
        engine.when_batch_done(batch.id, lambda: on_done(handle))
    if wait:
        return handle.wait(timeout, show_progress=True)
    monitor.start()
    return handle


def _batch_images(images: Images) -> Iterator[BatchImage]:
    from ..jobs.batch_request import BatchImage

    if isinstance(images, str | os.PathLike):
        yield from (BatchImage(path) for path in image_files.find(os.fspath(images)))
        return
    each: Any
    for each in [images] if isinstance(images, bpy.types.Image) else images:
        if isinstance(each, Mapping):
            values = dict(each)
            image = values.pop("image", "")
            name = str(values.pop("name", "")) or image_sources.name_of(image)
            views = image_sources.views_from_any(values.pop("views", None) or {})
            files = {side: view for side, view in views.items() if isinstance(view, Path)}
            if len(files) < len(views):
                raise ImageError("The views of a batch must be files, or images in Blender.", advice="")
            yield BatchImage(image_sources.from_any(image), name, values, views=files)
        else:
            yield BatchImage(image_sources.from_any(each), image_sources.name_of(each))
