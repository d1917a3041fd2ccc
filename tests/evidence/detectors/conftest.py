"""Rows of scores made up to order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from lightkeeper.evidence.detectors.evaluation import Label, ScoreRow
from lightkeeper.evidence.detectors.evaluation._scores import Outcome
from lightkeeper.evidence.detectors.treatment import CONTROL_KINDS, Condition

Groups = Mapping[str, Any]
Fabricate = Callable[..., tuple[ScoreRow, ...]]


def _rows(
    generated: Groups, photographs: Groups, others: Groups, pairs: Groups, seen: frozenset[str]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def add(score: float | None, label: Label, **changes: Any) -> None:
        base = {
            "label": label,
            "kind": "photo",
            "source": "made",
            "generator": None,
            "pair": None,
            "drawn": False,
            "score": score,
        }
        row = base | changes
        row["seen"] = row["source"] in seen or row["generator"] in seen
        found.append(row)

    for name, scores in generated.items():
        for score in scores:
            add(score, Label.GENERATED, generator=name)
    for name, scores in photographs.items():
        for score in scores:
            add(score, Label.REAL, source=name)
    for name, scores in others.items():
        for score in scores:
            add(score, Label.REAL, kind=name, source="(drawn)", drawn=True)
    for number, (score, other) in enumerate(zip(*pairs.values(), strict=True) if pairs else ()):
        add(score, Label.GENERATED, generator="resynthesis", pair=str(number))
        add(other, Label.REAL, source="pairs", pair=str(number))
    return found


@pytest.fixture
def fabricate() -> Fabricate:
    """Rows with the given scores by group, the same under every condition."""

    def make(
        *,
        generated: Groups,
        photographs: Groups,
        others: Groups | None = None,
        pairs: Groups | None = None,
        seen: frozenset[str] = frozenset(),
    ) -> tuple[ScoreRow, ...]:
        plain = _rows(generated, photographs, others or {}, pairs or {}, seen)
        return tuple(
            ScoreRow(
                picture=number,
                condition=condition,
                outcome=Outcome.ABSTAINED if row["score"] is None else Outcome.SCORED,
                seconds=0.01,
                **{**row, "score": None if row["score"] is None else float(row["score"])},
            )
            for number, row in enumerate(plain)
            for condition in Condition
        )

    return make


@pytest.fixture
def honest(fabricate: Fabricate) -> Callable[..., tuple[ScoreRow, ...]]:
    """A detector that meets every control: ``shift`` standard deviations between the classes."""

    def make(shift: float = 5.0, *, seed: int = 0, photographs: int = 400) -> tuple[ScoreRow, ...]:
        rng = np.random.default_rng(seed)
        return fabricate(
            generated={name: rng.normal(shift, 1, 60) for name in ("alpha", "beta", "gamma")},
            photographs={n: rng.normal(0, 1, photographs // 2) for n in ("lake", "street")},
            others={kind: rng.normal(-1, 1, 60) for kind in CONTROL_KINDS},
            pairs={"made": rng.normal(shift, 1, 120), "taken": rng.normal(0, 1, 120)},
        )

    return make
