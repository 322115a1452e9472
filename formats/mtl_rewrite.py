# SPDX-License-Identifier: GPL-3.0-or-later
"""Rewrites the material libraries (MTL) of an OBJ into one that names only the model's own textures.

Each statement is read and written anew from its values. What is not known here is left out, so nothing can be hidden in
unusual white space, quotes or options.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Final

from .obj_rewrite import without_library

MAX_BYTES: Final = 16 * 1024 * 1024
_VALUES: Final = dict.fromkeys((b"Ka", b"Kd", b"Ks", b"Ke", b"Tf"), 3) | dict.fromkeys(
    (b"Ns", b"Ni", b"d", b"Tr", b"illum", b"Pr", b"Pm", b"Ps", b"Pc", b"Pcr", b"aniso", b"anisor"), 1
)
"""Keywords with up to so many numbers."""
_TEXTURES: Final = frozenset(
    b"map_Ka map_Kd map_Ks map_Ke map_Ns map_d map_Tr map_Bump map_bump map_disp map_refl map_Pr map_Pm map_Ps map_Pc "
    b"bump norm disp refl".split()
)
_WORD: Final = re.compile(rb"[^\x00-\x20]+")
_NUMBERS: Final = {b"-o": 3, b"-s": 3, b"-t": 3, b"-mm": 2, b"-bm": 1, b"-boost": 1, b"-texres": 1}
"""Options with up to so many numbers. Those with one word: `_WORDS`."""
_KEPT: Final = frozenset({b"-o", b"-s", b"-bm"})
_WORDS: Final = frozenset({b"-blendu", b"-blendv", b"-cc", b"-clamp", b"-imfchan", b"-type"})


def rewritten(text: bytes, find: Callable[[str], str]) -> bytes:
    """Returns a material library in which each texture has the name that `find` returns for it; "" leaves it out."""
    lines = []
    for line in re.split(rb"[\r\n]+", text):
        words = _WORD.finditer(line)
        first = next(words, None)
        if first is None:
            continue
        keyword = first[0].removeprefix(b"\xef\xbb\xbf")
        if keyword == b"newmtl":
            lines.append(b"newmtl " + line[first.end() :].strip())
        elif keyword in _VALUES:
            numbers = [number for word in _first(words, _VALUES[keyword]) if (number := _number(word[0]))]
            if numbers:
                lines.append(b" ".join((keyword, *numbers)))
        elif keyword in _TEXTURES:
            options, name = _texture(line, words)
            ours = find(name) if name else ""
            if ours:
                lines.append(b" ".join((keyword, *options, ours.encode())))
    return without_library(b"\n".join(lines)) + b"\n"


def _texture(line: bytes, words: Iterator[re.Match[bytes]]) -> tuple[list[bytes], str]:
    """Returns the options before a texture's name, and the name, which may contain spaces."""
    options: dict[bytes, list[bytes]] = {}
    word = next(words, None)
    while word is not None and (word[0] in _NUMBERS or word[0] in _WORDS):
        option, numbers = word[0], []
        word = next(words, None)
        if option in _WORDS:
            word = next(words, None)
        for _ in range(_NUMBERS.get(option, 0)):
            if word is None or not (number := _number(word[0])):
                break
            numbers.append(number)
            word = next(words, None)
        if option in _KEPT and numbers:
            options[option] = numbers
    name = line[word.start() :].decode("utf-8", "replace").strip(" \t\"'") if word is not None else ""
    return [part for option, numbers in options.items() for part in (option, *numbers)], name


def _first(words: Iterator[re.Match[bytes]], count: int) -> Iterator[re.Match[bytes]]:
    return (word for word, _ in zip(words, range(count), strict=False))


def _number(word: bytes) -> bytes:
    """Returns a finite number as text; "" for anything else."""
    try:
        value = float(word[:40])
    except ValueError:
        return b""
    return f"{value:.9g}".encode() if math.isfinite(value) else b""
