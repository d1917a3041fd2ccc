"""What holds for every PDQ hash."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.hashing import PdqHash, distance_bits, pdq_of_rgb, warm_up
from lightkeeper.plain import to_plain
from lightkeeper.testing import photo_like

# EXIF orientation k + 1 as an operation on pixels, written independently of the hash.
TURNS = (
    lambda a: a,
    lambda a: a[:, ::-1],
    lambda a: np.rot90(a, 2),
    lambda a: a[::-1],
    lambda a: a.swapaxes(0, 1),
    lambda a: np.rot90(a, -1),
    lambda a: np.rot90(a, 2).swapaxes(0, 1),
    lambda a: np.rot90(a, 1),
)


def _coefficients(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((16, 16), dtype=np.float32)


def _value(seed: int) -> PdqHash:
    return PdqHash(b"", 100, "drawn", _coefficients(seed)).dihedral()[1]


seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("turn", range(8))
@pytest.mark.parametrize(
    ("width", "height", "most"), [(1025, 1025, 0), (640, 340, 16), (1000, 800, 16), (512, 512, 31)]
)
def test_the_dihedral_set_comes_near_the_hash_of_the_really_turned_picture(
    turn: int, width: int, height: int, most: int
) -> None:
    # Even filter windows (512 pixels have one of 4) shift the picture by half a pixel each pass.
    rgb = photo_like(2, width=width, height=height)
    turned = pdq_of_rgb(np.ascontiguousarray(TURNS[turn](rgb)))
    assert distance_bits(pdq_of_rgb(rgb).dihedral()[turn], turned) <= most


def test_the_dihedral_set_equals_that_of_the_reference() -> None:
    pdqhash = pytest.importorskip("pdqhash")
    rgb = photo_like(12, width=300, height=220)
    vectors, _ = pdqhash.compute_dihedral(rgb)
    expected = {np.packbits(np.asarray(v, np.uint8)).tobytes() for v in vectors}
    assert {value.bits for value in pdq_of_rgb(rgb).dihedral()} == expected


@given(seeds)
def test_half_of_the_bits_are_set(seed: int) -> None:
    for value in _value(seed).dihedral():
        assert int.from_bytes(value.bits).bit_count() == 128


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(64, 200), st.integers(64, 200))
def test_half_of_the_bits_of_a_drawn_picture_are_set(seed: int, width: int, height: int) -> None:
    # A side under 64 pixels repeats samples, and frequencies may tie with the median.
    value = pdq_of_rgb(photo_like(seed, width=width, height=height))
    assert int.from_bytes(value.bits).bit_count() == 128
    assert 0 <= value.quality <= 100


@given(seeds)
def test_every_member_of_a_dihedral_set_has_the_same_set(seed: int) -> None:
    members = _value(seed).dihedral()
    expected = {member.bits for member in members}
    assert len(expected) == 8
    for member in members:
        assert {other.bits for other in member.dihedral()} == expected


@given(seeds)
def test_mirroring_twice_and_turning_four_times_give_the_hash_back(seed: int) -> None:
    value = _value(seed)
    turned = value
    for _ in range(4):
        turned = turned.dihedral()[5]
    assert turned == value
    for involution in (1, 2, 3, 4, 6):
        assert value.dihedral()[involution].dihedral()[involution] == value


@given(seeds, seeds, seeds)
def test_distance_is_a_metric(one: int, two: int, three: int) -> None:
    a, b, c = _value(one), _value(two), _value(three)
    assert distance_bits(a, a) == 0
    assert distance_bits(a, b) == distance_bits(b, a)
    assert (distance_bits(a, b) == 0) == (a.bits == b.bits)
    assert distance_bits(a, c) <= distance_bits(a, b) + distance_bits(b, c)


def test_distance_counts_the_bits_that_differ() -> None:
    def value(bits: bytes) -> PdqHash:
        return PdqHash(bits, 100, "drawn", np.zeros((16, 16), np.float32))

    assert distance_bits(value(bytes(32)), value(b"\xff" * 32)) == 256
    assert distance_bits(value(bytes(32)), value(b"\x01" + bytes(30) + b"\x80")) == 2


def test_the_plain_form_names_bits_quality_and_variant_only() -> None:
    value = pdq_of_rgb(photo_like(1, width=80, height=80))
    assert to_plain(value) == {
        "bits": value.hex,
        "quality": value.quality,
        "variant": "full-resolution/exact",
    }


def test_warming_up_leaves_nothing_to_compile() -> None:
    from lightkeeper.hashing import _kernels

    warm_up()
    kernels = [
        _kernels.exact_samples,
        _kernels.linear_samples,
        _kernels.banded_weights,
        _kernels.dct_coefficients,
    ]
    before = [len(kernel.signatures) for kernel in kernels]
    pdq_of_rgb(photo_like(1, width=70, height=90)).dihedral()
    assert [len(kernel.signatures) for kernel in kernels] == before == [1] * len(kernels)


def test_a_scan_waits_for_no_kernel_of_the_exact_variant() -> None:
    code = (
        "from lightkeeper.hashing import PdqVariant, _kernels, warm_up;"
        "warm_up(PdqVariant.FAST);"
        "print(len(_kernels.linear_samples.signatures), len(_kernels.exact_samples.signatures))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["1", "0"]
