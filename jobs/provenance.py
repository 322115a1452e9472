# SPDX-License-Identifier: GPL-3.0-or-later
"""Provenance: custom properties of a model's root object that say how it was made, readable without the add-on."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ..api.parameters import ACCOUNT, PARAMETERS
from ..errors import one_line
from .job import Job

PREFIX: Final = "image_to_3d_"
JOB: Final = f"{PREFIX}job"
IMAGE: Final = f"{PREFIX}image"
IMAGE_URL: Final = f"{PREFIX}image_url"
SEED: Final = f"{PREFIX}seed"
DATE: Final = f"{PREFIX}date"
GROUP: Final = f"{PREFIX}group"
BATCH: Final = f"{PREFIX}batch"
ARRANGEMENT: Final = f"{PREFIX}arrangement"
"""How far the arrangement of the batch has come with this model (see scene.arrangement)."""
UP_AXIS: Final = f"{PREFIX}up_axis"
ROTATION: Final = f"{PREFIX}rotation"
"""Degrees about X, Y and Z, from the model file to what is in the scene."""

_NAMES_0_1_0: Final = {IMAGE: f"{PREFIX}picture", IMAGE_URL: f"{PREFIX}picture_url"}
"""What version 0.1.0 called them."""
_NOT_STORED: Final = frozenset({"image", "seed"}) | ACCOUNT
"""Nothing about the account goes into a .blend that is passed on."""
_JOB_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{6}-[0-9a-f]{8}", re.ASCII)
"""What `job.new_id` returns. A .blend comes from anywhere: an id in it must not lead elsewhere on the disk."""

_SEED: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_URL: Final = re.compile(r"https?://[!-~]{1,2000}", re.IGNORECASE | re.ASCII)
"""Without white space and characters that could make it look like another address."""


def record_of(job: Job) -> dict[str, Any]:
    """Returns the custom properties for a job's model. The seed is text: Blender can't hold unsigned 32 bit."""
    used = {
        f"{PREFIX}{name}": job.parameters[name]
        for name in PARAMETERS
        if name not in _NOT_STORED and isinstance(job.parameters.get(name), str | int | float)
    }
    optional = {GROUP: job.group, BATCH: job.batch, IMAGE_URL: job.image.url}
    return (
        used
        | {name: value for name, value in optional.items() if value}
        | {
            IMAGE: job.image.name,
            f"{PREFIX}image_sha256": job.image.sha256,
            SEED: job.seed or str(job.parameters.get("seed", "")),
            JOB: job.id,
            f"{PREFIX}service": job.service,
            f"{PREFIX}service_id": job.service_id,
            UP_AXIS: job.placement.up_axis,
            ROTATION: list(job.placement.rotation),
            DATE: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(job.created)),
        }
    )


def text(record: Mapping[str, Any], key: str) -> str:
    """Returns a stored text as one line; "" if it is missing or of another type: a .blend may come from anywhere."""
    value = record.get(key)
    return one_line(value) if isinstance(value, str) else ""


def parameters_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the request parameters that a model was made with, including the seed that the service used."""
    stored = {name: record.get(PREFIX + name) for name in PARAMETERS if name not in _NOT_STORED}
    found = {name: value for name, value in stored.items() if isinstance(value, str | int | float)}
    seed = text(record, SEED)
    return found | ({"seed": int(seed)} if _SEED.fullmatch(seed) else {})


def image_name(record: Mapping[str, Any]) -> str:
    """Returns the name of the image that a model was made from; "" if unknown."""
    return text(record, IMAGE) or text(record, _NAMES_0_1_0[IMAGE])


def image_url(record: Mapping[str, Any]) -> str:
    """Returns the public URL of the image that a model was made from; "" if it was a file, or if it is no address."""
    found = record.get(IMAGE_URL) or record.get(_NAMES_0_1_0[IMAGE_URL])
    return found if isinstance(found, str) and _URL.fullmatch(found) else ""


def rotation(record: Mapping[str, Any]) -> tuple[float, ...]:
    """Returns how a model was rotated since it was read from its file: degrees about X, Y and Z."""
    stored = record.get(ROTATION)
    try:
        angles = tuple(float(angle) for angle in stored or ())
    except (TypeError, ValueError):
        return (0.0, 0.0, 0.0)
    return angles if len(angles) == 3 and all(map(math.isfinite, angles)) else (0.0, 0.0, 0.0)


def find_image_file(record: Mapping[str, Any], results_folders: Iterable[Path]) -> Path | None:
    """Returns the copy of the image in the job's results folder; None if it is no longer there."""
    job_id, batch_id = text(record, JOB), text(record, BATCH)
    if not _JOB_ID.fullmatch(job_id) or (batch_id and not _JOB_ID.fullmatch(batch_id)):
        return None
    job_folder = f"{batch_id}_*/{job_id}_*" if batch_id else f"{job_id}_*"
    for results in results_folders:
        for folder in sorted(results.glob(job_folder)):
            for pattern in ("image.*", "picture.*"):  # the second in 0.1.0
                for found in sorted(folder.glob(pattern)):
                    return found
    return None
