# SPDX-License-Identifier: GPL-3.0-or-later
"""Further images of a job's subject, from other sides, for a server that takes them. The image shows the front."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..api.parameters import VIEWS
from ..errors import ImageError, Message, ParameterError, one_line

VIEW_NAMES: Final[Mapping[str, Message]] = {
    "left": Message("Left View"),
    "back": Message("Back View"),
    "right": Message("Right View"),
}
"""What an artist calls the view of each side."""

_FRONT: Final = "front"
_NAMED_BY_SIDE: Final = re.compile(rf"(.+?)[ _.-]+({'|'.join((_FRONT, *VIEWS))})", re.IGNORECASE)


class Subject(NamedTuple):
    """What images show from several sides."""

    name: str
    views: Mapping[str, Path]
    """By side, without the front."""


def check_sides(views: Mapping[str, Any]) -> None:
    """Raises ParameterError for a side that no view can show."""
    for side in views:
        if side not in VIEWS:
            raise ParameterError(
                'There is no view "{name}"; there are {names}. The image itself shows the front.',
                name=one_line(side),
                names=", ".join(VIEWS),
            )


@contextlib.contextmanager
def named(side: str) -> Iterator[None]:
    """Name the view of this side in an ImageError that is raised inside."""
    try:
        yield
    except ImageError as error:
        error.message = message_for(side, error.message)
        raise


def message_for(side: str, message: Message) -> Message:
    """Returns a message about the view of a side."""
    return Message("{view}: {message}", {"view": VIEW_NAMES[side], "message": message})


def subjects_by_name(images: Iterable[Path]) -> dict[Path, Subject]:
    """Returns the subjects of which the images show several sides, by that of the front.

    Their names say so: chair_front.png, chair_left.png, … in one folder. A subject needs a front.
    """
    found: dict[tuple[Path, str], dict[str, tuple[Path, str]]] = {}
    for image in images:
        if match := _NAMED_BY_SIDE.fullmatch(image.stem):
            name, side = match.groups()
            found.setdefault((image.parent, name.lower()), {}).setdefault(side.lower(), (image, name))
    subjects: dict[Path, Subject] = {}
    for sides in found.values():
        views: dict[str, Path] = {side: sides[side][0] for side in VIEWS if side in sides}
        if views and _FRONT in sides:
            front, name = sides[_FRONT]
            subjects[front] = Subject(name, views)
    return subjects
