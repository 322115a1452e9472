# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel for a selected generated model: its image, what is known about it, and its variations.

Everything comes from the record on the object, and from what Blender itself has at hand: nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import bpy

from .. import forecast_text, job_view, preferences, results_view
from ..api.money import Money
from ..bl_ids import MODEL_MENU, VARIATIONS, Op
from ..errors import counted, one_line
from ..jobs import provenance
from ..jobs.config import FREE
from ..jobs.progress import format_duration
from ..scene import thumbnails, variations
from ..text_lines import is_narrow, wrapped
from ..translation import tr, tr_message
from . import mesh_report
from .buttons import button
from .main import SidebarPanel

_IMAGE_ROWS: Final = 4.0
_IMAGE_WIDTH: Final = 4.2
"""The width of the image's column, in widths of a button."""

_LABEL_SHARE: Final = 0.38
"""The fraction of the width for a label before buttons."""

_METRIC: Final = ((1000.0, "km"), (1.0, "m"), (0.01, "cm"), (0.001, "mm"))
"""A length is shown in the first of these units of which it has a tenth."""


class IMAGE_TO_3D_PT_generated_model(SidebarPanel, bpy.types.Panel):
    bl_idname = "IMAGE_TO_3D_PT_generated_model"
    bl_label = "Generated Model"
    bl_order = 1  # below the main panel

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return variations.model_of(context.active_object) is not None

    def draw(self, context: bpy.types.Context) -> None:
        root = variations.model_of(context.active_object)
        assert root is not None, "poll() checked it"
        layout = self.layout
        narrow = is_narrow(context)
        _draw_facts(layout, context, root, narrow)
        _draw_vary(layout, context, root)
        if provenance.record_text(root, provenance.GROUP):
            _draw_variations(layout, context, root)
        row = layout.row(align=True)
        icon = "NONE" if narrow else "PREFERENCES"
        button(row, context, Op.USE_MODEL_SETTINGS, icon=icon, icons_beside=1)
        row.menu(MODEL_MENU, text="", icon="DOWNARROW_HLT")
        row = layout.row(align=True) if narrow else layout.split(factor=_LABEL_SHARE, align=True)
        if not narrow:
            row.label(text="Rotate 90°")
            row = row.row(align=True)
        for axis, text in (("X", "X 90°"), ("Y", "Y 90°"), ("Z", "Z 90°")):
            row.operator(Op.ROTATE_MODEL, text=text if narrow else axis).axis = axis
        mesh_report.draw_report(layout, context, root)  # last, as it can be closed


def _draw_vary(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object) -> None:
    """Draw the number of variations, and the button that generates them, with their price if that is known."""
    count = getattr(context.window_manager, VARIATIONS)
    is_free = preferences.read_config().service in FREE
    price = "" if is_free else forecast_text.price_text(provenance.parameters_in(root), count)
    column = layout.column(align=True)
    column.prop(context.window_manager, VARIATIONS)
    text = tr("Generate {price}", price=price) if price else tr("Generate")
    column.operator(Op.VARY_SEED, text=text, icon="MOD_ARRAY", translate=False).count = count


class IMAGE_TO_3D_MT_model(bpy.types.Menu):
    bl_idname = MODEL_MENU
    bl_label = "Generated Model"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator(Op.SHOW_IMAGE, icon="IMAGE_DATA")
        self.layout.operator(Op.OPEN_MODEL_FOLDER, icon="FILE_FOLDER")
        self.layout.separator()
        self.layout.operator_context = "INVOKE_DEFAULT"
        self.layout.operator(Op.GENERATE_AGAIN, icon="FILE_REFRESH")


def _draw_facts(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object, narrow: bool) -> None:
    image = _thumbnail(root)
    beside = layout.column() if narrow else layout.row()
    if image:
        frame = beside.column()
        if not narrow:
            frame.ui_units_x = _IMAGE_WIDTH
        frame.template_icon(icon_value=image, scale=_IMAGE_ROWS)
    column = beside.column(align=True)
    column.scale_y = 0.9
    name = provenance.image_name(root)
    if name:
        row = column.row()
        row.label(text=name, translate=False)
        row.operator(Op.SHOW_IMAGE, text="", icon="IMAGE_DATA", emboss=False)
    known = provenance.measured(root)
    for text in _main_facts(context, root, known):
        column.label(text=text, translate=False)
    less_important = column.column(align=True)
    less_important.active = False
    for text in _other_facts(root, known):
        less_important.label(text=text, translate=False)
    if url := provenance.image_url(root):  # it can be opened and sent, and may be a stranger's
        wrapped(layout, context, one_line(url), icon="URL")
    for repair in known.repairs:
        wrapped(layout, context, tr_message(repair), icon="INFO")


