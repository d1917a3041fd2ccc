"""A search finds every live entry within the radius and nothing else, whatever the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lightkeeper.errors import MatchError
from lightkeeper.hashing import pdq_of_rgb
from lightkeeper.matching.index import IndexReader, Items, bulk_build, pdq_words
from lightkeeper.matching.index import _table as table_module
from lightkeeper.matching.index._chunks import INDEXED_RADIUS, chunk_count, chunks, probes
from lightkeeper.testing import photo_like

ONE_EXAMPLE_A_FOLDER = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _random(rng: np.random.Generator, rows: int) -> NDArray[np.uint64]:
    return rng.integers(0, 2**64, size=(rows, 4), dtype=np.uint64)


def _flipped(rng: np.random.Generator, words: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    flat = np.unpackbits(words.view(np.uint8))
    flat[rng.permutation(256)[:bits]] ^= 1
    return np.packbits(flat).view(np.uint64)


def _clustered(rng: np.random.Generator, rows: int, centres: int) -> NDArray[np.uint64]:
    """Crops and re-encodings of a few pictures: near copies, and exact ones."""
    middles = _random(rng, centres)
    return np.array(
        [_flipped(rng, middles[i % centres], int(rng.integers(0, 40))) for i in range(rows)]
    ).reshape(-1, 4)


def _items(words: NDArray[np.uint64]) -> Items:
    numbers = np.arange(1, len(words) + 1, dtype=np.uint64) * np.uint64(3)
    return Items(words, numbers, (numbers % 5).astype(np.uint32))


def _expected(
    words: NDArray[np.uint64], queries: NDArray[np.uint64], radius: int
) -> set[tuple[int, int, int]]:
    found = set()
    for position, query in enumerate(queries):
        distances = np.bitwise_count(words ^ query).sum(axis=1)
        rows = np.flatnonzero(distances <= radius)
        found |= {(position, int(row) * 3 + 3, int(distances[row])) for row in rows}
    return found


def _found(folder: Path, queries: NDArray[np.uint64], radius: int) -> set[tuple[int, int, int]]:
    hits = IndexReader(folder).search(queries, radius_bits=radius)
    found = list(
        zip(hits.query.tolist(), hits.entry_number.tolist(), hits.distance.tolist(), strict=True)
    )
    assert len(set(found)) == len(found), "an entry was reported twice"
    assert np.array_equal(hits.set_number, (hits.entry_number % 5).astype(np.uint32))
    return set(found)


@pytest.fixture(params=[0, 13, 16])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Chunks into which segments of these tests are cut; 0 for brute force."""
    monkeypatch.setattr(table_module, "chunk_count", lambda rows: request.param)
    return int(request.param)


@ONE_EXAMPLE_A_FOLDER
@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(1, 300),
    centres=st.integers(1, 12),
    radius=st.integers(0, 31),
)
def test_clustered_hashes_and_duplicates_are_all_found(
    tmp_path: Path, layout: int, seed: int, rows: int, centres: int, radius: int
) -> None:
    rng = np.random.default_rng(seed)
    words = _clustered(rng, rows, centres)
    queries = np.concatenate([words[:5], [_flipped(rng, words[0], radius)], _random(rng, 1)])
    bulk_build(tmp_path, {"pdq": _items(words)})
    assert _found(tmp_path, queries, radius) == _expected(words, queries, radius)


@pytest.mark.parametrize("distance", range(32))
def test_planted_neighbours_are_found_at_every_distance(
    tmp_path_factory: pytest.TempPathFactory, distance: int
) -> None:
    rng = np.random.default_rng(5)
    folder, words = _big_index(tmp_path_factory, rng)
    rows = rng.integers(0, len(words), 50)
    queries = np.array([_flipped(rng, words[row], distance) for row in rows])
    hits = IndexReader(folder).search(queries)
    found = set(zip(hits.query.tolist(), hits.entry_number.tolist(), strict=True))
    assert {(i, int(row) * 3 + 3) for i, row in enumerate(rows)} <= found
    assert set(hits.distance.tolist()) == {distance}


_BIG: dict[int, tuple[Path, NDArray[np.uint64]]] = {}


def _big_index(
    factory: pytest.TempPathFactory, rng: np.random.Generator
) -> tuple[Path, NDArray[np.uint64]]:
    words = _random(rng, 30_000)
    if not _BIG:
        folder = factory.mktemp("big")
        bulk_build(folder, {"pdq": _items(words)})
        _BIG[0] = folder, words
    return _BIG[0]


