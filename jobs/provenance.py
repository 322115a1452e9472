# SPDX-License-Identifier: GPL-3.0-or-later
"""Provenance: the record on a model's root object that says how it was made, readable without the add-on.

It is one custom property with a group of values, described in docs/model-record.md. Versions up to 0.1.0 stored one
custom property per value; such a model is read as well, and gets today's form when something in it changes.

A .blend comes from anywhere: whatever has another type than it should counts as missing.
"""

from __future__ import annotations

import functools
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..api.parameters import ACCOUNT, PARAMETERS, VIEWS
from ..bl_ids import MODEL_RECORD
from ..errors import Message, one_line
from ..mesh_report import MeshReport
from ..placement import SETTINGS
from .job import Job

JOB: Final = "job"
IMAGE: Final = "image"
IMAGE_URL: Final = "image_url"
VIEWS_USED: Final = "views"
"""The names of the images of other sides, by side."""
SEED: Final = "seed"
DATE: Final = "date"
GROUP: Final = "group"
BATCH: Final = "batch"
ARRANGEMENT: Final = "arrangement"
"""How far the arrangement of the batch has come with this model (see scene.arrangement)."""
ROTATION: Final = "rotation"
"""Degrees about X, Y and Z, from the model file to what is in the scene."""
PARAMETERS_USED: Final = "parameters"
PLACEMENT: Final = "placement"
MODEL: Final = "model"
"""What the worker measured (see worker.convert_model.measure)."""
REPORT: Final = "report"
"""The mesh report. An object that was not generated can have it, too."""

TOOL: Final = "tool"
"""Which mesh tool made the object, its settings, notes and facts (see scene.tool_results)."""

_PREFIX: Final = "image_to_3d_"
"""Of the custom properties of earlier versions."""
_EARLIER_JOB: Final = _PREFIX + JOB
_EARLIER_NAMES: Final = {IMAGE: f"{_PREFIX}picture", IMAGE_URL: f"{_PREFIX}picture_url"}
"""What version 0.1.0 called them."""
_PLAIN: Final = (
    *(JOB, IMAGE, IMAGE_URL, "image_sha256", SEED, DATE, GROUP, BATCH),
    *(ARRANGEMENT, ROTATION, "service", "service_id"),
)
_NOT_STORED: Final = frozenset({"image", "seed"}) | ACCOUNT
"""Nothing about the account goes into a .blend that is passed on."""
_PARAMETERS: Final = tuple(name for name in PARAMETERS if name not in _NOT_STORED)
_PLACEMENT: Final = tuple(name for name, setting in SETTINGS.items() if setting.group != "asset" and name != ROTATION)
"""What belongs to the asset is in the asset; the rotation can change, and is a value of its own."""
_MAX_MESSAGES: Final = 20
_MAX_TEXTURES: Final = 256
_JOB_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{6}-[0-9a-f]{8}", re.ASCII)
"""What `job.new_id` returns. An id in a .blend must not lead elsewhere on the disk."""
_SEED: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_URL: Final = re.compile(r"https?://[!-~]{1,2000}", re.IGNORECASE | re.ASCII)
"""Without white space and characters that could make it look like another address."""
_MAX_ARGUMENTS: Final = 8
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


class Measured(NamedTuple):
    """What is known about a model since it was imported. 0 and empty: unknown."""

    triangles: int = 0
    dimensions: tuple[float, ...] = ()
    """Along X, Y and Z in scene units, before the artist scaled the object."""
    textures: tuple[tuple[int, int], ...] = ()
    """Width and height of each, in pixels."""
    repairs: tuple[Message, ...] = ()
    seconds: float = 0.0
    """How long the service took."""
    price: float | None = None
    currency: str = ""


class ToolRecord(NamedTuple):
    """What a mesh tool said about the object that it made."""

    tool: str = ""
    notes: tuple[Message, ...] = ()
    facts: Mapping[str, float] = {}
    """Numbers by their names, the tool's settings among them."""


def record_of(job: Job) -> dict[str, Any]:
    """Returns the record for a job's model. The seed is text: Blender can't hold unsigned 32 bit."""
    placement = job.placement.to_json()
    measured_before = {"seconds": job.generation_seconds, "price": job.price, "currency": job.currency}
    views = {side: view.name for side, view in job.views.items()}
    optional = {GROUP: job.group, BATCH: job.batch, IMAGE_URL: job.image.url, VIEWS_USED: views}
    return {
        JOB: job.id,
        IMAGE: job.image.name,
        "image_sha256": job.image.sha256,
        SEED: job.seed or str(job.parameters.get("seed", "")),
        DATE: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(job.created)),
        "service": job.service,
        "service_id": job.service_id,
        ROTATION: list(job.placement.rotation),
        PARAMETERS_USED: {
            name: job.parameters[name]
            for name in _PARAMETERS
            if isinstance(job.parameters.get(name), str | int | float)
        },
        PLACEMENT: {name: placement[name] for name in _PLACEMENT},
        MODEL: {name: known for name, known in measured_before.items() if known},
    } | {name: value for name, value in optional.items() if value}


