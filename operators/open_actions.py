# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that open a job's files with the system's programs."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from .. import store_build
from ..bl_ids import Op
from ..errors import Message, StorageError
from ..jobs.job import Job
from ..log import logger
from .define import job_operator


def open_with_system(path: Path | None, name: str) -> None:
    """Open a file or folder with the system's default program. `name`: what it is, as a text for the artist.

    Raises StorageError if it is missing, or if the system has no program that can open it.
    """
    if path is None or not path.exists():
        raise StorageError("{name} no longer exists.", advice="", name=Message(name))
    real = Path(store_build.redirected(str(path), bpy.app.binary_path, os.environ))
    shown = str(real if real.exists() else path)
    try:
        bpy.ops.wm.path_open(filepath=shown)
    except RuntimeError as error:
        logger(__name__).warning("%s: %s", shown, error)
        raise StorageError(
            "{name} can't be opened by the system.",
            advice="Perhaps no program is installed for it. It is here: {path}",
            name=Message(name),
            path=shown,
        ) from error


@job_operator(Op.OPEN_FOLDER, "Open Folder")
def open_folder(_context: bpy.types.Context, job: Job) -> None:
    """Open the folder with the model, the image and all other files of this job"""
    open_with_system(job.folder, "The folder")


@job_operator(Op.OPEN_VIDEO, "Play Video")
def open_video(_context: bpy.types.Context, job: Job) -> None:
    """Play the turntable video"""
    open_with_system(job.video_path, "The video")
