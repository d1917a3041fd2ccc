"""A ridge regression on frozen features: what it tells of a decoder that it has not seen.

    python benchmarks/bench_frozen_features.py BACKBONE.onnx --output TENSOR --shared ../shared \
        --journal DIR

Rows are photographs of one source against their own round trips through one decoder; the fit has
met neither the source nor the decoder. Both halves of a pair are re-encoded by the same draws. The
last table sets pictures of generators against photographs: those are not matched in content.
The journal keeps each row of features, so that a run may be stopped and goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from lightkeeper.evidence.detectors.plugins._preprocess import batch_of
from lightkeeper.evidence.detectors.reconstruction import read_autoencoder
from lightkeeper.evidence.detectors.statistics import auc, auc_interval
from lightkeeper.evidence.detectors.training import Backbone
from lightkeeper.evidence.detectors.training._frozen import _chosen, _Table
from lightkeeper.evidence.detectors.treatment import Condition, reencode

DECODERS = ("bilinear8", "nearest8", "shuffle8", "transposed8")
SHIPPED = Path(__file__).parents[1] / "tests" / "data" / "autoencoders"
MOST, CROP, DRAWS = 45, 512, (1, 2, 3)


def pictures(shared: Path):
    """Path, label, generator and source, in an order that no name decides."""
    listed = json.loads((shared / "data/detection_manifest.json").read_text())
    found = [
        (shared / "data" / e["file"], e["label"], e["generator"], e["source"].split("/")[1])
        for e in listed
    ]
    found += [(p, "real", "camera", "kodak") for p in sorted(shared.glob("data/photos/*.png"))]
    found.sort(key=lambda each: hashlib.sha256(each[0].name.encode()).hexdigest())
    taken: Counter[str] = Counter()
    for number, (path, label, generator, source) in enumerate(found):
        taken[source + generator] += 1
        if taken[source + generator] <= MOST:
            yield number, path, label, generator, source


def rows_of(backbone: Backbone, shared: Path, journal: Path):
    """Picture, label, generator, source, decoder and features of all that is large enough."""
    autoencoders = {n: read_autoencoder(SHIPPED / n).autoencoder for n in DECODERS}
    plain = msgspec.structs.replace(backbone.input, textured=0.0)
    for number, path, label, generator, source in pictures(shared):
        for decoder in ("none", *(DECODERS if label == "real" else ())):
            kept = journal / f"{path.stem}-{decoder}.npz"
            if not kept.exists():
                row = features(backbone, plain, path, autoencoders.get(decoder), number)
                np.savez(kept, **({} if row is None else {"matched": row}))
            with np.load(kept) as found:
                if "matched" in found:
                    yield path.stem, label, generator, source, decoder, found["matched"]


def features(backbone: Backbone, plain, path: Path, autoencoder, number: int):
    rgb = np.asarray(Image.open(path).convert("RGB"))
    rng = np.random.default_rng(int(hashlib.sha256(path.name.encode()).hexdigest()[:8], 16))
    sides = [min(CROP, side) // 32 * 32 for side in rgb.shape[:2]]
    top, left = (int(rng.integers(rgb.shape[i] - side + 1)) for i, side in enumerate(sides))
    part = np.ascontiguousarray(rgb[top : top + sides[0], left : left + sides[1]])
    if autoencoder is not None:
        batch = part.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
        part = np.rint(autoencoder.reconstruct(batch)[0].transpose(1, 2, 0) * 255).astype(np.uint8)
    for draw in DRAWS:
        # The number and the draw alone decide: a photograph and its round trip meet the same.
        treated = reencode(
            part, Condition.MATCHED, rng=np.random.default_rng(number * 7 + draw), crop=CROP
        )
        batch = batch_of(treated, plain)
        if batch is not None:
            return backbone._rows(batch)[0].astype(np.float32)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backbone", type=Path)
    parser.add_argument("--output", default="")
    parser.add_argument("--layout", default="dinov2")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--journal", type=Path, required=True)
    given = parser.parse_args()
    given.journal.mkdir(parents=True, exist_ok=True)
    backbone = Backbone(given.backbone, output=given.output, layout=given.layout)
    found = list(rows_of(backbone, given.shared, given.journal))
    rows = np.array([each[5] for each in found], np.float64)
    names = {name: number for number, name in enumerate(dict.fromkeys(e[0] for e in found))}
    picture = np.array([names[each[0]] for each in found])
    decoder = np.array([DECODERS.index(e[4]) if e[4] in DECODERS else -1 for e in found])
    source = np.array([each[3] for each in found])
    real = np.array([each[1] == "real" for each in found])
    whole = _Table(rows, decoder, picture)
    sources = sorted(set(source[real]))
    print("decoder left out | " + " | ".join(f"{s} left out too" for s in sources) + " | all")
    for number, name in enumerate(DECODERS):
        cells, pooled = [], ([], [])
        for left in sources:
            head = _chosen(whole.only(real & (source != left) & (decoder != number)))
            photo = head.scores(rows[real & (source == left) & (decoder == -1)])
            made = head.scores(rows[real & (source == left) & (decoder == number)])
            cells.append(f"{auc(made, photo):.2f} (n {len(photo)})")
            pooled[0].append(made)
            pooled[1].append(photo)
        made, photo = (np.concatenate(part) for part in pooled)
        interval = auc_interval(made, photo, rng=np.random.default_rng(0), resamples=1000)
        cells.append(f"{interval.value:.2f} ({interval.low:.2f}-{interval.high:.2f})")
        print(name + " | " + " | ".join(cells))
    print("\ngenerator against photographs of a source that was not fitted on")
    generators = sorted({e[2] for e in found if e[1] != "real"})
    for generator in generators:
        chosen = np.array([each[2] == generator for each in found]) & ~real
        cells = []
        for left in sources:
            head = _chosen(whole.only(real & (source != left)))
            photo = head.scores(rows[real & (source == left) & (decoder == -1)])
            cells.append(f"{auc(head.scores(rows[chosen]), photo):.2f}")
        print(f"{generator} (n {chosen.sum()}) | " + " | ".join(cells))


if __name__ == "__main__":
    main()
