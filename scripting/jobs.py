# SPDX-License-Identifier: GPL-3.0-or-later
"""Models for scripts: `generate` and the handle of a job."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import bpy

from .. import engine, waiting
from ..errors import ErrorInfo, ImageError
from ..jobs.job import Job, State
from ..operators import image_from_views, monitor
from ..placement import SETTINGS, Placement
from ..scene import image_sources

OPEN_SCENE: Final = object()
"""In place of a scene: the one that is open."""


def _latest(field: str, description: str) -> Any:
    """Returns a property with the latest value of a job's field."""
    return property(lambda handle: getattr(handle.job, field), doc=description)


class JobHandle:
    """One job, for scripts. Its properties always have the latest values."""

    def __init__(self, job: Job) -> None:
        self._last = job
        self.id: Final = job.id

    def __repr__(self) -> str:
        return f"<Job {self.name!r}: {self.state}>"

    @property
    def job(self) -> Job:
        """The complete snapshot (see jobs.job)."""
        self._last = engine.current_job(self.id) or self._last
        return self._last

    name: str = _latest("name", "The model's name.")
    state: State = _latest("state", 'The job\'s state; it equals texts such as "placed".')
    error: ErrorInfo | None = _latest("error", "What went wrong; None if nothing did. `str()` formats it.")
    seed: str = _latest("seed", "The seed that the service used (unsigned 32 bit), as text; empty until it is known.")
    folder: Path = _latest("folder", "The folder with all files of the job.")
    model_path: Path | None = _latest("model_path", "The model file from the service; None until it is downloaded.")
    video_path: Path | None = _latest("video_path", "The turntable video; None until it is downloaded.")
    blend_path: Path | None = _latest("blend_path", "The prepared .blend that is appended; None until it is made.")
    shown_blend_path: Path | None = _latest(
        "shown_blend_path", "The .blend that the mesh tool after import made; the prepared one without a tool."
    )

    @property
    def files(self) -> tuple[Path, ...]:
        """Other files that the mesh tool made: the one for 3D printing, for example."""
        return tuple(self.folder / name for name in self.job.made_files)

    @property
    def objects(self) -> tuple[bpy.types.Object, ...]:
        """The model's objects in the open file; empty until it is placed."""
        found = (bpy.data.objects.get(name) for name in self.job.objects)
        return tuple(o for o in found if o is not None)

    @property
    def done(self) -> bool:
        """Whether the job has ended, successfully or not, and its model is placed if it can be."""
        return not self.job.running and not engine.is_pending(self.id)

    def wait(self, timeout: float | None = None) -> JobHandle:
        """Wait until the job is done, placing included. Returns the handle. Blocks; main thread only.

        If a tool in use keeps the model out of the scene, the job is left "ready", and the model arrives later.
        Raises TimeoutError after `timeout` seconds; the job continues.
        """
        main_thread_only()
        try:
            self._last = waiting.finish(self.job, timeout)
        finally:
            monitor.start()
        return self

    def cancel(self) -> None:
        """Cancel the job. The service may still charge for work it has started."""
        engine.queue().cancel(self.id)


def generate(
    image: str | os.PathLike[str] | bytes | bpy.types.Image,
    *,
    wait: bool = False,
    timeout: float | None = None,
    name: str | None = None,
    scene: bpy.types.Scene | object | None = OPEN_SCENE,
    location: Sequence[float] | None = None,
    views: Mapping[str, str | os.PathLike[str] | bytes | bpy.types.Image] | None = None,
    **settings: Any,
) -> JobHandle:
    """Generate a 3D model from an image, with the service that is chosen in the preferences.

    `image`: a file, an image file's content, a public URL, or an image in Blender, as it is shown (its unsaved changes
    and a sequence's current frame included; the image is not changed). `name`: the model's; by default the image's.
    `scene`: where the model is placed; by default the open scene, None for files only. `location`: exactly where in it;
    by default at the 3D cursor, or beside what stands there. `views`: images of other sides of the subject for a local
    server that takes them, by side ("left", "back", "right"); the image itself shows the front. `settings`: parameters
    (`seed`, `resolution`, …; docs/parameters.md) and placement settings (`size`, `place`, …; docs/placement.md), by
    name. The settings in the panel are not used.

    Returns at once with a job that continues by itself; with `wait`, when the job has ended (or raises TimeoutError
    after `timeout` seconds). The job's `state` and `error` say whether it succeeded.

    Raises ParameterError, ImageError, KeyMissingError, OnlineAccessError before anything is sent.
    """
    main_thread_only()
    job = engine.submit(
        image if isinstance(image, bytes) else image_sources.from_any(image),
        name=name or image_sources.name_of(image),
        parameters={key: value for key, value in settings.items() if key not in SETTINGS},
        placement=Placement.checked({key: value for key, value in settings.items() if key in SETTINGS}),
        scene=scene_of(scene),
        location=location,
        views=image_sources.views_from_any(views or {}),
    )
    handle = JobHandle(job)
    if wait:
        return handle.wait(timeout)
    monitor.start()
    return handle


def scene_of(scene: bpy.types.Scene | object | None) -> bpy.types.Scene | None:
    """Returns the scene that a script's argument means."""
    return bpy.context.scene if scene is OPEN_SCENE else scene


def main_thread_only() -> None:
    """Raises RuntimeError in another thread."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Blender's data may be used from its main thread only")


def compose_views(images: Sequence[str | os.PathLike[str]]) -> Path:
    """Cut the subject out of up to six image files that show it from several sides, and compose them into one image.

    Returns the PNG file, for `generate(path, multi_image=True)`. Experimental: the service documents no layout for
    several views. Blocks, for about two seconds per photo. Raises ImageError, WorkerError, StorageError.
    """
    main_thread_only()
    found = [image_sources.from_text(os.fspath(image)) for image in images]
    files = [image for image in found if isinstance(image, Path)]
    if len(files) < len(found):
        raise ImageError("Views must be files.", advice="Download the images first.")
    return image_from_views.compose_views(files)
