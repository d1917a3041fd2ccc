"""Where an edit is: pixel AUC of each map, beside the same masks on untouched pictures.

    python benchmarks/bench_regions.py measure JOURNAL AUTOENCODER [--side 384] [--aligned]
    python benchmarks/bench_regions.py table JOURNAL...

Photographs come from ``LIGHTKEEPER_SHARED``. In each, a random region of 10 to 30 % is replaced
by the picture's own round trip through the autoencoder; then the picture is cropped off the
decoder's grid and encoded. ``untouched`` is the same crop with the mask that would have been
used. Journals can be continued. No picture is kept; the decoder's maps are, beside the journal,
so that another way of adding maps costs little: remove the journal, leave the maps, measure
again.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lightkeeper.evidence.detectors.reconstruction import Abstention, read_autoencoder
from lightkeeper.evidence.detectors.regions import (
    ReconstructionMap,
    fuse,
    model_free_maps,
    reconstruction_map,
    strongest_region,
)
from lightkeeper.evidence.detectors.regions._windows import log_heavy_tail
from lightkeeper.evidence.detectors.statistics import clopper_pearson

ENCODINGS = ("png", "j90", "j75")
PORTRAIT = "kodim15"
TURNS = (("j75", "j75"), ("j90", "png"), ("png", "j90"))
"""What even and odd photographs are encoded as: a journal cut short has the hardest of all."""
WINDOWS = (64,)
DEVELOPED_ON = {"kodim17", "kodim21", "67f0c72933236513", "d383a87de8b1fb06", "f25f33acda4cfce1"}
"""What a block must be to be read was decided on these: they are not measured."""
EDITS = ("decoder", "untouched")


def photographs(side: int) -> list[Path]:
    """Those that are large enough, in an order that mixes their sources."""
    data = Path(os.environ["LIGHTKEEPER_SHARED"]) / "data"
    files = sorted((data / "detection" / "real").glob("*/*.jpg"))
    files += [path for path in sorted((data / "photos").glob("*.png")) if path.stem != PORTRAIT]
    files = [path for path in files if min(Image.open(path).size) >= side + 16]
    mixed = [files[k] for k in np.random.default_rng(5).permutation(len(files))]
    places: dict[Path, int] = {}
    turns = {path: places.setdefault(path.parent, 0) for path in mixed}
    for path in mixed:
        turns[path] = places[path.parent]
        places[path.parent] += 1
    return sorted(mixed, key=lambda path: turns[path])


def random_mask(rng: np.random.Generator, side: int) -> np.ndarray:
    share = rng.uniform(0.1, 0.3)
    y, x = np.mgrid[:side, :side]
    if rng.random() < 0.5:
        aspect = np.exp(rng.uniform(-0.5, 0.5))
        high, wide = (int(side * np.sqrt(share) * a) for a in (aspect, 1 / aspect))
        top, left = rng.integers(0, side - high), rng.integers(0, side - wide)
        return (y >= top) & (y < top + high) & (x >= left) & (x < left + wide)
    radius = side * np.sqrt(share / np.pi)
    cy, cx = rng.uniform(radius, side - radius, 2)
    angle = np.arctan2(y - cy, x - cx)
    bumps = sum(rng.normal(0, 0.12) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in (1, 2, 3, 5))
    return np.hypot(y - cy, x - cx) < radius * (1 + bumps)


def round_trip(autoencoder: Any, rgb: np.ndarray) -> np.ndarray:
    batch = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    decoded = autoencoder.reconstruct(batch)[0]
    return (decoded.transpose(1, 2, 0) * 255).round().astype(np.uint8)


def encoded(rgb: np.ndarray, encoding: str) -> np.ndarray:
    if encoding == "png":
        return np.ascontiguousarray(rgb)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=int(encoding[1:]))
    return np.asarray(Image.open(file))


def area(plane: np.ndarray, mask: np.ndarray) -> float:
    """Pixel AUC; cells share one value, and ties count half."""
    cells = mask[: plane.shape[0] * 8, : plane.shape[1] * 8]
    inside = cells.reshape(plane.shape[0], 8, plane.shape[1], 8).sum((1, 3)).ravel()
    outside = 64 - inside
    values, at = np.unique(np.round(plane.ravel(), 6), return_inverse=True)
    yes, no = (np.bincount(at, w, len(values)) for w in (inside, outside))
    below = np.concatenate([[0], no.cumsum()[:-1]])
    return float((yes * (below + no / 2)).sum() / (yes.sum() * no.sum()))


class Case:
    """One photograph, its mask, and what can be made of it."""

    def __init__(self, path: Path, number: int, side: int, aligned: bool = False) -> None:
        self.rng = np.random.default_rng(1000 + number)
        self.side = side
        a, b = self.rng.integers(0, 8, 2)
        whole = np.asarray(Image.open(path).convert("RGB"))
        self.rgb = whole[a : a + side + 8, b : b + side + 8]
        self.mask = random_mask(self.rng, side + 8)
        crop = tuple(int(v) for v in self.rng.integers(0, 8, 2))
        self.crop = (0, 0) if aligned else crop

    def made(self, edit: str, autoencoder: Any) -> np.ndarray:
        if edit == "untouched":
            return self.rgb
        return np.where(self.mask[..., None], round_trip(autoencoder, self.rgb), self.rgb)

    def cut(self, plane: np.ndarray) -> np.ndarray:
        y, x = self.crop
        return plane[y : y + self.side, x : x + self.side]


class Remembering:
    """An autoencoder asked twice answers from memory: two windows for the price of one."""

    def __init__(self, autoencoder: Any) -> None:
        self.autoencoder, self.grid, self.known = autoencoder, autoencoder.grid, {}

    def reconstruct(self, batch: np.ndarray) -> np.ndarray:
        key = hashlib.sha256(batch.tobytes()).digest()
        if key not in self.known:
            self.known[key] = self.autoencoder.reconstruct(batch)
        return self.known[key]


def decoder_maps(autoencoder: Any, rgb: np.ndarray, kept: Path) -> dict[str, Any]:
    """What the decoder's map says at each window, read from ``kept`` if it is there."""
    if not kept.exists():
        start, asked, known = time.process_time(), Remembering(autoencoder), {}
        for window in WINDOWS:
            found = reconstruction_map(asked, rgb, window=window)
            known[f"seconds {window}"] = time.process_time() - start
            if not isinstance(found, Abstention):
                region = strongest_region(found)
                known |= {f"z {window}": found.z.astype(np.float16), f"p {window}": region.p_value,
                          f"share {window}": region.share, f"phase {window}": found.phase,
                          f"readable {window}": found.readable}  # fmt: skip
        np.savez(kept, **known)
    with np.load(kept) as stored:
        return {name: stored[name] for name in stored.files}


