"""Grid-phase contrast: what it finds, what it misses, what it costs, beside plain error.

    python benchmarks/bench_reconstruction.py measure JOURNAL AUTOENCODER...
    python benchmarks/bench_reconstruction.py table JOURNAL...

``measure`` appends one line per picture to a journal and skips what is there already, so it can
be stopped. Photographs come from ``LIGHTKEEPER_SHARED``; pictures are compared with the very
same pictures passed through a decoder, both cropped and re-encoded alike. No picture is kept.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from lightkeeper.evidence.detectors.reconstruction import (
    FULL,
    QUICK,
    Abstention,
    read_autoencoder,
    read_scales,
)
from lightkeeper.evidence.detectors.reconstruction._examiner import OWN_SHARE, OWN_SHARE_DEEP
from lightkeeper.evidence.detectors.reconstruction._form import PLAIN_CONTRAST
from lightkeeper.evidence.detectors.statistics import Rate
from lightkeeper.evidence.detectors.treatment import DRAWN_KINDS, draw_non_photo

SIDE = 512
SMALLEST = 320
OFFSETS = {"apart": (3, 5), "aligned": (8, 16)}
CONDITIONS = ("png", "j90", "j75", "j90 aligned", "j75 aligned", "r75 j90")
SCALES = (1.0, 1 / 0.75)
LEAST_CONTRAST = PLAIN_CONTRAST
"""What a finding must show besides its chance; the examiner's own bars."""


DESIGNED_ON = 10
"""Photographs on which the statistic was designed; nothing is measured on them."""


def photographs() -> list[Path]:
    """Large uncompressed ones first, then JPEG files of the detection set in random order."""
    root = Path(os.environ["LIGHTKEEPER_SHARED"]) / "data"
    files = sorted((root / "detection" / "real").glob("*/*.jpg"))
    order = np.random.default_rng(5).permutation(len(files))
    mixed = [files[k] for k in order]
    seen = [path for path in mixed if min(Image.open(path).size) >= SMALLEST][:DESIGNED_ON]
    return sorted((root / "photos").glob("*.png")) + [path for path in mixed if path not in seen]


def opened(path: Path) -> np.ndarray:
    rgb = np.asarray(Image.open(path).convert("RGB"))
    return np.ascontiguousarray(rgb[: SIDE + 24, : SIDE + 24])


def jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def through(autoencoder: Any, rgb: np.ndarray) -> np.ndarray:
    grid = autoencoder.grid
    height, width = (side // grid * grid for side in rgb.shape[:2])
    batch = rgb[:height, :width].transpose(2, 0, 1)[None].astype(np.float32) / 255
    decoded = autoencoder.reconstruct(np.ascontiguousarray(batch))[0]
    return (decoded.transpose(1, 2, 0) * 255).round().astype(np.uint8)


def encoded(rgb: np.ndarray, condition: str) -> tuple[np.ndarray, tuple[int, int]]:
    y, x = OFFSETS["aligned" if "aligned" in condition else "apart"]
    cut = np.ascontiguousarray(rgb[y : y + SIDE, x : x + SIDE])
    if condition.startswith("r75"):
        height, width = (int(side * 0.75) for side in cut.shape[:2])
        cut = np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.BICUBIC))
    if condition.startswith("blur"):
        cut = np.asarray(Image.fromarray(cut).filter(ImageFilter.GaussianBlur(0.8)))
    for quality in (90, 75):
        if f"j{quality}" in condition:
            cut = jpeg(cut, quality)
    return cut, (y, x)


def plain_error(autoencoder: Any, rgb: np.ndarray) -> float:
    whole = through(autoencoder, rgb).astype(np.float32)
    return float(np.abs(whole - rgb[: whole.shape[0], : whole.shape[1]]).mean())


def row_of(autoencoder: Any, rgb: np.ndarray, condition: str, form: Any, peer: bool) -> dict:
    cut, (y, x) = encoded(rgb, condition)
    start = time.process_time()
    scales = SCALES if condition.startswith("r75") else (1.0,)
    reading = read_scales(autoencoder, cut, form, scales=scales)
    row: dict[str, Any] = {"seconds": time.process_time() - start}
    if isinstance(reading, Abstention):
        return row | {"abstained": reading.value}
    grid = autoencoder.grid
    row |= {"contrast": reading.contrast, "p": reading.p_value, "scale": reading.scale,
            "agreeing": reading.agreeing, "patches": reading.patches,
            "reconstructions": reading.reconstructions,
            "right": [reading.phase.y, reading.phase.x] == [-y % grid, -x % grid]}  # fmt: skip
    return row | ({"error": plain_error(autoencoder, cut)} if peer else {})


