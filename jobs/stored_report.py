# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh report that an object carries: in the record of a generated model, else in a custom property of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..bl_ids import MESH_REPORT
from ..mesh_report import MeshReport
from . import provenance

_REPORT: Final = "report"
"""In the part of the record that says what was measured (see worker.convert_model.measure)."""


def read(item: Mapping[str, Any]) -> MeshReport | None:
    """Returns an object's report; None if it has none. Costs little, whatever a .blend holds."""
    try:
        known: Any = provenance.value(item, provenance.MODEL)
        stored = known.get(_REPORT) if hasattr(known, "to_dict") else item.get(MESH_REPORT)
    except UnicodeDecodeError:
        return None
    return MeshReport.from_json(stored)


def store(item: Any, report: MeshReport) -> None:
    """Store the report on an object, in place of the one that it has."""
    if provenance.value(item, provenance.JOB) is None:
        item[MESH_REPORT] = report.to_json()
        return
    known = provenance.value(item, provenance.MODEL)
    measured = known.to_dict() if hasattr(known, "to_dict") else {}
    provenance.store(item, provenance.MODEL, {**measured, _REPORT: report.to_json()})
