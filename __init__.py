# SPDX-License-Identifier: GPL-3.0-or-later
"""Image to 3D: an image becomes a textured model in the scene.

This is the door for Blender (`register`, `unregister`) and for scripts:

    from bl_ext.user_default import image_to_3d

    job = image_to_3d.generate("chair.png", wait=True, seed=7)
"""

from __future__ import annotations

import logging
import os
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import engine, handlers, operators, panels, preferences, properties
from .errors import (
    CancelledError,
    CertificateError,
    ConnectionFailedError,
    ConnectionLostError,
    ErrorInfo,
    ImageError,
    ImageTo3DError,
    ImportFailedError,
    KeyMissingError,
    KeyRejectedError,
    NoCreditError,
    OnlineAccessError,
    OutcomeUnknownError,
    ParameterError,
    RateLimitError,
    ResultDamagedError,
    ResultMissingError,
    ResultTooLargeError,
    ServiceBrokenError,
    ServiceRefusedError,
    StorageError,
    TookTooLongError,
    UnsafeAddressError,
    WorkerError,
)
from .jobs.job import State

if TYPE_CHECKING:
    from .scripting import JobHandle

__all__ = [
    "CancelledError",
    "CertificateError",
    "ConnectionFailedError",
    "ConnectionLostError",
    "ErrorInfo",
    "ImageError",
    "ImageTo3DError",
    "ImportFailedError",
    "KeyMissingError",
    "KeyRejectedError",
    "NoCreditError",
    "OnlineAccessError",
    "OutcomeUnknownError",
    "ParameterError",
    "RateLimitError",
    "ResultDamagedError",
    "ResultMissingError",
    "ResultTooLargeError",
    "ServiceBrokenError",
    "ServiceRefusedError",
    "State",
    "StorageError",
    "TookTooLongError",
    "UnsafeAddressError",
    "WorkerError",
    "generate",
]

_log = logging.getLogger(__name__)

_PARTS: tuple[ModuleType, ...] = (preferences, properties, operators, panels, handlers)
_registered: list[ModuleType] = []
"""The parts that are registered now, in that order."""


def generate(
    image: str | os.PathLike[str] | bytes,
    *,
    wait: bool = False,
    timeout: float | None = None,
    name: str | None = None,
    **settings: Any,
) -> JobHandle:
    """Make a 3D model of an image, with the service that is chosen in the preferences.

    `image`: a file, an image file's content, or a public web address. `name`: the model's; by
    default the image's. `settings`: the service's parameters (`seed`, `resolution`, ...) and how the
    model is to stand (`size`, `place`, ...; see `placement.Placing`), each by its own name. With
    `scene=None` the files are made and nothing is put into a scene.

    Returns at once with a job that goes on by itself; with `wait`, when it is at its end (or raises
    TimeoutError after `timeout` seconds). Whether it went well is said by the job's `state` and `error`.

    Raises ParameterError, ImageError, KeyMissingError, OnlineAccessError before anything is sent.
    """
    from . import scripting

    return scripting.generate(image, wait=wait, timeout=timeout, name=name, **settings)


def register() -> None:
    if _registered:  # a start that was not followed by an end
        unregister()
    try:
        for part in _PARTS:
            part.register()
            _registered.append(part)
    except Exception:
        unregister()
        raise


def unregister() -> None:
    """Let go of everything, also what only half came about; jobs under way go on next time."""
    try:
        engine.stop()
    finally:
        while _registered:
            part = _registered.pop()
            try:
                part.unregister()
            except Exception:  # the others must go all the same
                _log.exception("%s could not be unregistered", part.__name__)
