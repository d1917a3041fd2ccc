"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine must fail no test.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


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
