"""Changes are visible at once, in any order, before and after merges."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lightkeeper.errors import MatchError
from lightkeeper.matching import Change
from lightkeeper.matching.index import (
    IndexReader,
    IndexWriter,
    Items,
    bulk_build,
    pdq_words,
    rebuild,
    sync,
    verify,
)

FOLDER_PER_EXAMPLE = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


def value_of(kind: str, number: int) -> str:
    digits = {"pdq": 64, "md5": 32, "sha1": 40, "sha256": 64}
    if kind in digits:
        seed = np.random.default_rng(number).bytes(32).hex()
        return seed[: digits[kind]]
    return f"lighthouse {number}"


def change(
    revision: int, number: int, *, kind: str = "pdq", matches: bool = True, set_number: int = 7
) -> Change:
    return Change(revision, number, set_number, kind, value_of(kind, number), matches)


def numbers(reader: IndexReader, kind: str, wanted: list[int]) -> list[int]:
    """Entries that are found by their own values."""
    reader.refresh()
    return reader.find(kind, [value_of(kind, n) for n in wanted]).entry_number.tolist()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[IndexWriter]:
    with IndexWriter(tmp_path / "index") as opened:
        yield opened


@pytest.fixture
def reader(tmp_path: Path, writer: IndexWriter) -> IndexReader:
    return IndexReader(tmp_path / "index")


KINDS = ["pdq", "md5", "sha1", "sha256", "photodna", "unheard-of"]


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_is_found_and_after_withdrawal_not(
    writer: IndexWriter, reader: IndexReader, kind: str, merged: bool
) -> None:
    writer.apply([change(1, 11, kind=kind), change(2, 12, kind=kind)])
    if merged:
        writer.merge()
    assert numbers(reader, kind, [11, 12, 13]) == [11, 12]
    writer.apply([change(3, 11, kind=kind, matches=False)])
    assert numbers(reader, kind, [11, 12, 13]) == [12]
    writer.merge()
    assert numbers(reader, kind, [11, 12, 13]) == [12]
    writer.apply([change(4, 11, kind=kind)])
    assert numbers(reader, kind, [11, 12, 13]) == [11, 12]


def test_hits_name_query_set_and_distance(writer: IndexWriter, reader: IndexReader) -> None:
    writer.apply([change(1, 11, set_number=3), change(2, 12, set_number=4_000_000_000)])
    reader.refresh()
    words = np.array([pdq_words(value_of("pdq", n)) for n in (12, 11)])
    words[1, 3] ^= np.uint64(0b10110)
    hits = reader.search(words)
    assert hits.query.tolist() == [0, 1]
    assert hits.entry_number.tolist() == [12, 11]
    assert hits.set_number.tolist() == [4_000_000_000, 3]
    assert hits.distance.tolist() == [0, 3]


def test_equal_values_of_several_sets_are_all_found(
    writer: IndexWriter, reader: IndexReader
) -> None:
    writer.apply([Change(n, n, n % 2, "sha1", SHA1, True) for n in range(1, 6)])
    writer.merge()
    writer.apply([Change(6, 6, 0, "sha1", SHA1.upper(), True)])
    reader.refresh()
    assert reader.find("sha1", [bytes.fromhex(SHA1)]).entry_number.tolist() == [1, 2, 3, 4, 5, 6]


def test_opaque_kinds_do_not_meet_each_other(writer: IndexWriter, reader: IndexReader) -> None:
    writer.apply([Change(1, 1, 1, "photodna", "1,2,3", True)])
    reader.refresh()
    assert len(reader.find("photodna", ["1,2,3"])) == 1
    assert len(reader.find("other", ["1,2,3"])) == 0
    assert len(reader.find("photodna", ["1,2,3 "])) == 0


def test_applying_a_stream_again_changes_nothing(writer: IndexWriter, reader: IndexReader) -> None:
    stream = [change(n, n) for n in range(1, 6)] + [change(6, 2, matches=False)]
    assert writer.apply(stream[:3]) == 3
    assert writer.apply(stream) == 3
    assert writer.apply(stream) == 0
    assert writer.last_revision == 6
    assert numbers(reader, "pdq", [1, 2, 3, 4, 5]) == [1, 3, 4, 5]


def test_changes_of_one_revision_stay_together(tmp_path: Path) -> None:
    with IndexWriter(tmp_path) as writer:
        assert writer.apply([change(1, n) for n in range(1, 40_000)]) == 39_999
        assert writer.apply([change(1, 99_999)]) == 0


def test_a_value_that_is_none_of_its_kind_is_refused(writer: IndexWriter) -> None:
    with pytest.raises(MatchError, match="md5"):
        writer.apply([Change(1, 1, 1, "md5", "umbrella", True)])
    assert writer.apply([Change(1, 1, 1, "md5", "umbrella", False)]) == 1


def test_a_second_writer_is_refused_until_the_first_has_closed(tmp_path: Path) -> None:
    with IndexWriter(tmp_path), pytest.raises(MatchError, match="another process"):
        IndexWriter(tmp_path)
    IndexWriter(tmp_path).close()


def test_a_closed_index_is_found_as_it_was(tmp_path: Path) -> None:
    with IndexWriter(tmp_path) as writer:
        writer.apply([change(n, n) for n in range(1, 9)])
    with IndexWriter(tmp_path) as writer:
        assert writer.last_revision == 8
        writer.apply([change(9, 3, matches=False)])
    assert numbers(IndexReader(tmp_path), "pdq", [1, 2, 3, 4]) == [1, 2, 4]


def test_merges_start_by_themselves_and_leave_few_segments(tmp_path: Path) -> None:
    with IndexWriter(tmp_path, merge_after=50) as writer:
        for start in range(1, 4000, 100):
            writer.apply([change(n, n) for n in range(start, start + 100)])
        writer.merge()
    stats = verify(tmp_path)
    assert stats.entries["pdq"] == 4000
    assert stats.log_rows == 0
    assert 1 <= stats.segments <= 5


def test_a_failed_merge_is_reported_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with IndexWriter(tmp_path, merge_after=10) as writer:
        monkeypatch.setattr("lightkeeper.matching.index._writer.write_segment", fail)
        writer.apply([change(n, n) for n in range(1, 21)])
        writer._join()
        with pytest.raises(MatchError, match="merge"):
            writer.apply([change(21, 21)])
        monkeypatch.undo()
        writer.apply([change(21, 21)])
        writer.merge()
    assert verify(tmp_path).entries["pdq"] == 21


def test_a_log_that_cannot_be_written_takes_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with IndexWriter(tmp_path) as writer:
        writer.apply([change(1, 1)])
        with monkeypatch.context() as patched:
            patched.setattr("lightkeeper.matching.index._log.os.fsync", fail)
            with pytest.raises(MatchError, match="No space left"):
                writer.apply([change(2, 2)])
        assert writer.last_revision == 1
        writer.apply([change(2, 3)])
    assert numbers(IndexReader(tmp_path), "pdq", [1, 2, 3]) == [1, 3]


def test_a_reader_keeps_what_it_searches_while_files_go(
    writer: IndexWriter, reader: IndexReader
) -> None:
    writer.apply([change(n, n) for n in range(1, 30)])
    writer.merge()
    assert len(numbers(reader, "pdq", list(range(1, 30)))) == 29
    before = reader._snapshot
    writer.apply([change(n, n, matches=False) for n in range(30, 59)])
    writer.apply([Change(100 + n, n, 1, "pdq", value_of("pdq", n), False) for n in range(1, 30)])
    writer.merge()
    (segment,) = before.segments.values()
    assert len(next(iter(segment.tables.values())).words) == 29 * 4
    assert numbers(reader, "pdq", list(range(1, 30))) == []


def test_a_search_sees_changes_by_itself(writer: IndexWriter, reader: IndexReader) -> None:
    writer.apply([change(1, 1)])
    reader._due = 0.0
    assert reader.search(pdq_words(value_of("pdq", 1))[None]).entry_number.tolist() == [1]
    assert reader.revision == 1


def test_a_bulk_build_replaces_what_a_reader_sees(tmp_path: Path) -> None:
    with IndexWriter(tmp_path) as writer:
        writer.apply([change(1, 1)])
    reader = IndexReader(tmp_path)
    words = np.array([pdq_words(value_of("pdq", n)) for n in (5, 3)])
    items = Items(words, np.array([5, 3], np.uint64), np.array([1, 2], np.uint32))
    bulk_build(tmp_path, {"pdq": items}, revision=44)
    assert numbers(reader, "pdq", [1, 3, 5]) == [3, 5]
    assert reader.stats().revision == 44
    with IndexWriter(tmp_path) as writer:
        assert writer.apply([change(44, 9), change(45, 5, matches=False)]) == 1
    assert numbers(reader, "pdq", [1, 3, 5, 9]) == [3]


def test_an_entry_number_may_stand_in_a_build_once(tmp_path: Path) -> None:
    twice = Items(np.zeros((2, 4), np.uint64), np.ones(2, np.uint64), np.ones(2, np.uint32))
    with pytest.raises(MatchError, match="twice"):
        bulk_build(tmp_path, {"pdq": twice})
    with pytest.raises(MatchError, match="no table"):
        bulk_build(tmp_path, {"photodna": twice})


class _Store:
    """As much of a store as an index follows."""

    def __init__(self) -> None:
        self.history: list[Change] = []
        self.newest = 0

    def changes(self, *, after: int) -> Iterator[Change]:
        return (c for c in self.history if c.revision > after)

    def last_revision(self) -> int:
        return max([self.newest, *(c.revision for c in self.history)])


def test_an_index_follows_a_store_and_equals_one_built_from_it(tmp_path: Path) -> None:
    store = _Store()
    store.history = [change(n, n, kind=KINDS[n % 6]) for n in range(1, 50)]
    with IndexWriter(tmp_path / "followed") as writer:
        assert sync(store, writer) == 49
        store.history += [change(60, 6, matches=False), change(70, 12, matches=False)]
        store.newest = 75
        assert sync(store, writer) == 2
        assert writer.last_revision == 75
        assert sync(store, writer) == 0
    assert rebuild(store, tmp_path / "built") == 51
    followed, built = verify(tmp_path / "followed"), verify(tmp_path / "built")
    assert (
        followed.entries
        == built.entries
        == {"pdq": 6, "md5": 9, "sha1": 8, "sha256": 8, "opaque": 16}
    )
    assert followed.revision == built.revision == 75


class IndexMachine(RuleBasedStateMachine):
    """Any sequence of changes and merges leaves what a dictionary would hold."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.path = self.folder / str(next(self.serial))
        self.writer = IndexWriter(self.path)
        self.reader = IndexReader(self.path)
        self.model: set[tuple[str, int]] = set()
        self.revision = 0

    serial = iter(range(10**9))

    @rule(picked=st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=12))
    def apply(self, picked: list[tuple[int, bool]]) -> None:
        stream = []
        for number, matches in picked:
            self.revision += 1
            kind = KINDS[number % 6]
            stream.append(change(self.revision, number, kind=kind, matches=matches))
            (self.model.add if matches else self.model.discard)((kind, number))
        assert self.writer.apply(stream) == len(picked)

    @rule()
    def merge(self) -> None:
        self.writer.merge()

    @precondition(lambda self: self.revision)
    @rule()
    def reopen(self) -> None:
        self.writer.close()
        self.writer = IndexWriter(self.path)
        assert self.writer.last_revision == self.revision

    @invariant()
    def the_reader_sees_the_model(self) -> None:
        found = {(k, n) for k in KINDS for n in numbers(self.reader, k, list(range(1, 41)))}
        assert found == self.model
        assert self.reader.revision == self.revision

    def teardown(self) -> None:
        self.writer.close()
        verify(self.path)


