"""The quick look: all that keeps the mark's size is read, at a cost that no picture raises."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.evidence.watermark.lattice import _own_size as own_size
from lightkeeper.evidence.watermark.lattice import embed, read_all, read_at_own_size
from lightkeeper.evidence.watermark.lattice._pattern import PERIOD, tile
from lightkeeper.testing import photo_like

Picture = NDArray[np.uint8]
_PAYLOAD = 0x5A17C0DE1E55
_LOOK = 15 * 183 * 183
"""Pixels of one look."""


@pytest.fixture(scope="module")
def marked() -> Picture:
    return embed(photo_like(3, width=1403, height=1100), _PAYLOAD)


def _payloads(rgb: Picture) -> list[int]:
    return [reading.payload for reading in read_at_own_size(rgb)]


def _jpeg(rgb: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(buffer))


def _turned(rgb: Picture, degrees: float) -> Picture:
    return np.asarray(Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    top=st.integers(0, 400),
    left=st.integers(0, 400),
    turns=st.integers(0, 3),
    flipped=st.booleans(),
    quality=st.integers(60, 97),
)
def test_crops_flips_quarter_turns_and_codecs_are_read(
    top: int, left: int, turns: int, flipped: bool, quality: int
) -> None:
    seen = embed(photo_like(3, width=1403, height=1100), _PAYLOAD)[top:, left:]
    seen = np.rot90(seen[:, ::-1] if flipped else seen, turns)
    (reading,) = read_at_own_size(_jpeg(np.ascontiguousarray(seen), quality))
    assert reading.payload == _PAYLOAD
    assert reading.transform.flipped is flipped
    assert reading.tests == 8 * PERIOD**2


def test_what_it_reads_is_what_the_search_reads_first(marked: Picture) -> None:
    both = embed(np.ascontiguousarray(marked[:700, :700]), 7)
    quick = read_at_own_size(both)
    assert {reading.payload for reading in quick} == {7, _PAYLOAD}
    assert read_all(both)[: len(quick)] == quick


def test_turned_and_resized_copies_are_left_to_the_search(marked: Picture) -> None:
    part = np.ascontiguousarray(marked[:600, :600])
    half = np.asarray(Image.fromarray(part).resize((420, 420), Image.Resampling.BICUBIC))
    for copy in (_turned(part, 5), half):
        assert _payloads(copy) == []
        assert [reading.payload for reading in read_all(copy)] == [_PAYLOAD]


def test_a_mark_that_only_one_side_of_a_large_picture_carries_is_read(marked: Picture) -> None:
    seen = photo_like(8, width=1403, height=1100)
    seen[:, 700:] = marked[:, 700:]
    assert _payloads(seen) == [_PAYLOAD]
    seen = photo_like(8, width=1403, height=1100)
    seen[:550] = marked[:550]
    assert _payloads(seen) == [_PAYLOAD]


@pytest.mark.parametrize("level", [0, 200, 255])
def test_an_empty_background_hides_nothing(marked: Picture, level: int) -> None:
    seen = np.full((2400, 2000, 3), level, np.uint8)
    seen[1500:1900, 900:1300] = marked[300:700, 300:700]
    assert _payloads(seen) == [_PAYLOAD]


@pytest.mark.parametrize("shape", [(1024, 1024), (4000, 3000), (70, 90_000), (20_000, 64)])
def test_no_picture_costs_more_than_half_a_megapixel(
    shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    whiten = own_size.whiten

    def counted(rgb: Picture) -> NDArray[np.float32]:
        looked.append(rgb.shape[0] * rgb.shape[1])
        return whiten(rgb)

    monkeypatch.setattr(own_size, "whiten", counted)
    rng = np.random.default_rng(1)
    assert _payloads(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)) == []
    assert sum(looked) <= _LOOK
    assert len(looked) == 15


def test_where_the_pattern_shows_and_no_payload_a_larger_sample_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = []
    spectrum = own_size.own_size_spectrum

    def counted(rgb: Picture, blocks: int) -> NDArray[np.complex128]:
        taken.append(blocks)
        return spectrum(rgb, blocks)

    monkeypatch.setattr("lightkeeper.evidence.watermark.lattice._read.own_size_spectrum", counted)
    # The synchronising points alone: what is left of a mark whose payload was worn off.
    wave = tile(0) + sum(tile(payload * 2654435761 % 2**48) for payload in range(1, 400))
    rgb = photo_like(4, width=1403, height=1100)
    worn = np.tile(wave / wave.std() * 2, (19, 24))[:1100, :1403, None]
    assert _payloads(np.clip(rgb + worn, 0, 255).astype(np.uint8)) == []
    assert taken == [15, 60]
    taken.clear()
    assert _payloads(rgb) == []
    assert taken == [15]


@settings(max_examples=40, deadline=None)
@given(st.integers(64, 4000), st.integers(64, 4000), st.sampled_from([15, 60]))
def test_blocks_begin_where_tiles_do_lie_within_and_never_overlap(
    height: int, width: int, blocks: int
) -> None:
    rgb = np.broadcast_to(np.uint8(90), (height, width, 3))
    places = own_size._places(rgb, blocks)
    assert 1 <= len(places) <= blocks
    seen = set()
    for down, across in places:
        top, left = down.start or 0, across.start or 0
        assert top % PERIOD == left % PERIOD == 0
        assert 0 <= top < down.stop <= height
        assert 0 <= left < across.stop <= width
        seen.add((top, left))
    assert len(seen) == len(places)
    assert len(places) == blocks or own_size.is_whole(rgb, blocks)


def test_the_spectrum_is_that_of_the_folded_tile() -> None:
    wave = np.tile(tile(_PAYLOAD), (3, 4))
    tiled = np.zeros((PERIOD, PERIOD))
    for down in range(3):
        for across in range(4):
            tiled += wave[
                down * PERIOD : (down + 1) * PERIOD, across * PERIOD : (across + 1) * PERIOD
            ]
    assert np.allclose(own_size._folded(wave), tiled, rtol=1e-4)
    cut = own_size._folded(np.ascontiguousarray(wave[:100, :150]))
    assert np.allclose(cut[:39, :28], 2 * 3 * tile(_PAYLOAD)[:39, :28], atol=1e-3)
    assert np.allclose(cut[39:, 28:], 1 * 2 * tile(_PAYLOAD)[39:, 28:], atol=1e-3)