class Journal:
    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.done = {json.loads(line)["key"] for line in lines}

    def measure(self, key: str, work: Any, **about: object) -> None:
        if key in self.done:
            return
        row = {"key": key, **about, **work()}
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self.done.add(key)


def pairs(
    journal: Journal, judge: Any, source: Any, number: int, conditions: Any, form: Any
) -> None:
    """Photographs, and the same through ``source``'s decoder, under ``judge``'s statistic."""
    files = [path for path in photographs() if min(Image.open(path).size) >= SMALLEST][:number]
    made: dict[Path, np.ndarray] = {}
    for condition, path in ((c, p) for c in conditions for p in files):
        # A photograph has no grid to be aligned with: its other crop serves both.
        for decoder in (source.name,) if "aligned" in condition else ("none", source.name):
            key = f"{judge.name}|{decoder}|{condition}|{path.stem}|{form.name}"
            if key in journal.done:
                continue
            picture = opened(path)
            if decoder != "none":
                if path not in made:
                    made[path] = through(source, picture)
                picture = made[path]
            peer = judge is source and condition == "png"
            journal.measure(
                key, lambda p=picture, c=condition, e=peer: row_of(judge, p, c, form, e),
                judge=judge.name, decoder=decoder, condition=condition, kind="photo",
                source=path.parent.name, form=form.name,
            )  # fmt: skip


def negatives(journal: Journal, judge: Any, photos: int, drawn: int, form: Any) -> None:
    files = [path for path in photographs() if min(opened(path).shape[:2]) >= 240]
    for path in files[-photos:] if photos else ():
        for condition in ("png", "j90", "blur"):
            key = f"{judge.name}|none|{condition}|{path.stem}|{form.name}"
            journal.measure(
                key, lambda p=path, c=condition: row_of(judge, opened(p), c, form, False),
                judge=judge.name, decoder="none", condition=condition, kind="photo",
                source=path.parent.name, form=form.name,
            )  # fmt: skip
    for kind, index in ((k, i) for k in DRAWN_KINDS for i in range(drawn)):
        key = f"{judge.name}|none|png|{kind} {index}|{form.name}"
        journal.measure(
            key, lambda k=kind, i=index: row_of(judge, draw_non_photo(k, i), "png", form, False),
            judge=judge.name, decoder="none", condition="png", kind=kind, source="drawn",
            form=form.name,
        )  # fmt: skip


def area(positive: list[float], negative: list[float]) -> float:
    p, n = np.asarray(positive), np.asarray(negative)
    return float((p[:, None] > n[None]).mean() + 0.5 * (p[:, None] == n[None]).mean())


def share(count: int, of: int) -> str:
    if not of:
        return "–"
    rate = Rate.observed(count, of)
    return f"{rate.value:.3f} [{rate.low:.3f}, {rate.high:.3f}] of {of}"


def scored(row: dict, key: str) -> float:
    """An abstention is never a detection: it takes the lowest score."""
    return row.get(key, -9.0)


class Bar:
    """A finding as the examiner makes it, its null being half of what never met a decoder."""

    def __init__(self, rows: list[dict], judge: str, form: str) -> None:
        mine = [r for r in rows if (r["judge"], r["form"]) == (judge, form)]
        bare = [r for r in mine if r["decoder"] == "none" and r["condition"] != "blur"]
        names = sorted({name_of(r) for r in bare})
        self.null = set(names[::2])
        known = [r for r in bare if name_of(r) in self.null and "p" in r]
        self.contrasts = np.sort([r["contrast"] for r in known])
        own = [r["contrast"] for r in mine
               if (r["decoder"], r["condition"]) == (judge, "png") and "p" in r]  # fmt: skip
        self.own = float(np.median(own)) if own else 0.0
        self.form = form

    @property
    def speaks(self) -> bool:
        return len(self.contrasts) >= 99

    def fires(self, row: dict) -> bool:
        if "p" not in row or row["contrast"] < LEAST_CONTRAST or not self.speaks:
            return False
        above = len(self.contrasts) - np.searchsorted(self.contrasts, row["contrast"])
        chance = (1 + above) / (1 + len(self.contrasts))
        full = self.form == "full"
        share = OWN_SHARE_DEEP if full else OWN_SHARE
        if row["scale"] == 1 and row["contrast"] < share * self.own:
            return False
        return (max(chance, row["p"]) if full else chance) <= 0.01


def name_of(row: dict) -> str:
    return row["key"].split("|")[3]


