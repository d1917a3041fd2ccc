"""Registry of marked pictures: honest copies, copied marks, unrelated pairs, and forgers.

``python benchmarks/bench_mark_registry.py laid|told|pairs|forged|table JOURNAL`` appends to a
journal and can be stopped; ``run()`` measures a small part. Pictures are marked and read with the
open mark, a copied one by marking the other picture with the same payload: whoever lifts a mark
does no better. All are held out: none was looked at when the thresholds were chosen.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.evidence.detectors.statistics import Rate
from lightkeeper.evidence.watermark.auditing._forgery import (
    BAR_PSNR,
    chosen,
    least_average,
    least_fit,
)
from lightkeeper.evidence.watermark.lattice import embed, read
from lightkeeper.evidence.watermark.registry import Fingerprint, Likeness, compare
from lightkeeper.evidence.watermark.registry._compare import judge
from lightkeeper.evidence.watermark.registry._sketch import Copy, cells_of
from lightkeeper.testing import photo_like, synthetic_like

Pixels = NDArray[np.uint8]
SHARED = Path(os.environ.get("LIGHTKEEPER_SHARED", Path(__file__).parents[2] / "shared")) / "data"
REAL = (
    "detection/real/BIDS+BSDS500",
    "detection/real/Oldpel+flower_photos",
)
GENERATED = "detection/gen/dcsan+imagen"
FOLDERS = (*REAL, GENERATED, "detection/real/lightly-ai+coco128_yolo", "photos")
PORTRAITS = frozenset({"kodim04", "kodim15", "kodim18"})
DRAWN = 12
SIDE = 768
DECOYS = 16
ENTRIES, FORGED = 34, 30
UNREAD = "unread"


def pictures() -> list[str]:
    """Names of all held-out pictures, in an order that is always the same."""
    files = [str(p) for folder in FOLDERS for p in sorted((SHARED / folder).glob("*"))]
    files = [name for name in files if name.endswith((".png", ".jpg"))]
    seen = tuned_on(files)
    files = [n for n in files if n not in seen and Path(n).stem not in PORTRAITS]
    names = [*files, *(f"drawn-{i}" for i in range(DRAWN))]
    np.random.default_rng(1).shuffle(names)
    return names


def tuned_on(files: list[str]) -> set[str]:
    """The pictures on which scales and thresholds were chosen, drawn as they were drawn then."""
    made = [name for name in files if GENERATED in name]
    real = [name for name in files if GENERATED not in name]
    seen: set[str] = set()
    for seed, sizes, groups in (
        (5, (60,), (files,)),
        (3, (60, 60), (real, made)),
        (4, (40, 40), (real, made)),
    ):
        rng = np.random.default_rng(seed)
        for size, group in zip(sizes, groups, strict=True):
            if group:
                seen |= {group[int(i)] for i in rng.permutation(len(group))[:size]}
    return seen


def load(name: str) -> Pixels:
    if name.startswith("drawn-"):
        seed = int(name[6:])
        return (photo_like if seed % 2 else synthetic_like)(seed)
    image = Image.open(name).convert("RGB")
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def resized(rgb: Pixels, across: float, down: float) -> Pixels:
    size = max(8, round(rgb.shape[1] * across)), max(8, round(rgb.shape[0] * down))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def jpeg(rgb: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(buffer).convert("RGB"))


def rotated(rgb: Pixels, degrees: float) -> Pixels:
    return np.asarray(Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC))


def crop(rgb: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    height, width = (max(1, int(side * share**0.5)) for side in rgb.shape[:2])
    y = int(rng.integers(0, rgb.shape[0] - height + 1))
    x = int(rng.integers(0, rgb.shape[1] - width + 1))
    return rgb[y : y + height, x : x + width]


def brighter(rgb: Pixels) -> Pixels:
    return np.clip(rgb.astype(np.int32) * 2, 0, 255).astype(np.uint8)


def contrasted(rgb: Pixels) -> Pixels:
    mean = float(rgb.mean())
    return np.clip((rgb - mean) * 2 + mean, 0, 255).astype(np.uint8)


def screenshot(rgb: Pixels) -> Pixels:
    small = resized(rgb, 0.73, 0.73)
    canvas = np.full((rgb.shape[0], rgb.shape[1] + 100, 3), 235, np.uint8)
    canvas[:14] = 60
    canvas[20 : 20 + small.shape[0], 60 : 60 + small.shape[1]] = small
    return jpeg(canvas, 85)


def half(rgb: Pixels, other: Pixels) -> Pixels:
    mixed = rgb.copy()
    width = rgb.shape[1]
    mixed[:, : width // 2] = np.asarray(Image.fromarray(other).resize((width, rgb.shape[0])))[
        :, : width // 2
    ]
    return mixed


def honest(rgb: Pixels, other: Pixels, rng: np.random.Generator) -> Iterator[tuple[str, Pixels]]:
    """Copies of a picture."""
    yield "none", rgb
    yield "JPEG 75", jpeg(rgb, 75)
    yield "JPEG 71", jpeg(rgb, 71)
    yield "resize .7", resized(rgb, 0.7, 0.7)
    yield "resize .63", resized(rgb, 0.63, 0.63)
    yield "crop to .5 of the area", crop(rgb, 0.5, rng)
    yield "crop to .47 of the area", crop(rgb, 0.47, rng)
    yield "resize .63, crop .47, JPEG 71", jpeg(crop(resized(rgb, 0.63, 0.63), 0.47, rng), 71)
    yield "brightness 2", brighter(rgb)
    yield "contrast 2", contrasted(rgb)
    yield "turned by 90°", np.rot90(rgb)
    yield "rotation 5°", rotated(rgb, 5)
    yield "rotation 30°", rotated(rgb, 30)
    yield "crop to .25 of the area", crop(rgb, 0.25, rng)
    yield "screenshot with a frame", screenshot(rgb)
    yield "half replaced", half(rgb, other)


def copied(rgb: Pixels, rng: np.random.Generator) -> Iterator[tuple[str, Pixels]]:
    """Another picture under the mark, at geometries that its copier may choose."""
    yield "as it is", rgb
    scale = float(rng.uniform(0.5, 1.5))
    turned = rotated(rgb, float(rng.uniform(-180, 180)))
    yield "any rotation, scale .5-1.5", resized(turned, scale, scale)
    for share in (0.5, 0.25):
        yield f"crop to {share:g} of the area", crop(rgb, share, rng)


def told(names: list[str], done: set[str]) -> Iterator[dict[str, Any]]:
    """Honest copies and copied marks, each by the geometry that was read from the mark."""
    prints = [Fingerprint.of(load(name)) for name in names]
    for place, name in enumerate(names):
        if name in done:
            continue
        rng = np.random.default_rng(place)
        payload = int(rng.integers(1 << 48))
        rgb = embed(load(name), payload)
        own, others = Fingerprint.of(rgb), _decoys(prints, place)
        trials = [("honest", *t) for t in honest(rgb, load(names[(place + 7) % len(names)]), rng)]
        other = embed(load(names[(place + 1) % len(names)]), payload)
        trials += [("copied", *trial) for trial in copied(other, rng)]
        made = [
            [kind, change, *judged(shown, payload, own, others, len(names))]
            for kind, change, shown in trials
        ]
        yield {"of": "told", "picture": name, "group": group(name), "trials": made}


def laid(names: list[str], done: set[str]) -> Iterator[dict[str, Any]]:
    """The changes that an owner's picture must withstand, by the geometry that is known."""
    prints = [Fingerprint.of(load(name)) for name in names]
    for place, name in enumerate(names):
        if name in done:
            continue
        rng = np.random.default_rng(place)
        rgb = embed(load(name), int(rng.integers(1 << 48)))
        own, others = Fingerprint.of(rgb), _decoys(prints, place)
        trials = []
        for change, shown, scale in _must_withstand(rgb, rng):
            matrix = np.diag([shown.shape[1] / rgb.shape[1], shown.shape[0] / rgb.shape[0]])
            found = compare(
                np.ascontiguousarray(shown),
                own,
                matrix=matrix if scale else None,
                decoys=others,
                choices=len(names),
            )
            values = [found.agreement, found.detail, found.forged_psnr or 0.0]
            trials.append(["laid", change, found.likeness.value, *values, found.pdq_distance])
        yield {"of": "laid", "picture": name, "group": group(name), "trials": trials}


