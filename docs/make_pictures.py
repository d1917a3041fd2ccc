"""Make the README's pictures from a real run over the gallery, so that they stay true.

Needs the test extra and Chromium: ``python docs/make_pictures.py``.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from lightkeeper.testing.gallery import build_gallery

PICTURES = Path(__file__).parent / "pictures"
COLUMNS = 150


def main() -> None:
    """Draw the gallery, scan it, and keep the terminal and the report as pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_gallery(folder / "gallery")
        _terminal(folder)
        _report(folder / "report.html")


def _terminal(folder: Path) -> None:
    command = ["lightkeeper", "scan", "gallery/pictures", "--trust-anchors", "gallery/anchors.pem"]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lightkeeper")), *command[1:], "--html", "report.html"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"},
    )
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(f"$ {' '.join(command)}", style="bold"))
    console.print(Text.from_ansi(done.stdout))
    console.print(Text.from_ansi(done.stderr.strip()))
    svg = console.export_svg(title="lightkeeper scan")
    # Rich names fonts on a CDN; a picture of ours asks nothing of any network.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (PICTURES / "scan.svg").write_text(svg, encoding="utf-8")


def _report(page_file: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is not installed: the report's picture was not made")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        page.goto(page_file.as_uri())
        page.screenshot(path=str(PICTURES / "report.png"))
        browser.close()


if __name__ == "__main__":
    main()
