# SPDX-License-Identifier: GPL-3.0-or-later
"""Headless Chromium for tests of pages: opened from the file system, with requests and console recorded."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


class Browser:
    """One running Chromium."""

    def __init__(self, profile: Path) -> None:
        """`profile`: an empty folder. Skips the test where Chromium, its driver or selenium is not installed."""
        webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        driver = shutil.which("chromedriver")
        if not program or not driver:
            pytest.skip("Chromium and chromedriver are not installed (Debian: apt-get install chromium-driver)")
        options = webdriver.ChromeOptions()
        options.binary_location = program
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        for flag in (*_FLAGS, f"--user-data-dir={profile}", *(["--no-sandbox"] if root else [])):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver: Any = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        self.driver.set_page_load_timeout(60)
        self.driver.set_script_timeout(60)

    def close(self) -> None:
        self.driver.quit()

    def open(self, page: Path, *, dark: bool = False, width: int = 1280, height: int = 900, hash: str = "") -> None:
        """Open a file, in a window of that many CSS pixels, and forget what was recorded before."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(page.resolve().as_uri() + hash)

    def command(self, name: str, **arguments: Any) -> Any:
        """Send a command of the Chrome DevTools protocol. Returns its result."""
        return self.driver.execute_cdp_cmd(name, arguments)

    def js(self, script: str, *arguments: Any) -> Any:
        """Returns what a script in the page returns."""
        return self.driver.execute_script(script, *arguments)

    def requests(self) -> list[str]:
        """Returns the URLs requested since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def console(self) -> list[str]:
        """Returns what was written to the console since the last call: errors of scripts and of the policy, too."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def screenshot(self, path: Path) -> None:
        """Write the whole page, not only the visible part, to a PNG."""
        shown = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shown["data"]))

    def pdf(self) -> bytes:
        """Returns the page as it is printed on A4."""
        sent = self.command("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)
        return base64.b64decode(sent["data"])
