# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a batch in a real browser, opened from the file system."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import package_stub  # noqa: F401  makes `image_to_3d` importable
import pytest
from chromium import Browser
from image_to_3d.jobs import report
from image_to_3d.jobs.job import State
from report_batches import HOSTILE, Report, every_state

NAMES = "return Array.from(document.querySelectorAll('.card:not([hidden]) h2'), e => e.textContent)"
NUMBERS = "return Array.from(document.querySelectorAll('.card:not([hidden])'), e => Number(e.dataset.number))"
ALL = list(range(1, 12))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    shared = Browser(tmp_path_factory.mktemp("profile"))
    yield shared
    shared.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a running batch, in a folder with a name that means something in URLs."""
    made = every_state(tmp_path_factory.mktemp("results") / "50% #1? & ä")
    return report.write(made.batch, made.jobs)


@pytest.fixture
def opened(browser: Browser, page: Path) -> Iterator[Browser]:
    """The page as it is opened, which must have written nothing to the console when the test ends."""
    browser.open(page)
    yield browser
    assert browser.console() == []


def click(browser: Browser, selector: str) -> None:
    browser.driver.find_element("css selector", selector).click()


def choose(browser: Browser, value: str) -> None:
    click(browser, f"#sort option[value={value}]")


def load_images(browser: Browser) -> list[int]:
    """Scroll to each image. Returns their widths in pixels, 0 for one that can't be loaded."""
    widths = browser.driver.execute_async_script("""
        const finished = arguments[0], images = Array.from(document.images);
        images.forEach((image) => { image.loading = 'eager'; });
        Promise.allSettled(images.map((image) => image.decode())).then(
            () => finished(images.map((image) => image.naturalWidth)));
    """)
    return [int(width) for width in widths]


def test_every_image_is_shown(opened: Browser) -> None:
    widths = load_images(opened)
    assert len(widths) == 10 + 3  # an image for each job, a preview for each model
    assert set(widths) == {48, 32}


def test_nothing_is_requested_from_anywhere_but_the_folder(opened: Browser, page: Path) -> None:
    load_images(opened)
    requests = opened.requests()
    assert len(requests) == 14
    assert all(url.startswith(page.parent.as_uri()) for url in requests)


def test_a_script_or_image_from_elsewhere_would_be_refused(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.js("""
        const image = document.createElement('img'); image.src = 'http://127.0.0.1:9/x.png';
        const script = document.createElement('script'); script.textContent = 'window.ran = 1';
        document.body.append(image, script);
    """)
    assert browser.js("return window.ran") is None
    assert sum("Content Security Policy" in line for line in browser.console()) == 2


def test_hostile_names_are_shown_as_they_are(opened: Browser) -> None:
    shown = opened.js(NAMES)[4]
    assert shown == " ".join(HOSTILE.replace("\u202e", " ").split())
    assert opened.js("return document.querySelectorAll('script').length") == 1
    assert "<b>image</b> is too dark" in opened.js("return document.querySelectorAll('.reason')[1].textContent")


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [("done", [1, 3, 7]), ("failed", [2, 5, 6]), ("running", [4, 9]), ("waiting", [10, 11]), ("cancelled", [8])],
)
def test_a_button_shows_the_images_of_one_state_and_has_their_number(
    opened: Browser, kind: str, numbers: list[int]
) -> None:
    button = f"button[data-kind={kind}]"
    assert opened.js(f"return document.querySelector('{button} b').textContent") == str(len(numbers))
    click(opened, button)
    assert opened.js(NUMBERS) == numbers
    assert opened.js("return document.getElementById('shown').textContent") == f"{len(numbers)} of 11 images"
    assert opened.js(f"return document.querySelector('{button}').ariaPressed") == "true"
    click(opened, "button[data-kind=all]")
    assert opened.js(NUMBERS) == ALL


def test_images_are_sorted_as_an_artist_expects(opened: Browser) -> None:
    choose(opened, "name")
    names = opened.js(NAMES)
    assert names.index("mug 9") < names.index("mug 10")
    assert names.index("Ärmel") < names.index("door")
    choose(opened, "rank")
    assert opened.js(NUMBERS) == [2, 5, 6, 4, 9, 10, 11, 1, 3, 7, 8]
    choose(opened, "triangles")
    assert opened.js(NUMBERS)[:3] == [7, 1, 3]
    click(opened, "#reverse")
    assert opened.js(NUMBERS)[:3] == [3, 1, 7]
    choose(opened, "seconds")
    assert opened.js(NUMBERS) == [1, 7, 2, 5, 6, 8, 3, 4, 9, 10, 11], "the longest first, those without a time last"


def test_search_finds_names_reasons_and_seeds(opened: Browser) -> None:
    field = opened.driver.find_element("css selector", "#search")
    for text, numbers in (("MUG", [1, 3]), ("credit", [2]), ("4000000007", [7]), ("mug 9", [3]), ("no such", [])):
        field.clear()
        field.send_keys(text)
        assert opened.js(NUMBERS) == numbers, text


