"""Lists into sets and out of them, against a store in memory."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.errors import MatchError, NotPermitted
from lightkeeper.matching import Entry, EntryState, HashSet, Mention, SetOrigin, SetState, Tlp
from lightkeeper.matching import _transfer as transfer
from lightkeeper.matching._transfer import (
    ImportOptions,
    Transfer,
    diff_list,
    exported_entries,
    import_list,
    merge_sets,
    refuse_if_suspicious,
)
from lightkeeper.matching.formats import ListFormat, Row, read_rows, write_jsonl
from lightkeeper.testing import MemoryStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def _store(**fields: Any) -> MemoryStore:
    store = MemoryStore()
    known = {"owner": "Keepers", "purpose": "lamps", "origin": SetOrigin.GENERATED}
    store.create_set(HashSet(name="lamps", **(known | fields)))
    return store


def _entry(number: int, **fields: Any) -> Entry:
    return Entry(kind="md5", value=f"{number:032x}", **fields)


def _rows(*numbers: int, source: str = "ORG", **fields: Any) -> list[Row]:
    return [
        Row(n, _entry(n, mentions=(Mention(source, f"id-{n}", NOW),), **fields)) for n in numbers
    ]


def _options(now: datetime = NOW, **fields: Any) -> ImportOptions:
    return ImportOptions(**({"source": "ORG", "now": now} | fields))


def _numbers(store: MemoryStore, *states: EntryState, name: str = "lamps") -> list[int]:
    wanted = states or (EntryState.ACTIVE,)
    return sorted(int(e.value, 16) for e in store.entries(name) if e.state in wanted)


def _counts(found: Transfer) -> tuple[int, int, int, int]:
    return found.added, found.changed, found.unchanged, found.withdrawn


def test_importing_a_list_again_changes_nothing() -> None:
    store = _store()
    assert _counts(import_list(store, "lamps", _rows(1, 2, 3), options=_options())) == (3, 0, 0, 0)
    revision = store.last_revision()
    again = import_list(store, "lamps", _rows(1, 2, 3), options=_options(LATER))
    assert _counts(again) == (0, 0, 3, 0)
    assert store.last_revision() == revision


def test_a_diff_says_what_an_import_then_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "BATCH", 2)
    store = _store()
    import_list(store, "lamps", _rows(1, 2, 3, 4, 5), options=_options())
    rows = [*_rows(2, 3), *_rows(4, quality=70), *_rows(6, 7), Row(9, reason="bad-value")]
    options = _options(LATER, complete=True)
    before = store.last_revision()
    compared = diff_list(store, "lamps", rows, options=options)
    assert store.last_revision() == before
    assert compared.standing == 5
    applied = import_list(store, "lamps", rows, options=options)
    assert _counts(compared) == _counts(applied) == (2, 1, 2, 2)
    assert compared.rejected == applied.rejected == {"bad-value": 1}
    assert _numbers(store) == [2, 3, 4, 6, 7]


@given(
    st.lists(st.integers(0, 12), unique=True),
    st.lists(st.integers(0, 12), unique=True),
    st.lists(st.integers(0, 12), unique=True),
    st.booleans(),
)
def test_diff_and_import_agree_whatever_was_there(
    ours: list[int], theirs: list[int], listed: list[int], complete: bool
) -> None:
    store = _store()
    import_list(store, "lamps", _rows(*ours), options=_options())
    other = _rows(*theirs, source="Other")
    import_list(store, "lamps", other, options=_options(source="Other"))
    options = _options(LATER, complete=complete)
    compared = diff_list(store, "lamps", _rows(*listed), options=options)
    applied = import_list(store, "lamps", _rows(*listed), options=options)
    assert _counts(compared) == _counts(applied)
    kept = set(listed) | set(theirs) | (set() if complete else set(ours))
    assert _numbers(store) == sorted(kept)


def test_what_another_source_names_stays_when_a_whole_list_lacks_it() -> None:
    store = _store()
    import_list(store, "lamps", _rows(1, 2), options=_options())
    import_list(store, "lamps", _rows(2, source="Other"), options=_options(source="Other"))
    found = import_list(store, "lamps", _rows(), options=_options(LATER, complete=True))
    assert found.withdrawn == 1
    assert _numbers(store) == [2]


def test_a_source_takes_back_by_key_only_what_it_alone_named() -> None:
    store = _store()
    import_list(store, "lamps", _rows(1, 2), options=_options())
    import_list(store, "lamps", _rows(2, source="Other"), options=_options(source="Other"))
    gone = _rows(1, 2, 3, state=EntryState.WITHDRAWN)
    assert diff_list(store, "lamps", gone, options=_options(LATER)).withdrawn == 1
    assert import_list(store, "lamps", gone, options=_options(LATER)).withdrawn == 1
    assert _numbers(store) == [2]
    assert _numbers(store, EntryState.WITHDRAWN) == [1]


def test_members_take_back_by_their_own_ids() -> None:
    store = _store()
    rows = [
        *(row._replace(source="ORG/1") for row in _rows(1, 2, source="ORG/1")),
        *(row._replace(source="ORG/2") for row in _rows(2, 3, source="ORG/2")),
    ]
    import_list(store, "lamps", rows, options=_options())
    gone = [Row(1, deleted_id=f"id-{n}", source="ORG/1") for n in (1, 2, 3)]
    assert diff_list(store, "lamps", gone, options=_options(LATER)).withdrawn == 1
    assert import_list(store, "lamps", gone, options=_options(LATER)).withdrawn == 1
    assert _numbers(store) == [2, 3]


def test_a_list_of_changes_or_of_several_speakers_is_no_whole_list() -> None:
    store = _store()
    for row in (Row(1, deleted_id="x"), _rows(1, source="ORG/1")[0]._replace(source="ORG/1")):
        with pytest.raises(NotPermitted, match="not a whole list"):
            diff_list(store, "lamps", [row], options=_options(complete=True))


def test_guards_and_refusals_become_rejects_with_their_rows() -> None:
    store, rejects = _store(), list[Row]()
    rows = [*_rows(1, 2, 3), Row(7, reason="not-json", raw="x" * 9_000)]
    rows[2] = Row(3, _entry(3, expires=NOW - timedelta(days=1)), raw="three")

    def check(hash_set: HashSet, entries: Any, /) -> list[str | None]:
        assert hash_set.name == "lamps"
        return ["junk" if entry.value.endswith("1") else None for entry in entries]

    options = _options(check=check, on_reject=rejects.append)
    found = import_list(store, "lamps", rows, options=options)
    assert found.rejected == {"junk": 1, "expired": 1, "not-json": 1}
    assert {(row.line_number, row.reason) for row in rejects} == {
        (1, "junk"),
        (3, "expired"),
        (7, "not-json"),
    }
    assert max(len(row.raw) for row in rejects) == 4_096
    assert _numbers(store) == [2]


def test_progress_is_told_for_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "BATCH", 2)
    told: list[int] = []
    options = _options(on_progress=lambda found: told.append(found.rows))
    import_list(_store(), "lamps", _rows(1, 2, 3), options=options)
    assert told == [2, 3, 3]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Transfer(rejected=transfer.Counter({"truncated": 1})), "damaged"),
        (Transfer(standing=100, withdrawn=11), "more than 10 %"),
    ],
)
def test_a_suspicious_whole_list_is_refused(found: Transfer, message: str) -> None:
    with pytest.raises(NotPermitted, match=message):
        refuse_if_suspicious(found, most_withdrawn_percent=10)


def test_a_usual_whole_list_is_not_refused() -> None:
    rejected = transfer.Counter({"low-quality": 9})
    refuse_if_suspicious(
        Transfer(standing=100, withdrawn=10, rejected=rejected), most_withdrawn_percent=10
    )
    refuse_if_suspicious(Transfer(standing=0), most_withdrawn_percent=0)


def test_a_merge_copies_active_entries_with_their_speakers_and_parks_the_set() -> None:
    store = _store(needs_confirmation=True)
    import_list(store, "lamps", _rows(1, 2, 3, 4), options=_options())
    import_list(store, "lamps", _rows(1, 2, source="Other"), options=_options(source="Other"))
    store.withdraw("lamps", [("md5", f"{2:032x}")], reason="test", now=NOW)
    known = store.hash_set("lamps")
    store.create_set(HashSet(name="all", owner="K", purpose="p", origin=known.origin))
    found, leads = merge_sets(store, "lamps", "all", now=LATER)
    assert (found.rows, found.added, leads) == (1, 1, 2)
    (entry,) = store.entries("all")
    assert {(m.source, m.source_id) for m in entry.mentions} == {("ORG", "id-1"), ("Other", "id-1")}
    assert store.hash_set("lamps").state is SetState.PARKED


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"origin": SetOrigin.PHOTOGRAPHED}, "different origin are never merged"),
        ({"origin": SetOrigin.GENERATED, "negative": True}, "known benign"),
        ({"origin": SetOrigin.GENERATED, "handling": Tlp.GREEN}, "only TLP:GREEN"),
    ],
)
def test_unlike_sets_are_never_merged(fields: dict[str, Any], message: str) -> None:
    store = _store()
    import_list(store, "lamps", _rows(1), options=_options())
    store.create_set(HashSet(name="other", owner="K", purpose="p", **fields))
    with pytest.raises(NotPermitted, match=message):
        merge_sets(store, "lamps", "other", now=LATER)
    assert not list(store.entries("other"))
    assert store.hash_set("lamps").state is SetState.ACTIVE


def test_a_set_is_not_merged_into_itself() -> None:
    with pytest.raises(MatchError, match="itself"):
        merge_sets(_store(), "lamps", "lamps", now=NOW)


def test_a_full_export_leaves_out_what_is_withdrawn_and_a_delta_tells_it() -> None:
    store = _store()
    import_list(store, "lamps", _rows(1, 2, 3), options=_options())
    revision = store.last_revision()
    import_list(store, "lamps", _rows(4), options=_options(LATER))
    store.withdraw("lamps", [("md5", f"{1:032x}")], reason="test", now=LATER)
    assert [int(e.value, 16) for e in exported_entries(store, "lamps")] == [2, 3, 4]
    for since in (revision, LATER):
        delta = {int(e.value, 16): e.state for e in exported_entries(store, "lamps", since=since)}
        assert delta == {1: EntryState.WITHDRAWN, 4: EntryState.ACTIVE}


def test_a_delta_of_one_set_tells_nothing_of_another() -> None:
    store = _store()
    store.create_set(HashSet(name="other", owner="K", purpose="p"))
    import_list(store, "other", _rows(1), options=_options())
    assert not list(exported_entries(store, "lamps", since=0))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 99),
            st.sampled_from([None, "A1", "B2"]),
            st.none() | st.integers(0, 100),
            st.sampled_from([EntryState.ACTIVE, EntryState.SEED]),
        ),
        unique_by=lambda item: item[0],
    )
)
def test_an_export_imported_elsewhere_makes_the_same_set(items: list[tuple[Any, ...]]) -> None:
    from lightkeeper.matching import EntryLabels

    here, there = _store(), _store()
    rows = [
        row
        for number, industry, quality, state in items
        for row in _rows(
            number, labels=EntryLabels(industry_class=industry), quality=quality, state=state
        )
    ]
    import_list(here, "lamps", rows, options=_options())
    stream = io.StringIO()
    write_jsonl(
        exported_entries(here, "lamps"), stream, hash_set=here.hash_set("lamps"), exported=NOW
    )
    data = io.BytesIO(stream.getvalue().encode())
    read = read_rows(data, ListFormat.JSONL, source="ORG", now=NOW)
    import_list(there, "lamps", read, options=_options())
    assert list(there.entries("lamps")) == list(here.entries("lamps"))


def test_a_set_that_is_not_there_is_an_error_before_anything_is_read() -> None:
    def never() -> Any:
        raise AssertionError
        yield

    with pytest.raises(MatchError, match="dragons"):
        import_list(MemoryStore(), "dragons", never(), options=_options())
