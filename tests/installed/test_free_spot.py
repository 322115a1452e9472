# SPDX-License-Identifier: GPL-3.0-or-later
"""Models stand beside what is there already, never inside it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_service import ScriptedService

from .conftest import part

Until = Callable[[Callable[[], Any]], None]


def box(width: float, depth: float, height: float, at: tuple[float, float, float]) -> Any:
    """A box that stands at a location."""
    import bpy

    bpy.ops.mesh.primitive_cube_add(size=1, location=(at[0], at[1], at[2] + height / 2))
    made = bpy.context.active_object
    made.scale = (width, depth, height)
    bpy.context.view_layer.update()
    return made


def free(*at: float, size: tuple[float, float, float] = (1, 1, 1)) -> tuple[float, ...]:
    import bpy
    from mathutils import Vector

    return tuple(part("scene.free_spot").beside(Vector(at), Vector(size), bpy.context.view_layer))


def test_a_model_stands_beside_blenders_cube_and_beside_what_stands_beside_it(image_to_3d: Any) -> None:
    box(2, 2, 2, (0, 0, -1))
    assert free(0, 0, 0) == pytest.approx((1.75, 0, 0))
    box(1, 1, 1, (1.75, 0, 0))
    assert free(0, 0, 0) == pytest.approx((3, 0, 0))
    assert free(0, 5, 0) == pytest.approx((0, 5, 0))
    assert free(0, 0, 4) == pytest.approx((0, 0, 4))


def test_what_carries_or_surrounds_a_model_or_is_hidden_is_not_in_its_way(image_to_3d: Any) -> None:
    box(3, 3, 0.8, (0, 0, -0.8))
    box(40, 40, 3, (0, 0, -1))
    box(1, 1, 1, (0, 0, 0)).hide_set(True)
    assert free(0, 0, 0) == pytest.approx((0, 0, 0))


def test_placeholders_step_aside_from_the_start_and_their_models_stand_there(
    image_to_3d: Any, service: ScriptedService, image_file: Path, keep_going: Until
) -> None:
    import bpy

    box(2, 2, 2, (0, 0, -1))
    service.polls_until_done = 10**6
    jobs = [image_to_3d.generate(image_file, place="PLACEHOLDER") for _ in range(2)]
    at = sorted(item.location.x for item in bpy.data.objects if item.type == "EMPTY")
    assert at == pytest.approx([1.75, 3.0])
    service.polls_until_done = 0
    keep_going(lambda: all(job.state == "placed" for job in jobs))
    assert sorted(job.objects[0].location.x for job in jobs) == pytest.approx(at)


def test_without_placeholders_models_step_aside_when_they_arrive(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    import bpy

    jobs = [image_to_3d.generate(image_file, wait=True) for _ in range(3)]
    bpy.context.view_layer.update()
    spans = sorted(
        (min(xs), max(xs))
        for job in jobs
        for xs in [[(job.objects[0].matrix_world @ vertex.co).x for vertex in job.objects[0].data.vertices]]
    )
    assert all(left[1] < right[0] for left, right in itertools.pairwise(spans))


def test_a_location_that_a_script_gives_is_used_exactly(
    image_to_3d: Any, service: ScriptedService, image_file: Path
) -> None:
    box(2, 2, 2, (5, 0, 0))
    job = image_to_3d.generate(image_file, location=(5, 0, 0), wait=True)
    assert tuple(job.objects[0].location) == pytest.approx((5, 0, 0))
    with pytest.raises(part("errors").ParameterError, match="three numbers"):
        image_to_3d.generate(image_file, location=(5, 0))
