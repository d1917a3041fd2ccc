"""The codes, and TrustMark's data layer against packets of its own library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.evidence.watermark.extractors._bch import Bch
from lightkeeper.evidence.watermark.extractors._schemes import trustmark_packet

# Made by trustmark's own data layer: schema, payload, packet of 100 bits.
PACKETS = {
    "BCH_SUPER": (
        "1101000011010000110100010000000011000011",
        "1101000011010000110100010000000011000011010011100100111011101000111011110010000011101000001"
        "001100000",
    ),
    "BCH_5": (
        "0010010101000110111011100110100100100111110000110110011001001",
        "0010010101000110111011100110100100100111110000110110011001001010010010011111010100100111001"
        "110100001",
    ),
    "BCH_4": (
        "10101000111000000111100101010011101111011110101110011001011101111010",
        "1010100011100000011110010101001110111101111010111001100101110111101001011000100100001001001"
        "101100010",
    ),
    "BCH_3": (
        "011111000111100001000001101011000111101011110110000110111001111010000110010",
        "0111110001111000010000011010110001111010111101100001101110011110100001100101110110101110001"
        "010000011",
    ),
}
CORRECTS = {"BCH_SUPER": 8, "BCH_5": 5, "BCH_4": 4, "BCH_3": 3}


def _bits(text: str) -> np.ndarray:
    return np.array([int(bit) for bit in text], np.uint8)


@pytest.mark.parametrize("schema", PACKETS)
def test_packets_of_the_reference_library_are_read(schema: str) -> None:
    payload, packet = PACKETS[schema]
    found = trustmark_packet(_bits(packet))
    assert found is not None
    assert (found.schema, found.payload, found.corrected_bits) == (schema, payload, 0)


@given(st.sampled_from(sorted(PACKETS)), st.data())
def test_as_many_flipped_bits_as_the_schema_corrects_are_corrected(
    schema: str, data: st.DataObject
) -> None:
    payload, packet = PACKETS[schema]
    places = data.draw(st.lists(st.integers(0, 95), unique=True, max_size=CORRECTS[schema]))
    bits = _bits(packet)
    bits[places] ^= 1
    found = trustmark_packet(bits)
    assert found is not None
    assert (found.payload, found.corrected_bits) == (payload, len(places))


def test_a_number_without_a_schema_is_no_packet() -> None:
    bits = _bits(PACKETS["BCH_5"][1])
    bits[96:] = 1
    assert trustmark_packet(bits) is None


@given(st.integers(1, 8), st.integers(0, 2**40 - 1))
def test_a_word_with_its_check_bits_is_a_code_word(t: int, data: int) -> None:
    code = Bch(t)
    word = data << code.check_bits | code.check(data)
    assert code.check_bits == 7 * t
    assert code.corrected(word, 40 + code.check_bits) == (word, 0)


def test_random_words_are_packets_as_often_as_the_chance_says() -> None:
    # The chance is what stands between a network's noise and a finding: count it.
    rng = np.random.default_rng(0)
    found = [trustmark_packet(rng.integers(0, 2, 100).astype(np.uint8)) for _ in range(4_000)]
    packets = [packet for packet in found if packet is not None]
    expected = sum(Bch(t).chance(96, t) for t in CORRECTS.values()) / 16
    assert len(packets) / 4_000 == pytest.approx(expected, rel=0.5)
    for level in (0.05, 0.01, 0.003):
        assert sum(packet.chance <= level for packet in packets) <= 4_000 * level * 1.5
