"""EXIF: every type, both byte orders, every real encoding of UserComment, and lies."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.media import Limits
from lightkeeper.media._text import comment_text
from lightkeeper.media._tiff import Directories
from lightkeeper.testing._containers import tiff_block, user_comment

TEXT = "lighthouse at dusk, vélo, 自転車\nSteps: 20, Seed: 7"
LABELS = [b"UNICODE\0", b"ASCII\0\0\0", b"", b"\0" * 8]


def _fields(block: bytes, **limits: int) -> Directories:
    return Directories(block, Limits(**limits))


@pytest.mark.parametrize("order", ["II", "MM"])
@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le", "utf-16", "utf-8", "utf-8-sig"])
def test_user_comment_is_decoded_by_content_alone(order, label, encoding):
    raw = user_comment(TEXT, prefix=label, encoding=encoding)
    (entry,) = _fields(tiff_block(exif={0x9286: raw}, order=order)).fields
    assert (entry.ifd, entry.tag, entry.value) == ("exif", 0x9286, raw)
    assert entry.text == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
def test_utf16_without_any_latin_letter_is_told_by_its_high_bytes(encoding):
    text = "日本の灯台、夕暮れの海と自転車と青い傘の風景画"
    assert comment_text(user_comment(text, encoding=encoding)) == text


def test_japanese_label_is_followed_where_it_holds():
    raw = b"JIS\0\0\0\0\0" + "灯台".encode("iso2022_jp")
    assert comment_text(raw) == "灯台"


def test_latin1_is_the_last_resort():
    assert comment_text(b"ASCII\0\0\0" + "Zoë à vélo".encode("latin-1")) == "Zoë à vélo"


@pytest.mark.parametrize("raw", [b"", b"ASCII\0\0\0", b"\0" * 64, b"ASCII\0\0\0" + b" " * 40])
def test_an_empty_comment_is_no_text(raw):
    assert not (comment_text(raw) or "").strip()


@given(st.text(st.characters(codec="ascii", min_codepoint=32), min_size=2, max_size=80))
def test_any_ascii_comment_survives_either_utf16_order(text):
    for encoding in ("utf-16-be", "utf-16-le"):
        assert comment_text(b"UNICODE\0" + text.encode(encoding)) in (text, text.rstrip())


@given(st.binary(max_size=200))
def test_any_bytes_give_text_or_none(raw):
    assert isinstance(comment_text(raw), (str, type(None)))


@pytest.mark.parametrize("order", ["II", "MM"])
def test_every_numeric_type_is_read(order):
    mark = "<" if order == "II" else ">"
    block = tiff_block(
        ifd0={
            1: (3, struct.pack(mark + "3H", 1, 2, 65535)),
            2: (4, struct.pack(mark + "I", 4_000_000_000)),
            3: (5, struct.pack(mark + "4I", 1, 2, 3, 4)),
            4: (8, struct.pack(mark + "h", -5)),
            5: (9, struct.pack(mark + "i", -70_000)),
            6: (10, struct.pack(mark + "2i", -1, 4)),
            7: (11, struct.pack(mark + "f", 0.5)),
            8: (12, struct.pack(mark + "d", 0.1)),
            9: (6, b"\xff\x01"),
        },
        order=order,
    )
    assert [entry.value for entry in _fields(block).fields] == [
        (1, 2, 65535), (4_000_000_000,), (0.5, 0.75), (-5,), (-70_000,), (-0.25,), (0.5,), (0.1,),
        (-1, 1),
    ]  # fmt: skip


def test_a_rational_without_denominator_is_not_a_number():
    (entry,) = _fields(tiff_block(ifd0={1: (5, bytes(8))})).fields
    assert entry.value[0] != entry.value[0]


@pytest.mark.parametrize("text", ["Canon", "NIKON D70", "ai", "+09:00", "79", "é", "日本"])
def test_short_ascii_values_are_not_taken_for_utf16(text):
    (entry,) = _fields(tiff_block(ifd0={0x010F: text})).fields
    assert entry.value == entry.text == text


def test_padding_after_an_ascii_value_is_dropped():
    (entry,) = _fields(tiff_block(ifd0={0x010F: (2, b"Make" + bytes(28))})).fields
    assert entry.text == "Make"


def test_windows_titles_are_utf16():
    raw = "umbrella".encode("utf-16-le") + b"\0\0"
    (entry,) = _fields(tiff_block(ifd0={0x9C9B: (1, raw)})).fields
    assert entry.text == "umbrella"


def test_binary_is_not_text():
    (entry,) = _fields(tiff_block(exif={0x9101: b"\1\2\3\0"})).fields
    assert (entry.value, entry.text) == (b"\1\2\3\0", None)


def test_gps_is_a_directory_of_its_own():
    found = _fields(tiff_block(gps={1: "N"}, exif={0x9000: b"0232"}))
    assert [(f.ifd, f.text) for f in found.fields] == [("exif", "0232"), ("gps", "N")]


def test_a_value_beyond_the_end_gives_what_is_there():
    block = tiff_block(exif={0x9286: user_comment("lighthouse at dusk")})
    found = _fields(block[:-24])
    assert "lighthouse at dusk".startswith(found.fields[0].text)
    assert [(p.code, p.where) for p in found.problems] == [("truncated", "exif:exif:0x9286")]


def test_directories_that_point_at_each_other_end():
    block = bytearray(tiff_block(exif={0x9000: b"0232"}))
    block[-4:] = struct.pack(">I", 8)
    # Exif points at IFD0 again, and IFD0 names itself as its successor.
    at = 8 + 2
    block[at + 8 : at + 12] = struct.pack(">I", 8)
    block[at + 12 : at + 16] = struct.pack(">I", 8)
    found = _fields(bytes(block))
    assert {p.code for p in found.problems} == {"cyclic"}


def test_entries_that_share_one_huge_value_have_one_budget():
    value = bytes(range(65, 91)) * 2000
    block = tiff_block(ifd0=dict.fromkeys(range(1, 40), (2, value)))
    found = _fields(block, max_text_total=200_000)
    assert len(found.fields) == 3
    assert {p.code for p in found.problems} == {"text-too-long"}


def test_a_maker_note_is_kept_up_to_a_cap():
    (entry,) = _fields(tiff_block(exif={0x927C: bytes(300_000)})).fields
    assert len(entry.value) == 65_536


def test_more_entries_than_allowed_are_ignored_and_said_so():
    found = _fields(tiff_block(ifd0=dict.fromkeys(range(1, 90), 7)), max_chunks=50)
    assert len(found.fields) == 50
    assert {p.code for p in found.problems} == {"too-many-chunks"}


@pytest.mark.parametrize("block", [b"", b"II*\0", b"XX*\0\x08\0\0\0", b"MM\0*\xff\xff\xff\xff"])
def test_a_broken_header_is_a_problem(block):
    found = _fields(block)
    assert found.fields == []
    assert found.problems


@given(st.binary(max_size=400), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_any_bytes_after_a_header_are_survived(body, head):
    assert isinstance(_fields(head + body).fields, list)
