# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a batch: what scripts and spreadsheets rely on, and that no name has a meaning in it."""

from __future__ import annotations

import csv
import html
import json
import os
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from image_to_3d.errors import Message, StorageError
from image_to_3d.jobs import report
from image_to_3d.jobs.batch import BatchItem
from image_to_3d.jobs.job import InputImage, State
from report_batches import HOSTILE, Report, every_state


def written(batch_report: Report) -> dict[str, Any]:
    """Write the report. Returns report.json."""
    report.write(batch_report.batch, batch_report.jobs)
    content = json.loads((batch_report.folder / "report.json").read_text(encoding="ascii"))
    assert isinstance(content, dict)
    return content


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "report.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


class Page(HTMLParser):
    """The elements of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def values(self, attribute: str) -> list[str]:
        return [found[attribute] for _, found in self.elements if attribute in found]


def test_the_report_is_three_files_and_returns_the_page(tmp_path: Path) -> None:
    made = every_state(tmp_path / "batch")
    path = report.write(made.batch, made.jobs)
    assert path == made.folder / "report.html"
    files = sorted(entry.name for entry in made.folder.iterdir() if entry.is_file())
    assert files == ["report.csv", "report.html", "report.json"]


def test_scripts_can_rely_on_the_documented_fields(tmp_path: Path) -> None:
    content = written(every_state(tmp_path / "batch"))
    assert list(content) == ["version", "summary", "items"]
    assert content["version"] == 1
    assert list(content["summary"]) == list(report.SUMMARY)
    assert {tuple(sorted(row)) for row in content["items"]} == {tuple(sorted(report.COLUMNS))}
    assert list(rows(tmp_path / "batch")[0]) == list(report.COLUMNS)


def test_a_running_batch_is_counted_and_every_image_is_listed_in_its_order(tmp_path: Path) -> None:
    made = every_state(tmp_path / "batch")
    content = written(made)
    counts = [content["summary"][kind] for kind in ("total", "done", "failed", "cancelled", "running", "waiting")]
    assert counts == [11, 3, 3, 1, 2, 2]
    assert content["summary"]["finished"] is False
    assert content["summary"]["seconds"] == pytest.approx(300, abs=20)
    assert [row["job"] for row in content["items"]] == [item.job_id for item in made.items]
    assert [row["number"] for row in content["items"]] == list(range(1, 12))
    assert [row["kind"] for row in content["items"]] == [
        "done", "failed", "done", "running", "failed", "failed", "done", "cancelled", "running", "waiting", "waiting",
    ]  # fmt: skip
    assert (content["items"][10]["name"], content["items"][10]["label"]) == ("not yet sent", "Queued")
    assert [row["number"] for row in rows(made.folder)] == [str(number) for number in range(1, 12)]


def test_a_row_has_what_was_made_and_how_long_it_took(tmp_path: Path) -> None:
    made = Report(tmp_path / "batch")
    note = Message("It was sent {count} times", {"count": 2})
    details = {"repairs": ["3 faces were turned"], "service_notes": [note.to_json()]}
    job = made.add(State.PLACED, "mug", seconds=30.0, triangles=5000, details=details)
    assert job is not None
    os.utime(job.folder / "model.glb", (job.since, job.since))
    # The artist placed it an hour later, and that is no time that it took.
    made.jobs[job.id] = replace(job, since=job.since + 3600)
    row = written(made)["items"][0]
    assert (row["name"], row["image"], row["label"], row["seed"]) == ("mug", "mug.png", "Done", "4000000001")
    assert (row["triangles"], row["dimensions"], row["repairs"]) == (5000, [1.0, 0.5, 0.25], ["3 faces were turned"])
    assert row["notes"] == ["It was sent 2 times"]
    assert "<li>It was sent 2 times</li>" in (made.folder / "report.html").read_text(encoding="utf-8")
    assert row["seconds"] == pytest.approx(30, abs=0.2)
    assert row["model_bytes"] == 4000
    assert (made.folder / row["model_file"]).stat().st_size == 4000


def test_a_row_says_what_was_measured_of_the_mesh(tmp_path: Path) -> None:
    made = Report(tmp_path / "batch")
    made.add(State.PLACED, "closed")
    made.add(State.READY, "open")
    made.add(State.READY, "of an earlier version", details={"report": None})
    made.add(State.READY, "changed by others", details={"report": {"parts": "<b>many</b>"}})
    items = written(made)["items"]
    names = ("parts", "watertight", "holes", "open_edges", "non_manifold_edges", "uv_maps", "texture_sizes")
    assert [items[0][name] for name in names] == [1, True, 0, 0, 0, 1, [2048, 1024]]
    assert [items[1][name] for name in names] == [2, False, 1, 5, 0, 1, [2048, 1024]]
    for item in items[2:]:
        assert {item[name] for name in names} == {None}
    text = (made.folder / "report.html").read_text(encoding="utf-8")
    assert text.count("<dt>Watertight</dt>") == 2
    assert '<dd><span class="warning">No</span>: 1 hole, 5 open edges</dd>' in text
    assert "many" not in text


def test_a_failed_image_has_its_reason_and_advice(tmp_path: Path) -> None:
    items = written(every_state(tmp_path / "batch"))["items"]
    assert items[1]["reason"] == "Not enough credit; nothing was charged (Balance: 0)."
    assert items[1]["advice"] == "Top up your account at the service, then retry."
    assert (items[5]["label"], items[5]["reason"]) == ("No Reply", "No reply was received.")


def test_images_of_a_cancelled_batch_that_were_never_sent_are_cancelled(tmp_path: Path) -> None:
    made = every_state(tmp_path / "batch")
    report.write(replace(made.batch, cancelled=True), made.jobs)
    content = json.loads((made.folder / "report.json").read_text())
    assert content["items"][10]["label"] == "Cancelled"
    assert content["summary"]["cancelled"] == 2


def test_a_finished_batch_says_when_its_last_image_ended(tmp_path: Path) -> None:
    made = Report(tmp_path / "batch")
    job = made.add(State.FAILED, "mug", seconds=100.0)
    assert job is not None
    summary = written(made)["summary"]
    assert summary["finished"] is True
    assert summary["seconds"] == pytest.approx(job.since - made.started, abs=0.2)
    assert "still running" not in (made.folder / "report.html").read_text(encoding="utf-8")


def test_every_link_leads_to_a_file_in_the_folder_whatever_its_name(tmp_path: Path) -> None:
    made = every_state(tmp_path / "50% #1? & ä")
    written(made)
    page = Page(made.folder / "report.html")
    links = page.values("src") + page.values("href")
    assert len(links) > 30
    for link in links:
        assert urlsplit(link).scheme == urlsplit(link).netloc == ""
        assert urlsplit(link).query == urlsplit(link).fragment == ""
        assert (made.folder / unquote(link)).exists(), link


def test_files_that_are_gone_are_not_linked(tmp_path: Path) -> None:
    made = Report(tmp_path / "batch")
    job = made.add(State.READY, "mug")
    assert job is not None
    for name in ("preview.png", "model.glb", "image.png"):
        (job.folder / name).unlink()
    row = written(made)["items"][0]
    assert [row[key] for key in ("preview_file", "model_file", "image_file", "model_bytes")] == ["", "", "", None]
    assert "model.glb" not in (made.folder / "report.html").read_text(encoding="utf-8")


def test_an_image_that_no_browser_shows_is_shown_as_its_prepared_version(tmp_path: Path) -> None:
    made = Report(tmp_path / "batch")
    job = made.add(State.WAITING, "render", image_file="image.exr")
    assert job is not None
    assert written(made)["items"][0]["thumbnail_file"] == ""
    (job.folder / "upload.png").write_bytes(b"png")
    made.jobs[job.id] = replace(job, upload_file="upload.png")
    row = written(made)["items"][0]
    assert (Path(row["thumbnail_file"]).name, Path(row["image_file"]).name) == ("upload.png", "image.exr")


def test_an_image_without_a_job_is_shown_from_where_it_is(tmp_path: Path) -> None:
    made = Report(tmp_path / "batch")
    (tmp_path / "mug 1.png").write_bytes(b"png")
    made.items.append(BatchItem("20261129-043411-000009-0badcafe", str(tmp_path / "mug 1.png")))
    made.items.append(BatchItem("20261129-043411-000010-0badcafe", "https://example.org/lamp%201.png?x=1"))
    first, second = written(made)["items"]
    assert (first["name"], first["thumbnail_file"]) == ("mug 1", "../mug 1.png")
    assert (second["name"], second["image"], second["thumbnail_file"]) == ("lamp 1", "lamp 1.png", "")
    assert 'src="../mug%201.png"' in (made.folder / "report.html").read_text(encoding="utf-8")


def test_names_and_replies_are_text_in_the_page(tmp_path: Path) -> None:
    made = every_state(tmp_path / "batch")
    made.name = HOSTILE
    written(made)
    text = (made.folder / "report.html").read_text(encoding="utf-8")
    page = Page(made.folder / "report.html")
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert [name for _, found in page.elements for name in found if name.startswith("on") or name == "style"] == []
    assert "<b>image</b>" not in text
    assert html.escape("<b>image</b>") in text
    assert "\u202e" not in text


def test_the_page_allows_no_network_and_no_script_but_its_own(tmp_path: Path) -> None:
    made = every_state(tmp_path / "batch")
    written(made)
    page = Page(made.folder / "report.html")
    policy = next(
        found["content"] for _, found in page.elements if found.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not [tag for tag, _ in page.elements if tag in ("link", "iframe", "object", "base")]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "＝"])
def test_no_name_becomes_a_formula_in_a_spreadsheet(tmp_path: Path, start: str) -> None:
    made = Report(tmp_path / "batch")
    job = made.add(State.QUEUED, "mug")
    assert job is not None
    made.jobs[job.id] = replace(job, name=f'{start}HYPERLINK("http://x";"y")')
    made.items[0] = made.items[0]._replace(image=f"{start}cmd|' /C calc'!A0")
    written(made)
    (row,) = rows(made.folder)
    assert row["name"].startswith(f"'{start.strip()}")
    assert row["source"].startswith(f"'{start.strip()}")


def test_names_that_are_no_valid_text_are_written(tmp_path: Path) -> None:
    """Linux file names are bytes; Python keeps those that are not UTF-8 as lone surrogates."""
    made = Report(tmp_path / "batch")
    job = made.add(State.WAITING, "mug")
    assert job is not None
    made.jobs[job.id] = replace(job, name="mug \udcff", image=InputImage("mug \udcff.png", "image.png", ""))
    made.items[0] = made.items[0]._replace(image="/images/mug \udcff.png")
    assert written(made)["items"][0]["source"] == "/images/mug \udcff.png"
    assert rows(made.folder)[0]["name"] == "mug"


def test_nothing_about_the_account_is_in_the_report(tmp_path: Path) -> None:
    made = every_state(tmp_path / "batch")
    made.items[0] = made.items[0]._replace(parameters={"webhook": "https://example.org/token", "resolution": 128})
    content = written(made)
    assert content["items"][0]["parameters"] == {"resolution": 128}
    assert content["summary"]["parameters"]["resolution"] == 512
    for name in ("report.json", "report.csv", "report.html"):
        assert not re.search("token|webhook|track_id", (made.folder / name).read_text(encoding="utf-8-sig"))


def test_a_file_that_cannot_be_written_does_not_stop_the_others_and_is_named(tmp_path: Path) -> None:
    made = every_state(tmp_path / "batch")
    (made.folder / "report.html").mkdir()
    with pytest.raises(StorageError, match=r"The report can't be written: .*close the report"):
        report.write(made.batch, made.jobs)
    assert len(rows(made.folder)) == 11
    assert sorted(entry.name for entry in made.folder.iterdir() if entry.name.startswith("~")) == []


def test_the_report_of_a_thousand_images_takes_little_processor_time(tmp_path: Path) -> None:
    made = Report(tmp_path / "batch")
    for number in range(100):
        made.add(State.READY, f"image {number}")
    for number in range(900):
        first = made.jobs[made.items[number % 100].job_id]
        made.items.append(BatchItem(f"copy {number}", "/images/copy.png"))
        made.jobs[f"copy {number}"] = replace(first, id=f"copy {number}")
    report.write(made.batch, made.jobs)
    started = time.thread_time()
    report.write(made.batch, made.jobs)
    assert time.thread_time() - started < 0.5, "about 0.1 s on an idle computer"
