"""Which of a million copies: right, none and wrong answers, their time, and the spread of keys.

``rooted_identify.py FOLDER NULL``: a folder as ``rooted_mark.py`` takes it, and looks at unmarked
photographs (``.npy``) other than those in it. One JSON line per measure goes to
``identify.jsonl`` in the folder.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from lightkeeper.evidence.watermark.rooted import Look, identify_among
from rooted_mark import CHANGES, Bench, held_out, unmarked

COPIES = (4, 1_000, 1_000_000)
ALPHAS = (1e-6, 1e-3)
_BINOMIAL = 2.76e-3
"""Chance that a fair coin gives 34 of 48 bits or more."""


def copies(bench: Bench) -> None:
    """Pictures of copy 0, of the mean of copies 0 and 1, and of nobody."""
    rng = np.random.default_rng(48)
    (first, one), (second, two) = bench.decoder("root_0"), bench.decoder("root_1")
    plain = held_out()
    pictures = [bench.decode(first, a) for a in plain]
    mixed = [
        ((a.astype(np.uint16) + bench.decode(second, b)) // 2).astype(np.uint8)
        for a, b in zip(pictures, plain, strict=True)
    ]
    kinds: dict[str, tuple[set[int], list[Any]]] = {
        change: ({0}, [CHANGES[change](a, a, rng) for a in pictures])
        for change in ("none", "JPEG 80 4:2:0")
    }
    kinds["two copies averaged"] = ({0, 1}, mixed)
    kinds["unmarked photograph"] = (set(), unmarked()[:40])
    looks = {kind: [bench.reader.look(a) for a in held] for kind, (_, held) in kinds.items()}
    drawn = rng.integers(0, 256, (COPIES[-1], 6)).astype(np.uint8)
    drawn[:2] = [np.frombuffer(key.bits, np.uint8) for key in (one, two)]
    for count in COPIES:
        for kind, (wanted, _) in kinds.items():
            for alpha in ALPHAS:
                tally, seconds = _asked(looks[kind], drawn[:count], alpha, wanted)
                _write(bench, {
                    "kind": kind, "copies": count, "alpha": alpha, **tally,
                    "seconds": round(seconds, 3),
                })  # fmt: skip


def _asked(
    looks: list[tuple[Look, ...]], bits: Any, alpha: float, wanted: set[int]
) -> tuple[dict[str, int], float]:
    tally = {"all": 0, "part": 0, "none": 0, "wrong": 0, "best p below .1": 0}
    began = time.process_time()
    for seen in looks:
        found = identify_among(seen, bits, alpha=alpha)
        named = set(found.copies) if found else set()
        tally["best p below .1"] += bool(found and found.best_p < 0.1)
        if named - wanted:
            tally["wrong"] += 1
        elif named == wanted:
            tally["all"] += 1
        else:
            tally["part" if named else "none"] += 1
    return tally, (time.process_time() - began) / len(looks)


def spread(bench: Bench, other: Any) -> None:
    """How often fixed keys reach 34 bits on unmarked looks, before and after a choice."""
    rng = np.random.default_rng(0)
    signs = rng.integers(0, 2, (10_000, 48)) * 2 - 1

    def rates(logits: Any) -> Any:
        return (((np.sign(logits) @ signs.T) + 48) / 2 >= 34).mean(0)

    chosen, tried = rates(bench.null()), rates(other)
    kept = chosen <= max(2 * _BINOMIAL, 3 / len(bench.null()))
    for name, held in (("all", tried), ("kept", tried[kept])):
        _write(bench, {
            "kind": f"keys {name}", "keys": len(held), "looks": len(other),
            "median": float(np.median(held)), "p95": float(np.quantile(held, 0.95)),
            "p99": float(np.quantile(held, 0.99)), "max": float(held.max()),
            "over 3x": float((held > 3 * _BINOMIAL).mean()),
        })  # fmt: skip


def _write(bench: Bench, row: dict[str, Any]) -> None:
    with (bench.folder / "identify.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    bench_ = Bench(Path(sys.argv[1]))
    spread(bench_, np.load(sys.argv[2]))
    copies(bench_)
