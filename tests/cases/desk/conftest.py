"""One office for each test."""

from __future__ import annotations

import pytest

from lightkeeper.testing.cases import Office


@pytest.fixture
def office() -> Office:
    """Nobody asks for second opinions in it, unless a test makes its own."""
    return Office()