def row_of(case: Case, rgb: np.ndarray, maps: dict[str, Any] | None) -> dict[str, Any]:
    mask = case.cut(case.mask)
    start = time.process_time()
    free = model_free_maps(rgb)
    row: dict[str, Any] = {"free seconds": time.process_time() - start}
    evidence = {name: log_heavy_tail(z) for name, z in free.items()}
    evidence["model-free"] = fuse(free)
    for window in WINDOWS if maps is not None else ():
        name = f"decoder {window}"
        if f"z {window}" not in maps:
            evidence[name] = np.zeros_like(evidence["noise"])
            evidence[f"added {window}"] = evidence["model-free"]
            continue
        z = maps[f"z {window}"].astype(np.float32)
        right = maps[f"phase {window}"].tolist() == [-v % 8 for v in case.crop]
        row |= {f"p {window}": float(maps[f"p {window}"]), f"right {window}": right,
                f"share {window}": float(maps[f"share {window}"])}  # fmt: skip
        evidence[name] = z
        found = ReconstructionMap(z, maps[f"readable {window}"], (0, 0), 1, 0)
        evidence[f"added {window}"] = fuse(free, {"": found})
    if maps is not None:
        row["seconds"] = float(maps["seconds 64"])
    row["area"] = {name: area(plane, mask) for name, plane in evidence.items()}
    row["top"] = {name: float(plane.max()) for name, plane in evidence.items()}
    return row


