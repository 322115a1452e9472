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
    groups: list[bpy.types.Object] = field(default_factory=list)
    """Empties that group the levels of detail; among `objects`."""


def arrange(objects: Sequence[bpy.types.Object], name: str, engine: str, *, groups: bool) -> Plan:
    """Name the objects, and return what is exported. `name`: the model's, if it is one.

    `groups`: put levels of detail below an empty, which the FBX exporter writes as a LodGroup. Godot makes levels of
    detail itself, so it gets the first one only.
    """
    models: dict[str, list[tuple[Role, bpy.types.Object]]] = defaultdict(list)
    for item in objects:
        role = role_of(item.name)
        models[role.model].append((role, item))
        item.name = item.data.name = "~"  # so that no name is taken
    plan = Plan()
    names = unique_names(models) if len(models) > 1 else [name]
    for own, parts in zip(names, models.values(), strict=True):
        _arrange_model(parts, own, engine, groups, plan)
    for item in (*plan.objects, *plan.collisions):
        if item.data is not None:
            item.data.name = item.name
    return plan


def _arrange_model(
    parts: Sequence[tuple[Role, bpy.types.Object]], name: str, engine: str, groups: bool, plan: Plan
) -> None:
    """Name the objects of one model, and add them to the plan."""
    levels = sorted(((role.level, item) for role, item in parts if role.level >= 0), key=lambda each: each[0])
    plan.levels = max(plan.levels, len(levels))
    plan.shown += [levels[0][1]] if levels else []
    rendered = name
    if engine == "GODOT" and levels:
        levels[0][1].name = name
        plan.objects.append(levels[0][1])
    elif levels:
        rendered = f"{name}_LOD{levels[0][0]}"
        for level, item in levels:
            item.name = f"{name}_LOD{level}"
        plan.objects += [item for _, item in levels]
        if groups and len(levels) > 1:
            plan.groups.append(_group([item for _, item in levels], name))
            plan.objects.append(plan.groups[-1])
    for role, item in parts:
        if role.collision:
            known = exported_collision_name(engine, rendered, name)
            item.name = known or f"{name}_Collision"
            (plan.objects if known else plan.collisions).append(item)
        elif role.level < 0:
            item.name = name
            plan.objects.append(item)
            plan.shown.append(item)


def _group(levels: Sequence[bpy.types.Object], name: str) -> bpy.types.Object:
    """Returns a new empty above the levels, which the FBX exporter writes as what Unreal Engine takes for LODs."""
    group = bpy.data.objects.new(name, None)
    group["fbx_type"] = "LodGroup"
    bpy.context.scene.collection.objects.link(group)
    for item in levels:
        item.parent = group
    return group
