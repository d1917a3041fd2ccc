"""Entries in the XML of a hash sharing API, hostile XML included."""

from __future__ import annotations

import io
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.matching import EntryLabels
from lightkeeper.matching.formats import ListFormat, Row, read_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAMESPACE = "https://hashsharing.ncmec.org/hashsharing/v2"
PDQ, MD5, SHA1 = "0f" * 32, "a1" * 16, "b2" * 20

LIST = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<queryResult xmlns="{NAMESPACE}">
  <images count="2" maxTimestamp="2026-01-01T00:00:00Z">
    <image>
      <member id="42">Lamp Keepers</member>
      <timestamp>2026-01-01T00:00:00Z</timestamp>
      <id>lamp-1</id>
      <classification>A1</classification>
      <fingerprints>
        <md5>{MD5.upper()}</md5><sha1>{SHA1}</sha1><pdq>{PDQ}</pdq><pdna>12,34,56,78</pdna>
        <netclean>abcdefgh</netclean><tmk_pdqf href="/v2/files/1"/>
      </fingerprints>
    </image>
    <deletedImage>
      <member id="43">Others</member><id>lamp-2</id><timestamp>2026-01-01T00:00:00Z</timestamp>
    </deletedImage>
  </images>
  <videos count="2" maxTimestamp="2026-01-01T00:00:00Z">
    <video>
      <member id="42">Lamp Keepers</member><id>film-1</id>
      <fingerprints><md5>{MD5}</md5></fingerprints>
    </video>
    <deletedVideo><member id="42">Lamp Keepers</member><id>film-2</id></deletedVideo>
  </videos>
  <paging><next>/v2/entries?from=1</next></paging>
</queryResult>"""


def _read(text: str | bytes) -> list[Row]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_rows(io.BytesIO(data), ListFormat.NCMEC, source="NCMEC", now=NOW))


def test_each_fingerprint_is_an_entry_that_its_member_names() -> None:
    rows = [row for row in _read(LIST) if row.entry]
    assert [(row.entry.kind, row.entry.value) for row in rows if row.entry] == [
        ("md5", MD5),
        ("sha1", SHA1),
        ("pdq", PDQ),
        ("photodna", "12,34,56,78"),
        ("netclean", "abcdefgh"),
        ("md5", MD5),
    ]
    assert {row.source for row in rows} == {"NCMEC/42"}
    first = rows[0].entry
    assert first is not None
    assert first.labels == EntryLabels(industry_class="A1")
    assert (first.mentions[0].source, first.mentions[0].source_id) == ("NCMEC/42", "lamp-1")


def test_what_members_took_back_is_a_deletion_by_their_id() -> None:
    rows = [row for row in _read(LIST) if row.deleted_id]
    assert [(row.source, row.deleted_id) for row in rows] == [
        ("NCMEC/43", "lamp-2"),
        ("NCMEC/42", "film-2"),
    ]


def test_a_fingerprint_behind_a_link_is_rejected_not_lost() -> None:
    assert [row.reason for row in _read(LIST) if row.reason] == ["linked-value"]


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_a_truncated_file_keeps_what_was_whole_and_says_so(cut: float) -> None:
    rows = _read(LIST[: int(len(LIST) * cut)])
    assert rows[-1].reason == "truncated"
    assert all(row.reason in (None, "linked-value") for row in rows[:-1])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "truncated"),
        (b"lamp", "bad-xml"),
        (b"<lamps/>", "bad-xml"),
        (b"<queryResult xmlns='urn:x'/>", "bad-xml"),
        (b"<queryResult><images></queryResult>", "bad-xml"),
        (b"<?xml version='1.0' encoding='lamp'?><queryResult/>", "bad-xml"),
        (b"<queryResult>\xff</queryResult>", "bad-xml"),
        (b"<queryResult>\0</queryResult>", "bad-xml"),
        (
            b'<!DOCTYPE q [<!ENTITY a "lamp"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
            b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><queryResult>&c;</queryResult>',
            "forbidden-xml",
        ),
        (
            b'<!DOCTYPE q [<!ENTITY a SYSTEM "file:///etc/hostname">]><queryResult>&a;</queryResult>',
            "forbidden-xml",
        ),
        (b"<!DOCTYPE queryResult><queryResult/>", "forbidden-xml"),
    ],
)
def test_broken_or_hostile_xml_is_one_reject(text: bytes, reason: str) -> None:
    assert [row.reason for row in _read(text)] == [reason]


def test_entries_without_an_id_a_member_or_hashes_are_rejects() -> None:
    rows = _read(
        "<queryResult><images><image><id>1</id></image>"
        "<image><member id='4'/></image>"
        "<deletedImage><member id='4/5'/><id>1</id></deletedImage>"
        "<image><member id='4'/><id>1</id></image>"
        "<image><member id='4'/><id>1</id><fingerprints><md5>x</md5><pdq/></fingerprints></image>"
        "</images></queryResult>"
    )
    assert [row.reason for row in rows] == [
        *["missing-id"] * 3,
        "missing-value",
        "bad-value",
        "missing-value",
    ]


def _long_list(entries: int) -> bytes:
    entry = (
        "<image><member id='42'>K</member><id>lamp-{0}</id>"
        "<fingerprints><md5>{0:032x}</md5></fingerprints></image>"
    )
    body = "".join(entry.format(i) for i in range(entries))
    return f"<queryResult xmlns='{NAMESPACE}'><images>{body}</images></queryResult>".encode()


def test_memory_does_not_grow_with_the_list() -> None:
    peaks = []
    for entries in (2_000, 20_000):
        stream = io.BytesIO(_long_list(entries))
        tracemalloc.start()
        rows = read_rows(stream, ListFormat.NCMEC, source="NCMEC", now=NOW)
        assert sum(row.entry is not None for row in rows) == entries
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000


def test_an_entry_that_does_not_end_ends_the_reading() -> None:
    endless = b"<queryResult><images><image><id>" + b"x" * 3_000_000 + b"</id></image>"
    rows = _read(endless)
    assert [row.reason for row in rows] == ["bad-xml"]


@given(st.integers(0, len(LIST)), st.binary(max_size=8))
def test_any_change_to_a_list_gives_rows_and_no_error(at: int, junk: bytes) -> None:
    data = LIST.encode()
    for row in _read(data[:at] + junk + data[at + len(junk) :]):
        assert (row.entry is None) == (row.reason is not None or row.deleted_id is not None)
