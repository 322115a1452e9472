# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's operators: they read settings, call the engine, and report."""

from __future__ import annotations

from . import choose_image, cleanup_actions, generate, job_actions, model_actions, monitor, open_actions

_MODULES = (monitor, generate, choose_image, job_actions, model_actions, open_actions, cleanup_actions)


def register() -> None:
    for module in _MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(_MODULES):
        module.unregister()
