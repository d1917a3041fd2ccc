"""Strangers take the open mark out, and neither take the keyed one out nor copy it."""

from __future__ import annotations

import numpy as np
import pytest

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.auditing import AuditRow, removal_audit
from lightkeeper.testing import photo_like


@pytest.fixture(scope="module")
def rows() -> dict[str, AuditRow]:
    pictures = [photo_like(seed, width=256, height=224) for seed in range(8)]
    return {row.name: row for row in removal_audit(pictures)}


@pytest.mark.parametrize(
    "attack", ["the tile that it says, taken out", "mean of 5 payloads of one picture"]
)
def test_the_open_mark_is_taken_out(rows: dict[str, AuditRow], attack: str) -> None:
    row = rows[f"open mark: {attack}"]
    assert row.read == 0
    assert float(row.note.split()[0]) > 36


@pytest.mark.parametrize(
    "attack",
    [
        "as marked",
        "the open mark's notch",
        "notch at its 2000 highest peaks",
        "a mark of another key taken out",
        "mean of 5 payloads of one picture",
        "its own estimate taken out, 38 dB",
        "mean of 1 marked pictures taken out",
        "fit of 1 marked pictures taken out",
    ],
)
def test_the_keyed_mark_is_still_found(rows: dict[str, AuditRow], attack: str) -> None:
    assert rows[f"keyed mark: {attack}"].read == 1


def test_another_key_and_copies_find_nothing(rows: dict[str, AuditRow]) -> None:
    copied = [row for row in rows.values() if row.note.startswith("copied onto")]
    assert len(copied) == 5
    assert all(row.read == 0 for row in copied)
    assert rows["keyed mark: looked for with another key"].read == 0


def test_means_are_of_as_many_pictures_as_there_are(rows: dict[str, AuditRow]) -> None:
    assert not any("10 marked" in name for name in rows)


@pytest.mark.parametrize(("count", "side"), [(4, 128), (8, 127), (0, 128)])
def test_too_few_or_too_small_pictures_are_refused(count: int, side: int) -> None:
    with pytest.raises(EvidenceError):
        next(removal_audit([np.zeros((side, side, 3), np.uint8)] * count))
