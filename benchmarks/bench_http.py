"""Look-ups over HTTP on loopback: the service in a process of its own, on one core."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lightkeeper.matching import Entry, HashSet
from lightkeeper.matching._lookup import HashQuery, Lookup
from lightkeeper.matching.index import IndexReader, Items, bulk_build
from lightkeeper.storage import open_store

ROWS = 10**6
KNOWN = 20_000
"""Entries that the store knows too, and that queries may meet; the rest only costs time."""
BATCH = 100
REQUESTS = 400
SINGLES = 1_000
WARM_UP = 20
STREAM_LINES = 50_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Measured:
    name: str
    hashes: int
    seconds: float
    cpu_seconds: float
    latencies_ms: list[float]


def run() -> str:
    with tempfile.TemporaryDirectory() as folder:
        store, index, words = _prepare(Path(folder))
        batches = [_batch(words, seed, BATCH) for seed in range(REQUESTS)]
        direct = _directly(store, index, batches)
        with _served(store, index) as (port, process):
            over_http = [
                _requests(f"POST /v1/lookup, {BATCH} hashes", port, process, batches),
                _requests("POST /v1/lookup, 1 hash", port, process, _singles(words)),
                _stream(port, process, words),
            ]
    return "\n".join([*_INTRODUCTION, *map(_row, (direct, *over_http)), ""])


_INTRODUCTION = [
    "## Look-ups over HTTP",
    "",
    f"Index of {ROWS:,} random hashes, radius 31; half of the queries lie within 31 bits of an",
    "entry, and their answers carry its metadata from SQLite. One connection on loopback; the",
    "service runs on one core, the client on another. The first row is the same look-up called in",
    "Python, without HTTP and JSON.",
    "",
    "| what | hashes/s | hashes per CPU second | p50 ms | p99 ms |",
    "| --- | --- | --- | --- | --- |",
]


def _row(measured: Measured) -> str:
    ordered = sorted(measured.latencies_ms)
    p50 = f"{statistics.median(ordered):.1f}" if ordered else "–"
    p99 = f"{ordered[int(len(ordered) * 0.99)]:.1f}" if ordered else "–"
    rate = measured.hashes / measured.seconds
    per_cpu = measured.hashes / measured.cpu_seconds
    return f"| {measured.name} | **{rate:,.0f}** | {per_cpu:,.0f} | {p50} | {p99} |"


def _prepare(folder: Path) -> tuple[str, Path, np.ndarray]:
    url, index = f"sqlite:///{folder / 'sets.sqlite'}", folder / "index"
    words = np.random.default_rng(1).integers(0, 2**64, (ROWS, 4), np.uint64)
    store = open_store(url)
    known = store.create_set(HashSet(name="known", owner="Bench", purpose="bench"))
    entries = [
        Entry(kind="pdq", value=value.astype(">u8").tobytes().hex(), quality=100)
        for value in words[:KNOWN]
    ]
    store.upsert("known", entries, source="bench", now=NOW)
    numbers = {entry.value: entry.number for entry in store.entries("known")}
    ids = np.arange(10**9, 10**9 + ROWS, dtype=np.uint64)
    ids[:KNOWN] = [numbers[entry.value] for entry in entries]
    items = Items(words, ids, np.full(ROWS, known.number, np.uint32))
    bulk_build(index, {"pdq": items}, revision=store.last_revision())
    return url, index, words


def _batch(words: np.ndarray, seed: int, size: int) -> list[str]:
    """Queries of which every other one has a neighbour at 0 to 31 bits."""
    random = np.random.default_rng(1_000 + seed)
    queries = random.integers(0, 2**64, (size, 4), np.uint64)
    for place in range(0, size, 2):
        bits = np.unpackbits(words[random.integers(KNOWN)].astype(">u8").view(np.uint8))
        bits[random.choice(256, random.integers(32), replace=False)] ^= 1
        queries[place] = np.packbits(bits).view(">u8").astype(np.uint64)
    return [query.astype(">u8").tobytes().hex() for query in queries]


def _singles(words: np.ndarray) -> list[list[str]]:
    return [[value] for seed in range(SINGLES // BATCH) for value in _batch(words, -seed, BATCH)]


def _directly(store: str, index: Path, batches: list[list[str]]) -> Measured:
    lookup = Lookup(open_store(store), IndexReader(index))
    asked = [[HashQuery(kind="pdq", value=value) for value in batch] for batch in batches]
    for queries in asked[:WARM_UP]:
        lookup.hashes(queries)
    latencies = []
    cpu, started = time.process_time(), time.perf_counter()
    for queries in asked:
        before = time.perf_counter()
        lookup.hashes(queries)
        latencies.append((time.perf_counter() - before) * 1e3)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return Measured(f"in Python, {BATCH} hashes", BATCH * len(asked), seconds, cpu, latencies)


def _requests(
    name: str, port: int, process: subprocess.Popen[str], batches: list[list[str]]
) -> Measured:
    bodies = [
        json.dumps({"hashes": [{"kind": "pdq", "value": value} for value in batch]}).encode()
        for batch in batches
    ]
    connection = http.client.HTTPConnection("127.0.0.1", port)
    met = sum(_ask(connection, body) for body in bodies[:WARM_UP])
    latencies, met = [], 0
    cpu, started = _cpu_seconds(process), time.perf_counter()
    for body in bodies:
        before = time.perf_counter()
        met += _ask(connection, body)
        latencies.append((time.perf_counter() - before) * 1e3)
    seconds = time.perf_counter() - started
    hashes = sum(len(batch) for batch in batches)
    if met < hashes // 2:
        raise RuntimeError(f"only {met} of {hashes // 2} planted neighbours were met")
    return Measured(name, hashes, seconds, _cpu_seconds(process) - cpu, latencies)


def _ask(connection: http.client.HTTPConnection, body: bytes) -> int:
    connection.request("POST", "/v1/lookup", body, {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    return sum(bool(result["matches"]) for result in answer["results"])


def _stream(port: int, process: subprocess.Popen[str], words: np.ndarray) -> Measured:
    body = b"".join(
        json.dumps({"kind": "pdq", "value": value}).encode() + b"\n"
        for value in _batch(words, REQUESTS, STREAM_LINES)
    )
    connection = http.client.HTTPConnection("127.0.0.1", port)
    cpu, started = _cpu_seconds(process), time.perf_counter()
    connection.request("POST", "/v1/lookup/stream", body)
    lines = connection.getresponse().read().count(b"\n")
    seconds = time.perf_counter() - started
    if lines != STREAM_LINES:
        raise RuntimeError(f"{lines} answers to {STREAM_LINES} lines")
    name = f"POST /v1/lookup/stream, {STREAM_LINES:,} lines"
    return Measured(name, lines, seconds, _cpu_seconds(process) - cpu, [])


def _cpu_seconds(process: subprocess.Popen[str]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _served(store: str, index: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "lightkeeper", "serve", "--lookups", "--port", "0"]
    command += ["--store", store, "--index", str(index)]
    cores = sorted(os.sched_getaffinity(0))
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            os.sched_setaffinity(process.pid, cores[:1])
            os.sched_setaffinity(0, cores[1:] or cores)
            yield _port(process), process
        finally:
            os.sched_setaffinity(0, cores)
            process.kill()


def _port(process: subprocess.Popen[str]) -> int:
    """Read the address; go on reading the access log, which would fill the pipe."""
    assert process.stderr is not None
    first = process.stderr.readline()
    threading.Thread(target=deque, args=(process.stderr, 0), daemon=True).start()
    return int(first.rpartition(":")[2])
