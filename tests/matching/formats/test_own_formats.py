"""What is exported comes back equal, in JSONL and in CSV."""

from __future__ import annotations

import io
import string
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.matching import Entry, EntryLabels, EntryState, HashSet, Mention, SetOrigin
from lightkeeper.matching.formats import ListFormat, Row, read_rows, write_csv, write_jsonl

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LAMPS = HashSet(
    name="lamps",
    owner='Keepers, of "the" light\nand sea',
    purpose="umbrellas and bicycles",
    origin=SetOrigin.GENERATED,
    terms="as agreed",
)

_texts = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=20
).filter(lambda text: text.strip() == text)
_moments = st.datetimes(
    datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC), allow_imaginary=False
)
_flags = st.none() | st.booleans()


def _hex(digits: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=digits, max_size=digits)


_hashes = st.one_of(
    st.tuples(st.just("md5"), _hex(32)),
    st.tuples(st.just("sha1"), _hex(40)),
    st.tuples(st.sampled_from(["sha256", "pdq"]), _hex(64)),
    st.tuples(
        st.just("photodna"),
        st.text(string.ascii_letters + string.digits + "+/=,", min_size=8, max_size=200),
    ),
)


@st.composite
def _entries(draw: st.DrawFn) -> Entry:
    kind, value = draw(_hashes)
    labels = EntryLabels(
        industry_class=draw(st.sampled_from([None, "A1", "A2", "B1", "B2"])),
        computer_generated=draw(_flags),
        modelled_after_person=draw(_flags),
        age_group=draw(st.none() | _texts),
        victim_identified=draw(_flags),
    )
    return Entry(
        kind=kind,
        value=value,
        variant=draw(st.none() | st.just("full-resolution/exact")),
        quality=draw(st.none() | st.integers(0, 100)),
        labels=labels,
        state=draw(st.sampled_from(EntryState)),
        mentions=tuple(
            draw(st.lists(st.builds(Mention, _texts, st.none() | _texts, _moments), max_size=3))
        ),
        added=draw(st.none() | _moments),
        seen=draw(st.none() | _moments),
        expires=draw(st.none() | _moments),
        withdrawn=draw(st.none() | _moments),
        votes_for=draw(st.integers(0, 9)),
        votes_against=draw(st.integers(0, 9)),
    )


def _read(text: str | bytes, list_format: ListFormat, *, source: str | None = None) -> list[Row]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_rows(io.BytesIO(data), list_format, source=source, now=NOW))


@given(st.lists(_entries(), max_size=5))
def test_an_export_in_jsonl_reads_back_equal(entries: list[Entry]) -> None:
    stream = io.StringIO()
    assert write_jsonl(entries, stream, hash_set=LAMPS, exported=NOW) == len(entries)
    rows = _read(stream.getvalue(), ListFormat.JSONL)
    assert [row.reason for row in rows] == [None] * len(entries)
    assert [row.entry for row in rows] == entries
    assert [row.line_number for row in rows] == list(range(2, len(entries) + 2))


@given(st.lists(_entries(), max_size=5))
def test_an_export_in_csv_reads_back_equal(entries: list[Entry]) -> None:
    stream = io.StringIO()
    assert write_csv(entries, stream, hash_set=LAMPS, exported=NOW) == len(entries)
    rows = _read(stream.getvalue(), ListFormat.CSV)
    assert [row.reason for row in rows] == [None] * len(entries)
    assert [row.entry for row in rows] == entries


