# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on shows in the sidebar and the viewport. Panels only draw: no I/O, no computing, no data changes."""

from __future__ import annotations

import bpy

from ..bl_ids import classes_in
from . import (
    generated_model,
    image,
    image_warnings,
    job_list,
    main,
    mesh_tools,
    overlay,
    presets,
    results,
    settings,
    source_menus,
)

_register_classes, _unregister_classes = bpy.utils.register_classes_factory(
    classes_in(bpy.types.Panel, presets, image_warnings, main, image, settings, generated_model, mesh_tools, results)
    + classes_in(bpy.types.Menu, source_menus, generated_model, mesh_tools, job_list)
    + classes_in(bpy.types.UIList, job_list)
)


def register() -> None:
    _register_classes()
    source_menus.register()
    generated_model.register()
    mesh_tools.register()
    overlay.register()


def unregister() -> None:
    overlay.unregister()
    mesh_tools.unregister()
    generated_model.unregister()
    source_menus.unregister()
    _unregister_classes()