def table(paths: list[Path]) -> None:
    rows = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    rows = list({row["key"]: row for row in rows}.values())
    for row in rows:
        row["log"] = -float(np.log10(row["p"])) if "p" in row else 0.0
    groups = sorted({(r["judge"], r["form"], r["decoder"]) for r in rows if r["decoder"] != "none"})
    print("| autoencoder | form | decoder | condition | n, photographs | area, contrast | "
          "area, p | p <= 1e-3 | found at the calibrated 1 % | phase right | "
          "contrast: median [least, most] | photographs' most | CPU s |")  # fmt: skip
    print("| --- " * 13 + "|")
    for judge, form, decoder in groups:
        bar = Bar(rows, judge, form)
        for condition in CONDITIONS:
            mine = [r for r in rows if (r["judge"], r["form"]) == (judge, form)]
            yes = [r for r in mine if (r["decoder"], r["condition"]) == (decoder, condition)]
            pictures = {name_of(r) for r in yes}
            bare = ("none", condition.replace(" aligned", ""))
            no = [r for r in mine
                  if (r["decoder"], r["condition"]) == bare and name_of(r) in pictures]  # fmt: skip
            said = [r for r in yes if "p" in r]
            if not said or not no:
                continue
            areas = [area([scored(r, k) for r in yes], [scored(r, k) for r in no])
                     for k in ("contrast", "log")]  # fmt: skip
            contrasts = [r["contrast"] for r in said]
            fired = sum(r.get("p", 1) <= 1e-3 for r in yes)
            found = share(sum(map(bar.fires, yes)), len(yes)) if bar.speaks else "–"
            told = [r["right"] for r in said if r["right"] is not None]
            right = share(sum(told), len(told)) if form == "full" else "–"
            print(f"| {judge} | {form} | {decoder} | {condition} | {len(yes)}, {len(no)} | "
                  f"{areas[0]:.3f} | {areas[1]:.3f} | {share(fired, len(yes))} | {found} | "
                  f"{right} | "
                  f"{np.median(contrasts):.2f} [{min(contrasts):.2f}, {max(contrasts):.2f}] | "
                  f"{max(scored(r, 'contrast') for r in no):.2f} | "
                  f"{np.median([r['seconds'] for r in yes]):.2f} |")  # fmt: skip
    negatives_table(rows)


def negatives_table(rows: list[dict]) -> None:
    """Half of all pictures is the null; the other half, and smoothed photographs, judge it."""
    print("\n| autoencoder | form | null | negatives | p <= 0.01 | p <= 1e-3 | "
          "false alarms at the calibrated 1 % | contrast: median, most | abstained |")  # fmt: skip
    print("| --- " * 9 + "|")
    for judge, form in sorted({(r["judge"], r["form"]) for r in rows}):
        bar = Bar(rows, judge, form)
        mine = [r for r in rows if (r["judge"], r["form"], r["decoder"]) == (judge, form, "none")]
        held = [r for r in mine if name_of(r) not in bar.null and r["condition"] != "blur"]
        for name, group in (
            ("held-out photographs", [r for r in held if r["kind"] == "photo"]),
            ("smoothed photographs", [r for r in mine if r["condition"] == "blur"]),
            ("held-out drawn, plots, screenshots", [r for r in held if r["kind"] != "photo"]),
        ):
            said = [r for r in group if "p" in r]
            if not said:
                continue
            counts = [share(sum(r["p"] <= a for r in said), len(group)) for a in (1e-2, 1e-3)]
            alarms = share(sum(map(bar.fires, group)), len(group)) if bar.speaks else "–"
            contrasts = [r["contrast"] for r in said]
            print(f"| {judge} | {form} | {len(bar.contrasts)} | {name} | "
                  f"{counts[0]} | {counts[1]} | {alarms} | "
                  f"{np.median(contrasts):.2f}, {max(contrasts):.2f} | "
                  f"{len(group) - len(said)} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("journal", type=Path)
    measuring.add_argument("autoencoders", type=Path, nargs="+")
    measuring.add_argument("--pairs", type=int, default=24)
    measuring.add_argument("--crossed", type=int, default=12)
    measuring.add_argument("--negatives", type=int, default=60)
    measuring.add_argument("--drawn", type=int, default=20, help="of each kind")
    measuring.add_argument("--conditions", nargs="+", default=list(CONDITIONS))
    measuring.add_argument("--quick", action="store_true")
    printing = commands.add_parser("table")
    printing.add_argument("journal", type=Path, nargs="+")
    arguments = parser.parse_args()
    if arguments.command == "table":
        table(arguments.journal)
        return
    journal = Journal(arguments.journal)
    form = QUICK if arguments.quick else FULL
    known = [read_autoencoder(path).autoencoder for path in arguments.autoencoders]
    for judge in known:
        pairs(journal, judge, judge, arguments.pairs, arguments.conditions, form)
    for judge in known:
        negatives(journal, judge, arguments.negatives, arguments.drawn, form)
    for judge in known:
        for source in known:
            if source is not judge:
                pairs(journal, judge, source, arguments.crossed, ("png",), form)


if __name__ == "__main__":
    main()
