"""The index against faiss: recall, time, memory, build, and how soon a change is seen.

``LIGHTKEEPER_BENCH_ROWS`` or an argument names the sizes; the default is 10^5 and 10^6, and the
whole run adds 10^7 (some six gigabytes of memory, two minutes): ``bench_index.py 1e5 1e6 1e7``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from lightkeeper.matching import Change
from lightkeeper.matching.index import IndexReader, IndexWriter, Items, bulk_build, verify
from lightkeeper.matching.index._chunks import chunk_count

RADIUS = 31
QUERIES = 1000
PEER_QUERIES = 96
REPEATS = 3
CHANGES = 20
DEFAULT_ROWS = "1e5,1e6"

Words = NDArray[np.uint64]
Found = set[tuple[int, int, int]]


@dataclass(frozen=True)
class Measured:
    name: str
    batch_ms: float
    single_ms: float
    hits: int = 0
    recall: float = 0.0


@dataclass(frozen=True)
class Costs:
    rows: int
    mapped: int
    build_seconds: float
    private: float
    visible: list[float]
    under_load: float


def run(sizes: list[int] | None = None) -> str:
    faiss.omp_set_num_threads(1)
    named = os.environ.get("LIGHTKEEPER_BENCH_ROWS", DEFAULT_ROWS)
    sizes = sizes or [int(float(size)) for size in named.split(",")]
    speed, costs = [], []
    for label, rows, make in [
        *((f"{rows:,} random", rows, random_hashes) for rows in sizes),
        ("1,000,000 clustered", 10**6, clustered_hashes),
    ]:
        print(f"  {label} …", file=sys.stderr, flush=True)
        measured, cost = _measure(make(np.random.default_rng(1), rows))
        speed += _speed_rows(label, measured)
        if make is random_hashes:
            costs.append(cost)
    return "\n".join([*_INTRODUCTION, *speed, "", *_COSTS, *map(_cost_row, costs), ""])


_INTRODUCTION = [
    "## Index of known hashes",
    "",
    f"256-bit hashes, radius {RADIUS}, CPU time of one thread for each query, median of",
    f"{REPEATS} runs: {QUERIES} queries ({PEER_QUERIES} for faiss) in one call, and one a call.",
    "Half of the queries have a neighbour planted at distances 0-31. Hits and recall are over the",
    f"first {PEER_QUERIES} queries, recall against faiss Flat. MultiHash is set up as",
    "threatexchange does (16 tables of 16 bits, one flip). Clustered hashes come in groups of",
    "crop-like copies, up to 10,000 of one picture.",
    "",
    "| hashes | index | ms, batch | ms, single | Flat takes | queries/s | hits | recall |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
]
_COSTS = [
    "Private memory is that of one more process that has searched, Python and all, without the",
    "mapped files. A change is seen: from before the writer's call to another process's search",
    "that shows it, while that process makes 1,000 queries a second and a merge runs; median and",
    f"worst of {CHANGES} entries that were added and withdrawn again.",
    "",
    "| random hashes | chunks | mapped MB | bytes/entry | build s | private MB | change seen, ms |"
    " queries/s meanwhile |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
]


def random_hashes(rng: np.random.Generator, rows: int) -> Words:
    return rng.integers(0, 2**64, size=(rows, 4), dtype=np.uint64)


def clustered_hashes(rng: np.random.Generator, rows: int) -> Words:
    """Pictures in heavy-tailed groups of crops and re-encodings, with correlated bits."""
    basis = rng.normal(size=(256, 256)).astype(np.float32)
    pictures = rng.normal(size=(max(1, rows // 20), 256)).astype(np.float32)
    sizes = np.minimum(rng.zipf(2.0, 4 * len(pictures)), 10_000)
    owners = np.repeat(np.arange(len(sizes)) % len(pictures), sizes)
    owners = np.concatenate([owners, rng.integers(0, len(pictures), rows)])[:rows]
    made = []
    for first in range(0, rows, 50_000):
        chosen = pictures[owners[first : first + 50_000]]
        noise = rng.normal(size=chosen.shape).astype(np.float32)
        strength = rng.uniform(0, 0.35, size=(len(chosen), 1)).astype(np.float32)
        coefficients = (chosen + strength * noise) @ basis
        middle = np.partition(coefficients, 127, axis=1)[:, 127:128]
        made.append(np.packbits(coefficients > middle, axis=1).view(">u8").astype(np.uint64))
    return np.concatenate(made)


def planted_queries(rng: np.random.Generator, words: Words, count: int) -> Words:
    queries = random_hashes(rng, count)
    for position in range(0, count, 2):
        bits = np.unpackbits(words[rng.integers(len(words))].view(np.uint8))
        bits[rng.permutation(256)[: position // 2 % 32]] ^= 1
        queries[position] = np.packbits(bits).view(np.uint64)
    return queries


def _measure(words: Words) -> tuple[list[Measured], Costs]:
    queries = planted_queries(np.random.default_rng(2), words, QUERIES)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        numbers = np.arange(1, len(words) + 1, dtype=np.uint64)
        items = Items(words, numbers, np.ones(len(words), np.uint32))
        bulk_build(folder, {"pdq": items})
        build = time.perf_counter() - started
        peers = _measure_peers(words, queries[:PEER_QUERIES])
        expected = peers[0][1]
        reader = IndexReader(folder)
        own = _time("Lightkeeper", lambda q: reader.search(q, RADIUS), queries, 200)
        found = _own_hits(reader, queries[:PEER_QUERIES])
        measured = [_with_recall(m, hits, expected) for m, hits in peers]
        measured.append(_with_recall(own, found, expected))
        mapped = verify(folder).mapped_bytes
        visible, under_load, private = _change_seen(folder)
    return measured, Costs(len(words), mapped, build, private, visible, under_load)


def _measure_peers(words: Words, queries: Words) -> list[tuple[Measured, Found]]:
    measured = []
    for name, make in (
        ("faiss Flat", lambda: faiss.IndexBinaryFlat(256)),
        ("faiss MultiHash", lambda: faiss.IndexBinaryMultiHash(256, 16, 16)),
    ):
        index = make()
        if name == "faiss MultiHash":
            index.nflip = 1
        index.add(words.view(np.uint8))
        timed = _time(name, lambda q, i=index: _peer_search(i, q), queries, 24)
        measured.append((timed, _peer_hits(index, queries)))
    return measured


def _peer_search(index: faiss.IndexBinary, queries: Words) -> tuple[NDArray, ...]:
    # faiss searches distances below the radius that it is given.
    return index.range_search(queries.view(np.uint8), RADIUS + 1)


def _peer_hits(index: faiss.IndexBinary, queries: Words) -> Found:
    limits, distances, rows = _peer_search(index, queries)
    owner = np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64)))
    return set(
        zip(owner.tolist(), (rows + 1).tolist(), distances.astype(int).tolist(), strict=True)
    )


def _own_hits(reader: IndexReader, queries: Words) -> Found:
    hits = reader.search(queries, RADIUS)
    found = zip(
        hits.query.tolist(), hits.entry_number.tolist(), hits.distance.tolist(), strict=True
    )
    return set(found)


def _time(name: str, search: Callable, queries: Words, singles: int) -> Measured:
    search(queries)
    batch, single = [], []
    for _ in range(REPEATS):
        started = time.process_time()
        search(queries)
        batch.append((time.process_time() - started) / len(queries))
        started = time.process_time()
        for position in range(singles):
            search(queries[position : position + 1])
        single.append((time.process_time() - started) / singles)
    return Measured(name, statistics.median(batch) * 1e3, statistics.median(single) * 1e3)


def _with_recall(measured: Measured, found: Found, expected: Found) -> Measured:
    assert found <= expected, f"{measured.name} found what is not there"
    recall = len(found & expected) / len(expected)
    return Measured(measured.name, measured.batch_ms, measured.single_ms, len(found), recall)


_LOADED_READER = """
import sys, time
import numpy as np
from lightkeeper.matching.index import IndexReader

