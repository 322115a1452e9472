# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripting API, as exported by the extension's package.

jobs        `generate`, and the handle of a job
batches     `generate_many`, and the handle of a batch
mesh_tools  a function for each mesh tool, and the handle of one that runs
"""
