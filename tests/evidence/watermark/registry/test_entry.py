from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence.watermark.registry import Fingerprint, MarkEntry
from lightkeeper.evidence.watermark.registry._entry import (
    PAYLOAD_BITS,
    parse_payload,
    payload_hex,
    random_payload,
)
from lightkeeper.evidence.watermark.registry._wire import (
    FIELDS,
    entry_id,
    entry_line,
    parse_entry,
    withheld,
)
from lightkeeper.evidence.watermark.registry._withdrawal import Reason, Withdrawal

from .conftest import entry, fingerprint, withdrawn


def test_no_field_is_for_a_prompt_or_a_person() -> None:
    known = {f.name for f in fields(MarkEntry)}
    assert known == set(FIELDS)
    assert known == {
        "payload",
        "organisation",
        "model",
        "version",
        "period",
        "fingerprint",
        "manifest_sha256",
        "manifest_url",
        "withdrawn",
    }


@pytest.mark.parametrize("name", ["prompt", "user", "email", "account", "ip", "seed", "note"])
def test_a_field_that_is_not_known_is_refused(name: str) -> None:
    line = entry_line(entry(1))
    more = line[:-1] + f',"{name}":"a lighthouse at dusk"}}'.encode()
    with pytest.raises(InvalidConfiguration, match="unknown field") as caught:
        parse_entry(more, where="here")
    assert "lighthouse" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " leading",
        "somebody@harbour.example",
        "two\nlines",
        "a lighthouse at dusk, long exposure, calm sea, warm light in all of the windows",
        "control\x1b[31m",
        "turned\u202e",
        "zero\u200bwidth",
        "apart e\u0301",
        "<script>",
    ],
)
@pytest.mark.parametrize("name", ["organisation", "model", "version"])
def test_what_is_no_name_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidConfiguration, match=f"'{name}'"):
        entry(1, **{name: text})


@pytest.mark.parametrize(
    "period", ["2026-03-14T09:26", "2026-13", "26", "2026-02-32", "2026-02-31", "0000", "now"]
)
def test_a_period_is_no_finer_than_a_day(period: str) -> None:
    with pytest.raises(InvalidConfiguration, match="period"):
        entry(1, period=period)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("manifest_sha256", "ab"),
        ("manifest_sha256", "AB" * 32),
        ("manifest_url", "http://harbour.example/m"),
        ("manifest_url", "file:///etc/passwd"),
        ("manifest_url", "https://somebody@harbour.example/m"),
        ("manifest_url", "https://harbour.example/\u202egnp.m"),
        ("manifest_url", "https://h\u0430rbour.example/m"),
        ("manifest_url", "https://harbour.example/\x1b[31m"),
    ],
)
def test_a_manifest_is_named_by_a_digest_and_an_https_address(name: str, value: str) -> None:
    with pytest.raises(InvalidConfiguration, match=name):
        entry(1, **{name: value})


@pytest.mark.parametrize("payload", [-1, 1 << PAYLOAD_BITS])
def test_a_payload_has_48_bits(payload: int) -> None:
    with pytest.raises(InvalidConfiguration, match="48 bits"):
        entry(1, payload)


def test_a_line_gives_the_entry_back() -> None:
    full = entry(1, manifest_sha256="ab" * 32, manifest_url="https://harbour.example/m/1")
    assert parse_entry(entry_line(full), where="here") == full
    assert parse_entry(entry_line(entry(2)), where="here") == entry(2)


@pytest.mark.parametrize("size", [(0, 384), (512, 0), (512, 512), (384, 512 << 12)])
def test_a_sketch_of_another_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidConfiguration):
        replace(fingerprint(1), width=size[0], height=size[1])


def test_a_fingerprint_with_a_short_hash_is_refused() -> None:
    with pytest.raises(InvalidConfiguration, match="32 bytes"):
        Fingerprint(width=64, height=64, pdq=b"x", quality=100, sketch_sha256="00" * 32)


def test_a_sketch_that_its_digest_does_not_name_is_refused() -> None:
    own = fingerprint(1)
    assert own.sketch is not None
    with pytest.raises(InvalidConfiguration, match="its digest names"):
        replace(own, sketch=bytes([own.sketch[0] ^ 1]) + own.sketch[1:])
    with pytest.raises(InvalidConfiguration, match="64 hexadecimal digits"):
        replace(own, sketch_sha256="zz")


def test_what_is_published_is_the_same_entry_without_its_sketch() -> None:
    public = withheld(entry(1))
    assert public.fingerprint.sketch is None
    assert public.fingerprint.sketch_sha256 == fingerprint(1).sketch_sha256
    assert entry_id(public) == entry_id(entry(1))
    assert parse_entry(entry_line(public), where="here") == public


def test_an_entry_of_the_first_version_is_refused_with_what_to_do() -> None:
    line = entry_line(entry(1))
    old = re.sub(rb'"sketch_sha256":"[0-9a-f]{64}",', b"", line)
    assert old != line
    with pytest.raises(InvalidConfiguration, match="first version of registries") as caught:
        parse_entry(old, where="here")
    assert "register the marked picture again" in (caught.value.hint or "")


def test_a_payload_is_written_and_read() -> None:
    assert parse_payload(payload_hex(random_payload())) < 1 << PAYLOAD_BITS
    assert parse_payload(" 0000000000FF ") == 255
    for text in ("", "ff", "0x00000000ff", "zz" * 6):
        with pytest.raises(EvidenceError, match="12 hexadecimal digits"):
            parse_payload(text)


def test_a_withdrawal_is_written_and_read_and_keeps_the_identity() -> None:
    gone = withdrawn(1)
    assert parse_entry(entry_line(gone), where="here") == gone
    assert entry_id(gone) == entry_id(entry(1)) != entry_id(entry(2))


@pytest.mark.parametrize("day", ["2026-02-30", "2026-3-14", "20260314", "2026-03-14T00:00", ""])
def test_a_withdrawal_has_a_day(day: str) -> None:
    with pytest.raises(InvalidConfiguration, match="no day"):
        Withdrawal(on=day, reason=Reason.REQUEST)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"mistake"', b'"Ask Jane"'),
        (b'"2026-03-15"', b'"2026-02-30"'),
        (b'"on":', b'"by":'),
        (b'{"on":"2026-03-15","reason":"mistake"}', b"true"),
    ],
)
def test_a_withdrawal_of_another_form_is_refused(old: bytes, new: bytes) -> None:
    with pytest.raises(InvalidConfiguration, match="here") as caught:
        parse_entry(entry_line(withdrawn(1)).replace(old, new), where="here")
    assert "Jane" not in str(caught.value)


def test_a_message_quotes_nothing_of_a_field_that_is_not_known() -> None:
    line = entry_line(entry(1))[:-1] + b',"' + b"lighthouse" * 1000 + b'":1}'
    with pytest.raises(InvalidConfiguration, match="unknown field") as caught:
        parse_entry(line, where="here")
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize("value", [b"-1", b"1e400", b"340282366920938463463374607431768211456"])
def test_a_number_that_no_picture_has_is_refused(value: bytes) -> None:
    line = entry_line(entry(1)).replace(b'"width":512', b'"width":' + value)
    with pytest.raises(InvalidConfiguration, match="here"):
        parse_entry(line, where="here")
