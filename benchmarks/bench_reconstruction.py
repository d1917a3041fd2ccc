"""The rule for a decoder's grid: what it finds, what it takes for another's, what it costs.

    python benchmarks/bench_reconstruction.py prepare FOLDER [--more FOLDER]
    lightkeeper detector calibrate --autoencoder ENTRY --images FOLDER/null --out ENTRY/nulls.json
    lightkeeper detector evaluate ENTRY FOLDER/card --drawn 40
    python benchmarks/bench_reconstruction.py measure JOURNAL ENTRY... [--more FOLDER]
    python benchmarks/bench_reconstruction.py table JOURNAL ENTRY...

Pictures come from ``LIGHTKEEPER_SHARED`` and, with ``--more``, from another folder's
``photographs``, ``drawings/null`` and ``drawings/table``. Each source picture has one part, a
photograph by the SHA-256 of its file's name: it is for design, for the null, for the card, or for
the tables, never for two. ``measure`` appends one
line per picture to a journal and skips what is there already, so it can be stopped. No picture is
kept.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lightkeeper.assessment import assess
from lightkeeper.evidence import Finding, NotExamined
from lightkeeper.evidence.detectors.reconstruction import (
    FULL,
    QUICK,
    Abstention,
    GridRule,
    ReconstructionExaminer,
    decoded,
    read_autoencoder,
)
from lightkeeper.evidence.detectors.statistics import Rate
from lightkeeper.evidence.detectors.treatment import DRAWN_KINDS, draw_non_photo
from lightkeeper.media import open_media

SIDE = 536
PARTS = {"design": 20, "null": 33, "card": 60, "table": 100}
GENERATED = {"design": slice(30), "null": slice(30, 75), "card": slice(0), "table": slice(75, None)}
"""Pictures of other generators: by their names' order."""
OWN = ("png", "j90", "j75", "r75+j90", "j83", "r71+j90", "w80")
"""PNG, JPEG and WebP of a quality, reduced to per cent; the last three on no grid of the search."""
FOREIGN = ("png", "j90")
REAL = ("png", "j90", "j75", "w80")
SEEDS = {"null": 7_000, "table": 100_000}
"""First seeds of the pictures that are drawn."""


def part_of(path: Path) -> str:
    place = int(hashlib.sha256(path.name.encode()).hexdigest(), 16) % 100
    return next(part for part, end in PARTS.items() if place < end)


def found(kind: str, part: str, more: Path | None) -> list[Path]:
    """Files of a part, in an order of their own."""
    root = Path(os.environ["LIGHTKEEPER_SHARED"]) / "data"
    folders = {
        "photographs": [root / "photos", root / "detection" / "real"],
        "generated": [root / "detection" / "gen"],
        "drawings": [more / "drawings" / part] if more else [],
    }[kind]
    if more and kind == "photographs":
        folders.append(more / kind)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files = sorted(path for path in files if large(path))
    if kind == "generated":
        files = files[GENERATED[part]]
    elif kind == "photographs":
        files = [path for path in files if part_of(path) == part]
    return sorted(files, key=lambda path: hashlib.sha256(path.name.encode()).hexdigest()[::-1])