def test_what_is_shown_survives_a_reload(opened: Browser) -> None:
    click(opened, "button[data-kind=failed]")
    choose(opened, "name")
    opened.driver.find_element("css selector", "#search").send_keys("vase")
    opened.driver.refresh()
    assert opened.js(NUMBERS) == [2]
    assert opened.js("return [document.getElementById('sort').value, document.getElementById('search').value]") == [
        "name",
        "vase",
    ]


def test_an_address_with_nonsense_shows_everything(browser: Browser, page: Path) -> None:
    browser.open(page, hash="#kind=constructor&sort=<b>&__proto__=1&text=")
    assert browser.js(NUMBERS) == ALL
    assert browser.console() == []


def test_it_works_by_keyboard(opened: Browser) -> None:
    from selenium.webdriver.common.keys import Keys

    body = opened.driver.find_element("css selector", "body")
    body.send_keys(Keys.TAB * 3)  # past the checkbox that reloads and "All"
    opened.driver.switch_to.active_element.send_keys(Keys.SPACE)
    assert opened.js("return document.activeElement.dataset.kind") == "done"
    assert opened.js(NUMBERS) == [1, 3, 7]


def test_a_running_batch_says_so_and_a_finished_one_does_not(opened: Browser, tmp_path: Path) -> None:
    assert "still running" in opened.js("return document.querySelector('.notice').textContent")
    finished = Report(tmp_path / "batch")
    finished.add(State.READY, "mug")
    opened.open(report.write(finished.batch, finished.jobs))
    assert opened.js("return document.querySelectorAll('.notice').length") == 0


def test_a_page_that_reloads_itself_keeps_what_is_shown(browser: Browser, tmp_path: Path) -> None:
    running = every_state(tmp_path / "batch")
    browser.open(report.write(running.batch, running.jobs))
    click(browser, "button[data-kind=failed]")
    click(browser, "#live")
    running.add(State.FAILED, "a late one")
    report.write(running.batch, running.jobs)
    deadline = time.monotonic() + 30.0
    while browser.js("return document.querySelectorAll('.card').length") < 12:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert browser.js(NUMBERS) == [2, 5, 6, 12]
    assert browser.js("return document.getElementById('live').checked")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_can_be_read(browser: Browser, page: Path, dark: bool) -> None:
    """By the contrast that WCAG 2 asks for: 4.5 between a text and what is behind it."""
    browser.open(page, dark=dark)
    faint = browser.js("""
        const light = (color) => color.match(/[\\d.]+/g).slice(0, 3).map((x) => x / 255)
            .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
            .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = (element) => {
            const color = getComputedStyle(element).backgroundColor;
            return color === 'rgba(0, 0, 0, 0)' && element.parentElement ? behind(element.parentElement) : color;
        };
        const found = [];
        for (const element of document.body.querySelectorAll('*')) {
            const text = Array.from(element.childNodes).some((n) => n.nodeType === 3 && n.textContent.trim());
            if (!text || element.tagName === 'SCRIPT' || element.tagName === 'OPTION') continue;
            const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
            const contrast = (a + 0.05) / (b + 0.05);
            if (contrast < 4.5) found.push(`${element.tagName}.${element.className} ${contrast.toFixed(2)}`);
        }
        return found;
    """)
    assert faint == []
    background = browser.js("return getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(22, 24, 27)" if dark else "rgb(243, 244, 246)")


@pytest.mark.parametrize("width", [360, 800, 1920])
def test_it_fits_every_screen(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width=width)
    assert browser.js("return document.documentElement.scrollWidth") <= width
    columns = browser.js("return new Set(Array.from(document.querySelectorAll('.card'), e => e.offsetLeft)).size")
    assert columns == {360: 1, 800: 2, 1920: 4}[width]


def test_it_prints_without_controls(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.pdf().startswith(b"%PDF")
    browser.command("Emulation.setEmulatedMedia", media="print")
    assert browser.js("return document.querySelector('.controls').offsetHeight") == 0
    assert browser.js("return getComputedStyle(document.querySelector('.card')).breakInside") == "avoid"
    assert browser.js("return document.querySelector('.card').offsetHeight") > 0


def test_a_thousand_images_are_filtered_and_sorted_without_a_wait(browser: Browser, tmp_path: Path) -> None:
    made = Report(tmp_path / "batch")
    made.add(State.READY, "mug")
    for number in range(999):
        made.add(None, f"image {number}")
    browser.open(report.write(made.batch, made.jobs))
    assert len(browser.js(NUMBERS)) == 1000
    milliseconds = browser.js("""
        const started = performance.now();
        document.querySelector('button[data-kind=waiting]').click();
        document.getElementById('sort').value = 'name';
        document.getElementById('sort').dispatchEvent(new Event('change'));
        document.body.offsetHeight;
        return performance.now() - started;
    """)
    assert len(browser.js(NUMBERS)) == 999
    assert milliseconds < 2000, "about 0.1 s on an idle computer"
