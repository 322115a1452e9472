# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a batch: report.json, report.csv and report.html in its folder, made anew from its jobs at each write.

report.json has the schema of docs/report.md, which is generated from SUMMARY and COLUMNS. The two other files have the
same content: a row per image for a spreadsheet (CSV), and a contact sheet for a browser. All paths in them are relative
to the folder, so it can be moved as a whole. Nothing about the account is in them: they may be passed on.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ..api.http.urls import is_http_url
from ..api.parameters import PARAMETERS
from ..atomic_file import atomic_write
from ..errors import Action, Message, StorageError, one_line
from ..mesh_report import MeshReport
from .after_import import outcome_of
from .batch import Batch, BatchItem, kind_of, progress
from .config import LOCAL
from .job import Job, State
from .progress import LABELS, repairs, service_notes
from .report_html import page

VERSION: Final = 1
"""Of the schema. Fields may be added at any time; a change of their meaning is a new version."""
HTML_FILE: Final = "report.html"

SUMMARY: Final[Mapping[str, str]] = {
    "id": "The batch's id",
    "name": "The batch's name",
    "service": "`MODELSLAB`, `OFFLINE`, `CUSTOM` or `LOCAL`",
    "started": "When the batch was created",
    "updated": "When the report was written",
    "seconds": "From the start to the last image that ended; while the batch runs, to the time of writing",
    "finished": "Whether nothing is running or waiting any more",
    "paused": "Whether the batch is paused",
    "total": "Number of images",
    "done": "Images whose model is there",
    "failed": "Images that failed, or whose request was not confirmed",
    "cancelled": "Images that were cancelled",
    "running": "Images that the service or this computer is working on",
    "waiting": "Images that wait for their turn",
    "parameters": "The request parameters of all images, by the service's names ([parameters.md](parameters.md))",
    "placement": "The placement settings of all images ([placement.md](placement.md))",
}
"""The fields of `summary` in report.json, and their meaning in Markdown."""

COLUMNS: Final[Mapping[str, str]] = {
    "number": "Position in the batch, from 1",
    "name": "The model's name",
    "image": "The image's file name",
    "state": "One of `image_to_3d.State`",
    "label": "The state as the job list shows it",
    "kind": "What the state counts as: `done`, `failed`, `cancelled`, `running` or `waiting`",
    "reason": "Why it failed, or what it waits for",
    "advice": "What to do about it",
    "warnings": "What was noticed about the image before it was sent: a list of texts",
    "seed": "The seed of the model, as text; empty if not known",
    "triangles": "Number of triangles; none if there is no model",
    "dimensions": "Size along X, Y and Z in scene units, a list; none if there is no model",
    "parts": "Number of connected parts; like the fields below, as measured on arrival, and none if that is not known "
    "([model-record.md](model-record.md#the-mesh-report))",
    "watertight": "Whether the mesh is closed and bounds a volume",
    "holes": "Number of holes",
    "open_edges": "Number of edges with one face",
    "non_manifold_edges": "Number of edges with more than two faces",
    "uv_maps": "Number of UV maps",
    "texture_sizes": "Width and height of each texture in pixels, one after the other, a list",
    "notes": "What the service noted about how the model was made, a list of texts",
    "repairs": "What was repaired in the model file, and why its mesh tool failed, a list of texts",
    "tool": "The mesh tool that made the model as it is placed: `CLEAN_UP`, `REMESH` or `PRINT`; empty without one",
    "tool_notes": "What it did, a list of texts",
    "tool_facts": "What it measured, by name, such as `deviation_mean` in percent of the size",
    "tool_files": "The files that it made, a list of paths",
    "seconds": "From sending the request (a local server: from when it began) until the model file was downloaded; for "
    "a failed one, until it failed; "
    "none before, and if nothing was sent",
    "price": "What it cost, as the balance before and after told; none if that is not known",
    "currency": "The currency of the price, such as `USD`",
    "model_file": "The model file as the service made it",
    "model_bytes": "Its size; none if there is none",
    "blend_file": "The prepared model as .blend",
    "image_file": "The copy of the image; the original as long as the image has no folder",
    "thumbnail_file": "The image in a format that browsers show",
    "preview_file": "The rendered preview of the model",
    "folder": "The folder with all files of this image",
    "parameters": "The request parameters of this image that differ from those of the batch",
    "source": "The image as it was given: an absolute path or a URL",
    "job": "The job's id",
}
"""The fields of each of `items` in report.json, which are also the columns of report.csv, and their meaning."""

