# SPDX-License-Identifier: GPL-3.0-or-later
"""The background Blender: a second one without a window, for what would freeze the artist's."""
