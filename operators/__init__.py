# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's operators: they read settings, call the engine, and report. Every class in the modules is registered."""

from __future__ import annotations

import bpy

from ..bl_ids import classes_in
from . import (
    batch_actions,
    choose_image,
    generate,
    generate_batch,
    generate_from,
    image_from_views,
    image_sources,
    job_actions,
    list_actions,
    mesh_tools,
    model_actions,
    monitor,
    open_actions,
    preferences_actions,
    result_actions,
    settings_actions,
)

_MODULES = (
    monitor,
    generate,
    generate_batch,
    choose_image,
    image_from_views,
    image_sources,
    generate_from,
    job_actions,
    list_actions,
    batch_actions,
    model_actions,
    mesh_tools,
    open_actions,
    preferences_actions,
    result_actions,
    settings_actions,
)

register, _unregister_classes = bpy.utils.register_classes_factory(
    classes_in(bpy.types.Operator, *_MODULES) + classes_in(bpy.types.FileHandler, generate_from)
)


def unregister() -> None:
    monitor.stop()
    _unregister_classes()
