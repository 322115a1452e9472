# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on shows in the sidebar. Panels only draw: no I/O, no computing, no change of data."""

from __future__ import annotations


def register() -> None:
    from ..scene import thumbnails
    from . import generated_model, main, overlay, settings

    for module in (thumbnails, main, generated_model, settings, overlay):
        module.register()


def unregister() -> None:
    from ..scene import thumbnails
    from . import generated_model, main, overlay, settings

    for module in (overlay, settings, generated_model, main, thumbnails):
        module.unregister()
