# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker says about a model file that it repaired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import package_stub  # noqa: F401
from image_to_3d.jobs import progress


def repairs_of(details: Mapping[str, Any]) -> list[str]:
    """The English texts about what was repaired or left out."""
    return [str(repair) for repair in progress.repairs(details)]
