"""Public, open and rooted marks in one scan: one table, one decode, one correction."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lightkeeper.evidence import Examiner, Tier, examine
from lightkeeper.evidence.watermark.rooted import MarkKey, MarkSecret
from lightkeeper.media import _decode, open_media
from lightkeeper.scan import Policy, default_examiners
from lightkeeper.scan._examiners import _MARKS
from lightkeeper.testing import photo_like

DATA = Path(__file__).parents[1] / "data" / "rooted"
TABLE = """
[[mark]]
id = "studio-r"
method = "rivaGan"
hex = "0f1e2d3c"

[[mark]]
id = "studio-z"
method = "lattice"
hex = "0000000000ff"
"""

EXTRACTORS = f"""
[[extractor]]
id = "trustmark-q"
family = "trustmark"
model = "decoder_Q.onnx"
sha256 = "{"0" * 64}"
"""


@pytest.fixture
def secret(tmp_path: Path) -> dict[str, Path]:
    pytest.importorskip("onnxruntime")
    key = MarkKey(label="copy-0", bits=bytes.fromhex("5a3c96e1f00d"))
    held = MarkSecret(name="s", extractor=(DATA / "extractor.onnx").read_bytes(), keys=(key,))
    held.write(tmp_path / "s.lkmark", b"pass")
    (tmp_path / "pass").write_text("pass\n")
    (tmp_path / "extractors.toml").write_text(EXTRACTORS)
    return {
        "mark_secret": tmp_path / "s.lkmark",
        "mark_passphrase": tmp_path / "pass",
        "mark_extractors": tmp_path / "extractors.toml",
    }


def shares(policy: Policy) -> dict[str, float]:
    """What each examiner of marks that runs may be wrong by."""
    found = {}
    for examiner in default_examiners(policy):
        if examiner.name in _MARKS and examiner.tier <= policy.tier:
            inner = getattr(examiner, "_examiner", examiner)
            found[examiner.name] = getattr(inner, "alpha", None) or inner._alpha
    return found


@pytest.mark.parametrize("tier", [Tier.PIXELS, Tier.MODEL, Tier.DEEP])
@pytest.mark.parametrize("without", [frozenset(), frozenset({"rivagan"})])
def test_all_marks_of_a_scan_share_one_chance_of_a_false_finding(
    secret: dict[str, Path], tier: Tier, without: frozenset[str]
) -> None:
    expected = {name for name, at in _MARKS.items() if at <= tier} - without
    found = shares(Policy(tier=tier, without=without, alpha=1e-6, **secret))
    assert set(found) == expected
    assert sum(found.values()) == pytest.approx(1e-6)
    assert len(set(found.values())) == 1


def test_a_mark_that_nobody_looks_for_takes_no_share() -> None:
    found = shares(Policy(tier=Tier.MODEL, alpha=1e-6))
    assert set(found) == {"public-marks", "open-mark", "open-mark-search", "rivagan"}
    assert sum(found.values()) == pytest.approx(1e-6)


def test_each_examiner_of_marks_is_in_the_table(secret: dict[str, Path]) -> None:
    found = default_examiners(Policy(tier=Tier.DEEP, **secret))
    assert {e.name for e in found if e.name in _MARKS} == set(_MARKS)
    assert {e.name for e in found if "mark" in e.name} <= set(_MARKS)


def test_all_marks_are_looked_for_in_one_decoded_picture(
    secret: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "marks.toml").write_text(TABLE)
    policy = Policy(tier=Tier.MODEL, marks=tmp_path / "marks.toml", **secret)
    marks: list[Examiner] = [e for e in default_examiners(policy) if e.name in _MARKS]
    decoded = []
    decode_still = _decode.decode_still

    def counted(*arguments: object) -> object:
        decoded.append(1)
        return decode_still(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(_decode, "decode_still", counted)
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(photo_like(3, width=320, height=320))).save(buffer, "JPEG")
    seen = examine(open_media(buffer.getvalue()), marks, tier=Tier.MODEL)
    assert len(decoded) == 1
    assert (seen.findings, seen.failures) == ((), ())
    assert "rooted-marks" not in {skipped.examiner for skipped in seen.not_examined}
