"""An operator's own inversion, with a stand-in that gives every other pixel back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.plugins import FailureKind, Plugin, PluginFailure
from lightkeeper.evidence.detectors.plugins._inversion import normalised_error
from lightkeeper.testing import photo_like

Open = Callable[..., Plugin]
SIDE = "[input]\nside = 64\n[limits]\nseconds = 20\nmemory_mib = 512"
STAND_IN = b"""
def reconstruct(batch):
    return batch[:, :, ::2, ::2].repeat(2, axis=2).repeat(2, axis=3)
"""


def opened_with(opened: Open, source: bytes, more: str = SIDE) -> Plugin:
    return opened({"inversion.py": source}, more, backend="python", layout="inversion")


def through(rgb: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(rgb[::2, ::2].repeat(2, axis=0).repeat(2, axis=1))


def test_what_came_out_of_it_is_nearer_to_itself_than_what_did_not(opened: Open) -> None:
    plugin = opened_with(opened, STAND_IN)
    for seed in range(4):
        photograph = photo_like(seed, width=64, height=64)
        scores = plugin.score(through(photograph)), plugin.score(photograph)
        assert scores[0] is not None
        assert scores[1] is not None
        # Larger speaks for generation, as with every detector.
        assert scores[0] > scores[1] + 0.5
    assert plugin.score(photo_like(1, width=63, height=64)) is None


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (b"def reconstruct(batch): return batch[:, :, :8]", FailureKind.ERROR),
        (b"def reconstruct(batch): return batch * float('nan')", FailureKind.BAD_ANSWER),
        (b"def score(rgb): return 1.0", FailureKind.REFUSED),
        (b"import os\ndef reconstruct(batch): os._exit(1)", FailureKind.CRASHED),
    ],
)
def test_an_inversion_that_fails_is_a_typed_failure(
    opened: Open, source: bytes, kind: FailureKind
) -> None:
    with pytest.raises(PluginFailure) as caught:
        opened_with(opened, source).score(photo_like(1, width=64, height=64))
    assert caught.value.kind is kind


def test_an_inversion_is_code_and_nothing_else(opened: Open) -> None:
    with pytest.raises(InvalidConfiguration, match="Python code of yours"):
        opened({"net.onnx": b""}, layout="inversion")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.floats(0.3, 1.0))
def test_the_error_is_that_of_the_detail_and_not_of_its_amount(seed: int, contrast: float) -> None:
    picture = np.random.default_rng(seed).random((3, 64, 64), dtype=np.float32)
    again = np.roll(picture, 1, axis=2)
    plain = normalised_error(picture, again)
    assert normalised_error(picture * np.float32(contrast), again * np.float32(contrast)) == (
        pytest.approx(plain, abs=0.02)
    )
    assert normalised_error(picture, picture) < plain - 3
