# SPDX-License-Identifier: GPL-3.0-or-later
"""Names the objects of an export as the engine expects, and sorts out what goes into which file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import bpy

from .engine_names import Role, exported_collision_name, role_of, unique_names


@dataclass(slots=True)
class Plan:
    """What is exported. `collisions`: meshes that the engine would take for visible ones, for a file of their own."""

    objects: list[bpy.types.Object] = field(default_factory=list)
    collisions: list[bpy.types.Object] = field(default_factory=list)
    shown: list[bpy.types.Object] = field(default_factory=list)
    """What is seen from close up; among `objects`."""
    levels: int = 0
    """How many levels of detail the model with the most of them has; 0: none."""


def arrange(objects: Sequence[bpy.types.Object], name: str, engine: str, *, groups: bool) -> Plan:
    """Name the objects, and return what is exported. `name`: the model's, if it is one.

    `groups`: put levels of detail below an empty, which the FBX exporter writes as a LodGroup. Godot makes levels of
    detail itself, so it gets the first one only.
    """
    models: dict[str, list[tuple[Role, bpy.types.Object]]] = defaultdict(list)
    for item in sorted(objects, key=lambda each: each.name):
        role = role_of(item.name)
        models[role.model].append((role, item))
        item.name = item.data.name = "~"  # so that no name is taken
    plan = Plan(levels=max(sum(role.level >= 0 for role, _ in parts) for parts in models.values()))
    names = unique_names(models) if len(models) > 1 else [name]
    for own, parts in zip(names, models.values(), strict=True):
        _arrange_model(parts, own, engine, groups, plan)
    if not plan.objects:
        plan.objects, plan.collisions = plan.collisions, []
    for item in (*plan.objects, *plan.collisions):
        if item.data is not None:
            item.data.name = item.name
    return plan


def _arrange_model(
    parts: Sequence[tuple[Role, bpy.types.Object]], name: str, engine: str, groups: bool, plan: Plan
) -> None:
    """Name the objects of one model, and add them to the plan."""
    levels = sorted((part for part in parts if part[0].level >= 0), key=lambda part: part[0].level)
    plain = [item for role, item in parts if role.level < 0 and not role.collision]
    rendered = name
    if engine == "GODOT":  # the first level has no number there
        plain, levels = [item for _, item in levels[:1]] + plain, []
    for role, item in levels:
        item.name = f"{name}_LOD{role.level}"
    if levels:
        rendered = levels[0][1].name
        plan.shown.append(levels[0][1])
        plan.objects += [item for _, item in levels]
    if groups and len(levels) > 1:
        plan.objects.append(_group([item for _, item in levels], name))
    for number, item in enumerate(plain, 1):
        item.name = name if number == 1 else f"{name}_{number}"
    plan.objects += plain
    plan.shown += plain
    for number, item in enumerate(item for role, item in parts if role.collision):
        known = exported_collision_name(engine, rendered, name, number)
        item.name = known or f"{name}_Collision" + (f"_{number + 1}" if number else "")
        (plan.objects if known else plan.collisions).append(item)


def _group(levels: Sequence[bpy.types.Object], name: str) -> bpy.types.Object:
    """Returns a new empty above the levels, which the FBX exporter writes as what Unreal Engine takes for LODs."""
    group = bpy.data.objects.new(name, None)
    group["fbx_type"] = "LodGroup"
    bpy.context.scene.collection.objects.link(group)
    for item in levels:
        item.parent = group
    return group