def test_every_export_says_whose_it_is_and_how_it_may_be_handled() -> None:
    told = ("lamps", "generated", LAMPS.owner, "TLP:AMBER+STRICT", "as agreed", NOW.isoformat())
    lines, table = io.StringIO(), io.StringIO()
    entry = Entry(kind="md5", value="0" * 32)
    write_jsonl([entry], lines, hash_set=LAMPS, exported=NOW, revision=7, since=NOW)
    write_csv([entry], table, hash_set=LAMPS, exported=NOW)
    import csv
    import json

    head = json.loads(lines.getvalue().splitlines()[0])
    names = ("set", "origin", "owner", "handling", "terms", "exported")
    assert tuple(head[name] for name in names) == told
    assert (head["purpose"], head["revision"], head["since"]) == (
        LAMPS.purpose,
        7,
        NOW.isoformat(),
    )
    (row,) = csv.DictReader(io.StringIO(table.getvalue(), newline=""))
    assert tuple(row[name] for name in names) == told


def test_the_importing_source_is_the_only_mention_and_keeps_its_own_id() -> None:
    line = (
        '{"kind":"md5","value":"%s","mentions":[{"source":"ORG","source_id":"7","added":"2020-01-01"},'
        '{"source":"Other","source_id":"8","added":"2020-01-01"}]}' % ("a" * 32)
    )
    (row,) = _read(line, ListFormat.JSONL, source="ORG")
    assert row.entry is not None
    assert row.entry.mentions == (Mention("ORG", "7", NOW),)


def test_hexadecimal_digits_are_taken_in_either_case() -> None:
    (row,) = _read('{"kind":"pdq","value":"%s"}' % ("AB" * 32), ListFormat.JSONL)
    assert row.entry == Entry(kind="pdq", value="ab" * 32)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"kind":"md5","value":"', "not-json"),
        (b"[1]", "not-an-object"),
        (b'{"kind":"md5","value":"00"} x', "not-json"),
        (b'{"kind":"md5"}', "missing-value"),
        (b'{"kind":"md5","value":7}', "bad-value"),
        (b'{"value":"' + b"0" * 32 + b'"}', "missing-kind"),
        (b'{"kind":["md5"],"value":"' + b"0" * 32 + b'"}', "bad-kind"),
        (b'{"kind":"md5","value":"' + b"0" * 31 + b'"}', "bad-value"),
        (b'{"kind":"md5","value":"' + b"g" * 32 + b'"}', "bad-value"),
        (b'{"kind":"../etc","value":"' + b"0" * 32 + b'"}', "bad-kind"),
        (b'{"kind":"photodna","value":"a b c d e f g"}', "bad-value"),
        (b'{"kind":"md5","value":"' + b"0" * 32 + b'","colour":1}', "unknown-field"),
        (b'{"kind":"md5","value":"' + b"0" * 32 + b'","quality":101}', "bad-quality"),
        (b'{"kind":"md5","value":"' + b"0" * 32 + b'","quality":true}', "bad-field"),
        (b'{"kind":"md5","value":"' + b"0" * 32 + b'","added":"once"}', "bad-date"),
        (b'{"kind":"md5","value":"' + b"0" * 32 + b'","state":"ripe"}', "bad-field"),
        (b'{"kind":"md5","value":"' + b"0" * 32 + b'","labels":{"hue":1}}', "unknown-field"),
        (b'{"kind":"md5","value":"' + b"0" * 32 + b'","labels":{"age_group":[]}}', "bad-field"),
        (
            b'{"kind":"md5","value":"' + b"0" * 32 + b'","labels":{"industry_class":"C"}}',
            "bad-class",
        ),
        (
            b'{"kind":"md5","value":"' + b"0" * 32 + b'","labels":{"computer_generated":1}}',
            "bad-field",
        ),
        (b'{"kind":"md5","value":"' + b"0" * 32 + b'","source_id":"a\\nb"}', "bad-field"),
        (b'{"kind":"md5","value":"\xff"}', "bad-encoding"),
        (b'{"kind":"md5",\0"value":""}', "bad-encoding"),
        (b"[" * 60_000, "not-json"),
    ],
)
def test_a_bad_line_is_a_row_with_a_reason_and_its_neighbours_are_read(
    line: bytes, reason: str
) -> None:
    good = b'{"kind":"md5","value":"' + b"1" * 32 + b'"}'
    rows = _read(good + b"\n" + line + b"\r\n\n" + good, ListFormat.JSONL, source="ORG")
    assert [row.reason for row in rows] == [None, reason, None]
    assert [row.line_number for row in rows] == [1, 2, 4]
    assert rows[1].entry is None
    assert rows[1].raw.startswith(line[:10].decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("size", [70_000, 1_100_000, 3_000_000])
@pytest.mark.parametrize("list_format", [ListFormat.JSONL, ListFormat.CSV])
def test_a_huge_line_is_passed_over_in_bounded_memory(size: int, list_format: ListFormat) -> None:
    header, good = {
        ListFormat.JSONL: (b"", b'{"kind":"md5","value":"' + b"1" * 32 + b'"}\n'),
        ListFormat.CSV: (b"kind,value\n", b"md5," + b"1" * 32 + b"\n"),
    }[list_format]
    rows = _read(header + good + b"x" * size + b"\n" + good, list_format)
    assert sorted(row.reason or "" for row in rows) == ["", "", "line-too-long"]
    assert max(len(row.raw) for row in rows) < 5_000


def test_a_line_across_the_chunks_of_the_reader_is_whole() -> None:
    lines = [
        '{{"kind":"md5","value":"{:032x}","source_id":"{}"}}'.format(i, "lamp é" * (i % 7))
        for i in range(30_000)
    ]
    rows = _read("\n".join(lines), ListFormat.JSONL)
    assert [row.entry.value for row in rows if row.entry] == [f"{i:032x}" for i in range(30_000)]


@given(st.binary(max_size=200))
def test_any_bytes_read_as_jsonl_give_rows_and_no_error(data: bytes) -> None:
    for row in _read(data, ListFormat.JSONL, source="ORG"):
        assert (row.entry is None) == (row.reason is not None)


@given(st.binary(max_size=200))
def test_any_bytes_after_a_csv_header_give_rows_and_no_error(data: bytes) -> None:
    for row in _read(b"kind,value,quality,added\n" + data, ListFormat.CSV, source="ORG"):
        assert (row.entry is None) == (row.reason is not None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('md5,"%s' % ("0" * 32), "bad-csv"),
        ('md5,"a"b', "bad-csv"),
        ("md5", "bad-columns"),
        ("md5,%s,," % ("0" * 32), "bad-columns"),
    ],
)
def test_a_broken_csv_row_is_a_reject(line: str, reason: str) -> None:
    good = "md5," + "1" * 32
    rows = _read(f"kind,value\n{good}\n{line}\n", ListFormat.CSV)
    assert [row.reason for row in rows] == [None, reason]


