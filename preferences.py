# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service, key, limits and folders: what belongs to the artist, not to a .blend."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from . import account, storage
from .bl_ids import Op
from .jobs.config import CUSTOM, MODELSLAB, MODELSLAB_URL, OFFLINE, is_local

ROOT: Final = __package__ or ""
"""The extension's own package: what Blender's preferences and user folders know it by."""

KEY_VARIABLE: Final = "MODELSLAB_API_KEY"
ADDRESS_VARIABLE: Final = "IMAGE_TO_3D_BASE_URL"
JOB_LIMIT: Final = 5

SERVICES: Final = (
    (MODELSLAB, "ModelsLab", "The ModelsLab service. Needs an account, its API key, and online access"),
    (
        OFFLINE,
        "Offline Preview",
        "Rough shapes made on this computer from the image's outline. No account, no network, and no AI",
    ),
    (CUSTOM, "Custom", "Another service that speaks the same protocol, for example an enterprise plan"),
)
SERVICE_NAMES: Final = {value: name for value, name, _ in SERVICES}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The preferences in force, with the environment's values where a field is empty."""

    service: str = MODELSLAB
    key: str = field(default="", repr=False)
    base_url: str = ""
    limit: int = JOB_LIMIT
    results: Path | None = None
    """The results folder; None: the default one in Blender's user folder."""
    keep_days: float | None = None
    keep_gigabytes: float | None = None
    """What a clean-up leaves; None: no such limit."""
    clean_up_by_itself: bool = False

    @property
    def address(self) -> str:
        """Where the chosen service is; empty for the offline preview, and for a custom one without an address."""
        return MODELSLAB_URL if self.service == MODELSLAB else self.base_url if self.service == CUSTOM else ""

    @property
    def needs_key(self) -> bool:
        """Whether nothing can be generated for want of a key."""
        return self.service != OFFLINE and not self.key

    @property
    def on_this_machine(self) -> bool:
        """Whether the service is on loopback, so that Blender's online access does not matter."""
        return self.service == OFFLINE or is_local(self.address)


def _changed(preferences: IMAGE_TO_3D_Preferences, _context: bpy.types.Context) -> None:
    from . import engine

    if preferences.results_folder.startswith("//"):  # the preferences belong to no file to be relative to
        preferences.results_folder = bpy.path.abspath(preferences.results_folder)
        return
    account.forget()
    engine.preferences_changed()


