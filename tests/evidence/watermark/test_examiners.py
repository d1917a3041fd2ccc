"""Findings say that a mark is carried, and what that does not prove."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence import Basis, Claim, Examiner, Hypothesis, Tier
from lightkeeper.evidence.watermark import (
    PUBLIC_MARKS,
    MarkReading,
    PublicMarkExaminer,
    RescaledMarkExaminer,
    RivaGanExaminer,
    Variant,
    _rivagan,
    embed,
    warm_up,
)
from lightkeeper.evidence.watermark._calibration import shipped_null
from lightkeeper.media import Media, open_media
from lightkeeper.plain import to_plain
from lightkeeper.testing import photo_like

_MARKS = {mark.id: mark for mark in PUBLIC_MARKS}
_RIVA = '[[mark]]\nid = "ours"\nmethod = "rivaGan"\nhex = "5a3c77e1"\n'


def _media(rgb: NDArray[np.uint8]) -> Media:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return open_media(buffer.getvalue())


def test_examiners_keep_the_protocol_and_their_tiers() -> None:
    examiners = (
        PublicMarkExaminer(),
        RescaledMarkExaminer(),
        PublicMarkExaminer.cropped(),
        RivaGanExaminer(),
    )
    assert all(isinstance(examiner, Examiner) for examiner in examiners)
    assert [e.tier for e in examiners] == [Tier.PIXELS, Tier.DEEP, Tier.DEEP, Tier.MODEL]
    assert [e.name for e in examiners] == [
        "public-marks",
        "rescaled-marks",
        "cropped-marks",
        "rivagan",
    ]
    assert PublicMarkExaminer().unavailable() is None


def test_a_present_mark_is_one_finding_with_its_statistics() -> None:
    media = _media(embed(photo_like(1), _MARKS["sdxl"], variant=Variant.FLOAT32_BGR))
    (finding,) = PublicMarkExaminer().examine(media)
    assert (finding.claim, finding.basis) == (Claim.CARRIES_MARK, Basis.PUBLIC_MARK)
    assert finding.supports is Hypothesis.GENERATED
    assert finding.source == "pixels:u-plane"
    assert finding.log10_lr is None
    assert finding.limits == ("key-is-public",)
    assert finding.p_value is not None
    assert finding.p_value < 1e-6
    assert finding.tests == 40
    assert (finding.null_size, finding.calibration) == (224, "public-marks-null-1")
    assert isinstance(finding.details, MarkReading)
    assert finding.details.variant == "float32-bgr"
    assert to_plain(finding.details)["present"] is True


def test_a_mark_that_artists_use_supports_no_origin() -> None:
    media = _media(embed(photo_like(2), _MARKS["sd-v2"], variant=Variant.UINT8_BGR))
    (finding,) = PublicMarkExaminer().examine(media)
    assert finding.supports is None
    assert finding.limits == ("key-is-public", "also-on-human-art")


def test_no_mark_is_no_finding() -> None:
    media = _media(photo_like(3))
    assert PublicMarkExaminer().examine(media) == ()
    assert RescaledMarkExaminer().examine(media) == ()


def test_the_deep_examiner_leaves_the_stored_grid_to_the_other() -> None:
    marked = embed(
        photo_like(4, width=768, height=512), _MARKS["sdxl"], variant=Variant.UINT8_BGR_SVD
    )
    assert RescaledMarkExaminer().examine(_media(marked)) == ()
    copy = np.asarray(Image.fromarray(marked).resize((600, 400), Image.Resampling.LANCZOS))
    (finding,) = RescaledMarkExaminer().examine(_media(copy))
    assert "768x512" in finding.summary


def test_a_wrong_file_of_marks_stops_the_examiner_from_being_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration):
        PublicMarkExaminer(marks=tmp_path / "none.toml")


def test_rivagan_says_why_it_cannot_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = tmp_path / "marks.toml"
    marks.write_text(_RIVA, encoding="utf-8")
    missing = RivaGanExaminer(marks=marks, weights=tmp_path / "none.onnx")
    monkeypatch.setattr(_rivagan, "_installed", lambda package: True)
    assert "rivagan_decoder.onnx" in (missing.unavailable() or "")
    with pytest.raises(EvidenceError, match="invisible-watermark"):
        missing.examine(_media(photo_like(1)))
    (tmp_path / "any.onnx").write_bytes(b"no network")
    idle = RivaGanExaminer(weights=tmp_path / "any.onnx")
    assert "no rivaGan mark" in (idle.unavailable() or "")
    monkeypatch.setattr(_rivagan, "_installed", lambda package: False)
    assert "extra 'detect'" in (idle.unavailable() or "")


def test_rivagan_weights_that_are_no_network_are_an_evidence_error(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    marks = tmp_path / "marks.toml"
    marks.write_text(_RIVA, encoding="utf-8")
    (tmp_path / "any.onnx").write_bytes(b"no network")
    examiner = RivaGanExaminer(marks=marks, weights=tmp_path / "any.onnx")
    with pytest.raises(EvidenceError, match="rivaGan network"):
        examiner.examine(_media(photo_like(1)))


@pytest.mark.skipif(
    importlib.util.find_spec("imwatermark") is None, reason="the weights are in imwatermark"
)
def test_rivagan_reads_what_the_reference_writes(tmp_path: Path) -> None:
    import imwatermark

    marks = tmp_path / "marks.toml"
    marks.write_text(_RIVA, encoding="utf-8")
    encoder = imwatermark.WatermarkEncoder()
    encoder.set_watermark("b16", "5A3C77E1")
    encoder.loadModel()
    rgb = photo_like(1, width=256, height=256)
    marked = encoder.encode(np.ascontiguousarray(rgb[..., ::-1]), "rivaGan")[..., ::-1]
    examiner = RivaGanExaminer(marks=marks)
    assert examiner.examine(_media(rgb)) == ()
    (finding,) = examiner.examine(_media(marked))
    assert finding.tests == 1
    assert (finding.null_size, finding.calibration) == (None, None)
    assert finding.limits == ("key-is-public", "not-calibrated-per-key")


def test_the_shipped_null_is_described_and_close_to_the_theory() -> None:
    null = shipped_null()
    assert null.pictures >= 224
    assert null.tests == null.pictures * 40
    assert null.hits == 0
    assert null.z_deviation is not None
    assert null.z_deviation < 1.03
    assert "photographs" in null.description


def test_kernels_can_be_warmed() -> None:
    warm_up()
