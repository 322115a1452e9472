# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's operators: they read settings, call the session, and report."""

from __future__ import annotations

from . import choose, cleaning, generate, on_jobs, on_model, opening, watch

_MODULES = (watch, generate, choose, on_jobs, on_model, opening, cleaning)


def register() -> None:
    for module in _MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(_MODULES):
        module.unregister()
