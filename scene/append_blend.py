# SPDX-License-Identifier: GPL-3.0-or-later
"""Appends the objects of a .blend that the background Blender wrote, large parts one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

import bpy

from ..errors import WorkerError, one_line

_prefetched: Final[set[int]] = set()
"""`session_uid` of the libraries that `prefetch` created: the artist's own libraries stay."""


def prefetch(path: Path, parts: Iterable[Sequence[str]]) -> bool:
    """Link one large part (an image or a mesh) of a .blend before `append`. Returns whether there was one.

    Called once per tick until it returns False, it spreads one long stall over several ticks. Until `append`, the
    linked data has no users: no file stores it, and an undo that removes it does no harm. `parts`: each as [kind in
    `bpy.data`, name]. Raises WorkerError.
    """
    for kind, name in parts:
        if getattr(bpy.data, kind).get((name, str(path))) is None:
            before = {library.session_uid for library in bpy.data.libraries}
            _load(path, [kind], [name], link=True)
            _prefetched.update({library.session_uid for library in bpy.data.libraries} - before)
            return True
    return False


def discard_prefetched(path: Path) -> None:
    """Remove what `prefetch` linked, if `append` will not follow. Harmless at any time."""
    mine = [item for item in bpy.data.libraries if item.filepath == str(path)]
    _remove_libraries(item for item in mine if item.session_uid in _prefetched)


def append(
    path: Path, names: Sequence[str] = (), *, as_asset: bool = False
) -> tuple[list[bpy.types.Object], bpy.types.Collection | None]:
    """Append objects of a .blend. Returns them, and the collection if that is the asset.

    `names`: which objects, and their order; by default all of them, the root first. In its file a model always is an
    asset; `as_asset`: here too. Prefetched parts are not read again. Raises WorkerError.
    """
    before = {library.session_uid for library in bpy.data.libraries}
    kinds = ("objects", "collections") if as_asset else ("objects",)
    objects, *others = _load(path, kinds, names or None, link=False)
    ours = {item.session_uid for item in bpy.data.libraries if item.filepath == str(path)} & _prefetched
    _remove_libraries(x for x in bpy.data.libraries if x.session_uid in ours or x.session_uid not in before)
    if not objects:
        raise WorkerError("The prepared model is empty.")
    for item in objects if not as_asset else ():
        if item.asset_data is not None:
            item.asset_clear()
            if item.preview is not None:  # 256 KB of pixels that nothing shows
                item.preview.image_size = item.preview.icon_size = (0, 0)
    if not names:
        objects.sort(key=lambda item: item.parent is not None)
    return objects, next(chain.from_iterable(others), None)


def _load(path: Path, kinds: Sequence[str], names: Sequence[str] | None, *, link: bool) -> list[list[Any]]:
    """Load data of these kinds from a .blend: those with these names, or all. Raises WorkerError."""
    try:
        opened: Any = bpy.data.libraries.load(str(path), link=link)
        with opened as (there, here):
            for kind in kinds:
                setattr(here, kind, list(getattr(there, kind) if names is None else names))
    except OSError as error:
        raise WorkerError("The prepared model can't be read: {reason}.", reason=one_line(error)) from error
    return [[item for item in getattr(here, kind) if item is not None] for kind in kinds]


def _remove_libraries(libraries: Iterable[bpy.types.Library]) -> None:
    """Remove the libraries that appended data came from."""
    for library in list(libraries):
        _prefetched.discard(library.session_uid)
        bpy.data.libraries.remove(library)
