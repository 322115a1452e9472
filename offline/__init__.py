# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's stand-in on this machine: the same HTTP contract, rough shapes, no account, no AI."""
