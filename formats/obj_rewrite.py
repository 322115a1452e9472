# SPDX-License-Identifier: GPL-3.0-or-later
"""Rewrites an OBJ before Blender's importer reads it, so that nothing in it leads out of the file or exhausts memory.

Only the statements of a mesh are kept; all others become comments: references to other files (`mtllib`, `call`), and
curves, which are no meshes and can crash the importer. Bytes are replaced one for one, in blocks of whole lines, so
a large file takes little time and memory. What counts as white space follows Blender's parser: every control character,
bytes from 128 on, and the backslash of a continued line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

MAX_OBJECTS: Final = 300
"""More objects or groups are read as one object."""
MAX_MATERIALS: Final = 1000
"""Of more, none is used: the importer takes a time that grows with the square of their number."""
_BLOCK: Final = 4 * 1024 * 1024
_SPACE: Final = rb"[\x00-\x09\x0b-\x20\\\x80-\xff]*+"
_END: Final = rb"(?=[\x00-\x20\\\x80-\xff]|\Z)"
_STATEMENT: Final = re.compile(
    rb"\n(?![vf] |v[nt] )"  # most lines: decided at once
    + _SPACE
    + rb"(?:(o|g|usemtl)"
    + _END
    + rb"([^\n]*)|(?!(?:v|vn|vt|f|l|s)"
    + _END
    + rb")([A-Za-z]))"
)
"""A line that names something, or one that is not part of a mesh, with its first letter as the last group."""
_LIBRARY: Final = b"mtllib"


@dataclass(slots=True)
class ObjContent:
    """What matters of an OBJ's statements."""

    objects: int = 0
    groups: int = 0
    materials: set[bytes] = field(default_factory=set)
    """Names; counted up to one more than `MAX_MATERIALS`."""
    has_others: bool = False
    """There are statements that must not reach the importer."""

    @property
    def one_object(self) -> bool:
        return max(self.objects, self.groups) > MAX_OBJECTS

    @property
    def one_material(self) -> bool:
        return len(self.materials) > MAX_MATERIALS

    @property
    def must_change(self) -> bool:
        return self.has_others or self.one_object or self.one_material


def read_content(path: Path) -> ObjContent:
    """Returns what an OBJ contains. Raises OSError."""
    content = ObjContent()
    with path.open("rb") as file:
        for block in _blocks(file):
            content.has_others = content.has_others or _LIBRARY in block
            for found in _STATEMENT.finditer(block):
                match found[1]:
                    case b"o":
                        content.objects += 1
                    case b"g":
                        content.groups += 1
                    case b"usemtl" if len(content.materials) <= MAX_MATERIALS:
                        content.materials.add(found[2].strip())
                    case None:
                        content.has_others = True
    return content


def write_changed(source: Path, target: Path, content: ObjContent) -> None:
    """Write the OBJ as the importer should get it. Raises OSError."""
    dropped: set[bytes | None] = {None}
    dropped |= {b"o", b"g"} if content.one_object else set()
    dropped |= {b"usemtl"} if content.one_material else set()

    def comment(found: re.Match[bytes]) -> bytes:
        if found[1] not in dropped:
            return found[0]
        at = found.start(1 if found[1] else 3) - found.start()
        return found[0][:at] + b"#" + found[0][at + 1 :]

    with source.open("rb") as file, target.open("wb") as changed:
        for block in _blocks(file):
            changed.write(without_library(_STATEMENT.sub(comment, block))[1:])


def without_library(text: bytes) -> bytes:
    """Returns the text without the word that would name a material library, wherever it is."""
    return text.replace(_LIBRARY, b"#tllib")


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yields the file in blocks of whole lines, each with a line break before it."""
    while block := file.read(_BLOCK):
        yield b"\n" + block + file.readline()