_MESH_FIELDS: Final = (
    "parts",
    "watertight",
    "holes",
    "open_edges",
    "non_manifold_edges",
    "uv_maps",
    "texture_sizes",
)
"""Those of the fields that are attributes of `MeshReport`."""
_NOT_REPORTED: Final = frozenset({"image", "webhook", "track_id"})
"""Request parameters of the account, not of the model; and the image's temporary URL."""
_SHOWN_BY_BROWSERS: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif"})
_MAX_CELL: Final = 4000
"""Characters."""
_FORMULA: Final = tuple("=+-@＝＋－＠")
"""What a spreadsheet takes for the start of a formula; the last four in East Asian versions."""


def write(batch: Batch, jobs: Mapping[str, Job]) -> Path:
    """Write the three files into the batch's folder, each atomically. Returns the path of report.html.

    `jobs`: the batch's jobs by id; images without one are listed as waiting. Raises StorageError, after the other files
    were written, if one can't be: a spreadsheet program locks the file that it shows.
    """
    report = content(batch, jobs, time.time())
    failure: OSError | None = None
    files = {HTML_FILE: page(report), "report.json": _json_text(report), "report.csv": _csv_text(report["items"])}
    for name, text in files.items():
        try:
            batch.folder.mkdir(parents=True, exist_ok=True)
            atomic_write(batch.folder / name, text.encode("utf-8", "replace"))
        except OSError as error:
            failure = failure or error
    if failure is not None:
        raise StorageError(
            "The report can't be written: {reason}.",
            advice="Make room on the disk, and close the report in other programs.",
            action=Action.NONE,
            reason=failure.strerror,
        ) from failure
    return batch.folder / HTML_FILE


def content(batch: Batch, jobs: Mapping[str, Job], now: float) -> dict[str, Any]:
    """Returns the content of report.json. `now`: seconds since the epoch."""
    items, states, ends = [], [], [batch.created]
    for number, item in enumerate(batch.items, 1):
        job = jobs.get(item.job_id)
        if job is None:
            row = _row_without_job(batch, item)
        else:
            row, ended = _row(batch, job, item)
            states.append(job.state)
            ends.append(ended)
        items.append(row | {"number": number})
    counts = progress(len(batch.items), Counter(states), cancelled=batch.cancelled)
    end = max(ends) if counts.finished else now
    summary = {
        "id": batch.id,
        "name": batch.name,
        "service": batch.service,
        "started": _iso(batch.created),
        "updated": _iso(now),
        "seconds": round(max(0.0, end - batch.created), 1),
        "finished": counts.finished,
        "paused": batch.paused,
        **{name: getattr(counts, name) for name in ("total", "done", "failed", "cancelled", "running", "waiting")},
        "parameters": _reported(batch.parameters),
        "placement": batch.placement.to_json(),
    }
    return {"version": VERSION, "summary": summary, "items": items}


def row_of(batch: Batch, job: Job, item: BatchItem) -> dict[str, Any]:
    """Returns the fields of `COLUMNS` for one image, without its number."""
    return _row(batch, job, item)[0]


def _row(batch: Batch, job: Job, item: BatchItem) -> tuple[dict[str, Any], float]:
    """Returns the row of an image that has a job, without its number; and when the job ended, or 0."""
    folder = _relative(job.folder, batch.folder)

    def there(name: str) -> tuple[str, os.stat_result | None]:
        status = _status(os.path.join(job.folder, name)) if name and folder else None
        return (f"{folder}/{name}" if status else ""), status

    model_file, model = there(job.model_file)
    details, error = job.details, job.error
    begun = job.submitted if job.sent and job.service == LOCAL else job.sent  # without the wait for the one before
    end = _end(job, model)
    row = {
        "number": 0,
        "name": job.name,
        "image": job.image.name,
        "state": str(job.state),
        "label": LABELS[job.state],
        "kind": kind_of(job.state),
        "reason": str(error.message if error else job.note),
        "advice": str(error.advice) if error else "",
        "warnings": [str(Message.from_json(stored)) for stored in details.get("warnings") or ()],
        "seed": job.seed or str(job.parameters.get("seed") or ""),
        "triangles": details.get("triangles"),
        "dimensions": [round(float(x), 4) for x in details["dimensions"]] if details.get("dimensions") else None,
        **_mesh_fields(_mesh_report(job)),
        "notes": [str(note) for note in service_notes(details)],
        "repairs": [str(repair) for repair in repairs(details)],
        **_tool_fields(job, lambda name: there(name)[0]),
        "seconds": round(max(0.0, end - begun), 1) if end and begun else None,
        "price": job.price or None,
        "currency": job.currency,
        "model_file": model_file,
        "model_bytes": model.st_size if model else None,
        "blend_file": there(job.blend_file)[0],
        "image_file": there(job.image.file)[0],
        "thumbnail_file": there(_shown(job.thumbnail_file, job.upload_file, job.image.file))[0],
        "preview_file": there(str(details.get("preview") or ""))[0],
        "folder": folder,
        "parameters": _reported(item.parameters),
        "source": item.image,
        "job": job.id,
    }
    return row, end


