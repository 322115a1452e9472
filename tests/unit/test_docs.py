# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation agrees with the code."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from pathlib import Path

import build_site
import package_stub
import pytest
import write_docs
from image_to_3d.api.parameters import PARAMETERS
from PIL import Image
from product_modules import product_modules

ROOT = package_stub.ROOT
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "tests" / "README.md"]

FOR_ARTISTS = [
    ROOT / "README.md",
    *(
        ROOT / "docs" / f"{name}.md"
        for name in ("first-model", "panel", "image-sources", "batches", "prices", "troubleshooting", "results")
    ),
    ROOT / "docs" / "local-servers.md",
]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@functools.cache
def product_strings() -> set[str]:
    """Every string constant in the extension's code."""
    nodes = [node for path in product_modules() for node in ast.walk(ast.parse(text_of(path)))]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_the_generated_documents_are_up_to_date() -> None:
    outdated = [path.name for path, content in write_docs.documents().items() if text_of(path) != content]
    assert outdated == [], "run `make docs`"


def test_every_message_and_button_in_the_fault_table_exists() -> None:
    table = text_of(ROOT / "docs" / "faults.md").partition("\n## ")[2]
    named = re.findall("“([^”]*)”", table) + re.findall(r"\*([^*|\n]+)\*", table)
    assert len(named) > 30
    assert sorted(set(named) - product_strings()) == []


@pytest.mark.parametrize("page", FOR_ARTISTS, ids=lambda path: path.name)
def test_every_button_and_panel_on_a_page_for_artists_exists(page: Path) -> None:
    text = text_of(page).partition("## For scripters")[0]
    bold = re.findall(r"(?<!- )\*\*([A-Z][^*.:]+)\*\*", text)
    labels = {" ".join(label.split()) for label in bold} | set(  # a label may be broken into two lines
        re.findall(r"Button in the list:\*\* (.+)", text)
    )
    assert sorted(labels - {"N"} - product_strings()) == []


def test_the_architecture_names_only_what_is_in_the_code() -> None:
    """Each "`name` in `path.py`" is a name that the file defines or uses; each path exists."""
    text = text_of(ROOT / "docs" / "architecture.md") + text_of(ROOT / "CONTRIBUTING.md")
    pairs = re.findall(r"`([\w.]+)(?:\(\))?`\s+in\s+`([\w/]+\.py)`", text)
    assert len(pairs) > 20
    missing = [
        f"{name} in {path}"
        for name, path in pairs
        if not (ROOT / path).is_file()
        or not all(re.search(rf"\b{part}\b", text_of(ROOT / path)) for part in name.split("."))
    ]
    assert missing == []
    paths = set(re.findall(r"`((?:[\w.]+/)*[\w.]+\.(?:py|md|toml))`", text)) - {"job.json"}
    folders = [each for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith(".")]  # no environments
    names = {each.name for folder in folders for each in folder.rglob("*.*")} | {each.name for each in ROOT.iterdir()}
    assert [path for path in sorted(paths) if path not in names and not (ROOT / path).exists()] == []


def test_a_docstring_names_only_modules_that_exist() -> None:
    """`worker.repair`, and also (see jobs.provenance): the module, or a name in the folder's or module's code."""
    folders = {folder.name for folder in ROOT.iterdir() if (folder / "__init__.py").is_file()}
    paths = [path for name in sorted(folders) for path in (ROOT / name).rglob("*.py")]
    named: list[tuple[str, str]] = []
    for path in [*ROOT.glob("*.py"), *paths]:
        nodes = [node.value for node in ast.walk(ast.parse(text_of(path))) if isinstance(node, ast.Expr)]
        docstrings = [str(node.value) for node in nodes if isinstance(node, ast.Constant)]
        found = [name for text in docstrings for name in re.findall(r"(?:`|\bsee )([a-z_]+(?:\.\w+)+)", text)]
        named += [(path.name, name) for name in found if name.split(".")[0] in folders and not name.endswith(".py")]
    assert len(named) > 5

    def exists(name: str) -> bool:
        folder, *rest = name.split(".")
        module = next((ROOT / folder).rglob(f"{rest[0]}.py"), None) or (ROOT / folder / rest[0])
        if module.is_dir():
            return len(rest) < 2 or (module / f"{rest[1]}.py").is_file()
        return module.is_file() and all(re.search(rf"\b{part}\b", text_of(module)) for part in rest[1:])

    assert [f"{name} in {path}" for path, name in named if not exists(name)] == []


def test_the_page_about_the_tests_names_every_helper() -> None:
    names = {path.name for path in (ROOT / "tests" / "support").glob("*.py")}
    assert sorted(name for name in names if f"`{name}`" not in text_of(ROOT / "tests" / "README.md")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_and_make_target_on_a_page_exists(page: Path) -> None:
    text = text_of(page)
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets


def test_every_link_to_a_heading_on_a_page_exists() -> None:
    for page in PAGES:
        text = text_of(page)
        headings = {
            re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-")
            for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        }
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings, page.name


def test_the_changelog_has_the_manifest_s_version_and_the_next_one() -> None:
    manifest = tomllib.loads(text_of(ROOT / "blender_manifest.toml"))
    changelog = text_of(ROOT / "CHANGELOG.md")
    assert f"## [{manifest['version']}]" in changelog
    assert "## [Unreleased]" in changelog


def test_the_documentation_table_has_a_row_for_each_parameter() -> None:
    rows = [row for local in (False, True) for row in write_docs.parameter_table(local=local).splitlines()[2:]]
    parameters = [each for each in PARAMETERS.values() if each.group != "view"]
    for row, parameter in zip(rows, sorted(parameters, key=lambda each: each.local_only), strict=True):
        assert row.startswith(f"| `{parameter.name}` |")
        assert row.count("|") == 6
        assert parameter.description in row


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    listed = re.findall(r": (\S+\.md)$", text_of(ROOT / "docs" / "mkdocs.yml"), re.MULTILINE)
    assert sorted(listed) == sorted(name for name in build_site.site_paths().values() if name.endswith(".md"))


def test_links_between_pages_work_in_the_site_too(tmp_path: Path) -> None:
    build_site.copy_pages(tmp_path)
    for page in tmp_path.glob("*.md"):
        links = [link for link in re.findall(r"\]\(([^)#\s]+)", text_of(page)) if "://" not in link]
        assert [link for link in links if not (tmp_path / link).is_file()] == [], page.name


@pytest.mark.parametrize(
    ("name", "content", "foreign"),
    [
        ("a.html", '<script src="https://cdn.example/x.js"></script>', ["https://cdn.example/x.js"]),
        ("a.html", '<link rel="preconnect" href="//fonts.example">', ["//fonts.example"]),
        ("a.css", "@font-face{src:url(https://fonts.example/f.woff2)}", ["https://fonts.example/f.woff2"]),
        ("a.html", '<a href="https://modelslab.com">A link</a><img src="images/own.png">', []),
    ],
)
def test_a_site_that_gets_something_from_another_server_is_refused(
    tmp_path: Path, name: str, content: str, foreign: list[str]
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert build_site.foreign_resources(tmp_path) == foreign


def test_no_image_names_a_file_of_the_computer_that_made_it() -> None:
    images = [*(ROOT / "docs" / "images").glob("*.png"), *(ROOT / "samples").glob("*.png")]
    assert len(images) > 40
    assert [path.name for path in images if "/" in Image.open(path).info.get("File", "")] == []
