# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished model into a .blend: whole or not at all, and nothing but the model in it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import bpy

from ..api.errors import WorkshopError, readable
from ..jobs.placing import Placing
from .shaping import Shaped

_log = logging.getLogger(__name__)


def write(shaped: Shaped, target: Path, placing: Placing) -> None:
    """Write the model's objects and what they use. Raises WorkshopError where the folder can't be written."""
    temporary = target.with_name("~" + target.name)
    try:
        bpy.data.libraries.write(str(temporary), set(shaped.objects), fake_user=False, compress=False)
        os.replace(temporary, target)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)
        raise WorkshopError(f"The prepared model can't be written: {readable(error)}.") from error