class IMAGE_TO_3D_Preferences(bpy.types.AddonPreferences):
    """The add-on's page in Blender's preferences."""

    bl_idname = ROOT

    if TYPE_CHECKING:
        service: str
        api_key: str
        base_url: str
        job_limit: int
        results_folder: str
        keep_days: int
        keep_gigabytes: float
        clean_up_by_itself: bool
    else:
        service: EnumProperty(
            name="Service",
            description="What turns the image into a model",
            items=SERVICES,
            default=MODELSLAB,
            update=_changed,
        )
        api_key: StringProperty(
            name="API Key",
            description=(
                "The key of your account. Blender keeps it in clear text in your user preferences, never in a .blend. "
                f"Leave it empty to use the environment variable {KEY_VARIABLE}"
            ),
            subtype="PASSWORD",
            update=_changed,
        )
        base_url: StringProperty(
            name="Address",
            description=(
                "Base URL of the service, for example https://modelslab.com/api/v1/enterprise for an enterprise plan. "
                f"Leave it empty to use the environment variable {ADDRESS_VARIABLE}"
            ),
            update=_changed,
        )
        job_limit: IntProperty(
            name="Jobs at Once",
            description="How many jobs run at once; the others wait. Plans allow 5, 10 or 15",
            default=JOB_LIMIT,
            min=1,
            max=64,
            soft_max=15,
            update=_changed,
        )
        results_folder: StringProperty(
            name="Results Folder",
            description="Where models, videos and images are kept. Leave it empty for a folder in Blender's own",
            subtype="DIR_PATH",
            update=_changed,
        )
        keep_days: IntProperty(
            name="Keep for Days",
            description="A clean-up removes results that are older; 0 for no such limit",
            default=30,
            min=0,
        )
        keep_gigabytes: FloatProperty(
            name="Keep up to GB",
            description="A clean-up removes the oldest results while all take more than this; 0 for no such limit",
            default=0.0,
            min=0.0,
            precision=1,
        )
        clean_up_by_itself: BoolProperty(
            name="Clean Up at Start",
            description=(
                "Clean up whenever Blender starts. Only results that are placed and saved, cancelled or dismissed "
                "are ever removed"
            ),
            default=False,
        )

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False

        service = layout.column()
        service.row().prop(self, "service", expand=True)
        if self.service == OFFLINE:
            _hint(service, "Rough shapes from the image's outline, made on this computer. No AI.")
        else:
            self._draw_account(service)

        layout.separator()
        keeping = layout.column()
        keeping.prop(self, "job_limit")
        keeping.prop(self, "results_folder", placeholder="In Blender's user folder")
        self._draw_storage(keeping)

    def _draw_storage(self, layout: bpy.types.UILayout) -> None:
        row = layout.row(align=True)
        row.prop(self, "keep_days")
        row.prop(self, "keep_gigabytes", text="GB")
        layout.prop(self, "clean_up_by_itself")
        found = storage.now()
        if found.at_work:
            _hint(layout, "Looking at the results…", icon="SORTTIME")
        elif found.text:
            _hint(layout, found.text, icon="ERROR" if found.failed else "INFO")
        row = _beside(layout)
        row.operator(Op.MEASURE_RESULTS, icon="FILE_REFRESH")
        row.operator(Op.CLEAN_UP, icon="TRASH")

    def _draw_account(self, layout: bpy.types.UILayout) -> None:
        if self.service == CUSTOM:
            layout.prop(self, "base_url", placeholder=os.environ.get(ADDRESS_VARIABLE, "https://…"))
            if not self.base_url and os.environ.get(ADDRESS_VARIABLE):
                _hint(layout, f"The address comes from {ADDRESS_VARIABLE}.")
        row = layout.row(align=True)
        row.prop(self, "api_key")
        row.operator(Op.TEST_KEY, text="Test Key")
        if not self.api_key and os.environ.get(KEY_VARIABLE):
            _hint(layout, f"The key comes from {KEY_VARIABLE}.")
        elif self.api_key:
            _hint(layout, "Kept in clear text in Blender's user preferences.")
        said = account.now()
        if said.asking:
            _hint(layout, "Asking the service…", icon="SORTTIME")
        elif said.text:
            _hint(layout, said.text, icon="ERROR" if said.failed else "CHECKMARK")
        if not chosen().on_this_machine and not bpy.app.online_access:
            _hint(layout, "Blender's online access is switched off.", icon="ERROR")
            _beside(layout).operator(Op.ALLOW_ONLINE, text="Allow Online Access…", icon="INTERNET")


def _beside(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A line in the fields' column, which a property split leaves 60 % of the width."""
    split = layout.split(factor=0.4)
    split.label()
    return split.row()


def _hint(layout: bpy.types.UILayout, text: str, icon: str = "INFO") -> None:
    """A small line under the field it belongs to."""
    row = _beside(layout)
    row.active = False
    row.label(text=text, icon=icon)


def get() -> IMAGE_TO_3D_Preferences | None:
    """The add-on's preferences; None where it was enabled for this run only, without an entry in them."""
    entry = bpy.context.preferences.addons.get(ROOT)
    return entry.preferences if entry else None


def chosen() -> Chosen:
    """The preferences in force. Main thread only."""
    saved = get()
    key = (saved.api_key if saved else "").strip() or os.environ.get(KEY_VARIABLE, "").strip()
    address = (saved.base_url if saved else "").strip() or os.environ.get(ADDRESS_VARIABLE, "").strip()
    if saved is None:
        return Chosen(key=key, base_url=address)
    return Chosen(
        service=saved.service,
        key=key,
        base_url=address,
        limit=saved.job_limit,
        results=Path(saved.results_folder) if saved.results_folder else None,
        keep_days=saved.keep_days or None,
        keep_gigabytes=saved.keep_gigabytes or None,
        clean_up_by_itself=saved.clean_up_by_itself,
    )


register, unregister = bpy.utils.register_classes_factory((IMAGE_TO_3D_Preferences,))
