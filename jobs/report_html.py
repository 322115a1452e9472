# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a batch as one HTML page: a contact sheet that works from a file system, without any network.

All names and texts come from outside. Each goes through `_text`, each path through `_url`; the page's
Content-Security-Policy allows its own script and style alone, and images from where the page is.
"""

from __future__ import annotations

import base64
import hashlib
import html
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from ..api.http.urls import is_http_url
from ..api.parameters import PARAMETERS
from ..errors import one_line
from ..placement import SETTINGS
from .config import CUSTOM, LOCAL, MODELSLAB, OFFLINE
from .progress import format_duration
from .report_script import SCRIPT
from .report_style import STYLE

_MAX_TEXT: Final = 4000
"""Characters."""
_KINDS: Final = {
    "failed": "Failed",
    "running": "Running",
    "waiting": "Waiting",
    "done": "Done",
    "cancelled": "Cancelled",
}
"""In the order in which they are sorted: what needs attention comes first."""
_RANKS: Final = {kind: rank for rank, kind in enumerate(_KINDS)}
_SERVICES: Final = {MODELSLAB: "ModelsLab", OFFLINE: "Offline Preview", CUSTOM: "Other Server", LOCAL: "Local Server"}
_SORTS: Final = (
    ("number", "Number"),
    ("name", "Name"),
    ("rank", "State"),
    ("seconds", "Time"),
    ("triangles", "Triangles"),
    ("parts", "Parts"),
    ("openEdges", "Open edges"),
)

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header class="top">
<h1>{name}</h1>
<p class="meta">{meta}</p>
{bar}
{notice}
</header>
<form class="controls" id="controls" hidden>
<div class="kinds" role="group" aria-label="Show images by state">
{buttons}
</div>
<div class="tools">
<label class="field search"><span>Search</span>
<input type="search" id="search" autocomplete="off" placeholder="Name, reason, seed"></label>
<label class="field"><span>Sort by</span><select id="sort">{sorts}</select></label>
<button type="button" id="reverse" aria-pressed="false">Reverse</button>
</div>
</form>
<main>
<p class="shown" id="shown" role="status">{total}</p>
<ol class="cards" id="cards">
{cards}
</ol>
</main>
<details class="settings"><summary>Settings of this batch</summary>
<dl>{settings}</dl>
</details>
<footer><span>The same data: <a href="report.csv">report.csv</a>, <a href="report.json">report.json</a>.</span>
Written by Image to 3D, {written}.</footer>
<script>{script}</script>
</body>
</html>
"""


def page(report: Mapping[str, Any]) -> str:
    """Returns the page for the content of report.json."""
    summary, items = report["summary"], report["items"]
    counts = {kind: summary[kind] for kind in _KINDS}
    written = _time(summary["updated"])
    return _PAGE.format(
        policy=_policy(),
        title=f"{_text(summary['name'])} – {summary['done']} of {summary['total']}",
        style=STYLE,
        name=_text(summary["name"]),
        meta=_meta(summary),
        bar=_bar(counts, summary["total"]),
        notice=_notice(summary, written),
        buttons="\n".join(_buttons(counts, summary["total"])),
        sorts="".join(f'<option value="{value}">{label}</option>' for value, label in _SORTS),
        total=f"{summary['total']:,} image" + "s" * (summary["total"] != 1),
        cards="\n".join(_card(row) for row in items),
        settings=_settings(summary),
        written=written,
        script=SCRIPT,
    )


def _policy() -> str:
    """Returns a policy that allows the page's own script and style, images beside it, and nothing else."""
    script, style = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") for text in (SCRIPT, STYLE)
    )
    return (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src 'self' file:; "
        "base-uri 'none'; form-action 'none'"
    )


def _text(value: object) -> str:
    """Returns a text from outside as one line of HTML, also for attributes in double quotes."""
    return html.escape(one_line(value, _MAX_TEXT))


def _url(path: str) -> str:
    """Returns a path as a URL that is relative, or absolute on this computer: no character in it has a meaning."""
    return quote(os.fsencode(path), safe="/")


