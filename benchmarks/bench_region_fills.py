"""Model-free maps and the network of fills against one kind of fill after another.

    python benchmarks/bench_region_fills.py measure JOURNAL [--autoencoder FOLDER]
    python benchmarks/bench_region_fills.py table JOURNAL

Photographs come from ``LIGHTKEEPER_SHARED``; none was trained on. ``untouched`` is the same
picture with the mask that would have been used: a prior for the centre reaches its value too.
Needs scipy, scikit-image and OpenCV. Journals can be continued.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from PIL import Image

from bench_regions import ENCODINGS, area, encoded, photographs
from lightkeeper.evidence.detectors.reconstruction import read_autoencoder
from lightkeeper.evidence.detectors.regions import fuse, model_free_maps
from lightkeeper.evidence.detectors.regions._fills import filled_map
from lightkeeper.evidence.detectors.regions._windows import log_heavy_tail
from region_fills import TRAINED, UNSEEN, random_fill, random_mask

TINY = Path(__file__).parents[1] / "tests" / "data" / "autoencoders" / "nearest8"
SIDE = 256


def measure(arguments: argparse.Namespace) -> None:
    decoders = {"decoder": read_autoencoder(TINY).autoencoder}
    if arguments.autoencoder:
        decoders["unseen decoder"] = read_autoencoder(arguments.autoencoder).autoencoder
    journal = arguments.journal
    lines = journal.read_text().splitlines() if journal.exists() else []
    done = {json.loads(line)["key"] for line in lines}
    files = photographs(SIDE)[: arguments.photographs]
    for number, path in enumerate(files):
        rng = np.random.default_rng(3000 + number)
        rgb = cut(path, rng)
        other = cut(files[(number + 1) % len(files)], np.random.default_rng(number))
        mask = random_mask(rng, SIDE)
        for kind in ("untouched", *TRAINED, *UNSEEN):
            key = f"{path.stem}|{kind}"
            slow = kind in ("biharmonic", "unseen decoder") and number % 2
            if key in done or slow or (kind.endswith("decoder") and kind not in decoders):
                continue
            filled = rgb
            if kind != "untouched":
                known = {"other": other}
                if kind in decoders:
                    known["reconstruct"] = decoders[kind].reconstruct
                filled = random_fill(kind, rgb, mask, np.random.default_rng(number), **known)
            row = {"key": key, "kind": kind, "encodings": {}}
            for encoding in ENCODINGS:
                start = time.process_time()
                picture = encoded(filled, encoding)
                free = model_free_maps(picture)
                maps = {name: log_heavy_tail(z) for name, z in free.items()}
                maps["added"] = fuse(free)
                maps["network"] = filled_map(picture)
                maps["all added"] = maps["added"] + maps["network"]
                row["encodings"][encoding] = {
                    "area": {name: area(plane, mask) for name, plane in maps.items()},
                    "top": {name: float(plane.max()) for name, plane in maps.items()},
                    "seconds": time.process_time() - start,
                }
            with journal.open("a") as stream:
                stream.write(json.dumps(row) + "\n")


def cut(path: Path, rng: np.random.Generator) -> np.ndarray:
    whole = np.asarray(Image.open(path).convert("RGB"))
    y, x = (int(rng.integers(side - SIDE + 1)) for side in whole.shape[:2])
    return np.ascontiguousarray(whole[y : y + SIDE, x : x + SIDE])


def table(journal: Path) -> None:
    rows = [json.loads(line) for line in journal.read_text().splitlines()]
    kinds = dict.fromkeys(row["kind"] for row in rows)
    names = list(rows[0]["encodings"]["png"]["area"])
    print(
        "| fill | encoding | n | " + " | ".join(names) + " |\n" + "| --- " * (3 + len(names)) + "|"
    )
    for kind in kinds:
        for encoding in ENCODINGS:
            mine = [row["encodings"][encoding]["area"] for row in rows if row["kind"] == kind]
            cells = []
            for name in names:
                values = np.array([each[name] for each in mine])
                error = 1.96 * values.std() / np.sqrt(len(values))
                cells.append(f"{values.mean():.2f} ± {error:.2f}")
            print(f"| {kind} | {encoding} | {len(mine)} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("journal", type=Path)
    measuring.add_argument("--autoencoder", type=Path)
    measuring.add_argument("--photographs", type=int, default=40)
    commands.add_parser("table").add_argument("journal", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "table":
        table(arguments.journal)
    else:
        measure(arguments)


if __name__ == "__main__":
    main()