def _row_without_job(batch: Batch, item: BatchItem) -> dict[str, Any]:
    """Returns the row of an image whose job does not exist yet, without its number."""
    state = State.CANCELLED if batch.cancelled else State.QUEUED
    url = is_http_url(item.image)
    path = "" if url or not _status(item.image) else _relative(Path(item.image), batch.folder)
    image = unquote(urlsplit(item.image).path) if url else item.image
    empty: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {
        **{name: [] for name in ("warnings", "notes", "repairs", "tool_notes", "tool_files")},
        "tool_facts": {},
    }
    return empty | {
        "name": item.name or Path(image).stem,
        "image": Path(image).name,
        "state": str(state),
        "label": LABELS[state],
        "kind": kind_of(state),
        "triangles": None,
        "dimensions": None,
        **_mesh_fields(None),
        "seconds": None,
        "price": None,
        "model_bytes": None,
        "image_file": path,
        "thumbnail_file": _shown(path),
        "parameters": _reported(item.parameters),
        "source": item.image,
        "job": item.job_id,
    }


def _mesh_report(job: Job) -> MeshReport | None:
    """Returns what was measured of the model as it is placed: as a mesh tool made it, else on arrival."""
    outcome = outcome_of(job)
    made = outcome.result.facts.get("report") if outcome is not None and outcome.result.blend else None
    return MeshReport.from_json(made or job.details.get("report"))


def _mesh_fields(mesh: MeshReport | None) -> dict[str, Any]:
    """Returns the fields of a row that come from the mesh report."""
    if mesh is None:
        return dict.fromkeys(_MESH_FIELDS)
    found = {name: getattr(mesh, name) for name in _MESH_FIELDS}
    return found | {"texture_sizes": list(mesh.texture_sizes)}


def _tool_fields(job: Job, there: Callable[[str], str]) -> dict[str, Any]:
    """Returns the fields of a row about the mesh tool. `there`: returns a file's path, or "" if it is not there."""
    outcome = outcome_of(job)
    result = outcome.result if outcome is not None else None
    if outcome is None or result is None or not (result.blend or result.files):
        return {"tool": "", "tool_notes": [], "tool_facts": {}, "tool_files": []}
    facts = {name: fact for name, fact in result.facts.items() if isinstance(fact, str | int | float)}
    names = filter(None, (job.tool_file, *job.made_files))
    return {
        "tool": str(outcome.tool),
        "tool_notes": [str(note) for note in result.notes],
        "tool_facts": facts,
        "tool_files": [path for path in map(there, names) if path],
    }


def _end(job: Job, model: os.stat_result | None) -> float:
    """Returns when a job ended, 0 if it has not. A model that waited to be placed was done when it was downloaded."""
    kind = kind_of(job.state)
    if kind == "done" and model is not None and model.st_mtime >= job.sent:
        return min(job.since, model.st_mtime)
    return 0.0 if kind in ("running", "waiting") else job.since


def _shown(*names: str) -> str:
    """Returns the first of the files that a browser can show; "" if none can be."""
    return next((name for name in names if os.path.splitext(name)[1].lower() in _SHOWN_BY_BROWSERS), "")


def _relative(path: Path, folder: Path) -> str:
    """Returns a path relative to the folder, with slashes; "" if it is on another drive."""
    if path.parent == folder:
        return path.name
    try:
        return os.path.relpath(path, folder).replace(os.sep, "/")
    except ValueError:
        return ""


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _reported(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: parameters[name] for name in PARAMETERS if name in parameters and name not in _NOT_REPORTED}


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _json_text(report: Mapping[str, Any]) -> str:
    """Returns the report as JSON in ASCII, with one line per image."""
    head = json.dumps({name: value for name, value in report.items() if name != "items"}, indent=1)
    rows = ",\n  ".join(json.dumps(row) for row in report["items"])
    return f'{head.removesuffix("}").rstrip()},\n "items": [\n  {rows}\n ]\n}}\n'


def _csv_text(items: Iterable[Mapping[str, Any]]) -> str:
    """Returns the rows for spreadsheet programs, which recognize UTF-8 by the byte order mark."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in items:
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return "\ufeff" + text.getvalue()


def _cell(value: object) -> object:
    """Returns a value as a cell that no spreadsheet program takes for a formula."""
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        value = "; ".join(f"{name}={each}" for name, each in value.items())
    elif isinstance(value, list):
        numbers = all(isinstance(each, float) for each in value)
        value = (" × " if numbers else "; ").join(map(str, value))
    text = one_line(value, _MAX_CELL)
    return f"'{text}" if text.startswith(_FORMULA) else text
