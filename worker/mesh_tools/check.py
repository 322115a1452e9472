# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: measures the mesh report again, of any mesh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import blend_exchange
from .report import measure


def run(request: Mapping[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Handle a "check_mesh" request. Its result has the key report: see `MeshReport.to_json`. Raises MeshToolError."""
    objects = blend_exchange.read_objects(request)
    progress(0.3)
    return {"report": measure(objects).to_json()}
