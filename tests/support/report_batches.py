# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch in every state, with its files on disk, as the report of a batch describes it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import package_stub  # noqa: F401  makes `image_to_3d` importable
from image_to_3d.api import parameters
from image_to_3d.benchmarks.shapes import png
from image_to_3d.errors import ErrorInfo, Message, NoCreditError, ServiceRefusedError
from image_to_3d.jobs.batch import Batch, BatchItem
from image_to_3d.jobs.job import InputImage, Job, State
from image_to_3d.mesh_report import MeshReport

HOSTILE = "<script>alert(1)</script>\"onload=alert(2) '&amp; #1?100%25 ä 名 \u202egnp.jpg"
"""A name that means something in HTML, in attributes and in URLs."""


class Report:
    """A batch whose jobs are added one by one. Its folder, too, has a name with special characters."""

    def __init__(self, folder: Path, name: str = "Props for scene 12") -> None:
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.started = time.time() - 300.0
        self.jobs: dict[str, Job] = {}
        self.items: list[BatchItem] = []
        self.name = name

    @property
    def batch(self) -> Batch:
        return Batch(
            "20261129-043411-000001-0badcafe", self.name, self.folder, tuple(self.items), "OFFLINE", "",
            parameters=parameters.defaults() | {"resolution": 512, "webhook": "https://example.org/hook?token=1"},
            created=self.started,
        )  # fmt: skip

    def add(
        self,
        state: State | None,
        name: str,
        *,
        seconds: float = 12.0,
        triangles: int = 1000,
        error: ErrorInfo | None = None,
        image: bytes = b"",
        preview: bytes = b"",
        details: Mapping[str, Any] | None = None,
        folder_name: str = "",
        image_file: str = "image.png",
    ) -> Job | None:
        """Add an image with a job in that state, or without a job. Files that such a job has are written."""
        number = len(self.items) + 1
        job_id = f"20261129-043411-{number:06d}-0badcafe"
        self.items.append(BatchItem(job_id, f"/images/{name}.png"))
        if state is None:
            return None
        done = state in (State.READY, State.PLACED)
        folder = self.folder / (folder_name or f"{job_id}_model-{number}")
        folder.mkdir()
        (folder / image_file).write_bytes(image or png(np.full((64, 48, 3), (40, 90, 200), np.uint8)))
        found: dict[str, Any] = {}
        sent = self.started + number
        if done:
            (folder / "preview.png").write_bytes(preview or png(np.full((32, 32, 4), (200, 40, 40, 128), np.uint8)))
            (folder / "model.glb").write_bytes(bytes(4000 * number))
            (folder / "model.blend").write_bytes(b"BLENDER")
            found = {"triangles": triangles, "dimensions": [1.0, 0.5, 0.25], "repairs": [], "preview": "preview.png"}
            mesh = MeshReport(1, triangles, faces=triangles, parts=number, uv_maps=1, texture_sizes=(2048, 1024))
            found["report"] = replace(mesh, holes=number - 1, open_edges=5 * (number - 1)).to_json()
            found |= details or {}
        job = Job(
            id=job_id,
            name=name,
            image=InputImage(f"{name}.png", image_file, ""),
            parameters=parameters.defaults(),
            folder=folder,
            service="OFFLINE",
            state=state,
            created=self.started,
            since=sent + seconds,
            sent=0.0 if state is State.QUEUED else sent,
            thumbnail_file=image_file if image_file.endswith(".png") else "",
            seed=str(4_000_000_000 + number) if done else "",
            model_file="model.glb" if done else "",
            blend_file="model.blend" if done else "",
            error=error,
            details=found,
        )
        self.jobs[job_id] = job
        return job


NO_CREDIT = NoCreditError("Not enough credit; nothing was charged ({reply}).", reply="Balance: 0").info()
REFUSED = ServiceRefusedError("The service refused the request ({reply}).", reply="<b>image</b> is too dark").info()
UNCONFIRMED = ErrorInfo("outcome_unknown", Message("No reply was received."), Message("Check again."))


def every_state(folder: Path, names: Sequence[str] = ()) -> Report:
    """Returns a report with images in every state: 3 done, 3 failed, 2 running, 2 waiting, 1 cancelled."""
    report = Report(folder)
    report.add(State.PLACED, "mug 10", seconds=30.0, triangles=5000)
    report.add(State.FAILED, "vase", error=NO_CREDIT)
    report.add(State.READY, "mug 9", seconds=10.0, triangles=90_000)
    report.add(State.WAITING, "lamp")
    report.add(State.FAILED, HOSTILE, error=REFUSED, folder_name="100%25 #1?name=ä 名'&")
    report.add(State.UNCONFIRMED, "shelf", error=UNCONFIRMED)
    report.add(State.READY, "Ärmel", seconds=20.0, triangles=700, details={"repairs": ["3 faces were turned"]})
    report.add(State.CANCELLED, "rug")
    report.add(State.IMPORTING, "door")
    report.add(State.QUEUED, "table")
    report.add(None, "not yet sent")
    for name in names:
        report.add(None, name)
    return report
