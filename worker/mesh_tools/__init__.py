# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh tools, as the background Blender runs them. Each handles a request with a .blend, and writes another one."""
