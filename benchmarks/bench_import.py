"""Import of hash lists into SQLite, end to end, against the least that Python could do."""

from __future__ import annotations

import gc
import json
import os
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from lightkeeper.cli._sets_checks import list_check
from lightkeeper.matching import HashSet
from lightkeeper.matching._transfer import ImportOptions, Transfer, batches, import_list
from lightkeeper.matching.formats import ListFormat, read_rows
from lightkeeper.matching.formats._open import read_parts
from lightkeeper.storage import open_store

ROWS = int(os.environ.get("LIGHTKEEPER_BENCH_ROWS", "1000000"))
REPEATS = int(os.environ.get("LIGHTKEEPER_BENCH_REPEATS", "3"))
_CHUNK = 10_000


def run() -> str:
    with tempfile.TemporaryDirectory() as folder:
        lists = _write_lists(Path(folder))
        least = [_timed(lambda: _least(lists["jsonl"], Path(folder))) for _ in range(REPEATS)]
        reading = {
            f: [_timed(lambda f=f: _read(lists[f], f)) for _ in range(REPEATS)] for f in lists
        }
        importing = {
            f: [_timed(_import(lists[f], f, Path(folder) / f"{f}-{i}.db")) for i in range(REPEATS)]
            for f in lists
        }
        again = {f: [_timed(_import(lists[f], f, Path(folder) / f"{f}-0.db"))] for f in lists}
    rows = [
        ("json.loads and INSERT into one table, nothing checked", least),
        *((f"{f}: read and check fields", times) for f, times in reading.items()),
        *((f"{f}: import into an empty set", times) for f, times in importing.items()),
        *((f"{f}: import again, nothing changes", times) for f, times in again.items()),
    ]
    floor = _median(least)[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return "\n".join(
        [
            "## Import of hash lists",
            "",
            f"{ROWS:,} PDQ rows with quality, class and the source's id, into SQLite with write-"
            "ahead log and full synchronisation; guards and benign corpus included; medians of "
            f"{REPEATS}, one process. Peak memory of the whole run {peak:,.0f} MB.",
            "",
            "| what | rows/s | rows/s of CPU time | CPU time × the first line |",
            "| --- | --- | --- | --- |",
            *(
                f"| {name} | {ROWS / wall:,.0f} | {ROWS / cpu:,.0f} | {cpu / floor:.1f} |"
                for name, times in rows
                for wall, cpu in [_median(times)]
            ),
            "",
        ]
    )


def _write_lists(folder: Path) -> dict[str, Path]:
    paths = {name: folder / f"list.{name}" for name in ("jsonl", "csv")}
    with paths["jsonl"].open("w") as lines, paths["csv"].open("w") as table:
        table.write("kind,value,quality,industry_class,source_id\n")
        for number, value in enumerate(_values()):
            line = {"kind": "pdq", "value": value, "quality": 90, "source_id": f"x{number}"}
            lines.write(json.dumps({**line, "labels": {"industry_class": "A1"}}) + "\n")
            table.write(f"pdq,{value},90,A1,x{number}\n")
    return paths


def _values() -> Iterator[str]:
    rng = np.random.default_rng(7)
    for start in range(0, ROWS, _CHUNK):
        bits = np.zeros((min(_CHUNK, ROWS - start), 256), np.uint8)
        bits[:, :128] = 1
        for packed in np.packbits(rng.permuted(bits, axis=1), axis=1):
            yield packed.tobytes().hex()


def _least(path: Path, folder: Path) -> None:
    target = folder / "least.db"
    target.unlink(missing_ok=True)
    with sqlite3.connect(target) as connection, path.open() as lines:
        connection.execute("CREATE TABLE entry (kind, value UNIQUE, quality, source_id)")
        for batch in batches(map(json.loads, lines)):
            rows = [(r["kind"], r["value"], r["quality"], r["source_id"]) for r in batch]
            connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", rows)
    connection.close()


def _read(path: Path, name: str) -> None:
    with path.open("rb") as stream:
        now = datetime.now(UTC)
        for row in read_rows(stream, ListFormat(name), source="ORG", now=now):
            if row.entry is None:
                raise AssertionError(row)


def _import(path: Path, name: str, target: Path) -> Callable[[], Transfer]:
    store = open_store(f"sqlite:///{target}")
    if not store.sets():
        store.create_set(HashSet(name="bench", owner="bench", purpose="bench"))
    check = list_check(None)()

    def work() -> Transfer:
        now = datetime.now(UTC)
        options = ImportOptions(source="ORG", now=now, check=check)
        with path.open("rb") as stream:
            rows = read_parts(stream, ListFormat(name), source="ORG", now=now)
            found = import_list(store, "bench", rows, options=options)
        store.close()
        if found.rejected or found.rows != ROWS:
            raise AssertionError(found)
        return found

    return work


def _timed(work: Callable[[], Any]) -> tuple[float, float]:
    gc.collect()
    gc.disable()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    spent = time.perf_counter() - wall, time.process_time() - cpu
    gc.enable()
    return spent


def _median(times: list[tuple[float, float]]) -> tuple[float, float]:
    walls, cpus = zip(*times, strict=True)
    return statistics.median(walls), statistics.median(cpus)


if __name__ == "__main__":
    print(run())
