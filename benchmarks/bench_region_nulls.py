"""How often the map of edited regions names a part of a picture that nobody edited.

    python benchmarks/bench_region_nulls.py measure JOURNAL AUTOENCODER
    python benchmarks/bench_region_nulls.py table JOURNAL... [--registered 1]

The null: halves of photographs, those of scikit-image, each as PNG and as JPEG 95, 85 and 75, and
drawn pictures. Held out: the photographs and generated pictures of ``LIGHTKEEPER_SHARED``, and
drawings of other seeds. No picture came through the autoencoder. Journals can be continued.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from collections.abc import Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from PIL import Image

from bench_regions import PORTRAIT, interval
from lightkeeper.evidence.detectors.reconstruction import Abstention, read_autoencoder
from lightkeeper.evidence.detectors.regions import (
    RegionNull,
    reconstruction_map,
    strongest_region,
)
from lightkeeper.evidence.detectors.regions._null import STATISTIC
from lightkeeper.evidence.detectors.treatment import DRAWN_KINDS, draw_non_photo

LEVEL = 0.01
WHOLE = 0.8
"""Share of a picture above which the examiner speaks of no part."""
NULL_DRAWN, HELD_OUT_DRAWN = range(9_000_000, 9_000_024), range(5_000_000, 5_000_015)
OWN = ("coffee", "chelsea", "rocket", "brick", "grass", "gravel", "hubble_deep_field",
       "immunohistochemistry", "coins", "retina")  # fmt: skip
Named = tuple[str, str, np.ndarray]


def null_pictures() -> Iterator[Named]:
    for path in sorted((Path(os.environ["LIGHTKEEPER_SHARED"]) / "data" / "photos").glob("*.png")):
        if path.stem != PORTRAIT:
            picture = Image.open(path).convert("RGB")
            half, height = picture.width // 2, picture.height
            for part, box in (("a", (0, 0, half, height)),
                              ("b", (half + 3, 0, picture.width, height))):  # fmt: skip
                yield from encodings("photographs", path.stem + part, picture.crop(box))
    for name in OWN:
        picture = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
        box = (0, 0, min(picture.width, 640), min(picture.height, 512))
        yield from encodings("photographs", name, picture.crop(box))
    yield from drawings(NULL_DRAWN)


def encodings(kind: str, name: str, picture: Image.Image) -> Iterator[Named]:
    yield kind, name, np.asarray(picture)
    for quality in (95, 85, 75):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        yield kind, f"{name}-q{quality}", np.asarray(Image.open(file))


def drawings(seeds: range) -> Iterator[Named]:
    for seed in seeds:
        for kind in DRAWN_KINDS:
            yield "drawn", f"{kind}-{seed}", draw_non_photo(kind, seed)


def held_out() -> Iterator[Named]:
    data = Path(os.environ["LIGHTKEEPER_SHARED"]) / "data" / "detection"
    for kind, folder in (("photographs", "real"), ("generated", "gen")):
        for path in sorted((data / folder).glob("*/*")):
            yield kind, path.stem, np.asarray(Image.open(path).convert("RGB"))
    yield from drawings(HELD_OUT_DRAWN)


def measure(arguments: argparse.Namespace) -> None:
    autoencoder = read_autoencoder(arguments.autoencoder).autoencoder
    journal = arguments.journal
    lines = journal.read_text().splitlines() if journal.exists() else []
    done = {json.loads(line)["key"] for line in lines}
    sets = (("null", null_pictures()), ("held out", held_out()))
    # In turn, so that a journal cut short has some of both.
    turns = zip_longest(*([(each, *picture) for picture in pictures] for each, pictures in sets))
    for which, kind, name, rgb in filter(None, chain.from_iterable(turns)):
        if f"{which}|{name}" in done:
            continue
        start = time.process_time()
        found = reconstruction_map(autoencoder, rgb)
        row: dict[str, Any] = {"key": f"{which}|{name}", "set": which, "kind": kind,
                               "seconds": time.process_time() - start}  # fmt: skip
        if isinstance(found, Abstention):
            row["abstained"] = str(found)
        else:
            region = strongest_region(found)
            row |= {"surprise": region.surprise, "share": region.share, "phase": found.phase}
        with journal.open("a") as stream:
            stream.write(json.dumps(row) + "\n")


def table(paths: list[Path], registered: int) -> None:
    rows = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    known = [row for row in rows if row["set"] == "null" and "surprise" in row]
    null = RegionNull(fingerprint="", statistic=STATISTIC, window=64,
                      surprises=tuple(row["surprise"] for row in known))  # fmt: skip
    print(f"null: {null.size} pictures, at most {sorted(null.surprises)[-5:]}\n")
    print("| held out | n | abstained | by the picture's own null alone | a finding |")
    print("| --- " * 5 + "|")
    for kind in ("photographs", "drawn", "generated"):
        mine = [row for row in rows if row["set"] == "held out" and row["kind"] == kind]
        said = [row for row in mine if row.get("share", 1) <= WHOLE and "surprise" in row]
        alone = sum(10 ** -row["surprise"] * registered <= LEVEL for row in said)
        both = sum(
            max(10 ** -row["surprise"], null.bound(row["surprise"])) * registered <= LEVEL
            for row in said
        )
        abstained = sum("abstained" in row for row in mine)
        print(f"| {kind} | {len(mine)} | {abstained} | {interval(alone, len(mine))} | "
              f"{interval(both, len(mine))} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("journal", type=Path)
    measuring.add_argument("autoencoder", type=Path)
    printing = commands.add_parser("table")
    printing.add_argument("journals", type=Path, nargs="+")
    printing.add_argument("--registered", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.command == "table":
        table(arguments.journals, arguments.registered)
    else:
        measure(arguments)


if __name__ == "__main__":
    main()