def _time(iso: str) -> str:
    """Returns a time stamp of report.json as this computer's local time."""
    local = datetime.fromisoformat(iso).astimezone()
    return f'<time datetime="{iso}">{local:%Y-%m-%d %H:%M:%S}</time>'


def _meta(summary: Mapping[str, Any]) -> str:
    duration = format_duration(summary["seconds"])
    parts = [
        _text(_SERVICES.get(summary["service"], summary["service"])),
        f"started {_time(summary['started'])}",
        f"took {duration}" if summary["finished"] else f"running for {duration}",
    ]
    return " <span aria-hidden='true'>·</span> ".join(f"<span>{part}</span>" for part in parts)


def _notice(summary: Mapping[str, Any], written: str) -> str:
    if summary["finished"]:
        return ""
    state = "This batch is paused" if summary["paused"] else "This batch is still running"
    return (
        f'<div class="notice"><p><strong>{state}.</strong> This page shows it as of {written}. '
        "<span>Reload the page to see more.</span></p>"
        '<label id="live-field" hidden><input type="checkbox" id="live"> Reload every 10 seconds</label></div>'
    )


def _bar(counts: Mapping[str, int], total: int) -> str:
    """Returns the numbers as a bar; its widths are attributes, because the policy allows no style attributes."""
    parts, left = [], 0
    for kind in ("done", "failed", "cancelled", "running", "waiting"):
        parts.append(f'<rect class="{kind}" x="{left}" y="0" width="{counts[kind]}" height="1"/>')
        left += counts[kind]
    label = ", ".join(f"{count} {_KINDS[kind].lower()}" for kind, count in counts.items() if count)
    return (
        f'<svg class="bar" role="img" aria-label="{label}" viewBox="0 0 {max(total, 1)} 1" preserveAspectRatio="none">'
        f"{''.join(parts)}</svg>"
    )


def _buttons(counts: Mapping[str, int], total: int) -> Iterable[str]:
    yield f'<button type="button" data-kind="all" aria-pressed="true">All <b>{total:,}</b></button>'
    for kind in ("done", "failed", "running", "waiting", "cancelled"):
        if counts[kind]:
            yield (
                f'<button type="button" class="{kind}" data-kind="{kind}" aria-pressed="false">'
                f"<i></i>{_KINDS[kind]} <b>{counts[kind]:,}</b></button>"
            )


def _card(row: Mapping[str, Any]) -> str:
    """Returns the card of one image. What the page sorts by is in its data attributes."""
    kind, name, image = row["kind"], _text(row["name"]), _text(row["image"])
    image_tile = '<span class="empty">No preview</span>'
    if row["thumbnail_file"]:
        image_tile = _image(row["thumbnail_file"], f"Image {image}", row["image_file"] or row["thumbnail_file"])
    missing = {"done": "No preview", "failed": "No model", "cancelled": "No model"}.get(kind, _text(row["label"]))
    model_tile = f'<span class="empty">{missing}</span>'
    if row["preview_file"]:
        model_tile = _image(row["preview_file"], f"Rendered preview of {name}", row["preview_file"])
    return (
        f'<li class="card {kind}" data-kind="{kind}" data-number="{row["number"]}" data-name="{name}" '
        f'data-rank="{_RANKS[kind]}" data-seconds="{_number(row["seconds"])}" '
        f'data-triangles="{_number(row["triangles"])}" data-parts="{_number(row["parts"])}" '
        f'data-open-edges="{_number(row["open_edges"])}">'
        f'<div class="head"><span class="number">{row["number"]}</span><h2 title="{name}">{name}</h2>'
        f'<span class="state"><i></i>{_text(row["label"])}</span></div>'
        f'<div class="pair"><figure>{image_tile}<figcaption>Image</figcaption></figure>'
        f"<figure>{model_tile}<figcaption>Model</figcaption></figure></div>"
        f"{_reason(row)}{_facts(row)}{_links(row)}</li>"
    )


def _image(file: str, alternative: str, target: str) -> str:
    return (
        f'<a href="{_url(target)}"><img src="{_url(file)}" alt="{alternative}" width="256" height="256" '
        'loading="lazy" decoding="async"></a>'
    )


