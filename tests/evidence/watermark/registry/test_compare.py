from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.evidence.watermark.auditing._forgery import least_average, least_fit
from lightkeeper.evidence.watermark.registry import Fingerprint, Likeness, compare
from lightkeeper.evidence.watermark.registry._sketch import _contrast

from .conftest import fingerprint, picture

Pixels = NDArray[np.uint8]
UPRIGHT = np.eye(2)


def turned(degrees: float) -> NDArray[np.float64]:
    """Of Pillow's rotation, which is counter-clockwise."""
    t = np.deg2rad(degrees)
    return np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])


def resized(rgb: Pixels, across: float, down: float) -> Pixels:
    size = round(rgb.shape[1] * across), round(rgb.shape[0] * down)
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def jpeg(rgb: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def rotated(rgb: Pixels, degrees: float) -> Pixels:
    return np.asarray(Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC))


def framed(rgb: Pixels) -> Pixels:
    canvas = np.full((600, 900, 3), 230, np.uint8)
    canvas[90 : 90 + rgb.shape[0], 200 : 200 + rgb.shape[1]] = rgb
    return canvas


def test_the_picture_itself_matches_by_sketch_and_hash() -> None:
    found = compare(picture(1), fingerprint(1))
    assert (found.likeness, found.pdq_distance) == (Likeness.MATCHES, 0)
    assert found.agreeing == found.parts > 0
    assert found.forged_psnr is not None
    assert found.forged_psnr < 29.5


