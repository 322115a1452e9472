# SPDX-License-Identifier: GPL-3.0-or-later
"""The offline preview's process: a loopback service whose models are rough shapes. See `loopback.server`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..errors import Message
from ..loopback.generator import Generator, Made, Work
from ..loopback.server import serve
from ..loopback.storage import StoredJob

MODEL_SECONDS: Final = 4.0
VIDEO_SECONDS: Final = 16.0
"""Estimates for a model of resolution 256, and for its video."""


def main(args: list[str]) -> None:
    """Serve from the folder `args[0]` until stdin closes."""
    # numpy and bpy: on Windows, a DLL that looks at stdin when it is loaded hangs while a thread reads from it.
    from .shapes.make import make

    def make_files(work: Work) -> Made:
        work.begin_attempt()
        return Made(make(work.job, work.image, work.folder))

    generator = Generator(
        name=Message("The offline preview"),
        note="Made on this computer by the offline preview: the outline is inflated to a rough shape. This is not AI.",
        tip="The offline preview makes rough shapes without AI. Choose a real service for real models.",
        formats=("glb", "obj", "stl", "ply"),
        make=make_files,
        estimate=_estimate,
        max_attempts=10,
    )
    serve(Path(args[0]), lambda _settings: generator)


def _estimate(job: StoredJob) -> float:
    """Returns the estimated seconds of a job."""
    relative_resolution = int(job.parameters["resolution"]) / 256
    return 0.5 + MODEL_SECONDS * relative_resolution**2 + (VIDEO_SECONDS if job.parameters["render"] else 0.0)