def _reason(row: Mapping[str, Any]) -> str:
    text = ""
    if row["reason"]:
        advice = f" <span>{_text(row['advice'])}</span>" if row["advice"] else ""
        text = f'<p class="reason"><strong>{_text(row["reason"])}</strong>{advice}</p>'
    notes = [f'<li class="warning">{_text(each)}</li>' for each in row["warnings"]]
    notes += [f"<li>{_text(each)}</li>" for each in (*row["notes"], *row["repairs"], *row["tool_notes"])]
    return text + (f'<ul class="notes">{"".join(notes)}</ul>' if notes else "")


def _facts(row: Mapping[str, Any]) -> str:
    facts = []
    if row["triangles"] is not None:
        facts.append(("Triangles", f"{int(row['triangles']):,}"))
    facts += _mesh_facts(row)
    if row["seconds"] is not None:
        facts.append(("Time", format_duration(row["seconds"])))
    if row["dimensions"]:
        facts.append(("Size", " × ".join(f"{length:.2f}" for length in row["dimensions"]) + " m"))
    if row["seed"]:
        facts.append(("Seed", _text(row["seed"])))
    facts += [(_label(name), _text(value)) for name, value in row["parameters"].items() if name != "seed"]
    if os.path.splitext(row["image"])[0] != row["name"]:
        facts.append(("File", _text(row["image"])))
    if not facts:
        return ""
    return f"<dl>{''.join(f'<div><dt>{label}</dt><dd>{value}</dd></div>' for label, value in facts)}</dl>"


def _mesh_facts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns what was measured of the mesh, labels and HTML; nothing if that is not known."""
    if row["watertight"] is None:
        return []
    counted = (("holes", "hole"), ("open_edges", "open edge"), ("non_manifold_edges", "non-manifold edge"))
    reasons = [f"{row[name]:,} {label}" + "s" * (row[name] != 1) for name, label in counted if row[name]]
    no = '<span class="warning">No</span>' + (f": {', '.join(reasons)}" if reasons else "")
    sides = iter(row["texture_sizes"])
    textures = ", ".join(f"{width} × {height}" for width, height in zip(sides, sides, strict=True))
    return [
        ("Parts", f"{row['parts']:,}"),
        ("Watertight", "Yes" if row["watertight"] else no),
        ("UVs", "Yes" if row["uv_maps"] else '<span class="warning">No</span>'),
        ("Textures", textures or "None"),
    ]


def _links(row: Mapping[str, Any]) -> str:
    links = []
    if row["model_file"]:
        links.append(f"{_link(row['model_file'])} <small>{_size(row['model_bytes'])}</small>")
    if row["blend_file"]:
        links.append(_link(row["blend_file"]))
    links += [_link(path) for path in row["tool_files"]]
    if is_http_url(row["source"]):
        links.append(f'<a href="{_text(row["source"])}" rel="noreferrer noopener">Address of the image</a>')
    if row["folder"]:
        links.append(f'<a href="{_url(row["folder"])}/">Folder</a>')
    return f'<p class="links">{"".join(f"<span>{link}</span>" for link in links)}</p>' if links else ""


def _link(path: str) -> str:
    return f'<a href="{_url(path)}">{_text(path.rpartition("/")[2])}</a>'


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(int(value))


def _label(name: str) -> str:
    return _text(PARAMETERS[name].label if name in PARAMETERS else name)


def _settings(summary: Mapping[str, Any]) -> str:
    """Returns the parameters and placement settings; those that say nothing are left out."""
    pairs = [(_label(name), value) for name, value in summary["parameters"].items()]
    placement = summary["placement"]
    for name, value in placement.items():
        only_with = SETTINGS[name].only_with if name in SETTINGS else None
        if only_with is None or placement.get(only_with[0]) == only_with[1]:
            pairs.append((_text(SETTINGS[name].label if name in SETTINGS else name), value))
    words = {True: "Yes", False: "No"}
    rows = []
    for label, value in pairs:
        if value is None or value == "" or value == []:
            continue
        shown = words[value] if isinstance(value, bool) else value
        shown = ", ".join(map(str, shown)) if isinstance(shown, list) else shown
        rows.append(f"<div><dt>{label}</dt><dd>{_text(shown)}</dd></div>")
    return "".join(rows)
