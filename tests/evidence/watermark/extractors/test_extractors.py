"""Learned marks of others, read by an operator's networks."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence import Basis, Claim, Hypothesis
from lightkeeper.evidence.watermark.extractors import ExtractorExaminer, Family, load_extractors
from lightkeeper.evidence.watermark.extractors._schemes import SCHEMES, bits_of, prepared
from lightkeeper.media import Media, open_media
from lightkeeper.testing import photo_like

PACKET = (
    "0010010101000110111011100110100100100111110000110110011001001010010010011111010100100111001"
    "110100001"
)
PAYLOAD = PACKET[:61]
OTHERS = [family for family in Family if family is not Family.TRUSTMARK]


def _media(rgb: np.ndarray) -> Media:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG")
    return open_media(stream.getvalue())


def _picture(seed: int = 1) -> np.ndarray:
    return photo_like(seed, width=256, height=256)


def _payload(bits: str, *, generator: bool = False) -> str:
    return (
        f'[[extractor.payload]]\nname = "Harbour"\nbits = "{bits}"\n'
        f"generator = {str(generator).lower()}\n"
    )


def test_a_trustmark_is_found_by_its_own_code_and_supports_no_origin(
    network: Callable[..., object],
) -> None:
    net = network(Family.TRUSTMARK)
    examiner = ExtractorExaminer(net.table(more='soft_binding = "com.adobe.trustmark.Q"\n'))
    (finding,) = examiner.examine(_media(net.marked(PACKET, _picture())))
    assert finding.claim is Claim.CARRIES_MARK
    assert finding.basis is Basis.PUBLIC_MARK
    assert finding.supports is None
    assert "not-calibrated-per-key" in finding.limits
    assert finding.details.payload == PAYLOAD
    assert finding.details.schema == "BCH_5"
    assert finding.details.soft_binding == "com.adobe.trustmark.Q"
    assert finding.p_value < 1e-6


@pytest.mark.parametrize("family", OTHERS)
def test_a_mark_without_a_code_is_found_by_the_payload_that_the_operator_names(
    network: Callable[..., object], family: Family
) -> None:
    net = network(family)
    rng = np.random.default_rng(3)
    bits = "".join(rng.choice(["0", "1"], SCHEMES[family].bits[-1]))
    examiner = ExtractorExaminer(net.table(more=_payload(bits, generator=True)))
    marked = _media(net.marked(bits, _picture(2)))
    (reading,) = examiner.read(marked)
    assert reading.bits == bits
    (finding,) = examiner.examine(marked)
    assert finding.supports is Hypothesis.GENERATED
    assert finding.details.named == "Harbour"
    assert examiner.examine(_media(_picture(2))) == ()


@pytest.mark.parametrize("family", OTHERS)
def test_bits_that_nobody_expects_are_shown_and_are_no_finding(
    network: Callable[..., object], family: Family
) -> None:
    net = network(family)
    examiner = ExtractorExaminer(net.table())
    (reading,) = examiner.read(_media(_picture()))
    assert len(reading.bits) in SCHEMES[family].bits
    assert reading.p_value is None
    assert not reading.present
    assert examiner.examine(_media(_picture())) == ()


def test_every_payload_and_code_is_a_test_that_the_chance_is_corrected_for(
    network: Callable[..., object],
) -> None:
    net = network(Family.STABLE_SIGNATURE)
    rng = np.random.default_rng(4)
    messages = ["".join(rng.choice(["0", "1"], 48)) for _ in range(5)]
    alone = ExtractorExaminer(net.table(more=_payload(messages[0])))
    several = "".join(
        f'[[extractor.payload]]\nname = "m{i}"\nbits = "{message}"\n'
        for i, message in enumerate(messages)
    )
    marked = _media(net.marked(messages[0], _picture()))
    (one,) = alone.read(marked)
    (among,) = ExtractorExaminer(net.table(more=several)).read(marked)
    assert (one.tests, among.tests) == (1, 5)
    assert among.p_value == pytest.approx(5 * one.p_value)
    assert among.named == "m0"


def test_unmarked_pictures_of_a_random_network_give_no_finding(
    network: Callable[..., object],
) -> None:
    net = network(Family.TRUSTMARK)
    examiner = ExtractorExaminer(net.table())
    assert not any(examiner.examine(_media(_picture(seed))) for seed in range(30))


def test_trustmark_looks_at_the_middle_square_where_a_picture_is_long(
    network: Callable[..., object],
) -> None:
    net = network(Family.TRUSTMARK)
    marked = net.marked(PACKET, _picture())
    wide = np.concatenate([_picture(5)] * 2 + [marked] + [_picture(6)] * 2, axis=1)
    (finding,) = ExtractorExaminer(net.table()).examine(_media(wide))
    assert finding.details.payload == PAYLOAD


def test_a_network_that_is_not_the_one_that_was_named_is_refused(
    network: Callable[..., object],
) -> None:
    net = network(Family.TRUSTMARK)
    path = net.table()
    other = net.folder / "net.onnx"
    other.write_bytes(other.read_bytes() + b"\0")
    with pytest.raises(EvidenceError, match="not the file"):
        ExtractorExaminer(path).examine(_media(_picture()))


def test_a_network_of_another_family_is_refused_with_its_shape(
    network: Callable[..., object],
) -> None:
    net = network(Family.TRUSTMARK, outputs=77)
    with pytest.raises(EvidenceError, match=r"\(1, 77\)"):
        ExtractorExaminer(net.table()).examine(_media(_picture()))


def test_a_missing_model_makes_it_unavailable_and_says_which(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text(
        f'[[extractor]]\nid = "q"\nfamily = "trustmark"\nmodel = "q.onnx"\nsha256 = "{"0" * 64}"\n'
    )
    assert "q.onnx" in (ExtractorExaminer(path).unavailable() or "")
    assert ExtractorExaminer().unavailable() is not None


HEAD = f'[[extractor]]\nid = "q"\nmodel = "q.onnx"\nsha256 = "{"0" * 64}"\n'


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "extractor"),
        ("[[extractor]]\n", "id"),
        (HEAD + 'family = "made-up"\n', "made-up"),
        (HEAD + 'family = "wam"\nother = 1\n', "other"),
        (HEAD + 'family = "wam"\n' + _payload("01" * 16)[:-2], "TOML|Expected|Invalid|value"),
        (HEAD + 'family = "wam"\n' + _payload("01" * 20), "40 bits, not 32"),
        (HEAD.replace("0" * 64, "0" * 63) + 'family = "wam"\n', "sha256"),
        (2 * (HEAD + 'family = "wam"\n'), "twice"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "e.toml"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration, match=wrong):
        load_extractors(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="nowhere"):
        load_extractors(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("family", Family)
def test_pictures_are_prepared_as_the_family_expects(family: Family) -> None:
    white = np.full((300, 400, 3), 255, np.uint8)
    batch = prepared(white, family, side=None, square=False)
    scheme = SCHEMES[family]
    side = scheme.size or 300
    assert batch.shape == (1, 3, side, scheme.size or 400)
    assert batch.dtype == np.float32
    expected = 1.0 if scheme.mean is None else (1 - scheme.mean) / scheme.deviation
    assert np.allclose(batch[0, :, 0, 0], expected)


def test_answers_that_are_no_numbers_are_no_bits() -> None:
    assert bits_of(np.full((1, 100), np.nan, np.float32), Family.TRUSTMARK) is None
    assert bits_of(np.zeros((2, 100), np.float32), Family.TRUSTMARK) is None
    assert bits_of(np.zeros((1, 33, 4, 4), np.float32), Family.WAM) is not None
    assert bits_of(np.zeros((1, 32, 4, 4), np.float32), Family.WAM) is None
