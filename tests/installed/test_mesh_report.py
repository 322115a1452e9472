# SPDX-License-Identifier: GPL-3.0-or-later
"""A model's mesh report is with it when it arrives; Check Mesh and the other tools bring it up to date."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import part

pytestmark = pytest.mark.heavy


class Layout:
    """Records the texts and buttons that are drawn, as far as the report needs a layout."""

    def __init__(self, drawn: list[str]) -> None:
        self.drawn = drawn

    def column(self, align: bool = False) -> Layout:
        return self

    def row(self, align: bool = False) -> Layout:
        return self

    def panel(self, idname: str) -> tuple[Layout, Layout]:
        return self, self

    def label(self, text: str, icon: str = "NONE", translate: bool = True) -> None:
        self.drawn.append(text)

    def operator(self, idname: str, text: str | None = None, icon: str = "NONE", emboss: bool = True) -> None:
        self.drawn.append(f"[{text or idname.partition('.')[2]}]")


def drawn(item: Any) -> list[str]:
    """Returns the lines of the report in a wide sidebar."""
    texts: list[str] = []
    style = SimpleNamespace(widget=SimpleNamespace(points=11.0))
    preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0), ui_styles=[style])
    context = SimpleNamespace(preferences=preferences, region=SimpleNamespace(width=600))
    part("panels.mesh_report").draw_report(Layout(texts), context, item)
    return [text for text in texts if text != "[]"]


@pytest.fixture
def open_cube(image_to_3d: Any) -> Any:
    """A cube without its top, with a loose vertex, as an artist may have made it."""
    import bpy

    points = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    mesh = bpy.data.meshes.new("box")
    faces = [(0, 4, 5, 1), (2, 3, 7, 6), (0, 1, 3, 2), (4, 6, 7, 5), (0, 2, 6, 4)]
    mesh.from_pydata([*points, (3, 3, 3)], [], faces)
    item = bpy.data.objects.new("box", mesh)
    bpy.context.collection.objects.link(item)
    bpy.context.view_layer.objects.active = item
    return item


@pytest.mark.each_version
def test_a_model_arrives_with_its_report(image_to_3d: Any, service: ScriptedService, image_file: Path) -> None:
    job = image_to_3d.generate(image_file, wait=True)
    report = part("jobs.provenance").mesh_report(job.objects[0])
    assert (report.triangles, report.parts, report.watertight) == (12, 1, True)
    assert report.volume == pytest.approx(1.0, abs=1e-3)
    assert drawn(job.objects[0])[:4] == ["Mesh Report", "[check_mesh]", "Watertight · 1 part", "No UVs · No texture"]


def test_each_problem_has_the_button_of_the_tool_that_fixes_it(open_cube: Any) -> None:
    import bpy

    assert drawn(open_cube) == []
    assert bpy.ops.image_to_3d.check_mesh() == {"FINISHED"}
    assert drawn(open_cube) == [
        "Mesh Report",
        "[check_mesh]",
        "Not watertight · 1 part",
        "No UVs · No texture",
        "1 hole",
        "1 loose vertex",
        "[clean_up_mesh]",
        "No UV map",
        "[remesh_to_quads]",
    ]


def test_an_edited_mesh_is_said_to_have_changed(open_cube: Any) -> None:
    import bpy

    bpy.ops.image_to_3d.check_mesh()
    open_cube.data.clear_geometry()
    open_cube.data.from_pydata([(5, 0, 0), (6, 0, 0), (5, 1, 0)], [], [(0, 1, 2)])
    assert drawn(open_cube)[-2:] == ["Changed since it was checked", "[Check Again]"]
    bpy.ops.image_to_3d.check_mesh()
    assert "Changed since it was checked" not in drawn(open_cube)


def test_what_a_tool_repaired_is_in_the_report_of_its_result(open_cube: Any) -> None:
    import bpy

    bpy.ops.image_to_3d.check_mesh()
    assert bpy.ops.image_to_3d.clean_up_mesh() == {"FINISHED"}
    result = bpy.context.active_object
    assert result != open_cube
    assert drawn(result)[2:] == ["Watertight · 1 part", "No UVs · No texture", "No UV map", "[remesh_to_quads]"]
