from __future__ import annotations

import io

from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from lightkeeper.preservation._exif import (
    Entry,
    ExifBlock,
    ascii_entry,
    build_exif,
    parse_exif,
    unicode_comment,
)
from lightkeeper.testing._containers import tiff_block

NOTE = bytes(range(256)) * 2


def block(order: str = "MM") -> bytes:
    return tiff_block(
        ifd0={0x010F: "Example", 0x0110: "Box 2", 0x0112: 6, 0x011A: 72.0},
        exif={0x829A: 0.01, 0x927C: NOTE, 0x9286: b"ASCII\0\0\0umbrella"},
        gps={0: (1, b"\2\3\0\0"), 1: "N"},
        order="II" if order == "II" else "MM",
    )


def test_every_field_survives_a_rewrite_in_both_byte_orders() -> None:
    for order in ("II", "MM"):
        first = parse_exif(block(order))
        again = parse_exif(build_exif(first))
        assert {k: e.raw for k, e in again.entries.items()} == {
            k: e.raw for k, e in first.entries.items()
        }
        assert len(first.entries) == 9
        assert again.mark == first.mark


def test_a_maker_note_stays_where_its_offsets_count_from() -> None:
    source = block()
    changed = parse_exif(source).having({("ifd0", 0x0131): ascii_entry("umbrella " * 50)})
    assert build_exif(changed).find(NOTE) == source.find(NOTE)


def test_another_reader_sees_what_was_put_in() -> None:
    text = "雨 umbrella ☂\r\nSteps: 20"
    exif = Image.Exif()
    exif.load(build_exif(ExifBlock().having({("exif", 0x9286): unicode_comment(text)})))
    value = exif.get_ifd(0x8769)[0x9286]
    assert value[:8] == b"UNICODE\0"
    assert value[8:].decode("utf-16-be") == text


def test_a_field_taken_out_is_gone_with_its_bytes() -> None:
    without = build_exif(parse_exif(block()).without([("exif", 0x9286)]))
    assert b"umbrella" not in without
    assert b"Example" in without


def test_a_preview_is_left_out_and_said_so() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(
        buffer, "TIFF", save_all=True, append_images=[Image.new("L", (4, 4))]
    )
    parsed = parse_exif(buffer.getvalue())
    assert "preview" in parsed.left_out
    assert ("ifd0", 0x0111) not in parsed.entries


def test_nothing_gives_nothing() -> None:
    assert build_exif(parse_exif(b"")) == b""
    assert parse_exif(b"no TIFF at all").left_out == ("damaged",)


@given(st.binary(max_size=300), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
@example(b"\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\0", b"MM\0*\0\0\0\x08")
def test_a_hostile_block_is_read_and_written_without_an_error(body: bytes, head: bytes) -> None:
    parsed = parse_exif(head + body)
    again = parse_exif(build_exif(parsed))
    assert set(again.entries) == set(parsed.entries)


tags = st.tuples(st.sampled_from(["ifd0", "exif", "gps"]), st.integers(0x9000, 0x9300))


@given(st.dictionaries(tags, st.binary(min_size=1, max_size=40), min_size=1, max_size=12))
def test_any_fields_come_back(fields: dict[tuple[str, int], bytes]) -> None:
    entries = {key: Entry(7, raw) for key, raw in fields.items()}
    again = parse_exif(build_exif(ExifBlock("<", entries)))  # type: ignore[arg-type]
    assert {key: entry.raw for key, entry in again.entries.items()} == fields