def private_bytes():
    total, counted = 0, True
    for line in open("/proc/self/smaps"):
        fields = line.split()
        if not fields[0].endswith(":"):
            counted = not line.rstrip().endswith(".segment")
        elif counted and fields[0] in ("Private_Clean:", "Private_Dirty:"):
            total += int(fields[1]) * 1024
    return total

reader = IndexReader(sys.argv[1])
rng = np.random.default_rng(9)
queries = rng.integers(0, 2**64, size=(1000, 4), dtype=np.uint64)
reader.search(queries)
print(private_bytes(), flush=True)
asked, started = 0, time.perf_counter()
for change in range(2 * int(sys.argv[2])):
    marker = np.random.default_rng(10**6 + change // 2).integers(0, 2**64, 4, dtype=np.uint64)
    while True:
        pair = np.stack([queries[asked % 1000], marker])
        is_there = 1 in reader.search(pair).query
        asked += 2
        while time.perf_counter() - started < asked / 1000:
            pass
        if is_there == (change % 2 == 0):
            break
    print("seen", flush=True)
print(asked / (time.perf_counter() - started), flush=True)
"""


def _change_seen(folder: str) -> tuple[list[float], float, float]:
    """Milliseconds from a writer's call to another process's hit, its rate and its memory."""
    command = [sys.executable, "-c", _LOADED_READER, folder, str(CHANGES)]
    seen = []
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        IndexWriter(folder) as writer,
    ):
        assert process.stdout
        private = float(process.stdout.readline())
        revision = _fill_log(writer)
        for change in range(2 * CHANGES):
            words = np.random.default_rng(10**6 + change // 2).integers(0, 2**64, 4, np.uint64)
            value = words.astype(">u8").tobytes().hex()
            started = time.perf_counter()
            number = 10**9 + change // 2
            writer.apply([Change(revision + change, number, 1, "pdq", value, change % 2 == 0)])
            process.stdout.readline()
            seen.append((time.perf_counter() - started) * 1e3)
        rate = float(process.stdout.readline())
    return seen, rate, private / 1e6


def _fill_log(writer: IndexWriter) -> int:
    """As many changes as start a merge; returns the next revision."""
    count = 40_000
    values = np.random.default_rng(7).bytes(32 * count)
    writer.apply(
        Change(n + 1, 2 * 10**9 + n, 1, "pdq", values[32 * n : 32 * n + 32].hex(), True)
        for n in range(count)
    )
    return count + 1


def _speed_rows(label: str, measured: list[Measured]) -> list[str]:
    flat = measured[0]
    return [
        f"| {label} | {m.name} | {m.batch_ms:.3f} | {m.single_ms:.3f} "
        f"| {flat.batch_ms / m.batch_ms:.1f}x, {flat.single_ms / m.single_ms:.1f}x "
        f"| {1000 / m.batch_ms:,.0f} | {m.hits:,} | {m.recall:.4f} |"
        for m in measured
    ]


def _cost_row(costs: Costs) -> str:
    return (
        f"| {costs.rows:,} | {chunk_count(costs.rows)} | {costs.mapped / 1e6:,.1f} "
        f"| {costs.mapped / costs.rows:.0f} | {costs.build_seconds:.2f} | {costs.private:.0f} "
        f"| {statistics.median(costs.visible):.0f}, {max(costs.visible):.0f} "
        f"| {costs.under_load:,.0f} |"
    )


if __name__ == "__main__":
    print(run([int(float(size)) for size in sys.argv[1:]] or None))
