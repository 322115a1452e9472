# SPDX-License-Identifier: GPL-3.0-or-later
"""Image to 3D: generates a textured 3D model from an image and places it in the scene.

For Blender: `register` and `unregister`. For scripts:

    from bl_ext.user_default import image_to_3d

    job = image_to_3d.generate("chair.png", wait=True, seed=7)

`errors` has every exception, `State` every state of a job. The exceptions can also be used as attributes of this
package (`image_to_3d.KeyMissingError`).
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from . import (
    command_line,
    engine,
    errors,
    handlers,
    job_rows,
    operators,
    panels,
    preferences,
    properties,
    results_view,
    translation,
)
from .jobs.job import State
from .log import logger
from .scene import thumbnails
from .scripting.batches import BatchHandle, generate_many
from .scripting.jobs import JobHandle, compose_views, generate
from .scripting.mesh_tools import (
    MeshToolHandle,
    check_mesh,
    clean_up,
    export_model,
    make_lods,
    make_printable,
    remesh,
    simplify,
)

__all__ = [
    "BatchHandle",
    "JobHandle",
    "MeshToolHandle",
    "State",
    "check_mesh",
    "clean_up",
    "compose_views",
    "errors",
    "export_model",
    "generate",
    "generate_many",
    "make_lods",
    "make_printable",
    "remesh",
    "simplify",
]


_MODULES: tuple[ModuleType, ...] = (
    *(translation, preferences, thumbnails, properties, results_view, job_rows),
    *(operators, panels, handlers, command_line),
)
_registered: list[ModuleType] = []
"""The modules that are registered now, in that order."""


def __getattr__(name: str) -> Any:
    """Returns an exception of `errors`."""
    try:
        return getattr(errors, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def register() -> None:
    if _registered:  # registered twice without unregistering
        unregister()
    try:
        for module in _MODULES:
            module.register()
            _registered.append(module)
    except Exception:
        unregister()
        raise


def unregister() -> None:
    """Unregister everything, even after a partial registration. Running jobs continue the next time."""
    try:
        engine.stop()
    finally:
        while _registered:
            module = _registered.pop()
            try:
                module.unregister()
            except Exception:  # the others must be unregistered all the same
                logger(__name__).exception("%s could not be unregistered", module.__name__)
