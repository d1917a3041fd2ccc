from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, sync_playwright


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or whichever LIGHTKEEPER_CHROMIUM names; pages are skipped without it."""
    program = os.environ.get("LIGHTKEEPER_CHROMIUM") or shutil.which("chromium")
    if not program:
        pytest.skip("no Chromium: apt-get install chromium, or set LIGHTKEEPER_CHROMIUM")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        except Error as error:
            pytest.skip(f"Chromium does not start: {error.message.splitlines()[0]}")
        yield browser
        browser.close()