def _must_withstand(rgb: Pixels, rng: np.random.Generator) -> Iterator[tuple[str, Pixels, bool]]:
    """Name, copy, and whether it was resized."""
    yield "JPEG 75", jpeg(rgb, 75), False
    yield "JPEG 71", jpeg(rgb, 71), False
    yield "resize .7", resized(rgb, 0.7, 0.7), True
    yield "resize .63", resized(rgb, 0.63, 0.63), True
    yield "crop to .5 of the area", crop(rgb, 0.5, rng), False
    yield "crop to .47 of the area", crop(rgb, 0.47, rng), False
    yield "crop to .47, JPEG 71", jpeg(crop(rgb, 0.47, rng), 71), False


def judged(
    shown: Pixels, payload: int, own: Fingerprint, decoys: list[Fingerprint], choices: int
) -> tuple[str, float, float, float]:
    """Likeness, agreement, dB of a forger and milliseconds of one comparison."""
    shown = np.ascontiguousarray(shown)
    reading = read(shown)
    if reading is None or reading.payload != payload:
        return UNREAD, 0.0, 0.0, 0.0
    matrix = np.array(reading.transform.matrix).reshape(2, 2)
    started = time.process_time()
    found = compare(shown, own, matrix=matrix, decoys=decoys, choices=choices)
    spent = (time.process_time() - started) * 1e3
    return found.likeness.value, found.agreement, found.forged_psnr or 0.0, round(spent, 1)


