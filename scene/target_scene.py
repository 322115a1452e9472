# SPDX-License-Identifier: GPL-3.0-or-later
"""Which scene a job belongs to, so that its model is put into no other.

In the running Blender a scene is known by its session uid, which undo does not change. That number
means nothing in another file or another run, so a random token stands for the file as loaded, and a
stamp in the scene's settings is saved with the .blend.
"""

from __future__ import annotations

import uuid
from pathlib import PurePath

import bpy
from bpy.app.handlers import persistent

from ..jobs.job import Job, TargetScene
from ..properties import NAME

_session: str = uuid.uuid4().hex
"""Stands for the file as loaded; another one after each load."""

_scene_tokens: dict[int, str] = {}
"""By session uid: the stamps of scenes that jobs were started from since the file was loaded."""


def of(scene: bpy.types.Scene) -> TargetScene:
    """What a job started from `scene` now has to know to find it again. Stamps the scene."""
    scene_token = _scene_tokens[scene.session_uid] = _scene_tokens.get(scene.session_uid) or _own_token(scene)
    _put(scene, scene_token)
    return TargetScene(
        session=_session,
        scene_uid=scene.session_uid,
        scene_token=scene_token,
        scene_name=scene.name,
        file=bpy.data.filepath,
        location=tuple(scene.cursor.location),
    )


def find(job: Job) -> bpy.types.Scene | None:
    """The scene `job` was started from; None while another file is open, or where it was deleted."""
    wanted = job.target_scene
    if wanted.session == _session:
        return next((scene for scene in bpy.data.scenes if scene.session_uid == wanted.scene_uid), None)
    if not wanted.scene_token:
        return None
    stamped = [scene for scene in bpy.data.scenes if getattr(scene, NAME).scene_token == wanted.scene_token]
    if len(stamped) > 1:  # the scene was copied, stamp and all
        stamped = [scene for scene in stamped if scene.name == wanted.scene_name]
    return stamped[0] if len(stamped) == 1 else None


def other_file_label(job: Job) -> str:
    """Where a job belongs that was started from another file than the open one, in words; else empty."""
    wanted = job.target_scene
    if not wanted.session or wanted.session == _session:
        return ""
    return f"Started in {PurePath(wanted.file).name}" if wanted.file else "Started in a file that was not saved"


def file_loaded() -> None:
    """Another file is open, or the same one again: nothing of before is meant any more."""
    global _session
    _session = uuid.uuid4().hex
    _scene_tokens.clear()


def _own_token(scene: bpy.types.Scene) -> str:
    scene_token = getattr(scene, NAME).scene_token
    copied = any(getattr(other, NAME).scene_token == scene_token for other in bpy.data.scenes if other != scene)
    return uuid.uuid4().hex if not scene_token or copied else scene_token


def _put(scene: bpy.types.Scene, scene_token: str) -> None:
    settings = getattr(scene, NAME)
    if scene.library is None and settings.scene_token != scene_token:
        settings.scene_token = scene_token


@persistent
def _restore_tokens(*_: object) -> None:
    """Before saving: an undo may have taken a stamp away."""
    for scene in bpy.data.scenes:
        if scene.session_uid in _scene_tokens:
            _put(scene, _scene_tokens[scene.session_uid])


def register() -> None:
    bpy.app.handlers.save_pre.append(_restore_tokens)


def unregister() -> None:
    if _restore_tokens in bpy.app.handlers.save_pre:
        bpy.app.handlers.save_pre.remove(_restore_tokens)
