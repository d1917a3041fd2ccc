"""Strength, limits, and pipelines' outputs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.lattice import OutputMarker, embed, read
from lightkeeper.testing import photo_like


def _decibels(before: np.ndarray, after: np.ndarray) -> float:
    error = np.mean((before.astype(float) - after) ** 2)
    return float(10 * np.log10(255**2 / error))


@pytest.mark.parametrize("psnr", [36.0, 40.0])
def test_the_strength_is_what_was_asked_for(psnr: float) -> None:
    rgb = photo_like(1)
    assert _decibels(rgb, embed(rgb, 1, psnr=psnr)) == pytest.approx(psnr, abs=0.1)


def test_a_flat_picture_gets_less_than_was_asked_for_and_is_read() -> None:
    rgb = np.full((256, 256, 3), 90, np.uint8)
    marked = embed(rgb, 7, psnr=30)
    assert _decibels(rgb, marked) > 39
    reading = read(marked)
    assert reading is not None
    assert reading.payload == 7


def test_smooth_places_get_less_and_so_does_the_flat_side_of_an_edge() -> None:
    rng = np.random.default_rng(0)
    rgb = np.full((256, 256, 3), 120, np.uint8)
    rgb[:, 128:] = np.clip(rng.normal(120, 20, (256, 128, 1)), 0, 255)
    change = (embed(rgb, 3)[..., 0].astype(float) - rgb[..., 0]).std(axis=0)
    assert change[130:].mean() > 4 * change[:128].mean()
    step = np.full((256, 256, 3), 60, np.uint8)
    step[:, 128:] = 200
    beside = embed(step, 3)[..., 0].astype(float) - step[..., 0]
    assert beside[:, 112:126].std() < 1.3 * beside[:, :64].std()


def test_less_than_36_db_is_given_to_who_asks_for_it() -> None:
    rgb = np.full((256, 256, 3), 120, np.uint8)
    usual = _decibels(rgb, embed(rgb, 3))
    assert _decibels(rgb, embed(rgb, 3, psnr=30)) == pytest.approx(usual - 6, abs=0.5)


def test_only_luma_is_touched() -> None:
    rgb = np.clip(photo_like(2), 60, 195)
    change = embed(rgb, 3).astype(int) - rgb
    assert np.array_equal(change[..., 0], change[..., 1])
    assert np.array_equal(change[..., 0], change[..., 2])


def test_the_mask_alone_can_set_the_strength() -> None:
    rgb = photo_like(1)
    reading = read(embed(rgb, 11, psnr=None))
    assert reading is not None
    assert reading.payload == 11


@pytest.mark.parametrize(
    ("shape", "payload", "psnr", "words"),
    [
        ((127, 500, 3), 0, 36.0, "128 pixels"),
        ((500, 500), 0, 36.0, "128 pixels"),
        ((500, 500, 4), 0, 36.0, "128 pixels"),
        ((200, 200, 3), 2**48, 36.0, "out of range"),
        ((200, 200, 3), -1, 36.0, "out of range"),
        ((200, 200, 3), 0, 61.0, "PSNR"),
        ((200, 200, 3), 0, float("nan"), "PSNR"),
    ],
)
def test_what_cannot_be_marked_is_said(
    shape: tuple[int, ...], payload: int, psnr: float, words: str
) -> None:
    with pytest.raises(EvidenceError, match=words):
        embed(np.zeros(shape, np.uint8), payload, psnr=psnr)


def test_other_numbers_than_bytes_are_refused() -> None:
    with pytest.raises(EvidenceError, match="uint8"):
        embed(np.zeros((200, 200, 3), np.float32), 0)  # type: ignore[arg-type]


def test_a_pipelines_pictures_come_back_marked_and_of_their_kind() -> None:
    marker = OutputMarker(42)
    rgb = photo_like(3, width=256, height=256)
    (pil,) = marker([Image.fromarray(rgb)])
    assert pil.mode == "RGB"
    assert np.array_equal(np.asarray(pil), embed(rgb, 42))
    batch = marker(np.stack([rgb, rgb]).astype(np.float32) / 255)
    assert batch.dtype == np.float32
    assert batch.shape == (2, 256, 256, 3)
    assert np.array_equal(np.rint(batch[1] * 255), embed(rgb, 42))
    assert np.array_equal(marker(rgb), embed(rgb, 42))


def test_transparency_is_kept() -> None:
    rgba = np.dstack(
        [photo_like(3, width=200, height=200), np.arange(40_000).reshape(200, 200) % 256]
    )
    picture = Image.fromarray(rgba.astype(np.uint8))
    marked = OutputMarker(42)(picture)
    assert marked.mode == "RGBA"
    assert np.array_equal(np.asarray(marked)[..., 3], np.asarray(picture)[..., 3])


@pytest.mark.parametrize("thing", ["a path", 3, np.zeros((200, 200, 3), np.int64)])
def test_what_is_no_picture_is_refused(thing: object) -> None:
    with pytest.raises(EvidenceError, match="cannot mark"):
        OutputMarker(1)(thing)
