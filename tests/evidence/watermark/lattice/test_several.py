"""Several marks on one picture are all told, and one mark is never told twice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.evidence.watermark.lattice import embed, read, read_all
from lightkeeper.testing import photo_like

Picture = NDArray[np.uint8]


def _payloads(rgb: Picture) -> list[int]:
    return sorted(reading.payload for reading in read_all(rgb))


@pytest.fixture(scope="module")
def marked() -> Picture:
    return embed(photo_like(1), 0xA)


def test_one_mark_is_one_reading_and_the_same_as_that_of_read(marked: Picture) -> None:
    (reading,) = read_all(marked)
    assert reading == read(marked)


def test_marks_upon_each_other_are_told_apart_wherever_they_start(marked: Picture) -> None:
    assert _payloads(embed(marked, 0xB)) == [0xA, 0xB]
    shifted = marked.copy()
    shifted[3:, 5:] = embed(np.ascontiguousarray(marked[3:, 5:]), 0xB)
    shifted[30:, 17:] = embed(np.ascontiguousarray(shifted[30:, 17:]), 0xC)
    assert _payloads(shifted) == [0xA, 0xB, 0xC]


def test_a_mark_put_onto_a_turned_marked_picture_hides_nothing(marked: Picture) -> None:
    turned = np.asarray(Image.fromarray(marked).rotate(20, Image.Resampling.BICUBIC))
    first, second = read_all(embed(turned, 0xB))
    assert (first.payload, second.payload) == (0xB, 0xA)
    assert abs(first.transform.rotation) < 0.1
    assert second.transform.rotation == pytest.approx(20, abs=0.3)
    assert second.tests > first.tests


def test_a_collage_of_marked_pictures_carries_both() -> None:
    halves = embed(photo_like(2), 0xA)[:, :256], embed(photo_like(3), 0xB)[:, 100:356]
    assert _payloads(np.concatenate(halves, axis=1)) == [0xA, 0xB]


def test_windows_of_a_large_picture_are_all_looked_at() -> None:
    rgb = photo_like(3, width=1600, height=600)
    rgb[:, :512] = embed(np.ascontiguousarray(rgb[:, :512]), 0xA)
    rgb[:, -512:] = embed(np.ascontiguousarray(rgb[:, -512:]), 0xB)
    assert _payloads(rgb) == [0xA, 0xB]


def test_a_picture_without_a_mark_has_none() -> None:
    assert read_all(photo_like(4)) == ()
