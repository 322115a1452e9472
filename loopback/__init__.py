# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's contract on this computer: an HTTP server in a background Blender, behind which models are made.

What makes the models is a `generator.Generator`: the offline preview, or a server that the artist runs.
"""
