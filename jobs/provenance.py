# SPDX-License-Identifier: GPL-3.0-or-later
"""Provenance: custom properties of a model's root object that say how it was made, readable without the add-on."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ..api.parameters import ACCOUNT, PARAMETERS
from .job import Job

PREFIX: Final = "image_to_3d_"
JOB: Final = f"{PREFIX}job"
IMAGE: Final = f"{PREFIX}image"
IMAGE_URL: Final = f"{PREFIX}image_url"
SEED: Final = f"{PREFIX}seed"
DATE: Final = f"{PREFIX}date"
GROUP: Final = f"{PREFIX}group"
UP_AXIS: Final = f"{PREFIX}up_axis"
ROTATION: Final = f"{PREFIX}rotation"
"""Degrees about X, Y and Z, from the model file to what is in the scene."""

_NAMES_0_1_0: Final = {IMAGE: f"{PREFIX}picture", IMAGE_URL: f"{PREFIX}picture_url"}
"""What version 0.1.0 called them."""
_NOT_STORED: Final = frozenset({"image", "seed"}) | ACCOUNT
"""Nothing about the account goes into a .blend that is passed on."""
_JOB_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{6}-[0-9a-f]{8}", re.ASCII)
"""What `job.new_id` returns. A .blend comes from anywhere: an id in it must not lead elsewhere on the disk."""


def record_of(job: Job) -> dict[str, Any]:
    """Returns the custom properties for a job's model. The seed is text: Blender can't hold unsigned 32 bit."""
    used = {
        f"{PREFIX}{name}": job.parameters[name]
        for name in PARAMETERS
        if name not in _NOT_STORED and isinstance(job.parameters.get(name), str | int | float)
    }
    optional = {GROUP: job.group, IMAGE_URL: job.image.url}
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


def parameters_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the request parameters that a model was made with, including the seed that the service used."""
    found = {name: record[PREFIX + name] for name in PARAMETERS if name not in _NOT_STORED and PREFIX + name in record}
    seed = str(record.get(SEED, ""))
    return found | ({"seed": int(seed)} if seed.isdecimal() else {})


def image_name(record: Mapping[str, Any]) -> str:
    """Returns the name of the image that a model was made from; "" if unknown."""
    return str(record.get(IMAGE) or record.get(_NAMES_0_1_0[IMAGE]) or "")


def image_url(record: Mapping[str, Any]) -> str:
    """Returns the public URL of the image that a model was made from; "" if it was a file."""
    return str(record.get(IMAGE_URL) or record.get(_NAMES_0_1_0[IMAGE_URL]) or "")


def find_image_file(record: Mapping[str, Any], results_folders: Iterable[Path]) -> Path | None:
    """Returns the copy of the image in the job's results folder; None if it is no longer there."""
    job_id = str(record[JOB])
    for results in results_folders if _JOB_ID.fullmatch(job_id) else ():
        for folder in sorted(results.glob(f"{job_id}_*")):
            for pattern in ("image.*", "picture.*"):  # the second in 0.1.0
                for found in sorted(folder.glob(pattern)):
                    return found
    return None
