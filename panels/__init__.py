# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on shows in the sidebar. Panels only draw: no I/O, no computing, no change of data."""

from __future__ import annotations


def register() -> None:
    from . import main, model, overlay, settings, thumbnails

    for module in (thumbnails, main, model, settings, overlay):
        module.register()


def unregister() -> None:
    from . import main, model, overlay, settings, thumbnails

    for module in (overlay, settings, model, main, thumbnails):
        module.unregister()