def having_record(items: Iterable[Any]) -> Iterator[Any]:
    """Yields those that may be generated models. For searching a whole scene: what it skips costs almost nothing."""
    return (item for item in items if MODEL_RECORD in item or _EARLIER_JOB in item)


def value(item: Mapping[str, Any], name: str) -> Any:
    """Returns a value of a model's record, unchecked; None if it has none. Cheap.

    `item`: the object, or anything else with custom properties.
    """
    try:
        stored: Any = item.get(MODEL_RECORD)
        if _is_group(stored):
            return stored.get(name)
        found = item.get(_PREFIX + name)
        return item.get(_EARLIER_NAMES[name]) if found is None and name in _EARLIER_NAMES else found
    except UnicodeDecodeError:
        return None


def record_text(item: Mapping[str, Any], name: str) -> str:
    """Returns a text in a model's record as one line; "" if it is missing."""
    found = value(item, name)
    return one_line(found) if isinstance(found, str) else ""


def text(item: Mapping[str, Any], key: str) -> str:
    """Returns a custom property that is not part of a record as one line; "" if it is missing or no text."""
    try:
        found = item.get(key)
    except UnicodeDecodeError:
        return ""
    return one_line(found) if isinstance(found, str) else ""


def store(item: Any, name: str, new: Any) -> None:
    """Change a value in a model's record; None removes it. The record of an earlier version gets today's form."""
    if not _is_group(item.get(MODEL_RECORD)):
        record = {each: found for each in _PLAIN if (found := _plain(value(item, each))) is not None}
        earlier = {each: item.get(_PREFIX + each) for each in (*_PARAMETERS, *_PLACEMENT)}
        for part, names in ((PARAMETERS_USED, _PARAMETERS), (PLACEMENT, _PLACEMENT)):
            record[part] = {each: earlier[each] for each in names if isinstance(earlier[each], str | int | float)}
        item[MODEL_RECORD] = record
        for each in (*_PLAIN, *earlier, *(old.removeprefix(_PREFIX) for old in _EARLIER_NAMES.values())):
            item.pop(_PREFIX + each, None)
    if new is not None:
        item[MODEL_RECORD][name] = new
    elif name in item[MODEL_RECORD]:
        del item[MODEL_RECORD][name]


