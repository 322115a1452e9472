# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on shows in the sidebar and the viewport. Panels only draw: no I/O, no computing, no data changes."""

from __future__ import annotations

from . import generated_model, main, overlay, settings

_MODULES = (main, generated_model, settings, overlay)


def register() -> None:
    for module in _MODULES:
        module.register()


def unregister() -> None:
    for module in reversed(_MODULES):
        module.unregister()
