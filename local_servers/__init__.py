# SPDX-License-Identifier: GPL-3.0-or-later
"""Image-to-3D servers that artists run themselves: one module for each dialect of HTTP that they speak.

`bridge` is the process that speaks the service's contract towards the add-on and a dialect towards the server, so jobs
know nothing about dialects. To add a dialect, write its module and add a row to `dialects.DIALECTS`.
"""
