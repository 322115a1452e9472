# SPDX-License-Identifier: GPL-3.0-or-later
"""The target scene: which scene a job belongs to, so that its model is placed in no other by itself.

In the running Blender a scene is identified by its session uid, which undo does not change. In another file or another
session that number means nothing, so a random token identifies the file as loaded, and another one in the scene's
settings is saved with the .blend.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import PurePath

import bpy
from bpy.app.handlers import persistent

from ..bl_ids import SCENE_SETTINGS
from ..errors import NO_MESSAGE, Message, ParameterError, one_line
from ..jobs.batch import Batch
from ..jobs.job import Job, TargetScene

_session: str = os.urandom(16).hex()
"""Identifies the file as loaded; changes at each load."""

_scene_tokens: dict[int, str] = {}
"""By session uid: the tokens of scenes in which jobs were started since the file was loaded."""


def why_not(scene: bpy.types.Scene) -> str:
    """Returns why no model can be placed in a scene; an empty text if it can."""
    if not scene.is_editable:
        return "This scene is linked from another file and can't be changed. Open a scene of this file"
    return ""


def capture(scene: bpy.types.Scene, location: Sequence[float] | None = None) -> TargetScene:
    """Returns what a job needs to find `scene` again. Sets the scene's token.

    `location`: exactly where the model goes; by default to the 3D cursor, or beside what stands there.
    Raises ParameterError.
    """
    at = tuple(scene.cursor.location if location is None else location)
    if len(at) != 3 or not all(isinstance(number, int | float) and math.isfinite(number) for number in at):
        shown = one_line(repr(location), 80)
        raise ParameterError("{name} is {value}, but must be three numbers.", name="location", value=shown)
    scene_token = _scene_tokens[scene.session_uid] = _scene_tokens.get(scene.session_uid) or _own_token(scene)
    _set_token(scene, scene_token)
    return TargetScene(
        session=_session,
        scene_uid=scene.session_uid,
        scene_token=scene_token,
        scene_name=scene.name,
        file=bpy.data.filepath,
        location=(float(at[0]), float(at[1]), float(at[2])),
        exact_location=location is not None,
    )


def find(job: Job | Batch) -> bpy.types.Scene | None:
    """Returns the target scene of a job or batch; None while another file is open, or if it was deleted."""
    wanted = job.target_scene
    if wanted.session == _session:
        return next((scene for scene in bpy.data.scenes if scene.session_uid == wanted.scene_uid), None)
    if not wanted.scene_token:
        return None
    matching = [scene for scene in bpy.data.scenes if getattr(scene, SCENE_SETTINGS).scene_token == wanted.scene_token]
    if len(matching) > 1:  # the scene was copied with its token
        matching = [scene for scene in matching if scene.name == wanted.scene_name]
    return matching[0] if len(matching) == 1 else None


def is_elsewhere(job: Job | Batch) -> bool:
    """Whether a job or batch belongs to another file than the open one."""
    session = job.target_scene.session
    return bool(session) and session != _session and find(job) is None


def other_file_label(job: Job) -> Message:
    """Returns a label for a job that belongs to another file than the open one; else an empty message."""
    if not is_elsewhere(job):
        return NO_MESSAGE
    file = PurePath(job.target_scene.file).name
    return Message("From {file}", {"file": file}) if file else Message("From an unsaved file")


def file_loaded() -> None:
    """A file was loaded: earlier session uids no longer apply."""
    global _session
    _session = os.urandom(16).hex()
    _scene_tokens.clear()


def _own_token(scene: bpy.types.Scene) -> str:
    scene_token = getattr(scene, SCENE_SETTINGS).scene_token
    copied = any(
        getattr(other, SCENE_SETTINGS).scene_token == scene_token for other in bpy.data.scenes if other != scene
    )
    return os.urandom(16).hex() if not scene_token or copied else scene_token


def _set_token(scene: bpy.types.Scene, scene_token: str) -> None:
    settings = getattr(scene, SCENE_SETTINGS)
    if scene.library is None and settings.scene_token != scene_token:
        settings.scene_token = scene_token


@persistent
def restore_tokens(*_: object) -> None:
    """Handler before saving: an undo may have removed a token."""
    for scene in bpy.data.scenes:
        if scene.session_uid in _scene_tokens:
            _set_token(scene, _scene_tokens[scene.session_uid])
