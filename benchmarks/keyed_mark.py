"""The keyed mark: what it withstands, its null over keys and pictures, its time.

Every reading is one line of a journal (``LIGHTKEEPER_JOURNAL``, a folder outside the repository),
so that a run can be stopped and taken up again: ``python keyed_mark.py rows|null|audit|table``.
Pictures and changes are those of ``bench_marks.py``, and more at sizes and places off any grid.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench_marks import (
    CHANGES,
    SHARED,
    Picture,
    _crop,
    _jpeg,
    _pixels,
    _resized,
    held_out,
    unmarked,
)
from lightkeeper.evidence.detectors.statistics import Rate
from lightkeeper.evidence.watermark import lattice
from lightkeeper.evidence.watermark.auditing import removal_audit
from lightkeeper.evidence.watermark.keyed import KeyedPattern, embed_keyed, read_keyed
from lightkeeper.evidence.watermark.keyed import _read as reader
from lightkeeper.evidence.watermark.keyed._pattern import SIDE

JOURNAL = Path(os.environ.get("LIGHTKEEPER_JOURNAL", "."))
KEYS = 1
AUDITED_EVERY = 2
PAYLOAD = 0x5A17C0DE1E55
OFF_GRID: dict[str, Callable[[Picture, Picture], Picture]] = {
    "crop .25": lambda a, b: _crop(a, 0.25),
    "crop .5": lambda a, b: _crop(a, 0.5),
    "resize .83": lambda a, b: _resized(a, 0.83),
    "resize .613": lambda a, b: _resized(a, 0.613),
    "resize .437": lambda a, b: _resized(a, 0.437),
    "resize 1.37": lambda a, b: _resized(a, 1.37),
    "screenshot-like .83": lambda a, b: _jpeg(_resized(a, 0.83)[9:369, 5:365], 80),
    "aspect .99": lambda a, b: _resized(a, 0.99, 1.0),
    "crop .37, resize .713, JPEG60": lambda a, b: _jpeg(_resized(_crop(a, 0.37), 0.713), 60),
}
LEFT_OUT = ("rotation 30", "rotation 7, resize .7, JPEG80", "rotation 180", "aspect 1.5")
MARKED = {k: v for k, v in (CHANGES | OFF_GRID).items() if "mark" not in k and k not in LEFT_OUT}
NULL_CROPS, NULL_KEYS, SEARCHED = 600, 20, 60


def key(number: int) -> KeyedPattern:
    """One of the keys of this bench."""
    return KeyedPattern.of(hashlib.sha256(b"bench %d" % number).digest())


def rows() -> None:
    """Readings of marked pictures after every change; the open mark's on the same pictures."""
    pictures = held_out()
    done = {tuple(row["key"]) for row in _journal("rows")}
    for number in range(KEYS):
        for i, (name, rgb) in enumerate(pictures):
            left = [change for change in MARKED if (number, name, change) not in done]
            if not left:
                continue
            pattern = key(number)
            marked = embed_keyed(rgb, pattern, PAYLOAD)
            opened = lattice.embed(rgb, PAYLOAD)
            for change in left:
                row: dict[str, Any] = {"key": (number, name, change), "psnr": _psnr(marked, rgb)}
                other = pictures[i - 1][1]
                seen = np.ascontiguousarray(MARKED[change](marked, other))
                started = time.process_time()
                found = read_keyed(seen, [pattern])[0]
                row["ms"] = (time.process_time() - started) * 1e3
                row["found"] = found is not None
                row["payload"] = found is not None and found.payload == PAYLOAD
                row["wrong"] = found is not None and found.payload not in (None, PAYLOAD)
                row["z"] = found.score if found else 0.0
                if number == 0:
                    read = lattice.read(np.ascontiguousarray(MARKED[change](opened, other)))
                    row["open"] = read is not None and read.payload == PAYLOAD
                _keep("rows", row)