@pytest.fixture
def machine(tmp_path: Path) -> type[IndexMachine]:
    IndexMachine.folder = tmp_path
    return IndexMachine


def test_any_sequence_of_changes_and_merges_equals_a_dictionary(
    machine: type[IndexMachine],
) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        machine, settings=settings(max_examples=15, stateful_step_count=15, deadline=None)
    )


@FOLDER_PER_EXAMPLE
@given(order=st.permutations(range(1, 9)))
def test_entry_numbers_come_in_any_order(tmp_path_factory, order: list[int]) -> None:
    folder = tmp_path_factory.mktemp("order")
    with IndexWriter(folder) as writer:
        writer.apply([change(i + 1, n, kind="md5") for i, n in enumerate(order)])
        writer.merge()
        writer.apply([change(9, order[0], kind="md5", matches=False)])
    left = sorted(set(order) - {order[0]})
    assert numbers(IndexReader(folder), "md5", list(range(1, 9))) == left


def test_threads_search_while_one_writes_and_merges(tmp_path: Path) -> None:
    failures: list[object] = []
    with IndexWriter(tmp_path, merge_after=100) as writer:
        writer.apply([change(n, n) for n in range(1, 21)])
        reader = IndexReader(tmp_path)
        done = threading.Event()

        def look() -> None:
            try:
                while not done.is_set():
                    if numbers(reader, "pdq", list(range(1, 21))) != list(range(1, 21)):
                        failures.append("an entry was missing or double")
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for start in range(21, 1500, 40):
            writer.apply([change(n, n) for n in range(start, start + 40)])
        done.set()
        for thread in threads:
            thread.join()
    assert not failures