@pytest.mark.parametrize(
    ("change", "matrix"),
    [
        (lambda a: jpeg(a, 50), UPRIGHT),
        (lambda a: resized(a, 0.4, 0.4), UPRIGHT * 0.4),
        (lambda a: resized(a, 1.7, 1.7), UPRIGHT * 1.7),
        (lambda a: resized(a, 0.7, 1.0), np.diag([0.7, 1.0])),
        (lambda a: a[:, ::-1], np.diag([-1.0, 1.0])),
        (np.rot90, turned(90)),
        (lambda a: rotated(a, 17), turned(17)),
        (lambda a: rotated(a, 45)[80:300, 100:400], turned(45)),
        (lambda a: a[100:292, 150:406], UPRIGHT),
        (lambda a: jpeg(resized(a[60:, 40:440], 0.6, 0.6), 75), UPRIGHT * 0.6),
        (framed, UPRIGHT),
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_honest_copy_matches(change: object, matrix: NDArray[np.float64], seed: int) -> None:
    assert callable(change)
    copy = np.ascontiguousarray(change(picture(seed)))
    assert compare(copy, fingerprint(seed), matrix=matrix).likeness is Likeness.MATCHES


@given(
    degrees=st.floats(-180, 180),
    scale=st.floats(0.4, 1.6),
    aspect=st.floats(0.7, 1.4),
    seed=st.integers(1, 6),
)
@settings(max_examples=10, deadline=None)
def test_no_other_picture_ever_matches(
    degrees: float, scale: float, aspect: float, seed: int
) -> None:
    matrix = turned(degrees) @ np.diag([scale * aspect, scale])
    other = picture(7)
    assert compare(other, fingerprint(seed), matrix=matrix).likeness is not Likeness.MATCHES


@pytest.mark.parametrize("seed", range(2, 7))
def test_another_picture_does_not_match(seed: int) -> None:
    found = compare(picture(seed), fingerprint(1))
    assert found.likeness is Likeness.DIFFERS
    assert found.pdq_distance > 31
    assert found.cells > 0


def test_a_small_crop_cannot_be_told() -> None:
    for shown in (picture(1), picture(2)):
        crop = np.ascontiguousarray(shown[150:200, 200:260])
        assert compare(crop, fingerprint(1)).likeness is Likeness.CANNOT_TELL


@pytest.mark.parametrize(
    "rgb", [np.full((512, 512, 3), 127, np.uint8), np.zeros((3, 900, 3), np.uint8)]
)
def test_what_shows_nothing_cannot_be_told(rgb: Pixels) -> None:
    assert compare(rgb, fingerprint(1)).likeness is Likeness.CANNOT_TELL


def test_a_picture_so_flat_that_another_could_be_made_of_it_unseen_cannot_be_told() -> None:
    faint = np.rint(128 + (picture(1).astype(float) - 128) * 0.15).astype(np.uint8)
    found = compare(faint, Fingerprint.of(faint))
    assert (found.likeness, found.pdq_distance) == (Likeness.CANNOT_TELL, 0)
    assert found.agreement > 0.95
    assert found.forged_psnr is not None
    assert found.forged_psnr > 29.5


@pytest.mark.parametrize("turn", range(8))
def test_a_whole_frame_is_turned_upright_before_its_hash_is_compared(turn: int) -> None:
    mirrored = np.diag([-1.0, 1.0]) if turn >= 4 else UPRIGHT
    shown = picture(2)[:, ::-1] if turn >= 4 else picture(2)
    copy = np.ascontiguousarray(np.rot90(shown, turn % 4))
    found = compare(copy, fingerprint(2), matrix=turned(90 * (turn % 4)) @ mirrored)
    assert (found.likeness, found.pdq_distance) == (Likeness.MATCHES, 0)


def test_a_whole_frame_whose_hash_is_far_is_no_match() -> None:
    far = replace(fingerprint(1), pdq=bytes(b ^ 0xFF for b in fingerprint(1).pdq))
    found = compare(picture(1), far)
    assert (found.likeness, found.pdq_distance) == (Likeness.CANNOT_TELL, 256)
    # A crop has no whole frame: its sketch alone counts.
    crop = np.ascontiguousarray(picture(1)[100:292, 150:406])
    assert compare(crop, far).likeness is Likeness.MATCHES
    assert compare(crop, far).pdq_distance is None


def test_without_the_sketch_the_answer_is_consistent_at_most() -> None:
    public = fingerprint(1).withheld()
    assert compare(picture(1), public).likeness is Likeness.CONSISTENT
    assert compare(picture(4), public).likeness is Likeness.CANNOT_TELL
    crop = np.ascontiguousarray(picture(1)[100:292, 150:406])
    assert compare(crop, public).likeness is Likeness.CANNOT_TELL


def test_a_picture_is_no_decoy_of_itself() -> None:
    twice = compare(picture(1), fingerprint(1), decoys=[fingerprint(1)] * 3)
    assert twice == compare(picture(1), fingerprint(1))


def test_more_entries_to_choose_from_never_make_a_match() -> None:
    few = compare(picture(1), fingerprint(1), choices=100)
    many = compare(picture(1), fingerprint(1), choices=1_000_000)
    assert many.alike > few.alike
    assert few.forged_psnr is not None
    assert many.forged_psnr is not None
    assert many.forged_psnr > few.forged_psnr


def test_an_inset_of_the_picture_is_not_the_picture() -> None:
    small = np.asarray(Image.fromarray(picture(1)).resize((170, 128)))
    collage = picture(4).copy()
    collage[:128, :170] = small
    found = compare(collage, fingerprint(1), matrix=UPRIGHT / 3)
    assert found.likeness is not Likeness.MATCHES


def test_the_picture_beside_another_one_is_not_the_picture() -> None:
    both = np.concatenate([picture(1), picture(4)], axis=1)
    assert compare(both, fingerprint(1)).likeness is not Likeness.MATCHES


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_a_forger_must_damage_another_picture_below_30_db(seed: int) -> None:
    """The whole change goes into the one direction that counts."""
    entry, decoys = fingerprint(1), [fingerprint(n) for n in (2, 3, 7)]
    fit = least_fit(picture(seed), entry, decoys=decoys)
    mean = least_average(picture(seed), picture(1), entry, decoys=decoys)
    assert fit is not None
    assert mean is not None
    assert fit < 30
    assert mean < 30


def test_a_part_that_is_another_is_enough_to_doubt() -> None:
    changed = picture(1).copy()
    changed[:128, :170] = picture(5)[:128, :170]
    found = compare(changed, fingerprint(1))
    assert found.parts - found.agreeing == 1
    assert found.likeness is Likeness.CANNOT_TELL


@pytest.mark.parametrize("side", [(48, 36), (24, 18), (48, 9)])
def test_taking_the_surroundings_off_makes_no_change_larger(side: tuple[int, int]) -> None:
    """What the bound in decibels rests on: the operator's norm, borders included."""
    rows, columns = side
    known = np.ones(side, np.float32)
    basis = np.eye(rows * columns, dtype=np.float32).reshape(-1, rows, columns)
    operator = np.stack([_contrast(one, known, 4.0).ravel() for one in basis], axis=1)
    assert np.linalg.norm(operator, 2) < 1.06


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((2, 2)),
        np.diag([1e-9, 1e-9]),
        np.diag([1e9, 1e9]),
        np.full((2, 2), np.nan),
        np.array([[1.0, 1.0], [1.0, 1.0]]),
        np.diag([1e-4, 1e4]),
    ],
)
def test_a_geometry_that_makes_no_sense_costs_nothing(matrix: NDArray[np.float64]) -> None:
    found = compare(picture(2), fingerprint(1), matrix=matrix)
    assert (found.likeness, found.cells) == (Likeness.CANNOT_TELL, 0)


@given(width=st.integers(5, 90), height=st.integers(5, 90))
@settings(max_examples=30, deadline=None)
def test_pictures_of_all_shapes_have_a_fingerprint(width: int, height: int) -> None:
    rgb = np.ascontiguousarray(picture(1)[:height, :width])
    made = Fingerprint.of(rgb)
    assert (made.width, made.height) == (width, height)
    assert compare(rgb, made).likeness in (Likeness.MATCHES, Likeness.CANNOT_TELL)
