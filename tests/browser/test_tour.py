"""The tour whose pictures the documentation shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]


def test_the_tour_draws_every_picture_of_the_documentation(
    chromium: Browser, tmp_path: Path
) -> None:
    measured = {"open-mark.jpg", "rooted-mark.jpg", "rooted-mark-taef2.jpg"}  # By benchmarks.
    shown = {picture.name for picture in (ROOT / "docs/pictures").iterdir()} - measured
    program = [sys.executable, str(ROOT / "docs/make_pictures.py"), str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert {picture.name for picture in tmp_path.iterdir()} == shown
    for picture in tmp_path.glob("*.png"):
        with Image.open(picture) as opened:
            colours = opened.convert("RGB").getcolors(maxcolors=1 << 20) or []
        # Something is written on it: a page that failed has a handful of colours.
        assert len(colours) > 50, picture.name
