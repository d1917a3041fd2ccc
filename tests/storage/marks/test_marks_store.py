from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event, text, update

from lightkeeper.errors import InvalidConfiguration, MatchError
from lightkeeper.evidence.watermark.registry import Fingerprint, MarkEntry, MarkRegistry
from lightkeeper.evidence.watermark.registry._file import (
    RegistryHead,
    parse_registry,
    registry_bytes,
)
from lightkeeper.evidence.watermark.registry._wire import entry_id, entry_line
from lightkeeper.evidence.watermark.registry._withdrawal import Reason, Withdrawal
from lightkeeper.storage import open_store
from lightkeeper.storage._engine import make_engine, writing
from lightkeeper.storage.marks import SqlMarkRegistry, open_marks
from lightkeeper.storage.marks._open import CHAIN
from lightkeeper.storage.marks._tables import mark_entry, metadata
from lightkeeper.testing import photo_like

NOW = datetime(2026, 3, 14, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
PRINT = Fingerprint.of(photo_like(1, width=160, height=120))


def entry(payload: int, model: str = "Harbour") -> MarkEntry:
    return MarkEntry(
        payload=payload, organisation="Studio A", model=model, period="2026", fingerprint=PRINT
    )


def file_of(
    *entries: MarkEntry,
    version: int = 1,
    name: str = "B",
    key: object = KEY,
    sketches: bool = True,
) -> bytes:
    assert isinstance(key, Ed25519PrivateKey)
    head = RegistryHead(name=name, version=version, made=NOW)
    return registry_bytes(head, entries, key=key, sketches=sketches)


@pytest.fixture
def marks(url: str) -> Iterator[SqlMarkRegistry]:
    opened = open_marks(url)
    yield opened
    opened.close()


def test_an_entry_is_found_by_its_payload(marks: SqlMarkRegistry) -> None:
    assert isinstance(marks, MarkRegistry)
    largest = (1 << 48) - 1
    assert marks.add("A", [entry(0), entry(largest), entry(7), entry(7, "Pier")]) == 4
    assert marks.find(largest) == (entry(largest),)
    assert marks.found(7) == (("A", entry(7)), ("A", entry(7, "Pier")))
    assert marks.find(8) == ()
    assert sorted(e.payload for e in marks.entries("A")) == [0, 7, 7, largest]


def test_the_same_entry_is_kept_once(marks: SqlMarkRegistry) -> None:
    assert marks.add("A", [entry(1), entry(1)]) == 1
    assert marks.add("A", [entry(1), entry(2)]) == 1
    assert marks.registries()[0].entries == 2


def test_a_change_shows_in_the_revision(marks: SqlMarkRegistry) -> None:
    before = marks.revision
    marks.add("A", [entry(1)])
    assert marks.revision != before


def test_an_export_is_a_registry_file_and_each_one_is_a_version(marks: SqlMarkRegistry) -> None:
    marks.add("A", [entry(3), entry(1)])
    first = parse_registry(marks.export("A", key=KEY, now=NOW), key=PUBLIC)
    assert [e.payload for e in first.entries()] == [1, 3]
    second = parse_registry(marks.export("A", key=KEY, now=NOW), key=PUBLIC)
    assert (first.head.version, second.head.version) == (1, 2)
    assert second.head.previous == first.sha256


def test_many_payloads_are_one_query(marks: SqlMarkRegistry) -> None:
    marks.add("A", [entry(n) for n in range(30)])
    marks.add("C", [entry(7, "Pier"), entry(8, "Pier")])
    queries: list[str] = []
    event.listen(marks._engine, "before_cursor_execute", lambda *a: queries.append(a[2]))
    found = marks.found_all([7, 99, 8, 7])
    assert len([q for q in queries if "mark_entry" in q]) == 1
    assert list(found) == [7, 99, 8]
    assert found[7] == (("A", entry(7)), ("C", entry(7, "Pier")))
    assert found[99] == ()


def test_decoys_are_spread_over_other_payloads(marks: SqlMarkRegistry) -> None:
    assert (marks.decoys(1), len(marks)) == ((), 0)
    marks.add("A", [entry(n) for n in range(5)])
    assert len(marks) == 5
    assert marks.decoys(1) == (PRINT,) * 4
    marks.withdraw("A", 2, Withdrawal(on="2026-03-15", reason=Reason.MISTAKE))
    assert marks.decoys(1) == (PRINT,) * 4
    assert len(marks) == 5


def test_an_export_holds_sketches_only_where_that_is_asked_for(marks: SqlMarkRegistry) -> None:
    marks.add("A", [entry(1)])
    public = parse_registry(marks.export("A", key=KEY, now=NOW), key=PUBLIC)
    whole = parse_registry(marks.export("A", key=KEY, now=NOW, sketches=True), key=PUBLIC)
    assert (public.sketches, whole.sketches) == (False, True)
    assert [e.fingerprint.sketch for e in public.entries()] == [None]
    assert list(whole.entries()) == [entry(1)]


def test_a_sketch_that_was_seen_stays_when_a_public_version_follows(
    marks: SqlMarkRegistry,
) -> None:
    versions = [
        file_of(entry(1), version=1, sketches=False),
        file_of(entry(1), version=2, sketches=True),
        file_of(gone(1), version=3, sketches=False),
    ]
    kept = []
    for content in versions:
        marks.take_over(parse_registry(content, key=PUBLIC))
        kept += marks.find(1)
    assert [e.fingerprint.sketch is None for e in kept] == [True, False, False]
    assert [e.withdrawn is None for e in kept] == [True, True, False]


def test_a_file_is_taken_over_and_renewed_by_a_newer_version(marks: SqlMarkRegistry) -> None:
    marks.add("A", [entry(5)])
    first = parse_registry(file_of(entry(1), entry(2)), key=PUBLIC)
    assert marks.take_over(first) == (2, 0)
    assert marks.take_over(first) == (0, 0)
    newer = parse_registry(file_of(entry(2), entry(3), version=2), key=PUBLIC)
    assert marks.take_over(newer) == (1, 1)
    assert [e.payload for e in marks.entries("B")] == [2, 3]
    assert marks.find(5) == (entry(5),)
    with pytest.raises(MatchError, match="not newer than 2"):
        marks.take_over(first)


def test_another_file_of_the_same_version_is_refused(marks: SqlMarkRegistry) -> None:
    marks.take_over(parse_registry(file_of(entry(1)), key=PUBLIC))
    with pytest.raises(MatchError, match="not newer"):
        marks.take_over(parse_registry(file_of(entry(2)), key=PUBLIC))
    assert marks.find(1) == (entry(1),)


def test_another_key_is_refused(marks: SqlMarkRegistry) -> None:
    marks.take_over(parse_registry(file_of(entry(1)), key=PUBLIC))
    other = file_of(entry(2), version=2, key=Ed25519PrivateKey.generate())
    with pytest.raises(MatchError, match="another key before"):
        marks.take_over(parse_registry(other, key=None))
    assert [r.version for r in marks.registries()] == [1]


def test_a_registry_has_one_owner(marks: SqlMarkRegistry) -> None:
    marks.add("A", [entry(1)])
    marks.take_over(parse_registry(file_of(entry(2)), key=PUBLIC))
    with pytest.raises(MatchError, match="of your own"):
        marks.take_over(parse_registry(file_of(entry(3), name="A"), key=PUBLIC))
    for act in (
        lambda: marks.add("B", [entry(9)]),
        lambda: marks.export("B", key=KEY, now=NOW),
    ):
        with pytest.raises(MatchError, match="is its owner's"):
            act()
    with pytest.raises(MatchError, match="no registry 'C'"):
        marks.export("C", key=KEY, now=NOW)
    with pytest.raises(MatchError, match="no registry 'C'"):
        list(marks.entries("C"))


def test_many_entries_are_paged(marks: SqlMarkRegistry) -> None:
    many = [entry(number) for number in range(2_300)]
    assert marks.add("A", many) == len(many)
    assert list(marks.entries("A")) == many
    file = parse_registry(file_of(version=2, name="B"), key=PUBLIC)
    assert marks.take_over(file) == (0, 0)


def test_writers_wait_for_each_other(marks: SqlMarkRegistry) -> None:
    marks.add("A", [])
    added: list[int] = []

    def write(start: int) -> None:
        added.append(marks.add("A", [entry(n) for n in range(start, start + 60)]))

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 30, 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(added) == marks.registries()[0].entries == 120


def test_hash_sets_may_be_in_the_same_data_base(url: str) -> None:
    open_store(url).close()
    marks = open_marks(url)
    assert marks.add("A", [entry(1)]) == 1
    marks.close()
    open_store(url, create=False).close()


def test_migrations_end_where_the_code_begins(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    open_marks(url).close()
    engine = make_engine(url)
    with engine.connect() as connection:
        options = {"version_table": CHAIN.version_table}
        context = MigrationContext.configure(connection, opts=options)
        assert context.get_current_revision() == CHAIN.newest
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_store_of_a_newer_version_is_refused(url: str) -> None:
    open_marks(url).close()
    engine = make_engine(url)
    with writing(engine) as connection:
        connection.execute(text("UPDATE marks_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(MatchError, match="version 9999"):
        open_marks(url)


GONE = Withdrawal(on="2026-03-15", reason=Reason.MISTAKE)


def gone(payload: int, model: str = "Harbour") -> MarkEntry:
    return replace(entry(payload, model), withdrawn=GONE)


def test_a_withdrawn_entry_stays_and_says_so_wherever_it_is_read(marks: SqlMarkRegistry) -> None:
    marks.add("A", [entry(1), entry(2)])
    before = marks.revision
    assert marks.withdraw("A", 1, GONE) == gone(1)
    assert marks.revision != before
    assert marks.find(1) == (gone(1),)
    assert list(marks.entries("A")) == [gone(1), entry(2)]
    file = parse_registry(marks.export("A", key=KEY, now=NOW, sketches=True), key=PUBLIC)
    assert list(file.entries()) == [gone(1), entry(2)]


def test_a_withdrawal_is_final_and_keeps_its_first_day(marks: SqlMarkRegistry) -> None:
    marks.add("A", [entry(1)])
    marks.withdraw("A", 1, GONE)
    later = Withdrawal(on="2026-04-01", reason=Reason.REQUEST)
    assert marks.withdraw("A", 1, later) == gone(1)
    assert marks.add("A", [entry(1)]) == 0
    assert marks.find(1) == (gone(1),)


def test_one_of_several_entries_is_withdrawn_by_its_identity(marks: SqlMarkRegistry) -> None:
    marks.add("A", [entry(7), entry(7, "Pier")])
    marks.add("B", [entry(7)])
    chosen = entry_id(entry(7, "Pier")).hex()
    with pytest.raises(MatchError, match="2 such entries") as caught:
        marks.withdraw("A", 7, GONE)
    assert chosen in str(caught.value.hint)
    marks.withdraw("A", 7, GONE, entry=chosen)
    assert marks.find(7) == (entry(7), entry(7), gone(7, "Pier"))
    for payload, identity in ((8, None), (7, "00" * 32)):
        with pytest.raises(MatchError, match="0 such entries"):
            marks.withdraw("A", payload, GONE, entry=identity)


def test_only_the_owner_of_a_registry_withdraws(marks: SqlMarkRegistry) -> None:
    marks.take_over(parse_registry(file_of(entry(1)), key=PUBLIC))
    with pytest.raises(MatchError, match="is its owner's"):
        marks.withdraw("B", 1, GONE)
    with pytest.raises(MatchError, match="no registry 'C'"):
        marks.withdraw("C", 1, GONE)
    assert marks.find(1) == (entry(1),)


def test_a_withdrawal_comes_with_the_next_file_and_stays(marks: SqlMarkRegistry) -> None:
    marks.take_over(parse_registry(file_of(entry(1), entry(2)), key=PUBLIC))
    newer = parse_registry(file_of(gone(1), entry(2), version=2), key=PUBLIC)
    assert marks.take_over(newer) == (0, 0)
    assert marks.find(1) == (gone(1),)
    back = parse_registry(file_of(entry(1), entry(2), version=3), key=PUBLIC)
    with pytest.raises(MatchError, match="was withdrawn"):
        marks.take_over(back)
    assert marks.find(1) == (gone(1),)
    assert marks.registries()[0].version == 2


def test_a_flood_in_one_registry_hides_no_entry_of_another(marks: SqlMarkRegistry) -> None:
    flood = [entry(1, f"Model {n}") for n in range(64)]
    marks.take_over(parse_registry(file_of(*flood), key=PUBLIC))
    marks.add("A", [entry(1), entry(1, "Pier")])
    found = marks.found(1)
    assert len(found) == 64
    assert found[1:4:2] == (("A", entry(1)), ("A", entry(1, "Pier")))


@pytest.mark.parametrize("name", ["", "x" * 81, "two\nlines", "a\0b", "e\u0301", " A"])
def test_what_is_no_name_of_a_registry_is_refused_before_it_is_made(
    marks: SqlMarkRegistry, name: str
) -> None:
    with pytest.raises(InvalidConfiguration, match="name"):
        marks.add(name, [entry(1)])
    assert marks.registries() == ()


@pytest.mark.parametrize("name", ["'; DROP TABLE mark_entry; --", 'A" OR 1=1', "%", "Ä_ö 標"])
def test_a_name_is_never_a_part_of_a_statement(marks: SqlMarkRegistry, name: str) -> None:
    marks.add("A", [entry(1)])
    marks.add(name, [entry(2)])
    assert list(marks.entries(name)) == [entry(2)]
    assert marks.withdraw(name, 2, GONE) == gone(2)
    assert parse_registry(marks.export(name, key=KEY, now=NOW), key=PUBLIC).name == name
    assert marks.find(1) == (entry(1),)


def test_a_row_that_another_hand_changed_is_an_error_and_no_unknown_payload(
    marks: SqlMarkRegistry, url: str
) -> None:
    marks.add("A", [entry(1)])
    engine = make_engine(url)
    with writing(engine) as connection:
        connection.execute(mark_entry.update().values(record=b"{}"))
    engine.dispose()
    with pytest.raises(MatchError, match="cannot be read"):
        marks.find(1)


def test_withdrawals_and_additions_at_once_lose_nothing(marks: SqlMarkRegistry) -> None:
    marks.add("A", [entry(n) for n in range(20)])

    def withdraw() -> None:
        for n in range(20):
            marks.withdraw("A", n, GONE)

    def add() -> None:
        for n in range(20):
            marks.add("A", [entry(n), entry(100 + n)])

    threads = [threading.Thread(target=work) for work in (withdraw, add, withdraw)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = {e.payload: e for e in marks.entries("A")}
    assert len(kept) == marks.registries()[0].entries == 40
    assert all((e.withdrawn == GONE) is (p < 100) for p, e in kept.items())


def test_an_entry_of_the_first_version_is_refused_with_what_to_do(marks: SqlMarkRegistry) -> None:
    marks.add("A", [entry(1)])
    line = entry_line(entry(1))
    old = re.sub(rb'"sketch_sha256":"[0-9a-f]{64}",', b"", line)
    with writing(marks._engine) as connection:
        connection.execute(update(mark_entry).values(record=old))
    with pytest.raises(MatchError, match="first version of registries") as caught:
        marks.find(1)
    assert "register the marked picture again" in (caught.value.hint or "")
