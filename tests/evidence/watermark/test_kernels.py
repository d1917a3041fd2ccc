"""The compiled walk, against plain numpy that is written from the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lightkeeper.evidence.watermark import Variant
from lightkeeper.evidence.watermark._kernels import SCALE, largest_singular_value
from lightkeeper.evidence.watermark._read import fold, score
from lightkeeper.testing import photo_like

_TAPS = np.array([0.0294373, -0.1715729, 1.0, -0.1715729, 0.0294373])
_TAPS = _TAPS / _TAPS.sum()


def _u_plane(rgb: NDArray[np.uint8], variant: Variant) -> NDArray[np.float64]:
    first, third = (2, 0) if "bgr" in variant.value else (0, 2)
    if variant.value.startswith("uint8"):
        whole = rgb.astype(np.int64)
        luma = whole[..., first] * 1868 + whole[..., 1] * 9617 + whole[..., third] * 4899
        luma = (luma + 8192) >> 14
        u = ((whole[..., first] - luma) * 8061 + (128 << 14) + 8192) >> 14
        return np.clip(u, 0, 255).astype(np.float64)
    real = rgb.astype(np.float64)
    luma = 0.114 * real[..., first] + 0.587 * real[..., 1] + 0.299 * real[..., third]
    return 0.492 * (real[..., first] - luma) + 0.5


def _sharpened(low: NDArray[np.float64]) -> NDArray[np.float64]:
    for axis in (0, 1):
        padded = np.pad(low, [(2, 2) if a == axis else (0, 0) for a in (0, 1)], "edge")
        n = low.shape[axis]
        low = sum(t * np.take(padded, range(i, i + n), axis) for i, t in enumerate(_TAPS))
    return low


def _blocks(rgb: NDArray[np.uint8], variant: Variant, *, sharp: bool) -> NDArray[np.float64]:
    height, width = rgb.shape[0] // 4 * 4, rgb.shape[1] // 4 * 4
    u = _u_plane(rgb, variant)[:height, :width]
    low = u.reshape(height // 2, 2, width // 2, 2).sum(axis=(1, 3)) / 2
    low = _sharpened(low) if sharp else low
    rows, columns = height // 8, width // 8
    low = low[: rows * 4, : columns * 4].reshape(rows, 4, columns, 4)
    return low.transpose(0, 2, 1, 3).reshape(-1, 4, 4)


def _values(blocks: NDArray[np.float64], variant: Variant) -> NDArray[np.float64]:
    if variant.value.endswith("svd"):
        return np.linalg.svd(blocks, compute_uv=False)[:, 0]
    return np.abs(blocks.reshape(-1, 16)[:, 1:]).max(axis=1)


@pytest.mark.parametrize("sharp", [False, True])
@pytest.mark.parametrize("size", [(264, 256), (263, 261), (97, 70)])
def test_every_variant_scores_blocks_as_plain_numpy_does(
    size: tuple[int, int], sharp: bool
) -> None:
    rgb = photo_like(3, height=size[0], width=size[1])
    scores = score(rgb, restore_chroma=sharp)
    for row, variant in enumerate(Variant):
        part = _values(_blocks(rgb, variant, sharp=sharp), variant) / SCALE
        offset = part - np.floor(part) - 0.5
        # Scores are continuous around the circle, so that rounding cannot flip one.
        np.testing.assert_allclose(
            scores[row], 8 * offset * (1 - 2 * np.abs(offset)), atol=2e-3, err_msg=variant
        )


def test_uint8_u_rounds_exactly_as_opencv_does() -> None:
    cv2 = pytest.importorskip("cv2")
    rgb = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    rgb[:8] = np.random.default_rng(1).choice([0, 255], (8, 200, 3))
    theirs = cv2.cvtColor(np.ascontiguousarray(rgb[..., ::-1]), cv2.COLOR_BGR2YUV)[..., 1]
    np.testing.assert_array_equal(_u_plane(rgb, Variant.UINT8_BGR), theirs)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0, 300.0])
@pytest.mark.parametrize("mean", [0.0, 256.0])
def test_largest_singular_value_agrees_with_lapack(scale: float, mean: float) -> None:
    blocks = mean + scale * np.random.default_rng(4).standard_normal((3000, 4, 4))
    expected = np.linalg.svd(blocks.astype(np.float32), compute_uv=False)[:, 0]
    np.testing.assert_allclose(_largest(blocks), expected, rtol=1e-4)


def test_largest_singular_value_is_right_where_singular_values_meet() -> None:
    rng = np.random.default_rng(5)
    turn = np.linalg.qr(rng.standard_normal((500, 4, 4)))[0]
    for others in ((1, 1, 1), (1, 1, 0), (1, 0, 0), (0, 0, 0), (0.99, 0.5, 0.1)):
        blocks = turn * (50 * np.array([1, *others]))
        np.testing.assert_allclose(_largest(blocks), 50, rtol=1e-3)
    assert _largest(np.zeros((1, 4, 4)))[0] < 1e-6


def _largest(blocks: NDArray[np.float64]) -> NDArray[np.float32]:
    lanes = np.ascontiguousarray(blocks.reshape(-1, 16).T.astype(np.float32))
    out = np.empty(len(blocks), np.float32)
    largest_singular_value(lanes, out)
    return out


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 140), st.integers(0, 2**32 - 1))
def test_folding_is_the_mean_over_block_number_modulo_length(
    blocks: int, length: int, seed: int
) -> None:
    length = min(length, blocks)
    scores = np.random.default_rng(seed).uniform(-1, 1, (8, blocks)).astype(np.float32)
    bit = np.arange(blocks) % length
    expected = [[row[bit == i].mean(dtype=np.float64) for i in range(length)] for row in scores]
    np.testing.assert_allclose(fold(scores, length), expected, atol=1e-6)


def test_a_read_only_picture_and_a_strided_one_score_alike() -> None:
    rgb = photo_like(1, width=300, height=280)
    frozen = rgb.copy()
    frozen.flags.writeable = False
    wide = np.zeros((280, 600, 3), np.uint8)
    wide[:, ::2] = rgb
    expected = score(rgb, restore_chroma=False)
    np.testing.assert_array_equal(score(frozen, restore_chroma=False), expected)
    np.testing.assert_array_equal(score(wide[:, ::2], restore_chroma=False), expected)
