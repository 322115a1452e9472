# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests run without Blender: the extension is imported through its stand-in package."""

from __future__ import annotations

import package_stub  # noqa: F401  makes `image_to_3d` importable
