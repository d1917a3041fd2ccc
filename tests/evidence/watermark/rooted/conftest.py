from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightkeeper.evidence.watermark.rooted import MarkKey, RootedReader

FOLDER = Path(__file__).parents[3] / "data" / "rooted"


@pytest.fixture(scope="session")
def extractor() -> bytes:
    pytest.importorskip("onnxruntime")
    return (FOLDER / "extractor.onnx").read_bytes()


@pytest.fixture(scope="session")
def reader(extractor: bytes) -> RootedReader:
    return RootedReader(extractor)


@pytest.fixture(scope="session")
def keys() -> tuple[MarkKey, ...]:
    bits = (bytes.fromhex("5a3c96e1f00d"), bytes.fromhex("c3a5690f1e78"))
    return tuple(MarkKey(label=f"copy-{k}", bits=b) for k, b in enumerate(bits))


@pytest.fixture(scope="session")
def pictures() -> dict[str, np.ndarray]:
    return {
        name: np.asarray(Image.open(FOLDER / f"{name}.jpg"))
        for name in ("plain", "marked-0", "marked-1")
    }
