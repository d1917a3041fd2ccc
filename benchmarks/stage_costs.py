"""What each stage of a cascade costs: CPU time of every examiner, on the pictures of a folder.

    python benchmarks/stage_costs.py FOLDER --journal FILE [--entry AUTOENCODER]... [--files N]

One line a picture goes to the journal, and a picture that stands in it is not examined again. The
table is made of the whole journal. Plug-ins run in a process of their own; their cost is on their
card.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lightkeeper.evidence import Tier, examine
from lightkeeper.media import open_media
from lightkeeper.scan import Policy, default_examiners

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lightkeeper.evidence import Examiner

DECODING = "decoding"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--entry", type=Path, action="append", default=[])
    parser.add_argument("--files", type=int, default=40)
    arguments = parser.parse_args()
    policy = Policy(tier=Tier.DEEP, autoencoders=tuple(arguments.entry))
    examiners = [e for e in default_examiners(policy) if e.unavailable() is None]
    files = sorted(path for path in arguments.folder.rglob("*") if path.is_file())
    chosen = files[:: max(1, len(files) // arguments.files)]
    measure(chosen, examiners, arguments.journal)
    print(table(read(arguments.journal), examiners))


def measure(files: Sequence[Path], examiners: Sequence[Examiner], journal: Path) -> None:
    known = {row["file"] for row in read(journal)}
    for path in files:
        if str(path) in known:
            continue
        if not known:
            # What is compiled and loaded at first is no cost of a picture.
            costs(path, examiners)
        known.add(str(path))
        with journal.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"file": str(path), "ms": costs(path, examiners)}) + "\n")


def costs(path: Path, examiners: Iterable[Examiner]) -> dict[str, float]:
    """Milliseconds of CPU time; the picture is decoded once, as in a scan."""
    started = time.process_time()
    media = open_media(path)
    media.rgb()
    media.luma()
    spent = {DECODING: 1e3 * (time.process_time() - started)}
    for examiner in examiners:
        started = time.process_time()
        examine(media, [examiner], tier=Tier.DEEP)
        spent[examiner.name] = 1e3 * (time.process_time() - started)
    return spent


def read(journal: Path) -> list[dict[str, object]]:
    if not journal.exists():
        return []
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]


def table(rows: Sequence[dict[str, object]], examiners: Sequence[Examiner]) -> str:
    tiers = {DECODING: "", **{e.name: e.tier.name.lower() for e in examiners}}
    lines = ["| stage | tier | ms, median | ms, 95 % within |", "| --- | --- | --- | --- |"]
    for name, tier in tiers.items():
        spent = sorted(row["ms"][name] for row in rows)  # type: ignore[index]
        late = spent[int(0.95 * (len(spent) - 1))]
        lines.append(f"| {name} | {tier} | {statistics.median(spent):.1f} | {late:.1f} |")
    return "\n".join([*lines, "", f"{len(rows)} pictures, CPU time of one thread."])


if __name__ == "__main__":
    main()