def parameters_in(item: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the request parameters that a model was made with, including the seed that the service used."""
    found = _part(item, PARAMETERS_USED, _PARAMETERS)
    seed = record_text(item, SEED)
    return found | ({"seed": int(seed)} if _SEED.fullmatch(seed) else {})


def placement_in(item: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the placement settings that a model was made with, in the form of `Placement.to_json`; some or none."""
    return _part(item, PLACEMENT, _PLACEMENT) | {ROTATION: list(rotation(item))}


def image_name(item: Mapping[str, Any]) -> str:
    """Returns the name of the image that a model was made from; "" if unknown."""
    return record_text(item, IMAGE)


def image_url(item: Mapping[str, Any]) -> str:
    """Returns the public URL of the image that a model was made from; "" if it was a file, or if it is no address."""
    found = value(item, IMAGE_URL)
    return found if isinstance(found, str) and _URL.fullmatch(found) else ""


def view_names(item: Mapping[str, Any]) -> dict[str, str]:
    """Returns the names of the images of other sides that a model was made from, by side."""
    return {side: one_line(name) for side, name in _part(item, VIEWS_USED, VIEWS).items() if isinstance(name, str)}


def rotation(item: Mapping[str, Any]) -> tuple[float, ...]:
    """Returns how a model was rotated since it was read from its file: degrees about X, Y and Z."""
    return _numbers(value(item, ROTATION), 3) or (0.0, 0.0, 0.0)


def measured(item: Mapping[str, Any]) -> Measured:
    """Returns what is known about a model since it was imported. Costs little, whatever a .blend holds."""
    stored = value(item, MODEL)
    if not _is_group(stored):
        return Measured()

    get = functools.partial(_get, stored)
    triangles, repairs, sizes = get("triangles"), get("repairs"), get("texture_sizes")
    count = len(sizes) if hasattr(sizes, "__len__") and not isinstance(sizes, str) else 0
    pixels = [int(side) for side in _numbers(sizes, min(count, 2 * _MAX_TEXTURES))] if count % 2 == 0 else []
    price, currency, seconds = get("price"), get("currency"), get("seconds")
    known = isinstance(price, int | float) and math.isfinite(price) and isinstance(currency, str)
    return Measured(
        triangles=triangles if isinstance(triangles, int) and triangles > 0 else 0,
        dimensions=_numbers(get("dimensions"), 3),
        textures=tuple(zip(pixels[::2], pixels[1::2], strict=True)),
        repairs=_messages(repairs),
        seconds=float(seconds) if isinstance(seconds, int | float) and 0 < seconds < math.inf else 0.0,
        price=float(price) if known and _CURRENCY.fullmatch(currency) else None,
        currency=currency if known and _CURRENCY.fullmatch(currency) else "",
    )


def tool_record(item: Mapping[str, Any], facts: Iterable[str]) -> ToolRecord:
    """Returns what the mesh tool that made an object said, with those facts that are there. Costs little."""
    stored = value(item, TOOL)
    tool = _get(stored, "name") if _is_group(stored) else None
    if not isinstance(tool, str):
        return ToolRecord()
    found = {name: _get(stored, name) for name in facts}
    numbers = {name: each for name, each in found.items() if isinstance(each, int | float) and math.isfinite(each)}
    return ToolRecord(one_line(tool), _messages(_get(stored, "notes")), numbers)


def mesh_report(item: Mapping[str, Any]) -> MeshReport | None:
    """Returns the mesh report of an object; None if it was never checked. Costs little, whatever a .blend holds."""
    return MeshReport.from_json(value(item, REPORT))


def find_job_folder(item: Mapping[str, Any], results_folders: Iterable[Path]) -> Path | None:
    """Returns the results folder of a model's job; None if it is no longer there. Reads the disk."""
    job_id, batch_id = record_text(item, JOB), record_text(item, BATCH)
    if not _JOB_ID.fullmatch(job_id) or (batch_id and not _JOB_ID.fullmatch(batch_id)):
        return None
    job_folder = f"{batch_id}_*/{job_id}_*" if batch_id else f"{job_id}_*"
    return next((folder for results in results_folders for folder in sorted(results.glob(job_folder))), None)


def find_image_file(item: Mapping[str, Any], results_folders: Iterable[Path]) -> Path | None:
    """Returns the copy of the image in the job's results folder; None if it is no longer there. Reads the disk."""
    folder = find_job_folder(item, results_folders)
    patterns = ("image.*", "picture.*")  # the second in 0.1.0
    found = [file for pattern in patterns for file in sorted(folder.glob(pattern))] if folder is not None else []
    return next(iter(found), None)


def find_view_files(item: Mapping[str, Any], results_folders: Iterable[Path]) -> dict[str, Path]:
    """Returns the job's copies of the images of other sides, by side, as far as they are there. Reads the disk."""
    sides = view_names(item)
    folder = find_job_folder(item, results_folders) if sides else None
    if folder is None:
        return {}
    found = {side: next(iter(sorted(folder.glob(f"view-{side}.*"))), None) for side in sides}
    return {side: file for side, file in found.items() if file is not None}


def _get(group: Any, name: str) -> Any:
    try:
        return group.get(name)
    except UnicodeDecodeError:
        return None


def _messages(stored: Any) -> tuple[Message, ...]:
    return tuple(filter(None, map(_message, stored[:_MAX_MESSAGES]))) if isinstance(stored, list) else ()


def _is_group(stored: Any) -> bool:
    """Whether a stored value is a group of others. (Data, which a property can refer to, also has keys.)"""
    return hasattr(stored, "to_dict")


def _part(item: Mapping[str, Any], name: str, known: Iterable[str]) -> dict[str, Any]:
    """Returns the plain values in a part of the record."""
    try:
        stored: Any = item.get(MODEL_RECORD)
        if _is_group(stored):
            part = stored.get(name)
            values = {each: part.get(each) for each in known} if _is_group(part) else {}
        else:
            values = {each: item.get(_PREFIX + each) for each in known}
    except UnicodeDecodeError:
        return {}
    return {each: found for each, found in values.items() if isinstance(found, str | int | float)}


def _plain(found: Any) -> Any:
    """Returns a text or a number unchanged, and an array as a list; None for all else."""
    return found if isinstance(found, str | int | float) else list(_numbers(found, 5) or _numbers(found, 3)) or None


def _numbers(found: Any, count: int) -> tuple[float, ...]:
    """Returns exactly `count` finite numbers; none if it is something else."""
    try:
        numbers = tuple(float(number) for number in found) if count and len(found) == count else ()
    except (TypeError, ValueError):
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def _message(stored: Any, depth: int = 3) -> Message:
    """Returns a repair: a stored text, or a template with its arguments, which can be messages themselves."""
    if isinstance(stored, str):
        return Message(one_line(stored))
    found = stored.to_dict() if _is_group(stored) else stored
    template = found.get("template") if isinstance(found, dict) and depth else None
    if not isinstance(template, str):
        return Message()
    arguments = found.get("arguments")
    checked: dict[str, Any] = {}
    for name, each in list(arguments.items())[:_MAX_ARGUMENTS] if isinstance(arguments, dict) else ():
        if isinstance(each, str):
            checked[name] = one_line(each)
        elif isinstance(each, int | float):
            checked[name] = each
        else:
            checked[name] = _message(each, depth - 1)
    return Message(one_line(template), checked)
