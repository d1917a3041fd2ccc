"""Three generic pixel statistics through the protocol of detectors: none may weigh."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import tempfile
from pathlib import Path

from lightkeeper.evidence.detectors.cards import Card
from lightkeeper.evidence.detectors.evaluation import evaluate, read_samples
from lightkeeper.evidence.detectors.plugins import Plugin
from lightkeeper.evidence.detectors.treatment import Condition

HERE = Path(__file__).parent / "generic_detectors"
SHARED = Path(os.environ.get("LIGHTKEEPER_SHARED", Path(__file__).parents[2] / "shared")) / "data"
MANIFEST = SHARED / "detection_manifest.json"


def run() -> str:
    lines = ["## Generic pixel statistics, by the protocol", ""]
    if not MANIFEST.is_file():
        return "\n".join([*lines, "Not measured: the labelled pictures are absent.", ""])
    with tempfile.TemporaryDirectory() as folder:
        samples = read_samples(labelled(Path(folder) / "pictures.csv"))
        cards = []
        for module in sorted(HERE.glob("*.py")):
            with Plugin(plugin(Path(folder), module)) as detector:
                cards.append(Card.of(detector, evaluate(detector, samples)))
    sizes = cards[0].measurements.under(Condition.NATIVE)
    lines += [
        f"{sizes.generated} generated pictures of 5 generators, {sizes.photographs} photographs",
        "of 3 sources, 300 drawn non-photographs. Without pairs, none meets the content control.",
        "",
        "| statistic | AUC native | matched (B) | shrunk (C) | worst and best generator (B) | "
        "worst non-photograph | recall at 1 % | may weigh |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(row, cards),
        "",
    ]
    return "\n".join(lines)


def labelled(path: Path) -> Path:
    """The collection's manifest as the protocol reads it."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "source", "generator"])
        for entry in json.loads(MANIFEST.read_text()):
            real = entry["label"] == "real"
            writer.writerow(
                [
                    SHARED / entry["file"],
                    "real" if real else "generated",
                    entry["source"],
                    "" if real else entry["generator"],
                ]
            )
    return path


def plugin(folder: Path, module: Path) -> Path:
    """A plug-in of one module."""
    source = module.read_bytes()
    home = folder / module.stem
    home.mkdir()
    (home / module.name).write_bytes(source)
    path = home / "plugin.toml"
    path.write_text(
        f'id = "{module.stem.replace("_", "-")}"\nversion = "1"\nlicence = "Apache-2.0"\n'
        f'backend = "python"\nmodel = "{module.name}"\n[training]\n'
        f'[files]\n"{module.name}" = "{hashlib.sha256(source).hexdigest()}"\n'
    )
    return path


def row(card: Card) -> str:
    found = card.measurements
    areas = [found.under(condition).auc for condition in Condition]
    by_area = sorted(found.generators, key=lambda g: g.auc.value)
    kind = max(found.kinds, key=lambda k: k.false_positives.value)
    cells = [
        card.name,
        *(f"{a.value:.2f} ({a.low:.2f}–{a.high:.2f})" for a in areas),
        f"{by_area[0].generator} {by_area[0].auc.value:.2f}, "
        f"{by_area[-1].generator} {by_area[-1].auc.value:.2f}",
        f"{kind.kind} {kind.false_positives.value:.0%}",
        found.under(Condition.MATCHED).points[0].note,
        "yes" if card.may_say().likelihood_ratio else "no",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(run())
