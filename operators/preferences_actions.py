# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators for the preferences: open them, choose the service, test the key, measure and clean up the results."""

from __future__ import annotations

import bpy

from .. import background_task, engine, preferences
from ..bl_ids import PACKAGE, Op
from ..jobs.config import OFFLINE
from .define import operator


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
    return str(obstacle or "") or ("Contacting the service" if background_task.account.status.running else "")


@operator(Op.TEST_KEY, "Test Key", why_not=_why_no_test)
def check_key(_context: bpy.types.Context) -> None:
    """Check the API key and show the account balance"""
    engine.check_account()


def _storage_busy(_context: bpy.types.Context) -> str:
    return "Checking the results" if background_task.storage.status.running else ""


@operator(Op.MEASURE_RESULTS, "Measure", why_not=_storage_busy)
def measure_results(_context: bpy.types.Context) -> None:
    """Measure the disk usage of the results folder"""
    background_task.measure_results(preferences.read_config().results_folders)


@operator(Op.MOVE_RESULTS, "Move Earlier Results", why_not=_storage_busy)
def move_results(_context: bpy.types.Context) -> None:
    """Move results from where earlier versions kept them, and from the default folder, to the results folder"""
    engine.move_results()


@operator(Op.CLEAN_UP, "Clean Up", why_not=_storage_busy, confirm=True)
def clean_up(_context: bpy.types.Context) -> None:
    """Delete old result files, within the limits set here. Unsaved or unplaced models are kept"""
    background_task.clean_up(preferences.read_config())
