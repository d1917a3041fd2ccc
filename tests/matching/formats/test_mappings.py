"""A mapping file makes anybody's CSV readable, and says what is wrong with itself."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.matching import EntryLabels
from lightkeeper.matching.formats import ListFormat, Row, load_mapping, read_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)

SEVERAL = """
[columns]
"MD5 hash" = "value.md5"
"SHA1 hash" = "value.sha1"
PhotoDNA = "value.photodna"
Category = "industry_class"
Ref = "source_id"
Member = "source"

[values.industry_class]
"1" = "A1"
"2" = "A2"
"none" = ""
"""

PLAIN = """
[csv]
header = false
comment = "#"

[columns]
1 = "value"

[constants]
kind = "pdq"
computer_generated = "true"
"""


def _read(tmp_path: Path, mapping: str, text: str) -> list[Row]:
    path = tmp_path / "mapping.toml"
    path.write_text(mapping)
    return list(
        read_rows(
            io.BytesIO(text.encode()),
            ListFormat.CSV,
            source="ORG",
            now=NOW,
            mapping=load_mapping(path),
        )
    )


def test_one_row_may_hold_hashes_of_several_kinds(tmp_path: Path) -> None:
    rows = _read(
        tmp_path,
        SEVERAL,
        "Ref,MD5 hash,SHA1 hash,PhotoDNA,Category,Member,Unused\n"
        f"r1,{'A' * 32},{'b' * 40},,1,42,x\n"
        f"r2,{'c' * 32},xyz,{'1,' * 0}AbCd1234+/,none,,x\n"
        "r3,,,,1,,x\n"
        f"r4,{'d' * 32},,,9,,x\n",
    )
    keys = [(row.entry.kind, row.entry.value) for row in rows if row.entry]
    assert keys == [
        ("md5", "a" * 32),
        ("sha1", "b" * 40),
        ("md5", "c" * 32),
        ("photodna", "AbCd1234+/"),
    ]
    assert [row.reason for row in rows if row.reason] == [
        "bad-value",
        "missing-value",
        "unmapped-value",
    ]
    first, third = rows[0], rows[2]
    assert first.entry is not None
    assert third.entry is not None
    assert first.source == "ORG/42"
    assert first.entry.mentions[0].source == "ORG/42"
    assert first.entry.mentions[0].source_id == "r1"
    assert first.entry.labels == EntryLabels(industry_class="A1")
    assert third.source is None
    assert third.entry.labels == EntryLabels()


def test_a_plain_list_has_one_hash_a_line_and_constants(tmp_path: Path) -> None:
    rows = _read(tmp_path, PLAIN, f"# a list of umbrellas\n{'0f' * 32}\n\n{'1e' * 32}\nlamp\n")
    assert [row.line_number for row in rows] == [2, 4, 5]
    assert [row.reason for row in rows] == [None, None, "bad-value"]
    assert rows[0].entry is not None
    assert rows[0].entry.kind == "pdq"
    assert rows[0].entry.labels.computer_generated is True


def test_another_delimiter_and_a_default_of_a_value_map(tmp_path: Path) -> None:
    mapping = """
    [csv]
    delimiter = "\\t"
    [columns]
    hash = "value"
    type = "kind"
    level = "industry_class"
    [values.kind]
    "PDQ256" = "pdq"
    "*" = "md5"
    [values.industry_class]
    "*" = ""
    """
    rows = _read(
        tmp_path, mapping, f"hash\ttype\tlevel\n{'0' * 64}\tPDQ256\tx\n{'0' * 32}\tother\t\n"
    )
    assert [row.entry.kind for row in rows if row.entry] == ["pdq", "md5"]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("[columns]\na = 'value'", "nothing says what kind"),
        ("[columns]\na = 'kind'", "exactly one of"),
        ("[columns]\na = 'value'\nb = 'value.md5'", "exactly one of"),
        ("[columns]\na = 'value'\nb = 'value'", "same field"),
        ("[columns]\na = 'colour'", "cannot become 'colour'"),
        ("[columns]\na = 1", "maps texts to texts"),
        ("[colums]\na = 'value'", "no section 'colums'"),
        ("[csv]\nquote = 'x'\n[columns]\na = 'value.md5'", r"no option of \[csv\] 'quote'"),
        ("[csv]\ndelimiter = 'xx'\n[columns]\na = 'value.md5'", "one character"),
        ("[csv]\nheader = 'no'\n[columns]\na = 'value.md5'", "true or false"),
        ("[csv]\ncomment = ''\n[columns]\na = 'value.md5'", "comment"),
        ("[columns]\na = 'value.md5'\n[constants]\nvalue = 'x'", "no constant 'value'"),
        ("columns = 1", "is a table"),
        ("[columns", "mapping.toml"),
    ],
)
def test_a_wrong_mapping_says_what_is_wrong(tmp_path: Path, mapping: str, message: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(mapping)
    with pytest.raises(InvalidConfiguration, match=message):
        load_mapping(path)


@pytest.mark.parametrize(
    ("mapping", "text", "message"),
    [
        ("[columns]\nhash = 'value.md5'", "Hash\n", "no single column 'hash'"),
        ("[columns]\nhash = 'value.md5'", "hash,hash\n", "no single column 'hash'"),
        ("[csv]\nheader = false\n[columns]\nhash = 'value.md5'", "x\n", "number from 1"),
        ("[csv]\nheader = false\n[columns]\n0 = 'value.md5'", "x\n", "number from 1"),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_refused(
    tmp_path: Path, mapping: str, text: str, message: str
) -> None:
    with pytest.raises(InvalidConfiguration, match=message):
        _read(tmp_path, mapping, text)
