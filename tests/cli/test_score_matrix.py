from __future__ import annotations

from pathlib import Path

import pytest

from lightkeeper.cli._score_matrix import load_matrix
from lightkeeper.errors import InvalidConfiguration


def test_parquet_reads_as_csv_does(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"label": ["real", "generated"], "a": [0.5, None], "b": [1.0, 2.0]}
    parquet.write_table(arrow.table(columns), tmp_path / "m.parquet")
    (tmp_path / "m.csv").write_text("label,a,b\nreal,0.5,1\ngenerated,,2\n")
    one, other = (load_matrix(tmp_path / name) for name in ("m.parquet", "m.csv"))
    assert one.generated.tolist() == other.generated.tolist()
    assert {k: v.tolist() for k, v in one.scores.items()} == {
        k: v.tolist() for k, v in other.scores.items()
    }


def test_parquet_that_is_none_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "m.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InvalidConfiguration, match="score matrix"):
        load_matrix(tmp_path / "m.parquet")