def pairs(names: list[str], done: set[str]) -> Iterator[dict[str, Any]]:
    """Every picture laid over the sketch of every other one, upright, as :func:`compare` does.

    Only what agrees enough to match is compared in full: the rest cannot match, whatever a
    forger's damage and PDQ say.
    """
    prints = [Fingerprint.of(load(name)) for name in names]
    for place, name in enumerate(names):
        if name in done:
            continue
        rgb, copies = load(name), {}
        counts: Counter[str] = Counter()
        top: list[tuple[float, float, str]] = []
        for other, entry in enumerate(prints):
            if other == place:
                continue
            assert entry.sketch is not None
            if entry.frame not in copies:
                copies[entry.frame] = Copy.of(rgb, np.eye(2), entry.frame)
            copy = copies[entry.frame]
            if copy is None:
                counts["too small or too large"] += 1
                continue
            found = copy.on(cells_of(entry.sketch, entry.frame))
            top = sorted([*top, (found.agreement, found.detail, names[other])])[-2:]
            likeness = judge(found, 0.0, None)
            if judge(found, np.inf, None) is Likeness.MATCHES:
                decoys = _decoys(prints, other)
                likeness = compare(rgb, entry, decoys=decoys, choices=len(names)).likeness
            counts[likeness.value] += 1
        yield {"of": "pairs", "picture": name, "counts": dict(counts), "top": top}


def forged(names: list[str], done: set[str]) -> Iterator[dict[str, Any]]:
    """What a forger must do to a photograph, who holds the marked pictures of a registry."""
    made = [name for name in names if group(name) == "generated"][:ENTRIES]
    real = [name for name in names if group(name) == "photograph"][:FORGED]
    marked = [embed(load(name), 1 + place) for place, name in enumerate(made)]
    prints = [Fingerprint.of(rgb) for rgb in marked]
    for place, name in enumerate(real):
        if name in done:
            continue
        rgb = load(name)
        best, entry, shown = chosen(rgb, prints)
        at = prints.index(entry)
        other = (place * 7) % len(made)
        yield {
            "of": "forged",
            "picture": name,
            "choice": [best.likeness.value, best.agreement],
            "fit": least_fit(rgb, prints[other], decoys=prints),
            "choice and fit": least_fit(shown, entry, decoys=prints),
            "average": least_average(rgb, marked[other], prints[other], decoys=prints),
            "choice and average": least_average(shown, marked[at], entry, decoys=prints),
        }


def group(name: str) -> str:
    """What kind of picture it is."""
    if name.startswith("drawn-"):
        return "drawn"
    return "generated" if GENERATED in name else "photograph"