def large(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            return min(picture.size) >= 240
    except OSError:
        return False


def opened(path: Path) -> np.ndarray:
    rgb = np.asarray(Image.open(path).convert("RGB"))
    return np.ascontiguousarray(rgb[:SIDE, :SIDE])


def treated(rgb: np.ndarray, condition: str, key: str) -> bytes:
    """A file: cropped at random by 0 to 15 pixels, then as the condition says."""
    rng = np.random.default_rng(int(hashlib.sha256(key.encode()).hexdigest()[:12], 16))
    y, x = (int(each) for each in rng.integers(0, 16, 2))
    picture = Image.fromarray(np.ascontiguousarray(rgb[y:, x:]))
    file = io.BytesIO()
    picture.save(file, "PNG")
    for step in condition.split("+"):
        if step[0] == "r":
            size = tuple(int(side * int(step[1:]) / 100) for side in picture.size)
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        elif step != "png":
            file = io.BytesIO()
            picture.save(file, {"j": "JPEG", "w": "WEBP"}[step[0]], quality=int(step[1:]))
            picture = Image.open(file).convert("RGB")
    return file.getvalue()


class Journal:
    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.done = {json.loads(line)["key"] for line in lines}

    def measure(self, about: dict[str, str], work: Any) -> None:
        key = "|".join(about.values())
        if key in self.done:
            return
        row = {"key": key, **about, **work()}
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self.done.add(key)


def judged(rule: GridRule, content: bytes) -> dict[str, Any]:
    rgb = open_media(content).rgb()
    start = time.process_time()
    seen = rule.judge(rgb)
    row: dict[str, Any] = {"seconds": round(time.process_time() - start, 4)}
    if isinstance(seen, Abstention):
        return row | {"said": seen.value}
    reading = seen.reading
    numbers = {"contrast": reading.contrast, "p": reading.p_value, "share": seen.share,
               "excess": reading.excess, "error": reading.error}  # fmt: skip
    numbers = {name: round(value, 4) for name, value in numbers.items() if np.isfinite(value)}
    said = "found" if rule.found(seen) else "nothing"
    phase = [reading.phase.y, reading.phase.x] if reading.exact and reading.scale == 1 else None
    return row | numbers | {"said": said, "chance": seen.chance, "scale": reading.scale,
                            "phase": phase}  # fmt: skip


def measure(arguments: argparse.Namespace) -> None:
    journal = Journal(arguments.journal)
    form = QUICK if arguments.quick else FULL
    photographs = found("photographs", "table", arguments.more)
    entries = {e.autoencoder.name: e for e in map(read_autoencoder, arguments.entries)}
    rules = {
        name: GridRule(entry.autoencoder, null, form)
        for name, entry in entries.items()
        if (null := entry.nulls.of(form)) is not None
    }

    def ask(name: str, source: str, condition: str, picture: str, rgb: Any, kind: str) -> None:
        about = {"judge": name, "form": form.name, "source": source, "condition": condition,
                 "picture": picture, "kind": kind}  # fmt: skip
        content = f"{source} {condition} {picture}"
        journal.measure(about, lambda: judged(rules[name], treated(rgb(), condition, content)))

    made: dict[tuple[str, Path], np.ndarray] = {}

    def through(source: str, path: Path) -> np.ndarray:
        if (source, path) not in made:
            made.clear()
            made[source, path] = decoded(entries[source].autoencoder, opened(path))
        return made[source, path]

    def own(conditions: Any) -> None:
        for path in photographs[: arguments.own]:
            for name in rules:
                for condition in conditions:
                    rgb = partial(through, name, path)
                    ask(name, name, condition, path.name, rgb, "own")

    own(OWN[:4])
    for path in photographs[: arguments.crossed]:
        for source in entries:
            for name in set(rules) - {source}:
                for condition in FOREIGN:
                    rgb = partial(through, source, path)
                    ask(name, source, condition, path.name, rgb, "foreign")
    for name in rules:
        for kind in ("photographs", "generated", "drawings"):
            paths = found(kind, "table", arguments.more)[: arguments.real]
            for number, path in enumerate(paths):
                condition = REAL[number % len(REAL)]
                ask(name, "none", condition, path.name, partial(opened, path), kind)
        for kind in DRAWN_KINDS:
            for number in range(arguments.drawn):
                rgb = partial(draw_non_photo, kind, SEEDS["table"] + number)
                condition = REAL[number % len(REAL)]
                ask(name, "none", condition, f"{kind} {number}", rgb, f"drawn {kind}")
    own(OWN[4:])


def prepare(folder: Path, more: Path | None) -> None:
    """Write the pictures of the null, re-encoded as pictures are, and those of the card."""
    conditions = ("png", "j90", "j80", "j75", "w85", "j95")

    def keep(place: Path, rgb: np.ndarray, condition: str | None = None) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        digest = int(hashlib.sha256(place.name.encode()).hexdigest(), 16)
        condition = condition or conditions[digest % len(conditions)]
        place.write_bytes(treated(rgb, condition, place.name))

    for kind in ("photographs", "generated", "drawings"):
        for path in found(kind, "null", more):
            keep(folder / "null" / kind / path.stem, opened(path))
    for kind in DRAWN_KINDS:
        for number in range(30):
            rgb = draw_non_photo(kind, SEEDS["null"] + number)
            keep(folder / "null" / f"drawn-{kind}" / f"{kind}{number}", rgb)
    for path in found("photographs", "card", more):
        keep(folder / "card" / "real" / path.parent.name / f"{path.stem}.png", opened(path), "png")


def scan(arguments: argparse.Namespace) -> None:
    """The way of a scan, to the assessment: deep examiner with its card, one entry at a time."""
    photographs = found("photographs", "table", arguments.more)
    print("| autoencoder | condition | origin | log10 likelihood ratio |")
    print("| --- " * 4 + "|")
    for path in arguments.entries:
        examiner = ReconstructionExaminer.from_files([path], deep=True)
        source = read_autoencoder(path).autoencoder
        for condition in ("png", "j90", "j75", "r75+j90"):
            origins: Counter[str] = Counter()
            weights = []
            for picture in photographs[: arguments.own]:
                key = f"{source.name} {condition} {picture.name}"
                content = treated(decoded(source, opened(picture)), condition, key)
                told = examiner.examine(open_media(content))
                findings = [each for each in told if isinstance(each, Finding)]
                silent = [each for each in told if isinstance(each, NotExamined)]
                result = assess(findings, not_examined=silent)
                origins[result.origin.value] += 1
                weights += [f.log10_lr for f in findings if f.log10_lr is not None]
            low = f"{min(weights):.2f}" if weights else "–"
            print(f"| {source.name} | {condition} | {dict(origins)} | {low} |", flush=True)


def share(count: int, of: int) -> str:
    if not of:
        return "–"
    rate = Rate.observed(count, of)
    return f"{count} of {of}, {rate.value:.3f} [{rate.low:.3f}, {rate.high:.3f}]"


def table(path: Path) -> None:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for form in sorted({row["form"] for row in rows}):
        mine = [row for row in rows if row["form"] == form]
        print(f"\n{form} form\n")
        own_table([row for row in mine if row["kind"] == "own"])
        own = [row for row in mine if row["kind"] == "own"]
        foreign_table([row for row in mine if row["kind"] == "foreign"], own)
        real_table([row for row in mine if row["kind"] not in ("own", "foreign")])


def own_table(rows: list[dict[str, Any]]) -> None:
    print("| autoencoder | condition | found | abstained | contrast: median [least, most] | "
          "share: median [least, most] | CPU s |")  # fmt: skip
    print("| --- " * 7 + "|")
    for judge in sorted({row["judge"] for row in rows}):
        for condition in OWN:
            group = [r for r in rows if (r["judge"], r["condition"]) == (judge, condition)]
            if not group:
                continue
            said = [r for r in group if "contrast" in r]
            seconds = np.median([r["seconds"] for r in group])
            fired = share(sum(r["said"] == "found" for r in group), len(group))
            silent = len(group) - len(said)
            print(f"| {judge} | {condition} | {fired} | {silent} | {spread(said, 'contrast')} | "
                  f"{spread(said, 'share')} | {seconds:.3f} |")  # fmt: skip


def spread(rows: list[dict[str, Any]], key: str) -> str:
    values = [row[key] for row in rows if key in row] or [0.0]
    return f"{np.median(values):.2f} [{min(values):.2f}, {max(values):.2f}]"


def foreign_table(rows: list[dict[str, Any]], own: list[dict[str, Any]]) -> None:
    """Each judge alone, and which of two that are found leaves the least error."""
    true = {(r["source"], r["condition"], r["picture"]): r for r in own}
    print("\n| judge | decoder | condition | found, alone | "
          "error above the true decoder's: least | "
          "where both are found, the true one named |")  # fmt: skip
    print("| --- " * 6 + "|")
    for pair in sorted({(r["judge"], r["source"], r["condition"]) for r in rows}):
        group = [r for r in rows if (r["judge"], r["source"], r["condition"]) == pair]
        known = [(r, true.get((r["source"], r["condition"], r["picture"]), {})) for r in group]
        margins = [r["error"] - t["error"] for r, t in known if "error" in r and "error" in t]
        both = [r["error"] > t["error"] for r, t in known
                if r["said"] == "found" and t.get("said") == "found"]  # fmt: skip
        fired = share(sum(r["said"] == "found" for r in group), len(group))
        least = f"{min(margins):.2f} of {len(margins)}" if margins else "–"
        print(f"| {' | '.join(pair)} | {fired} | {least} | {share(sum(both), len(both))} |")


def real_table(rows: list[dict[str, Any]]) -> None:
    print("\n| autoencoder | pictures | sources | false alarms | abstained | CPU s, median, 95 % |")
    print("| --- " * 6 + "|")
    for judge in sorted({row["judge"] for row in rows}):
        mine = [row for row in rows if row["judge"] == judge]
        for kind in (*sorted({row["kind"] for row in mine}), "all"):
            group = [row for row in mine if kind in (row["kind"], "all")]
            away = Counter(r["said"] for r in group if r["said"] not in ("found", "nothing"))
            seconds = [row["seconds"] for row in group]
            print(f"| {judge} | {kind} | {len({row['picture'] for row in group})} | "
                  f"{share(sum(r['said'] == 'found' for r in group), len(group))} | {dict(away)} | "
                  f"{np.median(seconds):.3f}, {np.quantile(seconds, 0.95):.3f} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("prepare")
    writing.add_argument("folder", type=Path)
    measuring = commands.add_parser("measure")
    measuring.add_argument("journal", type=Path)
    measuring.add_argument("entries", type=Path, nargs="+")
    measuring.add_argument("--own", type=int, default=40)
    measuring.add_argument("--crossed", type=int, default=30)
    measuring.add_argument("--real", type=int, default=200, help="of each kind")
    measuring.add_argument("--drawn", type=int, default=20, help="of each kind")
    measuring.add_argument("--quick", action="store_true")
    scanning = commands.add_parser("scan")
    scanning.add_argument("entries", type=Path, nargs="+")
    scanning.add_argument("--own", type=int, default=40)
    for each in (writing, measuring, scanning):
        each.add_argument("--more", type=Path)
    printing = commands.add_parser("table")
    printing.add_argument("journal", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "table":
        table(arguments.journal)
    elif arguments.command == "prepare":
        prepare(arguments.folder, arguments.more)
    elif arguments.command == "scan":
        scan(arguments)
    else:
        measure(arguments)


if __name__ == "__main__":
    main()
