"""Compile first, so that no test's time includes it."""

from __future__ import annotations

import pytest

from lightkeeper.hashing import warm_up


@pytest.fixture(autouse=True, scope="session")
def _compiled_kernels() -> None:
    warm_up()
