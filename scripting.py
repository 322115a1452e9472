# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripting API behind the extension's door.

from bl_ext.user_default import image_to_3d

job = image_to_3d.generate("chair.png", wait=True, seed=7)
job.objects, job.state, job.model_path, job.error
"""

from __future__ import annotations

import os
import threading
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import bpy

from . import engine
from .api import parameters
from .errors import ErrorInfo, ParameterError
from .jobs.job import Job, State
from .operators import monitor
from .placement import Placement
from .scene import image_sources

_PLACING: Final = frozenset(field.name for field in fields(Placement))
_OPEN_SCENE: Final = object()


class JobHandle:
    """One job, as a script sees it. What it says is always the latest."""

    def __init__(self, job: Job) -> None:
        self._last = job
        self.id: Final = job.id

    def __repr__(self) -> str:
        return f"<Job {self.name!r}: {self.state}>"

    @property
    def job(self) -> Job:
        """The whole snapshot (see jobs.job)."""
        self._last = engine.latest(self.id) or self._last
        return self._last

    @property
    def name(self) -> str:
        return self.job.name

    @property
    def state(self) -> State:
        """Where it stands; compares equal to texts like "placed"."""
        return self.job.state

    @property
    def error(self) -> ErrorInfo | None:
        """What went wrong; None while nothing has. `str()` of it is readable."""
        return self.job.error

    @property
    def seed(self) -> str:
        """The seed the service really used, as text (unsigned 32 bit); empty until it is known."""
        return self.job.seed

    @property
    def folder(self) -> Path:
        """The folder with all files of the job."""
        return self.job.folder

    @property
    def model_path(self) -> Path | None:
        """The model as the service made it; None until it is downloaded."""
        return self.job.model_path

    @property
    def video_path(self) -> Path | None:
        """The turntable video; None until it is downloaded, and where none was asked for."""
        return self.job.video_path

    @property
    def blend_path(self) -> Path | None:
        """The ready-made .blend that is appended; None until it is made."""
        return self.job.blend_path

    @property
    def objects(self) -> tuple[bpy.types.Object, ...]:
        """The model's objects in the open file; empty until it is placed."""
        found = (bpy.data.objects.get(name) for name in self.job.objects)
        return tuple(o for o in found if o is not None)

    def wait(self, timeout: float | None = None) -> JobHandle:
        """See the job through to its end, placing included. Blocks; main thread only.

        Where a tool in use keeps the model out of the scene, the job is left "ready" and arrives after that.
        Raises TimeoutError after `timeout` seconds; the job goes on.
        """
        _main_thread_only()
        try:
            self._last = engine.finish(self.job, timeout)
        finally:
            monitor.start()
        return self

    def cancel(self) -> None:
        """Stop waiting for it. What the service has begun may have to be paid for all the same."""
        engine.queue().cancel(self.id)


def generate(
    image: str | os.PathLike[str] | bytes,
    *,
    wait: bool = False,
    timeout: float | None = None,
    name: str | None = None,
    scene: bpy.types.Scene | object | None = _OPEN_SCENE,
    **settings: Any,
) -> JobHandle:
    """Make a 3D model of an image, with the service that is chosen in the preferences.

    `image`: a file, an image file's content, or a public web address. `name`: the model's; by
    default the image's. `scene`: where the model is put; by default the open one, None for files
    only. `settings`: the service's parameters and the settings of `Placing`, each by its own name;
    the scene's own settings are not looked at.

    Returns at once with a job that goes on by itself; with `wait`, when it is at its end (or raises
    TimeoutError after `timeout` seconds). Whether it went well is said by the job's `state` and `error`.

    Raises ParameterError, ImageError, KeyMissingError, OnlineAccessError before anything is sent.
    """
    _main_thread_only()
    source = image if isinstance(image, bytes) else image_sources.from_text(os.fspath(image))
    job = engine.submit(
        source,
        name=name or "",
        parameters=_parameters({key: value for key, value in settings.items() if key not in _PLACING}),
        placement=Placement.checked({key: value for key, value in settings.items() if key in _PLACING}),
        scene=bpy.context.scene if scene is _OPEN_SCENE else scene,
    )
    handle = JobHandle(job)
    if wait:
        return handle.wait(timeout)
    monitor.start()
    return handle


def _parameters(values: dict[str, Any]) -> dict[str, Any]:
    if "image" in values:
        raise ParameterError("The image is given first, not as image.", advice="Leave image out.")
    return parameters.validate(values)


def _main_thread_only() -> None:
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("Blender's scene may be used from its main thread only")
