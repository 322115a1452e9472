# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the generated parts of the documentation, and build its site: `python tools/build_site.py`.

The pages are in docs/, and a few of them in the root, so that they can be read in the repository, too. They are
copied to build/pages with links that fit there, and MkDocs (docs/mkdocs.yml) makes build/site of them. A broken link or
anchor, a page that is not in the navigation, and anything that a browser would get from another server end the build.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import environment
import write_docs

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "build" / "pages"
SITE = ROOT / "build" / "site"
CONFIG = ROOT / "docs" / "mkdocs.yml"

ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "tests/README.md": "tests.md",
    "LICENSE": "license.txt",
    "farm/image_to_3d/template.yaml": "template.yaml",
}
"""What is not in docs/, and its path in the site."""

_LINK = re.compile(r"(?<=\]\()([^)#\s]+)(?=[#)])")
_MERMAID = re.compile(r"```mermaid\n(.*?)```\n", re.DOTALL)
_ARROW = re.compile(r"^ +(\S+) --> (.+)$", re.MULTILINE)


def site_paths() -> dict[Path, str]:
    """Returns every file of the site with its path there."""
    docs = ROOT / "docs"
    own = {path: path.relative_to(docs).as_posix() for path in docs.rglob("*") if path.suffix in {".md", ".png"}}
    return own | {ROOT / name: target for name, target in ELSEWHERE.items()}


def fit_links(text: str, page: Path, paths: dict[Path, str]) -> str:
    """Returns a page's text with its relative links as they are in the site, where all pages are in one folder."""

    def fit(link: re.Match[str]) -> str:
        if "://" in link[0]:
            return link[0]
        target = Path(os.path.normpath(page.parent / link[0]))
        return paths.get(target, link[0])  # MkDocs reports what it does not find

    return _LINK.sub(fit, text)


def diagram_as_table(text: str) -> str:
    """Returns a page's text with a table in place of a Mermaid diagram, whose script comes from another server."""

    def table(diagram: re.Match[str]) -> str:
        following: dict[str, list[str]] = {}
        for before, after in _ARROW.findall(diagram[1]):
            following.setdefault(before.replace("[*]", "(start)"), []).append(after.removeprefix("ended : "))
        rows = [f"| {before} | {', '.join(after)} |" for before, after in following.items()]
        return "\n".join(["| From | To |", "|---|---|", *rows]) + "\n"

    return _MERMAID.sub(table, text)


def copy_pages(target: Path) -> None:
    """Write all pages and images of the site into an empty folder."""
    shutil.rmtree(target, ignore_errors=True)
    paths = site_paths()
    for source, name in paths.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            text = diagram_as_table(source.read_text(encoding="utf-8"))
            (target / name).write_text(fit_links(text, source, paths), encoding="utf-8")
        else:
            shutil.copyfile(source, target / name)


class _Resources(HTMLParser):
    """Collects what a browser gets by itself when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag != "a" and found.get("rel") != "canonical":
            self.urls += [found.get(name) or "" for name in ("src", "href", "data", "poster")]


def foreign_resources(site: Path) -> list[str]:
    """Returns what the site's pages and styles would get from another server."""
    found = set()
    for page in site.rglob("*.html"):
        resources = _Resources()
        resources.feed(page.read_text(encoding="utf-8"))
        found.update(resources.urls)
    for style in site.rglob("*.css"):
        found.update(re.findall(r"(?:url\(|@import )[\"']?([^)\"';]+)", style.read_text(encoding="utf-8")))
    return sorted(url for url in found if re.match(r"(https?:)?//", url))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="leave the generated parts as they are")
    check = parser.parse_args().check
    environment.use_utf8()
    try:
        environment.ensure_docs()
    except environment.EnvironmentFailedError as error:
        environment.log(str(error))
        return 1
    if not check:
        write_docs.main()
    copy_pages(PAGES)
    command = [environment.SITE.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--config-file", CONFIG]
    # The theme's makers warn at each build of a future MkDocs, which is not the one that is installed.
    done = subprocess.run([str(part) for part in command], env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=False)
    if done.returncode:
        return done.returncode
    if foreign := foreign_resources(SITE):
        print(f"The site would get these from another server: {', '.join(foreign)}", file=sys.stderr)
        return 1
    print(SITE / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
