# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's life, from the image to the ready-made .blend. Knows no bpy."""
