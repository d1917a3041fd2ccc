"""A rooted decoder of any layout, and peers, on the middle 320 px of the held-out pictures.

``rooted_other.py rows JOURNAL SOURCE ROOTED SECRET PASSPHRASE-FILE LABEL`` with an autoencoder's
folder and what ``lightkeeper mark root`` wrote; ``rooted_other.py peers JOURNAL``;
``rooted_other.py null JOURNAL SECRET PASSPHRASE-FILE LABEL``, on unmarked pictures;
``rooted_other.py table JOURNAL``. A stopped run goes on.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rooted_mark import CHANGES, SHARED, held_out, psnr, unmarked

SIDE = 320
CHIEF = (
    "none", "brightness 2", "contrast 2", "crop 0.1", "resize .7", "resize .5", "resize .3",
    "JPEG 80 4:2:0", "JPEG 50 4:2:0", "blur 1", "screenshot", "half replaced", "rotation 5",
    "any size", "any turn to 10",
)  # fmt: skip


def pictures() -> list[Any]:
    """24, all of one size, so that every mark has the same place to be in."""
    found = []
    for rgb in held_out():
        top, left = ((length - SIDE) // 2 for length in rgb.shape[:2])
        found.append(rgb[top : top + SIDE, left : left + SIDE])
    return found


def measure(
    journal: Path,
    mark: str,
    made: Callable[[int], tuple[Any, Any]],
    read: Callable[[Any], tuple[float, bool]],
) -> None:
    """``made`` gives a marked picture and the one without; ``read`` the bits and if it is found."""
    done = {(r["mark"], r["place"], r["change"]) for r in rows(journal)}
    originals = pictures()
    for place in range(len(originals)):
        if all((mark, place, change) in done for change in CHIEF):
            continue
        marked, plain = made(place)
        for change in CHIEF:
            if (mark, place, change) in done:
                continue
            rng = np.random.default_rng(place)
            seen = np.ascontiguousarray(CHANGES[change](marked, originals[place - 5], rng))
            began = time.process_time()
            bits, found = read(seen)
            row = {
                "mark": mark, "place": place, "change": change, "bits": bits, "found": found,
                "psnr": psnr(marked, plain), "ms": 1e3 * (time.process_time() - began),
            }  # fmt: skip
            with journal.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")


def rooted(
    journal: Path, source: Path, target: Path, secret: Path, passphrase: Path, label: str
) -> None:
    """A decoder that ``lightkeeper mark root`` wrote."""
    import torch

    from lightkeeper.evidence.watermark.rooted import (
        MarkSecret,
        RootedReader,
        detect,
        read_passphrase,
    )
    from lightkeeper.generators.rooting import load_generator
    from lightkeeper.generators.rooting.audit._subject import decoded

    torch.set_num_threads(1)
    held = MarkSecret.open(secret, read_passphrase(passphrase))
    key = next(k for k in held.keys if k.label == label)
    reader = RootedReader(held.extractor)
    loaded = load_generator(source)
    decoder = loaded.read(target)
    originals = pictures()

    def made(place: int) -> tuple[Any, Any]:
        rgb = originals[place]
        return decoded(loaded.generator, rgb, decoder), decoded(loaded.generator, rgb)

    def read(rgb: Any) -> tuple[float, bool]:
        readings = detect(reader.search(rgb, [key]), [key])
        return (readings[0].matches / 48, readings[0].present) if readings else (0.5, False)

    def read_at_four_sizes(rgb: Any) -> tuple[float, bool]:
        readings = detect(reader.look(rgb), [key])
        return (readings[0].matches / 48, readings[0].present) if readings else (0.5, False)

    measure(journal, f"rooted, {source.name}", made, read)
    measure(journal, f"rooted, {source.name}, four sizes", made, read_at_four_sizes)


def null(journal: Path, secret: Path, passphrase: Path, label: str) -> None:
    """A calibrated key and 50 random ones on pictures that no decoder marked.


    Of the random keys, each is searched for with the others, and the tests of all are counted.
    """
    from lightkeeper.evidence.watermark.rooted import (
        MarkKey,
        MarkSecret,
        RootedReader,
        calibrated_keys,
        detect,
        read_passphrase,
    )

    held = MarkSecret.open(secret, read_passphrase(passphrase))
    reader = RootedReader(held.extractor)
    key = next(k for k in held.keys if k.label == label)
    rng = np.random.default_rng(4)
    drawn = [MarkKey(label=str(k), bits=rng.bytes(6)) for k in range(50)]
    done = {row["picture"] for row in rows(journal)}
    # Half of the photographs calibrate, and count as no null of the calibrated key.
    half = unmarked()[::2]
    (calibrated,) = calibrated_keys([key], [look for rgb in half for look in reader.look(rgb)])
    paths = sorted(
        path
        for folder in ("photos", "detection", "pdq/labelme-subset", "pdq/bridge-mods")
        for path in (SHARED / folder).rglob("*.*")
        if path.suffix.lower() in (".png", ".jpg", ".jpeg")
    )
    for path in paths:
        if path.name in done:
            continue
        with Image.open(path) as opened:
            rgb = np.asarray(opened.convert("RGB"))
        seen = any(rgb.shape == other.shape and np.array_equal(rgb, other) for other in half)
        one = detect(reader.search(rgb, [calibrated]), [calibrated])
        many = detect(reader.search(rgb, drawn), drawn)
        row = {
            "picture": path.name, "calibrating": seen, "tests": one[0].tests if one else 0,
            "p": one[0].p_value if one else 1.0, "z": one[0].z if one else 0.0,
            "random p": min((r.p_value for r in many), default=1.0),
            "random z": max((r.z for r in many), default=0.0),
        }  # fmt: skip
        with journal.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
    held_rows = list(rows(journal))
    for name, some in (
        ("calibrated key", [r for r in held_rows if not r["calibrating"] and r["tests"]]),
        ("50 random keys", [r for r in held_rows if r["tests"]]),
    ):
        p, z = ("p", "z") if name == "calibrated key" else ("random p", "random z")
        below = {alpha: sum(r[p] < alpha for r in some) for alpha in (1e-1, 1e-2, 1e-3, 1e-6)}
        largest = max(r[z] for r in some)
        print(f"{name}: {len(some)} pictures, below {below}, largest z {largest:.2f}")


def peers(journal: Path) -> None:
    """The marks that others publish, on the pictures themselves."""
    from bench_marks import PAYLOADS, _blind, _riva, _svd

    originals = pictures()
    message = [int(b) for b in f"{PAYLOADS[2]:048b}"]
    for name, make in (("dwtDctSvd", _svd), ("blind-watermark", _blind), ("rivaGan", _riva)):
        write, take = make()
        bits = message[:32] if name == "rivaGan" else message

        def made(place: int, write: Any = write, bits: Any = bits) -> tuple[Any, Any]:
            return write(originals[place], bits), originals[place]

        def read(rgb: Any, take: Any = take, bits: Any = bits) -> tuple[float, bool]:
            try:
                got = np.asarray(take(rgb, len(bits)))[: len(bits)]
            except Exception:
                # Each of them refuses small pictures in a way of its own.
                return 0.5, False
            return float(np.mean(got == np.asarray(bits))), False

        measure(journal, name, made, read)


def rows(journal: Path) -> Iterator[dict[str, Any]]:
    """What was measured."""
    if journal.exists():
        for line in journal.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def table(journal: Path) -> str:
    """The table of the docs: mean bits, and pictures found, per mark and change."""
    held: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows(journal):
        held[row["mark"], row["change"]].append(row)
    marks = list(dict.fromkeys(mark for mark, _ in held))
    lines = ["| change | " + " | ".join(marks) + " |", "| --- |" + " --- |" * len(marks)]
    for change in CHIEF:
        cells = [change]
        for mark in marks:
            got = held[mark, change]
            cell = f"{np.mean([r['bits'] for r in got]):.3f}" if got else "–"
            if mark.startswith("rooted"):
                cell += f" ({sum(r['found'] for r in got)} of {len(got)})"
            cells.append(cell)
        lines.append("| " + " | ".join(cells) + " |")
    for mark in marks:
        first = held[mark, "none"]
        every = [r["ms"] for change in CHIEF for r in held[mark, change]]
        lines.append(
            f"{mark}: {np.mean([r['psnr'] for r in first]):.1f} dB, least "
            f"{min(r['psnr'] for r in first):.1f}, n {len(first)}, {np.median(every):.0f} ms"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    journal_ = Path(sys.argv[2])
    if sys.argv[1] == "rows":
        rooted(journal_, *(Path(p) for p in sys.argv[3:7]), sys.argv[7])
    elif sys.argv[1] == "null":
        null(journal_, *(Path(p) for p in sys.argv[3:5]), sys.argv[5])
    elif sys.argv[1] == "peers":
        peers(journal_)
    else:
        sys.stdout.write(table(journal_) + "\n")
