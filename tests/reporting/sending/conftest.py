from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stand_in_cases import World


@pytest.fixture
def world() -> World:
    """Everything in memory."""
    return World()
