# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for the preferences: open them, choose the service, test the key, measure and clean up the results."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import bpy

from .. import background_task, engine, preferences, redraw
from ..bl_ids import PACKAGE, Op
from ..errors import NO_MESSAGE
from ..jobs.config import LOCAL, OFFLINE, Config
from ..translation import tr, tr_message, tr_report
from . import monitor
from .define import PollMixin, operator


@operator(Op.OPEN_PREFERENCES, "Open Preferences")
def open_preferences(_context: bpy.types.Context) -> None:
    """Open the add-on's preferences: service, API key, results folder"""
    bpy.ops.preferences.addon_show(module=PACKAGE)


@operator(Op.ALLOW_ONLINE, "Allow Online Access")
def allow_online(_context: bpy.types.Context) -> None:
    """Open Preferences › System › Network"""
    bpy.ops.screen.userpref_show(section="SYSTEM")


def _no_preferences(_context: bpy.types.Context) -> str:
    return "" if preferences.get() is not None else "The add-on is enabled for this session only"


@operator(Op.USE_OFFLINE_PREVIEW, "Try Offline Preview", why_not=_no_preferences)
def use_offline_preview(_context: bpy.types.Context) -> None:
    """Make rough shapes on this computer instead: no account, no network, not AI"""
    saved = preferences.get()
    if saved is not None:
        saved.service = OFFLINE


def _why_no_test(_context: bpy.types.Context) -> str:
    obstacle = preferences.read_config().why_not_ready()
    if obstacle is not None:
        return tr_message(obstacle.info())
    return "Contacting the service" if background_task.account.status.running else ""


class IMAGE_TO_3D_OT_test_key(PollMixin, bpy.types.Operator):
    """Check the API key and show the account balance"""

    bl_idname = Op.TEST_KEY
    bl_label = "Test Key"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}
    why_not = _why_no_test

    @classmethod
    def description(cls, _context: bpy.types.Context, _properties: Any) -> str:
        """Returns the tooltip, with the last reply in full."""
        reply = tr_message(background_task.account.status.text)
        return "\n".join(text for text in (tr(cls.__doc__ or ""), reply) if text)

    def execute(self, context: bpy.types.Context) -> set[str]:
        engine.check_account()
        redraw.sidebars(context.window_manager)
        monitor.start()
        return {"FINISHED"}


def _why_no_local_test(_context: bpy.types.Context) -> str:
    config = preferences.read_config()
    obstacle = config.why_not_ready()
    if config.service != LOCAL:
        return "Choose the service Local Server first"
    if obstacle is not None:
        return tr_message(obstacle.info())
    return "Contacting the server" if background_task.local_server.status.running else ""


@operator(Op.TEST_LOCAL_SERVER, "Test Connection", why_not=_why_no_local_test)
def test_local_server(context: bpy.types.Context) -> None:
    """Find out which server answers at the address. It generates nothing"""
    background_task.test_local_server(preferences.read_config())
    redraw.sidebars(context.window_manager)
    monitor.start()


def _storage_busy(_context: bpy.types.Context) -> str:
    return "Checking the results" if background_task.storage.status.running else ""


@operator(Op.MEASURE_RESULTS, "Calculate Size", why_not=_storage_busy)
def measure_results(_context: bpy.types.Context) -> None:
    """Measure the disk usage of the results folder"""
    background_task.measure_results(preferences.read_config().results_folders)


@operator(Op.MOVE_RESULTS, "Move Earlier Results", why_not=_storage_busy)
def move_results(_context: bpy.types.Context) -> None:
    """Move results from where earlier versions kept them, and from the default folder, to the results folder"""
    engine.move_results()


_MEASURE_SECONDS: Final = 1.5
"""How long the question before a clean-up may take; on a slower drive, it names the limits instead of the results."""


def _limits(config: Config) -> str:
    """Returns what the artist is asked before a clean-up if it is not known yet what that deletes."""
    days, size = config.keep_days, f"{config.keep_gigabytes or 0:g}"
    if config.keep_gigabytes is None:
        return tr("Delete results older than {days} days?", days=days)
    if days is None:
        return tr("Delete the oldest results beyond {size} GB?", size=size)
    return tr("Delete results older than {days} days, and the oldest beyond {size} GB?", days=days, size=size)


class IMAGE_TO_3D_OT_clean_up(PollMixin, bpy.types.Operator):
    """Delete old result files, within the limits set here. Unsaved or unplaced models are kept"""

    bl_idname = Op.CLEAN_UP
    bl_label = "Clean Up"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str:
        config = preferences.read_config()
        if config.keep_days is None and config.keep_gigabytes is None:
            return "Set a limit first"
        return _storage_busy(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        config = preferences.read_config()
        question = background_task.ask_before_clean_up(config, _MEASURE_SECONDS)
        if question == NO_MESSAGE:
            self.report({"INFO"}, tr_report("No results are beyond the limits"))
            return {"CANCELLED"}
        title, message = tr("Clean Up"), _limits(config)
        if question is not None:
            title, message = tr_message(question), tr("Models that are not placed and saved yet are kept.")
        options = {"title": title, "message": message, "confirm_text": "Delete", "icon": "WARNING"}
        manager: Any = context.window_manager
        return set(manager.invoke_confirm(self, event, **options))

    def execute(self, context: bpy.types.Context) -> set[str]:
        background_task.clean_up(preferences.read_config())
        redraw.sidebars(context.window_manager)
        monitor.start()
        return {"FINISHED"}
