# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model says of where it came from: custom properties of its root object, readable without the add-on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from ..api.parameters import PARAMETERS
from .job import Job

PREFIX: Final = "image_to_3d_"
JOB: Final = f"{PREFIX}job"
IMAGE: Final = f"{PREFIX}image"
SEED: Final = f"{PREFIX}seed"
IMAGE_URL: Final = f"{PREFIX}image_url"
DATE: Final = f"{PREFIX}date"
GROUP: Final = f"{PREFIX}group"

_LEFT_OUT: Final = frozenset({"image", "seed", "webhook", "track_id"})
"""Nothing that tells of the account's own machinery goes into a .blend that is handed on."""


def record_of(job: Job) -> dict[str, str | int | float]:
    """The custom properties for a job's model. The seed is text: it is unsigned 32 bit, which Blender can't hold."""
    used = {
        f"{PREFIX}{name}": job.parameters[name]
        for name in PARAMETERS
        if name not in _LEFT_OUT and isinstance(job.parameters.get(name), str | int | float)
    }
    some = {GROUP: job.group, IMAGE_URL: job.image.url}
    return (
        used
        | {name: value for name, value in some.items() if value}
        | {
            IMAGE: job.image.name,
            f"{PREFIX}image_sha256": job.image.sha256,
            SEED: job.seed or str(job.parameters.get("seed", "")),
            JOB: job.id,
            f"{PREFIX}service": job.service,
            f"{PREFIX}service_id": job.service_id,
            DATE: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(job.created)),
        }
    )


def parameters_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """The request parameters that a model was made with, the seed the service really used among them."""
    found = {name: record[PREFIX + name] for name in PARAMETERS if name not in _LEFT_OUT and PREFIX + name in record}
    seed = str(record.get(SEED, ""))
    return found | ({"seed": int(seed)} if seed.isdecimal() else {})
