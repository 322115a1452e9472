# SPDX-License-Identifier: GPL-3.0-or-later
"""Damages files in the ways in which files get damaged, or are made by somebody with bad intentions."""

from __future__ import annotations

import struct
from random import Random
from typing import Final

from model_files import WHOLE

HUGE: Final = (0, 1, 3, 2**8 - 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63, 10**12, 10**30, -1, -(2**31))


def mangled(chance: Random, data: bytes) -> bytes:
    """A file damaged in one to three of the ways in which files are."""
    for _ in range(chance.randint(1, 3)):
        size = len(data)
        place = chance.randrange(size + 1)
        match chance.randrange(8):
            case 0:
                data = data[:place]
            case 1:
                data = data[place:]
            case 2 if size:
                flipped = bytearray(data)
                for _ in range(chance.choice((1, 1, 4, 100))):
                    flipped[chance.randrange(size)] ^= 1 << chance.randrange(8)
                data = bytes(flipped)
            case 3:
                # A length or count that lies, where binary formats keep them.
                place = chance.choice((4, 8, 12, 16, 20, 80, place))
                number = chance.choice(HUGE) % 2**32
                data = data[:place] + struct.pack(chance.choice("<>") + "I", number) + data[place + 4 :]
            case 4:
                # A number that lies, where text has one.
                spots = [i for i in range(min(size, 4000)) if data[i : i + 1].isdigit()]
                if spots:
                    spot = chance.choice(spots)
                    data = data[:spot] + str(chance.choice(HUGE)).encode() + data[spot + 1 :]
            case 5:
                data = data[:place] + chance.randbytes(chance.randrange(200)) + data[place:]
            case 6:
                other = chance.choice(list(WHOLE.values()))
                data = data[:place] + other[chance.randrange(len(other)) :]
            case _:
                data = data + data[: place or 1]
    return data
