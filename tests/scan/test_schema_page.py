from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pyarrow
import pytest

from lightkeeper.assessment import Assessment
from lightkeeper.assessment.attribution import Attribution, Decoder
from lightkeeper.assessment.policy import Trigger
from lightkeeper.evidence import Finding
from lightkeeper.scan import SCHEMA, ScanRow
from lightkeeper.scan._conditions import _ORIGINS, _OTHERS, _STRENGTHS
from lightkeeper.scan._journal import _TRANSIENT
from lightkeeper.scan._parquet import _schema
from lightkeeper.scan._policy import _DETECTORS, EXAMINER_NAMES, _Reader

PAGE = Path(__file__).parents[2] / "docs/reference/scan-schema.md"


@pytest.fixture(scope="module")
def documented() -> set[str]:
    text = re.sub(r"```.*?```", "", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    return set(re.findall(r"`\[?([^`\]]+)\]?`", text))


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([SCHEMA], id="schema"),
        pytest.param([f.name for f in fields(ScanRow) if f.metadata.get("plain", True)], id="row"),
        pytest.param([f.name for f in fields(Finding)], id="finding"),
        pytest.param([f.name for f in fields(Assessment)], id="assessment"),
        pytest.param([f.name for f in fields(Attribution)], id="attribution"),
        pytest.param([f.name for f in fields(Decoder)], id="decoder"),
        pytest.param(list(_Reader._readers), id="policy"),
        pytest.param(list(_DETECTORS), id="detectors"),
        pytest.param([trigger.value for trigger in Trigger], id="triggers"),
        pytest.param(list(EXAMINER_NAMES), id="examiners"),
        pytest.param([*_ORIGINS, *_OTHERS, *_STRENGTHS], id="conditions"),
        pytest.param(sorted(_TRANSIENT), id="errors"),
        pytest.param(_schema(pyarrow).names, id="parquet"),
    ],
)
def test_every_name_that_others_rely_on_is_documented(
    documented: set[str], names: list[str]
) -> None:
    assert [name for name in names if name not in documented] == []
