"""The published messages, and an operator's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.watermark import PUBLIC_MARKS, Method, Variant, load_marks


def test_published_messages_have_the_published_lengths() -> None:
    lengths = {mark.id: len(mark.bits) for mark in PUBLIC_MARKS}
    assert lengths == {"sd-v1": 136, "sd-v2": 32, "sdxl": 48, "flux1": 46, "invokeai": 64}


def test_flux_loses_the_leading_zeros_of_its_number() -> None:
    flux = next(mark for mark in PUBLIC_MARKS if mark.id == "flux1")
    number = 0b001010101111111010000111100111001111010100101110
    assert "".join(map(str, flux.bits)) == f"{number:b}"


def test_text_hex_and_bits_say_the_same(tmp_path: Path) -> None:
    bits = "".join(f"{byte:08b}" for byte in b"lamp")
    path = _write(
        tmp_path,
        '[[mark]]\nid = "a"\nmethod = "dwtDct"\ntext = "lamp"\n'
        '[[mark]]\nid = "b"\nmethod = "dwtDctSvd"\nhex = "6c616d70"\n'
        f'[[mark]]\nid = "c"\nmethod = "rivaGan"\nbits = "{bits}"\ndescription = "ours"\n',
    )
    text, hexadecimal, binary = load_marks(path)
    assert text.bits == hexadecimal.bits == binary.bits
    assert binary.description == "ours"
    assert hexadecimal.method is Method.DWT_DCT_SVD
    assert [list(Variant)[row].method for row in hexadecimal.rows()] == [Method.DWT_DCT_SVD] * 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected \\[\\[mark\\]\\]"),
        ("mark = 3", "expected \\[\\[mark\\]\\]"),
        ("other = 1\n[[mark]]\n", "nothing else"),
        ("[[mark", "marks"),
        ('[[mark]]\nmethod = "dwtDct"\ntext = "lamp"', "'id' is missing"),
        ('[[mark]]\nid = 3\nmethod = "dwtDct"\ntext = "lamp"', "holds a string"),
        ('[[mark]]\nid = "a"\nmethod = "dct"\ntext = "lamp"', "'method' must be one of"),
        ('[[mark]]\nid = "a"\nmethod = "dwtDct"', "give one of"),
        ('[[mark]]\nid = "a"\nmethod = "dwtDct"\ntext = "lamp"\nhex = "00"', "give one of"),
        ('[[mark]]\nid = "a"\nmethod = "dwtDct"\nhex = "6c6"', "'hex' cannot be read"),
        ('[[mark]]\nid = "a"\nmethod = "dwtDct"\nbits = "01x"', "'bits' cannot be read"),
        ('[[mark]]\nid = "a"\nmethod = "dwtDct"\nbits = "012"', "24 to 1024 bits"),
        ('[[mark]]\nid = "a"\nmethod = "dwtDct"\ntext = "ab"', "24 to 1024 bits"),
        ('[[mark]]\nid = "a"\nmethod = "dwtDct"\nhex = "00000000"', "zeros and ones"),
        ('[[mark]]\nid = "a"\nmethod = "dwtDct"\ntext = "aaaa"', "repeats itself"),
        ('[[mark]]\nid = "a"\nmethod = "rivaGan"\ntext = "lantern"', "has 32 bits, not 56"),
        ('[[mark]]\nid = "sdxl"\nmethod = "dwtDct"\ntext = "lamp"', "'sdxl' is taken"),
        ('[[mark]]\nid = "a"\nmethod = "dwtDct"\ntext = "lamp"\ncolour = "red"', "'colour'"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InvalidConfiguration, match=reason):
        load_marks(_write(tmp_path, text))


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="cannot read marks"):
        load_marks(tmp_path / "none.toml")


def _write(folder: Path, text: str) -> Path:
    path = folder / "marks.toml"
    path.write_text(text, encoding="utf-8")
    return path