def _main_facts(context: bpy.types.Context, root: bpy.types.Object, known: provenance.Measured) -> Iterator[str]:
    """Yields the number of triangles and the size, as they are now if Blender has them at hand."""
    mesh = root.data if isinstance(root.data, bpy.types.Mesh) else None
    triangles = len(mesh.loops) - 2 * len(mesh.polygons) if mesh is not None else known.triangles
    if triangles:
        yield tr_message(counted(triangles, "1 triangle", "{count} triangles"))
    dimensions = tuple(root.dimensions) if mesh is not None else ()
    if not dimensions and known.dimensions:
        dimensions = tuple(abs(s) * x for s, x in zip(root.matrix_world.to_scale(), known.dimensions, strict=True))
    if dimensions:
        yield size_text(context, dimensions)


def size_text(context: bpy.types.Context, dimensions: Sequence[float]) -> str:
    """Returns a size in the scene's units: "0.98 × 0.35 × 1.00 m"."""
    units = context.scene.unit_settings
    lengths = [length * units.scale_length for length in dimensions]
    if units.system == "IMPERIAL":
        return " × ".join(bpy.utils.units.to_string("IMPERIAL", "LENGTH", length, precision=3) for length in lengths)
    factor, name = 1.0, ""
    if units.system == "METRIC":
        factor, name = next((unit for unit in _METRIC if max(lengths) >= 0.1 * unit[0]), _METRIC[-1])
    return " × ".join(f"{length / factor:.2f}" for length in lengths) + f" {name}".rstrip()


def _other_facts(root: Mapping[str, Any], known: provenance.Measured) -> Iterator[str]:
    if known.textures and provenance.mesh_report(root) is None:
        yield mesh_report.texture_text(known.textures)
    if seed := provenance.record_text(root, provenance.SEED):
        yield tr("Seed {seed}", seed=seed)
    if count := len(provenance.view_names(root)):
        yield tr_message(counted(count, "1 further view", "{count} further views"))
    date = provenance.record_text(root, provenance.DATE)[:10]
    took = format_duration(known.seconds) if known.seconds else ""
    if date or took:
        yield " · ".join(text for text in (date, took) if text)
    if price := _price(root, known):
        yield price


def _price(root: Mapping[str, Any], known: provenance.Measured) -> str:
    """Returns what the model cost; "" if that is unknown. It may have been learned after the model was imported."""
    if known.price is not None:
        return str(Money(known.price, known.currency))
    job = job_view.job(provenance.record_text(root, provenance.JOB))
    return str(Money(job.price, job.currency)) if job is not None and job.price else ""


def _thumbnail(root: bpy.types.Object) -> int:
    """Returns the icon of the model's image; 0 if its file is not known, or not yet."""
    job_id = provenance.record_text(root, provenance.JOB)
    job = job_view.job(job_id)
    path = job.thumbnail_path if job is not None else None
    if path is None:
        result = results_view.find(job_id)
        path = result.image if result is not None else None
    return thumbnails.icon(str(path), ours=True) if path is not None else 0


def _draw_variations(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object) -> None:
    group = variations.group_of(root, context.scene)
    if len(group) < 2:  # an earlier result that was placed alone
        return
    column = layout.column(align=True)
    row = column.row(align=True)
    row.operator(Op.SHOW_VARIATION, text="", icon="TRIA_LEFT").which = "PREVIOUS"
    middle = row.row(align=True)
    middle.alignment = "CENTER"
    middle.label(text=tr("{number} of {count}", number=group.index(root) + 1, count=len(group)), translate=False)
    row.operator(Op.SHOW_VARIATION, text="", icon="TRIA_RIGHT").which = "NEXT"
    row = column.row(align=True)
    row.operator(Op.SHOW_VARIATION, text="Show All").which = "ALL"
    row.operator(Op.KEEP_VARIATION, text="Keep", icon="CHECKMARK")


def _context_menu(menu: Any, context: bpy.types.Context) -> None:
    """Add to the viewport's context menu what an artist does most with a generated model."""
    if variations.model_of(context.active_object) is None:
        return
    layout = menu.layout
    layout.separator()
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator(Op.VARY_SEED, text="Generate Variations…", icon="MOD_ARRAY")
    layout.operator(Op.USE_MODEL_SETTINGS, icon="PREFERENCES")
    layout.operator(Op.SHOW_IMAGE, icon="IMAGE_DATA")


def register() -> None:
    bpy.types.VIEW3D_MT_object_context_menu.append(_context_menu)


def unregister() -> None:
    bpy.types.VIEW3D_MT_object_context_menu.remove(_context_menu)
