"""The format of a list is told by what it holds, then by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.matching.formats import ListFormat, Mapping, detect_format


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.txt", '{"lightkeeper_hash_set":1,"set":"lamps"}', ListFormat.JSONL),
        ("a.json", '{"kind":"md5","value":"00"}', ListFormat.JSONL),
        ("a.jsonl", '{"id":"1","indicator":"00","type":"HASH_MD5"}', ListFormat.THREATEXCHANGE),
        ("a.json", '\ufeff\n[{"signal_type":"pdq"}]', ListFormat.THREATEXCHANGE),
        ("a.json", '{"data":[]}', ListFormat.THREATEXCHANGE),
        ("a.csv", "signal_type,signal_str,collab,category,tags\n", ListFormat.THREATEXCHANGE),
        ("a.txt", " <?xml version='1.0'?><queryResult/>", ListFormat.NCMEC),
        ("a.csv", "kind,value\n", ListFormat.CSV),
        ("empty.csv", "", ListFormat.CSV),
    ],
)
def test_a_format_is_detected(tmp_path: Path, name: str, text: str, expected: ListFormat) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert detect_format(path) is expected


def test_a_mapping_means_csv_and_an_unknown_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lamps.txt"
    path.write_text("00ff\n")
    mapping = Mapping(columns={"1": "value"}, constants={"kind": "md5"})
    assert detect_format(path, mapping=mapping) is ListFormat.CSV
    with pytest.raises(InvalidConfiguration, match="neither content nor suffix"):
        detect_format(path)
