from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

# Workers import the stand-in examiners by name: multiprocessing hands them this search path.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def draw(tmp_path: Path) -> Callable[..., str]:
    """Draw a small benign picture, its shade given by a number."""

    def _draw(name: str, shade: int = 0) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (48, 32), (shade % 256, shade // 256, 120)).save(path)
        return str(path)

    return _draw
