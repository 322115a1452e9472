# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh report: what was measured of a model's mesh, which problems that shows, and which tool fixes each of them.

`worker.mesh_tools.report` measures it. It is stored on the object and with the job. A .blend and a job.json come from
anywhere: a report in which anything has another type than it should counts as missing.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, NamedTuple, Self

from .errors import Message, counted
from .tool_settings import Tool

MERGE_SHARE: Final = 1e-6
"""Vertices that are closer than this share of the mesh's size are at the same place: UV seams split them."""
MANY_TRIANGLES: Final = 100_000
"""More than this slow down a scene with several models. Props in games have 2,000 to 15,000."""
_MAX_TEXTURES: Final = 256


@dataclass(frozen=True, slots=True)
class MeshReport:
    """What was measured of a model, all its objects together. Vertices at the same place count as one in all but
    `vertices` and `duplicate_vertices`, so UV seams are no open edges."""

    objects: int = 0
    """Mesh objects."""
    triangles: int = 0
    faces: int = 0
    quads: int = 0
    """Faces with four corners."""
    vertices: int = 0
    duplicate_vertices: int = 0
    """Vertices at the place of another one of the same object."""
    loose_vertices: int = 0
    """Vertices without an edge."""
    loose_edges: int = 0
    """Edges without a face."""
    parts: int = 0
    """Connected pieces with faces."""
    small_parts: int = 0
    """Parts that Clean Up deletes: they are tiny compared with their object."""
    inner_parts: int = 0
    """Parts that lie inside a closed one of the same object; a few of very many may be overlooked."""
    sheets: int = 0
    """Parts that are open sheets, such as a leaf: their border is no hole."""
    open_edges: int = 0
    """Edges with one face."""
    holes: int = 0
    """Closed lines of open edges, without the borders of sheets."""
    non_manifold_edges: int = 0
    """Edges with more than two faces."""
    inconsistent_edges: int = 0
    """Edges with two faces, one of which shows its front where the other shows its back."""
    flipped_faces: int = 0
    """Faces that are certainly inside out."""
    degenerate_faces: int = 0
    """Faces without area."""
    duplicate_faces: int = 0
    """Faces with the same corners as another one."""
    uv_maps: int = 0
    """UV maps of the object that has the fewest; a map in which all UVs are the same does not count."""
    materials: int = 0
    texture_sizes: tuple[int, ...] = ()
    """Width and height of each texture in pixels, one after the other."""
    dimensions: tuple[float, ...] = (0.0, 0.0, 0.0)
    """Along X, Y and Z in scene units, before the artist scaled the object."""
    volume: float = 0.0
    """In cubic scene units, negative if the mesh is inside out; 0 if it is not watertight."""

    @property
    def watertight(self) -> bool:
        """Whether the mesh bounds a volume: it is closed, manifold, and its faces agree where outside is."""
        return self.faces > 0 and not (self.open_edges or self.non_manifold_edges or self.inconsistent_edges)

    @property
    def textures(self) -> tuple[tuple[int, int], ...]:
        """Width and height of each texture in pixels."""
        return tuple(zip(self.texture_sizes[::2], self.texture_sizes[1::2], strict=True))

    def to_json(self) -> dict[str, Any]:
        """The report as plain data, which a custom property can hold; `from_json` reverses it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, stored: Any) -> Self | None:
        """Returns the report from `to_json`'s form, also from a group of custom properties; None if it is no report.

        What is missing, as from another version, has its default.
        """
        if not hasattr(stored, "keys") or not hasattr(stored, "get"):
            return None
        try:
            found = {each.name: _checked(stored.get(each.name), each.default) for each in fields(cls)}
        except (TypeError, ValueError):
            return None
        return cls(**found)


def _checked(value: Any, default: Any) -> Any:
    """Returns a stored value in the form of its default. Raises TypeError or ValueError if it can't be one."""
    if value is None:
        return default
    if isinstance(default, tuple):
        if isinstance(value, str | bytes) or len(value) > 2 * _MAX_TEXTURES:
            raise ValueError
        if default:
            numbers = tuple(_number(each) for each in value)
        else:
            numbers = tuple(_count(each) for each in value)
        if len(numbers) != 3 if default else len(numbers) % 2:
            raise ValueError
        return numbers
    return _count(value) if isinstance(default, int) else _number(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TypeError
    return float(value)


class Severity(enum.IntEnum):
    """How much a problem matters."""

    HINT = 0
    """It matters for some uses only."""
    WARNING = 1
    """It can be seen, or breaks tools."""


class Problem(NamedTuple):
    """Something about a mesh that a tool can improve."""

    message: Message
    severity: Severity
    tools: tuple[Tool, ...]
    """What fixes it, the best first."""


_CLEAN_UP: Final[Mapping[str, tuple[str, str]]] = {
    "holes": ("1 hole", "{count} holes"),
    "flipped_faces": ("1 face is inside out", "{count} faces are inside out"),
    "inconsistent_edges": (
        "The faces at 1 edge point in opposite directions",
        "The faces at {count} edges point in opposite directions",
    ),
    "duplicate_faces": ("1 duplicate face", "{count} duplicate faces"),
    "small_parts": ("1 loose part", "{count} loose parts"),
    "loose_edges": ("1 edge without a face", "{count} edges without a face"),
    "loose_vertices": ("1 loose vertex", "{count} loose vertices"),
    "degenerate_faces": ("1 face without area", "{count} faces without area"),
    "duplicate_vertices": ("1 vertex is split, as at UV seams", "{count} vertices are split, as at UV seams"),
}
"""What Clean Up repairs: the numbers in a report, and their wording for one and for many."""
_HINTS: Final = frozenset({"degenerate_faces", "duplicate_vertices"})


def problems(report: MeshReport) -> list[Problem]:
    """Returns what is wrong with a mesh: the problems of one tool after another, warnings first."""
    return [*_to_clean_up(report), *_to_rebuild(report)] if report.faces else []


def _to_clean_up(report: MeshReport) -> Iterator[Problem]:
    for name, (one, many) in _CLEAN_UP.items():
        count = getattr(report, name)
        if count and not (name == "inconsistent_edges" and report.flipped_faces):  # these are the reason
            severity = Severity.HINT if name in _HINTS else Severity.WARNING
            yield Problem(counted(count, one, many), severity, (Tool.CLEAN_UP,))


def _to_rebuild(report: MeshReport) -> Iterator[Problem]:
    if report.non_manifold_edges:
        one, many = "1 edge has more than two faces", "{count} edges have more than two faces"
        yield Problem(counted(report.non_manifold_edges, one, many), Severity.WARNING, (Tool.PRINT, Tool.REMESH))
    if report.inner_parts:
        one, many = "1 part is inside another", "{count} parts are inside others"
        yield Problem(counted(report.inner_parts, one, many), Severity.HINT, (Tool.PRINT,))
    if report.triangles > MANY_TRIANGLES:
        message = Message("More than {count} triangles", {"count": f"{MANY_TRIANGLES:,}"})
        yield Problem(message, Severity.HINT, (Tool.SIMPLIFY, Tool.REMESH))
    if not report.uv_maps:
        yield Problem(Message("No UV map"), Severity.HINT, (Tool.REMESH,))
