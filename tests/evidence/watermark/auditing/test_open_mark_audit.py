"""An audit says what became of the mark, and what the registry says of copies."""

from __future__ import annotations

import numpy as np
import pytest

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.auditing import AuditRow, open_mark_audit
from lightkeeper.testing import photo_like


@pytest.fixture(scope="module")
def rows() -> dict[str, AuditRow]:
    pictures = [photo_like(seed, width=256, height=256) for seed in range(12)]
    gone = {"grey": lambda rgb: np.full_like(rgb, 128)}
    return {row.name: row for row in open_mark_audit(pictures, changes=gone, decoders=gone)}


def test_what_the_mark_withstands(rows: dict[str, AuditRow]) -> None:
    kept = rows["as marked"]
    assert (kept.n, kept.bits, kept.read, kept.high) == (3, 1.0, 1.0, 1.0)
    assert 0 < kept.low < 0.5
    assert rows["a second mark on top"].read == 1


def test_what_removes_it(rows: dict[str, AuditRow]) -> None:
    gone = rows["grey"]
    assert (gone.read, gone.low) == (0, 0)
    assert gone.bits is not None
    assert gone.bits < 0.8


def test_a_copy_is_read_and_the_registry_exposes_it(rows: dict[str, AuditRow]) -> None:
    name = "written again with the payload"
    assert rows[name].read == 1
    assert rows[f"{name}: registered"].bits is None
    assert rows[f"{name}: registered"].n == 3
    assert "exposed" in rows[f"{name}: registered"].note


def test_no_forger_passes_for_a_registered_picture_above_30_db(rows: dict[str, AuditRow]) -> None:
    forged = [row for row in rows.values() if row.name.startswith("registry: ")]
    assert len(forged) == 5
    assert all((row.read, row.n) == (0, 3) for row in forged)
    assert all("called the registered picture" in row.note for row in forged)
    # What is damaged enough does pass: the search itself works.
    assert any("the best has" in row.note for row in forged)


def test_means_are_of_as_many_pictures_as_there_are(rows: dict[str, AuditRow]) -> None:
    assert "mean of 5 marked pictures taken out" in rows
    assert not any("mean of 20" in name for name in rows)


@pytest.mark.parametrize(
    ("count", "side", "words"), [(4, 128, "eight"), (8, 127, "128 pixels"), (0, 128, "eight")]
)
def test_too_few_or_too_small_pictures_are_refused(count: int, side: int, words: str) -> None:
    pictures = [np.zeros((side, side, 3), np.uint8)] * count
    with pytest.raises(EvidenceError, match=words):
        next(open_mark_audit(pictures))


def test_pictures_of_two_sizes_are_refused() -> None:
    pictures = [np.zeros((128 + (k == 3), 128, 3), np.uint8) for k in range(8)]
    with pytest.raises(EvidenceError, match="one size"):
        next(open_mark_audit(pictures))
