# SPDX-License-Identifier: GPL-3.0-or-later
"""The image-to-3D service, and nothing else. Knows no bpy and nothing of jobs."""
