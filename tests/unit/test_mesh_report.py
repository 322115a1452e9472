# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh report calls a problem, which tool fixes it, and that nothing stored by others is believed."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import package_stub  # noqa: F401  makes `image_to_3d` importable
import pytest
from image_to_3d.bl_ids import MODEL_RECORD
from image_to_3d.jobs import provenance
from image_to_3d.mesh_report import MANY_TRIANGLES, MeshReport, Severity, problems
from image_to_3d.tool_settings import Tool

GOOD = MeshReport(triangles=5000, faces=2500, quads=2500, vertices=2502, parts=1, uv_maps=1, volume=1.0)
FOREIGN: list[tuple[str, Any]] = [
    ("triangles", "many"),
    ("triangles", 1.5),
    ("triangles", -1),
    ("triangles", True),
    ("holes", [1]),
    ("dimensions", [1.0, 2.0]),
    ("dimensions", [1.0, 2.0, math.nan]),
    ("dimensions", "abc"),
    ("dimensions", 5),
    ("texture_sizes", [512]),
    ("texture_sizes", [512, 512.5]),
    ("texture_sizes", [1] * 5000),
    ("volume", math.inf),
    ("volume", {"x": 1}),
]


class Group(dict[str, Any]):
    """A group of custom properties, as far as a record needs it."""

    def to_dict(self) -> dict[str, Any]:
        return dict(self)


def test_a_report_is_the_same_after_it_was_stored() -> None:
    report = replace(GOOD, texture_sizes=(2048, 1024, 512, 512), dimensions=(0.5, 1.0, 2.0), holes=3)
    assert MeshReport.from_json(json.loads(json.dumps(report.to_json()))) == report
    assert report.textures == ((2048, 1024), (512, 512))


@pytest.mark.parametrize(("name", "value"), FOREIGN)
def test_a_report_with_a_wrong_value_counts_as_missing(name: str, value: Any) -> None:
    assert MeshReport.from_json(GOOD.to_json() | {name: value}) is None


@pytest.mark.parametrize("stored", [None, 5, "text", [], [["triangles", 5]]])
def test_what_is_no_report_counts_as_missing(stored: Any) -> None:
    assert MeshReport.from_json(stored) is None


def test_a_report_of_another_version_is_read_as_far_as_it_is_known() -> None:
    assert MeshReport.from_json({"triangles": 12, "new_in_a_later_version": "x"}) == MeshReport(triangles=12)


def test_an_object_that_was_not_generated_carries_a_report_and_is_still_not_generated() -> None:
    item = {MODEL_RECORD: Group(report=GOOD.to_json())}
    assert provenance.mesh_report(item) == GOOD
    assert provenance.record_text(item, provenance.JOB) == ""


@pytest.mark.parametrize("record", [None, 5, "text", Group(), Group(report=5), Group(report=Group(triangles="many"))])
def test_an_object_without_a_readable_report_has_none(record: Any) -> None:
    assert provenance.mesh_report({MODEL_RECORD: record}) is None


def test_a_good_mesh_has_no_problem_and_neither_has_an_empty_one() -> None:
    assert problems(GOOD) == []
    assert problems(MeshReport()) == []


@pytest.mark.parametrize(
    ("changes", "text", "tool"),
    [
        ({"holes": 1, "open_edges": 3}, "1 hole", Tool.CLEAN_UP),
        ({"holes": 1200}, "1,200 holes", Tool.CLEAN_UP),
        ({"flipped_faces": 2, "inconsistent_edges": 6}, "2 faces are inside out", Tool.CLEAN_UP),
        ({"inconsistent_edges": 6}, "The faces at 6 edges point in opposite directions", Tool.CLEAN_UP),
        ({"small_parts": 3}, "3 loose parts", Tool.CLEAN_UP),
        ({"loose_vertices": 1}, "1 loose vertex", Tool.CLEAN_UP),
        ({"duplicate_vertices": 2000}, "2,000 vertices are split, as at UV seams", Tool.CLEAN_UP),
        ({"non_manifold_edges": 4}, "4 edges have more than two faces", Tool.PRINT),
        ({"inner_parts": 1}, "1 part is inside another", Tool.PRINT),
        ({"triangles": MANY_TRIANGLES + 1}, "More than 100,000 triangles", Tool.SIMPLIFY),
        ({"uv_maps": 0}, "No UV map", Tool.REMESH),
    ],
)
def test_each_problem_names_the_tool_that_fixes_it(changes: dict[str, Any], text: str, tool: Tool) -> None:
    (found,) = problems(replace(GOOD, **changes))
    assert (str(found.message), found.tools[0]) == (text, tool)


def test_problems_of_one_tool_follow_each_other_and_warnings_come_first() -> None:
    found = problems(replace(GOOD, duplicate_vertices=5, holes=2, non_manifold_edges=1, uv_maps=0, inner_parts=1))
    tools = [problem.tools[0] for problem in found]
    assert tools == [Tool.CLEAN_UP, Tool.CLEAN_UP, Tool.PRINT, Tool.PRINT, Tool.REMESH]
    assert [problem.severity for problem in found[:2]] == [Severity.WARNING, Severity.HINT]


def test_the_border_of_a_sheet_is_no_problem_although_it_is_not_watertight() -> None:
    leaf = replace(GOOD, open_edges=40, sheets=1, volume=0.0)
    assert not leaf.watertight
    assert problems(leaf) == []