def null() -> None:
    """Looks for 20 random keys in unmarked crops, and whole searches in some of them."""
    done = {row["n"] for row in _journal("null")}
    patterns = [key(1000 + k) for k in range(NULL_KEYS)]
    step = max(1, 6000 // NULL_CROPS)
    for n, (group, crop) in enumerate(_every(step)):
        if n in done:
            continue
        views = reader._Views(crop)
        looks = [reader._look(views.view(reader._Geometry(), reader._WHOLE), p) for p in patterns]
        row: dict[str, Any] = {"n": n, "group": group, "z": [round(look.z, 3) for look in looks]}
        if n < SEARCHED:
            started = time.process_time()
            few = patterns[n % 4 :: 4]
            row["found"] = [found is not None for found in read_keyed(crop, few)]
            row["ms"] = (time.process_time() - started) * 1e3
        _keep("null", row)


def _every(step: int) -> Iterator[tuple[str, Picture]]:
    for n, (group, crop) in enumerate(unmarked()):
        if n % step == n // step % 5:
            yield group, crop


def audit() -> None:
    """The audit over whole pictures of 512 pixels, and over crops of 256."""
    whole = [rgb for _, rgb in held_out()]
    files = sorted((SHARED / "detection" / "real").rglob("*.jpg"))
    crops = [_middle(_pixels(path), 256) for path in files]
    crops = [crop for crop in crops if crop.shape == (256, 256, 3)][::AUDITED_EVERY]
    done = {(row["side"], row["name"]) for row in _journal("audit")}
    for side, pictures in ((256, crops), (512, whole)):
        if (side, "end") in done:
            continue
        for found in removal_audit(pictures):
            if (side, found.name) not in done:
                _keep("audit", {"side": side, **asdict(found)})
        _keep("audit", {"side": side, "name": "end"})


def _middle(rgb: Picture, side: int) -> Picture:
    top, left = (max(0, (length - side) // 2) for length in rgb.shape[:2])
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def table() -> str:
    """What the journals hold, as Markdown."""
    ours: dict[str, list[Any]] = defaultdict(list)
    for row in _journal("rows"):
        ours[row["key"][2]].append(row)
    lines = [
        "| change | n | found (95 % interval) | payload read | wrong | z, least and median | ms | "
        "open mark read |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for change in MARKED:
        if not (got := ours[change]):
            continue
        rate = Rate.observed(sum(r["found"] for r in got), len(got))
        z = [r["z"] for r in got]
        opened = [r["open"] for r in got if "open" in r]
        lines.append(
            f"| {change} | {len(got)} | {rate.value:.3f} ({rate.low:.3f}–{rate.high:.3f}) "
            f"| {np.mean([r['payload'] for r in got]):.3f} | {sum(r['wrong'] for r in got)} "
            f"| {min(z):.0f}, {np.median(z):.0f} | {np.median([r['ms'] for r in got]):.0f} "
            f"| {np.mean(opened):.3f} of {len(opened)} |"
        )
    psnr = [r["psnr"] for r in ours["none"]]
    lines += ["", f"PSNR: least {min(psnr):.2f}, mean {np.mean(psnr):.2f} dB.", ""]
    lines += [*_null_lines(), "", *_audit_lines()]
    return "\n".join(lines)


def _null_lines() -> Iterator[str]:
    got = _journal("null")
    z = np.array([value for row in got for value in row["z"]])
    found = [hit for row in got for hit in row.get("found", ())]
    if not len(z):
        return
    rate = Rate.observed(sum(found), max(len(found), 1))
    seen = f"z median {np.median(z):.2f}, 99 % {np.quantile(z, 0.99):.2f}, largest {z.max():.2f}"
    yield f"{len(got)} unmarked crops × {NULL_KEYS} keys = {len(z)} looks: {seen}."
    yield f"{len(found)} whole searches: {sum(found)} readings (95 %: at most {rate.high:.1e})."
    yield ""
    yield "| bound on the chance of a look | share of looks |"
    yield "| --- | --- |"
    for bound in (0.1, 0.01, 0.001):
        # Two weightings, two signs and every place.
        least = math.sqrt(2 * math.log(4 * SIDE * SIDE / bound))
        yield f"| {bound} (z {least:.2f}) | {np.mean(z > least):.5f} |"
    times = [row["ms"] / len(row["found"]) for row in got if "ms" in row]
    yield f"\nA search for one of five keys: median {np.median(times):.0f} ms."


def _audit_lines() -> Iterator[str]:
    yield "| side | what is done | n | share (95 % interval) | |"
    yield "| --- | --- | --- | --- | --- |"
    for row in _journal("audit"):
        if row["name"] == "end":
            continue
        share = f"{row['read']:.3f} ({row['low']:.3f}–{row['high']:.3f})"
        yield f"| {row['side']} | {row['name']} | {row['n']} | {share} | {row['note']} |"


def _psnr(one: Picture, other: Picture) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2)))


def _journal(name: str) -> list[Any]:
    path = JOURNAL / f"keyed-{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _keep(name: str, row: dict[str, Any]) -> None:
    with (JOURNAL / f"keyed-{name}.jsonl").open("a") as out:
        out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["table"]:
        print(table())
    else:
        {"rows": rows, "null": null, "audit": audit}[sys.argv[1]]()