def measure(arguments: argparse.Namespace) -> None:
    autoencoder = read_autoencoder(arguments.autoencoder).autoencoder
    journal = arguments.journal
    lines = journal.read_text().splitlines() if journal.exists() else []
    done = {json.loads(line)["key"] for line in lines}
    kept = journal.with_suffix(".maps")
    kept.mkdir(exist_ok=True)
    files = [path for path in photographs(arguments.side) if path.stem not in DEVELOPED_ON]
    chosen = list(enumerate(files[: arguments.photographs]))
    for turn in TURNS:
        for number, path in chosen:
            encoding = turn[number % 2]
            case = Case(path, number, arguments.side, arguments.aligned)
            for edit in EDITS:
                key = f"{path.stem}|{edit}|{encoding}"
                if key in done:
                    continue
                rgb = encoded(case.cut(case.made(edit, autoencoder)), encoding)
                # Costly, so every fourth of the untouched ones must do for the floor.
                whole = edit == "decoder" or (edit == "untouched" and number % 4 == 0)
                file = kept / f"{path.stem}-{edit}-{encoding}.npz"
                row = row_of(case, rgb, decoder_maps(autoencoder, rgb, file) if whole else None)
                about = {"key": key, "picture": path.stem, "edit": edit, "encoding": encoding}
                with journal.open("a") as stream:
                    stream.write(json.dumps(about | row) + "\n")


def spread(values: list[float]) -> str:
    if not values:
        return "–"
    error = float(np.std(values) / np.sqrt(len(values)))
    return f"{np.mean(values):.3f} ± {1.96 * error:.3f}"


def table(paths: list[Path]) -> None:
    rows = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    rows = [row for row in rows if "seconds" in row]
    names = list(rows[0]["area"])
    print(
        "| edit | encoding | n | " + " | ".join(names) + " |\n" + "| --- " * (3 + len(names)) + "|"
    )
    for edit in EDITS:
        for encoding in ENCODINGS:
            mine = [r for r in rows if (r["edit"], r["encoding"]) == (edit, encoding)]
            cells = [spread([r["area"][n] for r in mine if n in r["area"]]) for n in names]
            print(f"| {edit} | {encoding} | {len(mine)} | " + " | ".join(cells) + " |")
    print("\n| encoding | window | edited n | untouched n | p <= 1e-3, edited | untouched | "
          "phase right | abstained | area where right | CPU s |")  # fmt: skip
    print("| --- " * 10 + "|")
    for encoding in ENCODINGS:
        for window in WINDOWS:
            edited, untouched = (
                [r for r in rows if (r["edit"], r["encoding"]) == (edit, encoding)]
                for edit in EDITS
            )
            said = [r for r in edited if f"p {window}" in r]
            right = [r for r in said if r[f"right {window}"]]
            fired = [
                interval(sum(r.get(f"p {window}", 1) <= 1e-3 for r in side), len(side))
                for side in (edited, untouched)
            ]
            where = spread([r["area"][f"decoder {window}"] for r in right])
            seconds = np.median([r["seconds"] for r in edited]) if edited else 0
            print(f"| {encoding} | {window} | {len(edited)} | {len(untouched)} | {fired[0]} | "
                  f"{fired[1]} | {interval(len(right), len(said))} | {len(edited) - len(said)} | "
                  f"{where} | {seconds:.0f} |")  # fmt: skip


def interval(count: int, among: int) -> str:
    if not among:
        return "–"
    low, high = clopper_pearson(count, among)
    return f"{count} of {among} [{low:.2f}, {high:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("journal", type=Path)
    measuring.add_argument("autoencoder", type=Path)
    measuring.add_argument("--photographs", type=int, default=64)
    measuring.add_argument("--side", type=int, default=384)
    measuring.add_argument("--aligned", action="store_true", help="JPEG's grid on the decoder's.")
    printing = commands.add_parser("table")
    printing.add_argument("journals", type=Path, nargs="+")
    arguments = parser.parse_args()
    if arguments.command == "table":
        table(arguments.journals)
    else:
        measure(arguments)


if __name__ == "__main__":
    main()