def test_bits_that_cluster_in_one_chunk_are_no_way_around(tmp_path: Path, layout: int) -> None:
    """A neighbour may differ from its query in one chunk only, or evenly in all."""
    base = _random(np.random.default_rng(1), 1)[0]
    flips = [list(range(start, start + 31)) for start in (0, 16, 100, 225)] + [
        list(range(0, 248, 8))
    ]
    words = np.array([base] * len(flips))
    for row, bits in enumerate(flips):
        for bit in bits:
            words[row, bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    bulk_build(tmp_path, {"pdq": _items(words)})
    assert _found(tmp_path, base[None], 31) == {(0, 3 * row + 3, 31) for row in range(5)}
    assert not _found(tmp_path, base[None], 30)


@pytest.mark.parametrize("radius", [32, 60, 256])
def test_a_radius_beyond_the_buckets_is_exact_too(tmp_path: Path, layout: int, radius: int) -> None:
    rng = np.random.default_rng(radius)
    words = _clustered(rng, 200, 3)
    bulk_build(tmp_path, {"pdq": _items(words)})
    queries = _random(rng, 2)
    assert _found(tmp_path, queries, radius) == _expected(words, queries, radius)


def test_one_bucket_may_hold_more_than_fits_the_scratch(tmp_path: Path, layout: int) -> None:
    words = np.tile(_random(np.random.default_rng(2), 1), (40_000, 1))
    bulk_build(tmp_path, {"pdq": _items(words)})
    assert len(IndexReader(tmp_path).search(words[:2])) == 80_000


def test_no_entries_and_no_queries_are_no_hits(tmp_path: Path) -> None:
    bulk_build(tmp_path, {})
    reader = IndexReader(tmp_path)
    assert len(reader.search(_random(np.random.default_rng(3), 4))) == 0
    assert len(reader.search(np.zeros((0, 4), np.uint64))) == 0
    assert len(reader.find("md5", [])) == 0


@pytest.mark.parametrize("radius", [-1, 257])
def test_a_radius_out_of_range_is_refused(tmp_path: Path, radius: int) -> None:
    bulk_build(tmp_path, {})
    with pytest.raises(MatchError, match="radius"):
        IndexReader(tmp_path).search(np.zeros((1, 4), np.uint64), radius_bits=radius)


@pytest.mark.parametrize("queries", [np.zeros(4, np.uint64), np.zeros((1, 4), np.int64)])
def test_queries_of_another_shape_or_type_are_refused(tmp_path: Path, queries: NDArray) -> None:
    bulk_build(tmp_path, {})
    with pytest.raises(MatchError, match="shape"):
        IndexReader(tmp_path).search(queries)


@pytest.mark.parametrize("rows", [20_001, 10**5, 10**6, 10**7, 10**8, 10**9])
@pytest.mark.parametrize("radius", [0, 7, 15, INDEXED_RADIUS])
def test_limits_meet_the_pigeonhole_bound(rows: int, radius: int) -> None:
    count = chunk_count(rows)
    limits = probes(count, radius).limits
    assert (limits + 1).sum() == radius + 1
    assert limits.min() >= -1
    plan = chunks(count)
    assert plan.lengths.sum() == 256
    assert np.array_equal(plan.starts[1:], np.cumsum(plan.lengths)[:-1])


def test_pdq_words_compare_as_pdq_hashes_do() -> None:
    a, b = (pdq_of_rgb(photo_like(seed, width=120, height=90)) for seed in (1, 2))
    assert np.array_equal(pdq_words(a.hex), pdq_words(a.bits))
    apart = (int(a.hex, 16) ^ int(b.hex, 16)).bit_count()
    assert np.bitwise_count(pdq_words(a.bits) ^ pdq_words(b.bits)).sum() == apart
    assert int(pdq_words("8" + "0" * 63)[0]) == 1 << 63


@pytest.mark.parametrize("value", ["", "0" * 63, "0" * 66, "g" * 64, " " + "0" * 62 + " ", b"1"])
def test_what_is_no_pdq_hash_is_refused(value: str | bytes) -> None:
    with pytest.raises(MatchError, match="no pdq value"):
        pdq_words(value)
