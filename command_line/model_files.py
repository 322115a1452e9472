# SPDX-License-Identifier: GPL-3.0-or-later
"""Provides the models in the output folder, by the names of their images. The job's own folder stays as it is."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..atomic_file import atomic_write
from ..errors import StorageError
from ..formats import companion_names
from ..jobs.job import Job

PROVIDED_FILE: Final = "provided.json"
"""In a job's folder: where its model was provided, by the kind of file, so that it is not provided twice."""

_FORBIDDEN: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_MAX_STEM: Final = 100
"""Characters."""


ORIGINAL: Final = "-original"
"""Behind the image's name in that of the model as it was generated, if a mesh tool made another one of it."""


def provide(job: Job, output: Path, *, blend: bool) -> Path | None:
    """Link or copy a job's model, or with `blend` its .blend, into the output folder. Returns its path.

    If a mesh tool made something of it, that is the model, and the original and the tool's other files are put beside
    it. A file that is there is never replaced: chair.glb, then chair-2.glb. A model of several files gets a folder.
    None if the job has no such file. Raises StorageError.
    """
    paths = [_provide(job, source, output, end) for source, end in _wanted(job, blend)]
    return paths[0] if paths else None


def provided(job: Job, output: Path, *, blend: bool) -> Path | None:
    """Returns where a job's model, or its .blend, is in the output folder; None if it is not there."""
    return next((_provided(job, source, output) for source, _ in _wanted(job, blend)), None)


def _wanted(job: Job, blend: bool) -> list[tuple[Path, str]]:
    """Returns the files to provide, the model first: each with what follows the image's name in the file's."""
    source = job.blend_path if blend else job.model_path
    if source is None:
        return []
    made = [job.folder / name for name in job.made_files]
    models = [each for each in made if each.suffix == ".glb"]  # files for printing are no models to go on with
    if blend and job.tool_file:
        found = [(job.folder / job.tool_file, ""), (source, ORIGINAL)]
    elif models and not blend:
        found = [(models[0], ""), (source, ORIGINAL)]
    else:
        found = [(source, "")]
    return found + [(each, "-print") for each in made if each not in models]


def _provide(job: Job, source: Path, output: Path, end: str) -> Path:
    known = _provided(job, source, output)
    if known is not None:
        return known
    try:
        output.mkdir(parents=True, exist_ok=True)
        stem, suffix = file_stem(job.image.name) + end, source.suffix
        if job.companions and source == job.model_path:
            path = _provide_folder(job, source, output, stem)
        else:
            path = _provide_file(source, (output / f"{name}{suffix}" for name in _numbered(stem)))
        named = _read(job.folder) | {source.name: path.relative_to(output).as_posix()}
        atomic_write(job.folder / PROVIDED_FILE, json.dumps(named).encode())
    except OSError as error:
        raise StorageError(
            "The model of {name} can't be written to the output folder: {reason}.",
            advice="Make room on the disk, or choose another output folder, and resume.",
            name=job.name,
            cause=error,
        ) from error
    return path


def _provided(job: Job, source: Path, output: Path) -> Path | None:
    name = _read(job.folder).get(source.name, "")
    return output / name if name and (output / name).is_file() else None


def file_stem(image_name: str) -> str:
    """Returns the name for a model's file without extension: the image's, valid on every system."""
    stem = _FORBIDDEN.sub("_", Path(image_name).stem)[:_MAX_STEM].strip().rstrip(".") or "model"
    return f"_{stem}" if _DEVICE.fullmatch(stem) or stem.startswith(".") else stem


def _provide_folder(job: Job, source: Path, output: Path, stem: str) -> Path:
    """Provide a model that refers to other files: all in a folder, by the names that the model uses."""
    for name in _numbered(stem):
        folder = output / name
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        break
    model = _provide_file(source, iter([folder / f"{stem}{source.suffix}"]))
    taken = {model.name.lower()}
    for ours, theirs in job.companions:
        if (job.folder / ours).is_file():
            name = companion_names.safe_name(theirs, taken)
            taken.add(name.lower())
            _provide_file(job.folder / ours, iter([folder / name]))
    return model


def _provide_file(source: Path, targets: Iterator[Path]) -> Path:
    """Link or copy a file to the first of the paths that is free, whoever else does the same. Raises OSError."""
    for target in targets:
        try:
            os.link(source, target)
        except FileExistsError:
            continue
        except OSError:  # another drive, or one without links
            try:
                target.open("xb").close()
            except FileExistsError:
                continue
            part = target.with_name(f"~{target.name}")
            try:
                shutil.copyfile(source, part)
                part.replace(target)
            except OSError:
                for unfinished in (part, target):
                    with contextlib.suppress(OSError):
                        unfinished.unlink()
                raise
        return target
    raise FileExistsError(f"{source.name} is there already")


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    for number in range(2, 1_000_000):
        yield f"{stem}-{number}"


def _read(folder: Path) -> dict[str, str]:
    with contextlib.suppress(OSError, ValueError):
        stored = json.loads((folder / PROVIDED_FILE).read_text("utf-8"))
        if isinstance(stored, dict):
            return {str(name): str(path) for name, path in stored.items()}
    return {}
