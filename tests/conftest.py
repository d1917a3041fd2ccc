"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _shared_folder() -> Path:
    default = Path(__file__).resolve().parent.parent.parent / "shared"
    return Path(os.environ.get("LIGHTKEEPER_SHARED", default)) / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Third-party files to run against; the test is skipped where they are absent."""
    folder = _shared_folder()
    if not folder.is_dir():
        pytest.skip("no third-party files: set LIGHTKEEPER_SHARED to their folder")
    return folder
