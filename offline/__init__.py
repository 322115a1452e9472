# SPDX-License-Identifier: GPL-3.0-or-later
"""The offline preview: rough shapes from an image's outline, made on this computer. No account, no network, no AI."""