def _decoys(prints: list[Fingerprint], without: int) -> list[Fingerprint]:
    step = max(1, len(prints) // DECOYS)
    return [p for place, p in enumerate(prints) if place != without][::step][:DECOYS]


def table(found: list[dict[str, Any]]) -> str:
    lines: list[str] = []
    kinds = {kind: [row for row in found if row["of"] == kind] for kind in MODES}
    if kinds["laid"]:
        lines += [*_laid_table(kinds["laid"]), ""]
    if kinds["told"]:
        lines += _told_table(kinds["told"])
    if kinds["pairs"]:
        counts: Counter[str] = Counter()
        for row in kinds["pairs"]:
            counts.update(row["counts"])
        top = max(t for row in kinds["pairs"] for t in row["top"])
        lines += [
            "",
            f"{counts.total():,} unrelated pairs: {dict(counts)}; most alike {top[0]:.2f} "
            f"(detail {top[1]:.2f}); called the same {_rate(counts['matches'], counts.total())}",
        ]
    if kinds["forged"]:
        lines += ["", *_forged_table(kinds["forged"])]
    return "\n".join(lines)


def _laid_table(found: list[dict[str, Any]]) -> list[str]:
    groups = Counter(row["group"] for row in found)
    lines = [
        f"{len(found)} pictures {dict(groups)}, by the known geometry",
        "",
        f"| | {' | '.join(f'matches, {g}' for g in groups)} | matches, all | does not match |",
        "| --- " * (len(groups) + 3) + "|",
    ]
    for place, (_, change, *_) in enumerate(found[0]["trials"]):
        said = [(row["group"], row["trials"][place][2]) for row in found]
        rates = [[word for g, word in said if g == each] for each in groups]
        cells = [
            _rate(words.count("matches"), len(words)) for words in (*rates, [w for _, w in said])
        ]
        other = sum(word == "does-not-match" for _, word in said)
        lines.append(f"| {change} | {' | '.join(cells)} | {other} |")
    return lines


def _told_table(found: list[dict[str, Any]]) -> list[str]:
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    costs = []
    for row in found:
        for kind, change, likeness, _, _, spent in row["trials"]:
            counts[kind, change][likeness] += 1
            costs += [spent] if likeness != UNREAD else []
    groups = Counter(row["group"] for row in found)
    lines = [
        f"{len(found)} pictures {dict(groups)}; CPU {np.median(costs):.0f} ms in the median, "
        f"{np.quantile(costs, 0.99):.0f} in the 99th percentile",
        "",
        "| | pairs | mark unread | matches | does not match | cannot be told | matches, of read |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (kind, change), counter in counts.items():
        told_as = [counter[name] for name in (UNREAD, "matches", "does-not-match")]
        rest = counter.total() - sum(told_as)
        rate = _rate(told_as[1], counter.total() - told_as[0])
        shown = " | ".join(map(str, (*told_as, rest)))
        lines.append(f"| {kind}: {change} | {counter.total()} | {shown} | {rate} |")
    return lines


def _forged_table(found: list[dict[str, Any]]) -> list[str]:
    passed = sum(row["choice"][0] == "matches" for row in found)
    lines = [
        f"{len(found)} photographs, {ENTRIES} entries",
        "",
        "| what is done | n | passes at all | passes at 30 dB or more | best PSNR |",
        "| --- | --- | --- | --- | --- |",
        f"| choice of entry and turn, untouched | {len(found)} | {passed} | {passed} | – |",
    ]
    for what in ("fit", "choice and fit", "average", "choice and average"):
        reached = [row[what] for row in found if row[what] is not None]
        over = sum(psnr >= BAR_PSNR for psnr in reached)
        best = f"{max(reached):.1f}" if reached else "–"
        lines.append(f"| {what} | {len(found)} | {len(reached)} | {over} | {best} |")
    return lines


def _rate(hits: int, total: int) -> str:
    if not total:
        return "–"
    rate = Rate.observed(hits, total)
    return f"{rate.value:.4f} ({rate.low:.4f}–{rate.high:.4f})"


MODES = {"laid": laid, "told": told, "pairs": pairs, "forged": forged}


def run() -> str:
    """A small part of it, on drawn pictures alone where there are no others."""
    few = pictures()[:16]
    found = [row for mode in (laid, pairs) for row in mode(few, set())]
    return "\n".join(["## Registry of marks", "", table(found)])


def main() -> None:
    mode, journal = sys.argv[1], Path(sys.argv[2])
    lines = journal.read_text().splitlines() if journal.exists() else []
    found = [json.loads(line) for line in lines]
    if mode != "table":
        done = {row["picture"] for row in found if row["of"] == mode}
        with journal.open("a") as stream:
            for row in MODES[mode](pictures(), done):
                stream.write(json.dumps(row, default=float) + "\n")
                stream.flush()
                found.append(row)
    print(table(found))


if __name__ == "__main__":
    main()