def test_quotes_and_line_breaks_inside_csv_cells_are_kept_to_their_row() -> None:
    text = 'kind,value,age_group\n"md5","{}","an ""old"" lamp"\nmd5,{},"two\nlines"\n'.format(
        "0" * 32,
        "1" * 32,
    )
    first, second = _read(text, ListFormat.CSV)
    assert first.entry is not None
    assert first.entry.labels.age_group == 'an "old" lamp'
    assert second.reason == "bad-field"


def test_a_csv_of_other_columns_needs_a_mapping() -> None:
    with pytest.raises(InvalidConfiguration, match="not Lightkeeper's own") as raised:
        _read("hash,type\n", ListFormat.CSV)
    assert "mapping" in str(raised.value.hint)
    with pytest.raises(InvalidConfiguration, match="empty"):
        _read("", ListFormat.CSV)


def test_times_without_a_zone_are_taken_as_utc() -> None:
    line: Any = (
        '{"kind":"md5","value":"%s","added":"2026-01-01T01:00:00+01:00","seen":"2026-01-01"}'
    )
    (row,) = _read(line % ("0" * 32), ListFormat.JSONL)
    assert row.entry is not None
    assert row.entry.added == row.entry.seen == datetime(2026, 1, 1, tzinfo=UTC)
    assert row.entry.seen.utcoffset() == timedelta(0)
