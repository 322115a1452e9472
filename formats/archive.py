# SPDX-License-Identifier: GPL-3.0-or-later
"""ZIP archives that hold a model with its material library and textures, as some services deliver an OBJ.

Nothing in an archive is trusted (zip bombs, path traversal): of a name only the last part counts, and sizes are limited
while the data is read, whatever the archive announces.
"""

from __future__ import annotations

import contextlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from . import companion_names
from .sniff import FormatError, require

MODELS: Final = ("glb", "obj", "ply", "stl")
COMPANIONS: Final = companion_names.EXTENSIONS
_MAX_ENTRIES: Final = 2000
_MAX_COMPANIONS: Final = 32
_MAX_BYTES: Final = 1024**3
"""Of all files together, unpacked."""
_MAX_RATIO: Final = 250
"""Unpacked bytes per packed byte, of files larger than `_ANY_RATIO`. Text with coordinates has about 4."""
_ANY_RATIO: Final = 16 * 1024 * 1024
_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of interest in an archive."""

    model: zipfile.ZipInfo
    companions: tuple[zipfile.ZipInfo, ...]


def base_name(info: zipfile.ZipInfo) -> str:
    """Returns the last part of an entry's path, whichever slashes it has."""
    return companion_names.base_name(info.filename)


def extension(info: zipfile.ZipInfo) -> str:
    """Returns an entry's extension, in lower case without the dot."""
    return base_name(info).rpartition(".")[2].lower()


def check(file: BinaryIO, size: int) -> None:
    """Raises FormatError unless this is a readable ZIP with a model in it."""
    del size  # the directory at its end shows whether it is complete
    with _opened(file) as archive:
        _contents(archive)


def unpack(path: Path, folder: Path, suffix: str = "") -> tuple[Path, list[tuple[str, str]]]:
    """Unpack the model as model.* and its companions as part-* into `folder`, which must exist.

    `suffix` is added to these names. Returns the model, and each companion's (name in the folder, name that the model
    uses). Raises FormatError, OSError.
    """
    with path.open("rb") as file, _opened(file) as archive:
        contents = _contents(archive)
        left = _MAX_BYTES
        companions = []
        for number, info in enumerate(contents.companions, 1):
            ours = companion_names.numbered(number, info.filename, suffix)
            with contextlib.suppress(FormatError):  # a missing texture does not cost the model
                left -= _extract(archive, info, folder / ours, left)
                companions.append((ours, base_name(info)))
        model = folder / f"model{suffix}.{extension(contents.model)}"
        _extract(archive, contents.model, model, left)
    return model, companions


@contextlib.contextmanager
def _opened(file: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """Context: an archive. Raises FormatError if it is none."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise FormatError("it is not a complete ZIP archive") from error
    with archive:
        yield archive


def _contents(archive: zipfile.ZipFile) -> Contents:
    entries = archive.infolist()
    require(len(entries) <= _MAX_ENTRIES, "it has too many files")
    files: dict[str, zipfile.ZipInfo] = {}
    for info in entries:
        name = base_name(info)
        is_link = stat.S_ISLNK(info.external_attr >> 16)
        # macOS adds "__MACOSX/._name" for each file.
        if not info.is_dir() and not is_link and name and not name.startswith("."):
            files.setdefault(name.lower(), info)
    models = [info for kind in MODELS for info in files.values() if extension(info) == kind]
    require(models, "it has no model in it")
    model = max((x for x in models if extension(x) == extension(models[0])), key=lambda info: info.file_size)
    companions = [info for info in files.values() if extension(info) in COMPANIONS] if extension(model) == "obj" else []
    # The material library first: it must not be lost to a limit.
    companions.sort(key=lambda info: COMPANIONS.index(extension(info)))
    require(not model.flag_bits & 1, "it is encrypted")
    require(model.file_size <= _limit(model), "it unpacks to more than it should")
    return Contents(model, tuple(companions[:_MAX_COMPANIONS]))


def _limit(info: zipfile.ZipInfo) -> int:
    """Returns the most bytes that an entry may unpack to."""
    return max(_ANY_RATIO, info.compress_size * _MAX_RATIO)


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, limit: int) -> int:
    """Write one entry to `target`, of at most `limit` bytes. Returns its size."""
    limit = min(limit, _limit(info))
    size = 0
    try:
        with archive.open(info) as packed, target.open("wb") as unpacked:
            while block := packed.read(_BLOCK):
                size += len(block)
                require(size <= limit, "it unpacks to more than it should")
                unpacked.write(block)
    except (FormatError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        target.unlink(missing_ok=True)
        if isinstance(error, FormatError):
            raise
        raise FormatError("one of its files can't be unpacked") from error
    return size
