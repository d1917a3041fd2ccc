"""Who may take a case out of the house, and what is written down of it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest

from lightkeeper.cases.item import MediaFacts
from lightkeeper.cases.people import Actor, Role
from lightkeeper.errors import (
    CaseNotFound,
    InvalidTransition,
    NotPermitted,
    StaleCase,
    VaultError,
)
from lightkeeper.reporting.package import Package, contents, verify_package
from lightkeeper.reporting.package._archive import signed
from lightkeeper.reporting.package._desk import _described, _record
from lightkeeper.testing.cases import person

from .conftest import KEY, Handing, entries_of, said_in


def exports(office: Handing) -> list[dict[str, str]]:
    with office.store.reading() as reader:
        return [event.details for event in reader.events() if event.action == "exported"]


def test_the_same_case_at_the_same_time_is_the_same_file_to_the_byte() -> None:
    office = Handing()
    case = office.case_with()
    first = office.packages.hand_over(office.lea, case)
    with office.store.reading() as reader:
        before = tuple(reader.events(case=case))[:-1]
    again = office.packages.hand_over(office.lea, case)
    assert first.content() == first.content()
    # The audit has grown by the first handing over, and nothing else differs.
    one, two = said_in(first.content()), said_in(again.content())
    assert [e["sequence"] for e in one["audit"]["events"]] == [e.sequence for e in before]
    assert two["audit"]["events"][-1]["action"] == "exported"
    assert {k: v for k, v in one.items() if k != "audit"} == {
        k: v for k, v in two.items() if k != "audit"
    }


def test_equal_input_makes_equal_bytes_whatever_the_clock_of_the_machine_says() -> None:
    office = Handing()
    case = office.case_with()
    with office.store.reading() as reader:
        record = _record(reader, office.lea, case)

    def made(zone: tzinfo) -> bytes:
        at = datetime(2026, 5, 4, 9, 30, tzinfo=UTC).astimezone(zone)
        entries = _described(contents(record, at=at, by="lea"), at)
        entries = signed(entries, case=case, made=at, key=KEY)
        return Package(file_name="", manifest_sha256="", made=at, entries=entries).content()

    assert made(UTC) == made(UTC) == made(timezone(timedelta(hours=9)))


def test_handing_out_is_in_the_audit_with_the_digest_of_the_manifest(office: Handing) -> None:
    case = office.case_with()
    package = office.packages.hand_over(office.lea, case)
    (details,) = exports(office)
    manifest = entries_of(package.content())["manifest.json"]
    assert details["manifest-sha256"] == hashlib.sha256(manifest).hexdigest()
    assert details["media"] == "no"
    assert details["entries"] == "5"


def test_there_are_no_files_unless_a_person_asks_for_them(office: Handing) -> None:
    case = office.case_with()
    plain = entries_of(office.packages.hand_over(office.lea, case).content())
    assert sorted(plain) == ["case.html", "case.json", "case.pdf", "manifest.json", "manifest.sig"]
    full = entries_of(office.packages.hand_over(office.lea, case, with_media=True).content())
    media = office.picture(case).media
    assert media is not None
    assert hashlib.sha256(full["media/001.jpeg"]).hexdigest() == media.sha256
    assert [details["media"] for details in exports(office)] == ["no", "yes"]


def test_a_key_gets_a_package_and_never_a_file(office: Handing) -> None:
    case = office.case_with()
    key = Actor(id="key", name="key", roles=frozenset({Role.REPORTER}), is_person=False)
    assert office.packages.hand_over(key, case).content()
    with pytest.raises(NotPermitted):
        office.packages.hand_over(key, case, with_media=True)


def test_without_the_right_or_the_queue_nothing_is_handed_out_or_written(office: Handing) -> None:
    case = office.case_with()
    for actor in (office.ida, office.aud, office.program):
        with pytest.raises(NotPermitted):
            office.packages.hand_over(actor, case)
    stranger = person("kim", Role.LEAD, queues=frozenset({"elsewhere"}))
    for asked in (case, "no-such-case"):
        with pytest.raises(CaseNotFound, match="there is no such case"):
            office.packages.hand_over(stranger, asked)
    assert exports(office) == []


def test_whoever_may_still_give_a_blind_second_opinion_is_refused() -> None:
    office = Handing(second_opinion_share=1.0)
    case = office.case_with()
    with pytest.raises(InvalidTransition, match="blind second opinion"):
        office.packages.hand_over(office.lea, case)
    assert exports(office) == []
    # A reporter gives no opinion, and is told that one is awaited.
    package = office.packages.hand_over(office.rob, case)
    assert b"a second opinion is still awaited" in entries_of(package.content())["case.html"]


def test_a_case_that_changes_meanwhile_is_not_handed_out(
    office: Handing, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = office.case_with()
    get = office.vault.get

    def and_somebody_holds_it(key: str) -> bytes:
        office.desk.hold(office.lea, case, because="a letter")
        return get(key)

    monkeypatch.setattr(office.vault, "get", and_somebody_holds_it)
    with pytest.raises(StaleCase):
        office.packages.hand_over(office.lea, case, with_media=True)
    assert exports(office) == []


def changed(office: Handing, case: str, **facts: Any) -> None:
    picture = office.picture(case)
    assert isinstance(picture.media, MediaFacts)
    with office.store.writing() as writer:
        writer.save_item(replace(picture, media=replace(picture.media, **facts)))


@pytest.mark.parametrize(
    ("facts", "state"), [({"vault_key": "gone"}, "missing"), ({"sha256": "0" * 64}, "altered")]
)
def test_a_file_that_is_not_whole_is_named_and_not_sent(
    office: Handing, facts: dict[str, str], state: str
) -> None:
    case = office.case_with()
    changed(office, case, **facts)
    content = office.packages.hand_over(office.lea, case, with_media=True).content()
    file = said_in(content)["items"][0]["file"]
    assert file["in_vault"] == state
    assert file["in_package"] is None
    assert not [name for name in entries_of(content) if name.startswith("media")]


def test_a_file_that_goes_after_the_check_breaks_the_archive_off(office: Handing) -> None:
    case = office.case_with()
    package = office.packages.hand_over(office.lea, case, with_media=True)
    media = office.picture(case).media
    assert media is not None
    office.vault.destroy(media.vault_key)
    with pytest.raises(VaultError):
        package.content()


def test_the_archive_is_made_in_pieces_as_it_is_taken(office: Handing) -> None:
    case = office.case_with()
    package = office.packages.hand_over(office.lea, case, with_media=True)
    pieces = list(package.stream())
    assert len(pieces) > len(package.entries)
    public = KEY.public_key().public_bytes_raw()
    assert verify_package(io.BytesIO(b"".join(pieces)), key=public).intact
