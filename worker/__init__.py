# SPDX-License-Identifier: GPL-3.0-or-later
"""A second, windowless Blender, for whatever would freeze the first."""
