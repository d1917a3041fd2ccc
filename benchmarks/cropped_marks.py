"""Public marks without their grid: recall by crop, codec and orientation, null, variants' names.

``python benchmarks/cropped_marks.py recall|null|variants JOURNAL [EVERY]`` appends one JSON line
per case to JOURNAL, goes on where it was stopped, and prints the table of what the journal holds.
With EVERY, only each so-manieth case is measured. Where invisible-watermark is installed, it
writes the marks; else Lightkeeper does. Offsets, sizes and orientations are drawn at random.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench_watermark import SHARED, _square, _writer
from lightkeeper.evidence.watermark import PUBLIC_MARKS, Variant, read_marks
from lightkeeper.evidence.watermark._chroma import chroma_was_doubled
from lightkeeper.evidence.watermark._crop import read_cropped, search_crops
from lightkeeper.media import open_media

CODECS: dict[str, dict[str, Any]] = {
    "PNG": {"format": "PNG", "compress_level": 1},
    "JPEG 95 4:4:4": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "JPEG 95 4:2:0": {"format": "JPEG", "quality": 95, "subsampling": 2},
    "JPEG 90 4:2:0": {"format": "JPEG", "quality": 90, "subsampling": 2},
    "WebP 90": {"format": "WEBP", "quality": 90, "method": 2},
}
# As the software writes them that the marks are named for.
WRITTEN = {
    "sd-v1": (Variant.UINT8_BGR,),
    "sd-v2": (Variant.UINT8_BGR,),
    "sdxl": (Variant.FLOAT32_BGR, Variant.FLOAT32_RGB),
    "flux1": (Variant.FLOAT32_BGR,),
    "invokeai": (Variant.UINT8_BGR,),
}
AREAS = (0.9, 0.5, 0.25, 0.1)
TURNS = ("upright", "mirrored", "flipped", "turned 90", "turned 180", "turned 270", "transposed")
ALPHA = 2e-7
Picture = NDArray[np.uint8]


def photographs() -> list[tuple[str, Picture]]:
    stored = [
        (p.stem, np.asarray(Image.open(p).convert("RGB")))
        for p in sorted((SHARED / "photos").glob("kodim*.png"))
    ]
    return stored + [(f"{name}-1024", _square(rgb)) for name, rgb in stored]


def saved(rgb: Picture, codec: str) -> Any:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(buffer, **CODECS[codec])
    return open_media(buffer.getvalue())


def oriented(rgb: Picture, turn: str) -> Picture:
    if turn == "mirrored":
        return rgb[:, ::-1]
    if turn == "flipped":
        return rgb[::-1]
    if turn == "transposed":
        return rgb.transpose(1, 0, 2)
    return np.rot90(rgb, int(turn.split()[1]) // 90) if turn.startswith("turned") else rgb


def recall_cases() -> Iterator[dict[str, Any]]:
    write, writer = _writer()
    for place, (name, rgb) in enumerate(photographs()):
        for number, mark in enumerate(PUBLIC_MARKS):
            rng = np.random.default_rng([place, number])
            variant = WRITTEN[mark.id][int(rng.integers(len(WRITTEN[mark.id])))]
            marked = write(rgb, mark, variant)
            for area in AREAS:
                ratio = float(np.exp(rng.uniform(-0.3, 0.3)))
                down, over = (
                    min(side, int(side * (area * r) ** 0.5))
                    for side, r in zip(rgb.shape[:2], (ratio, 1 / ratio), strict=True)
                )
                top = int(rng.integers(rgb.shape[0] - down + 1))
                left = int(rng.integers(rgb.shape[1] - over + 1))
                turn = TURNS[int(rng.integers(len(TURNS)))]
                cut = oriented(marked[top : top + down, left : left + over], turn)
                for codec in CODECS:
                    yield {
                        "case": f"{name}/{mark.id}/{area}/{codec}", "mark": mark.id, "area": area,
                        "codec": codec, "turn": turn, "large": "1024" in name, "top": top,
                        "left": left, "variant": variant.value, "writer": writer, "cut": cut,
                    }  # fmt: skip


def recall(row: dict[str, Any]) -> dict[str, Any]:
    media = saved(row.pop("cut"), row["codec"])
    media.raster()
    began = time.process_time()
    stored = [r.mark for r in read_marks(media, alpha=ALPHA) if r.present]
    reading = None if stored else read_cropped(media, alpha=ALPHA)
    return row | {
        "seconds": time.process_time() - began, "pixels": media.raster().rgb[..., 0].size,
        "found": reading.mark if reading else None, "stored": stored,
        "named": reading.variant if reading else None,
        "alternatives": list(reading.alternatives) if reading else [],
        "z": reading.z if reading else None,
    }  # fmt: skip


def recall_table(rows: list[dict[str, Any]]) -> list[str]:
    def rate(some: list[dict[str, Any]]) -> str:
        right = sum(row["found"] == row["mark"] or row["mark"] in row["stored"] for row in some)
        return f"{right} of {len(some)}" if some else "-"

    lines = [f"written by {Counter(row['writer'] for row in rows).most_common(1)[0][0]}", ""]
    wrong = sum(row["found"] not in (None, row["mark"]) for row in rows)
    lines += [f"another mark than was written: {wrong} of {len(rows)}", ""]
    for name, large in (("768x512", False), ("1024x1024", True)):
        lines += [f"| {name}: area kept | " + " | ".join(CODECS) + " |", "| --- |" + " --- |" * 5]
        for area in AREAS:
            cells = [
                rate([r for r in rows if (r["large"], r["area"], r["codec"]) == (large, area, c)])
                for c in CODECS
            ]
            lines.append(f"| {area} | " + " | ".join(cells) + " |")
    for what, keys in (("mark", WRITTEN), ("turn", TURNS)):
        lines += [f"| {what} | " + " | ".join(CODECS) + " |", "| --- |" + " --- |" * 5]
        for key in keys:
            cells = [rate([r for r in rows if (r[what], r["codec"]) == (key, c)]) for c in CODECS]
            lines.append(f"| {key} | " + " | ".join(cells) + " |")
    cut = [row for row in rows if not row["stored"]]
    per = (
        [row["seconds"] * 1e3 for row in cut if row["pixels"] < 2e5],
        [row["seconds"] * 1e9 / row["pixels"] for row in cut if row["pixels"] > 8e5],
    )
    if all(per):
        lines += [f"CPU: {np.median(per[0]):.0f} ms under .2 MP, {np.median(per[1]):.0f} ms a MP"]
    named = [row for row in rows if row["found"] == row["mark"]]
    right = Counter(
        "right" if row["named"] == row["variant"] and not row["alternatives"]
        else "cannot be told apart, the right one among them"
        if row["variant"] in (row["named"], *row["alternatives"]) else "wrong"
        for row in named
    )  # fmt: skip
    return [*lines, f"variant named: {dict(right)}"]


def null_cases() -> Iterator[dict[str, Any]]:
    for kind, paths in (
        ("photograph", sorted((SHARED / "photos").glob("kodim*.png"))),
        ("photograph", sorted((SHARED / "detection" / "real").rglob("*.*"))),
        ("photograph", sorted((SHARED / "pdq" / "labelme-subset").rglob("*.jpg"))),
        ("photograph", sorted((SHARED / "pdq" / "bridge-mods").glob("*.jpg"))),
        ("generated, unmarked", sorted((SHARED / "detection" / "gen").rglob("*.*"))),
    ):
        for path in paths:
            if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
                yield {"case": f"{path.parent.name}/{path.name}", "kind": kind, "path": str(path)}


def null(row: dict[str, Any]) -> dict[str, Any]:
    media = open_media(Path(row.pop("path")))
    rgb = media.raster().rgb
    began = time.process_time()
    readings = search_crops(rgb, PUBLIC_MARKS, halved_chroma=chroma_was_doubled(media))
    return row | {
        "seconds": time.process_time() - began, "pixels": rgb[..., 0].size,
        "tests": readings[0].tests if readings else 0, "z": [r.z for r in readings],
        "p": min((r.p_value for r in readings), default=None),
    }  # fmt: skip


def null_table(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| what | pictures | tests | hits | largest z | smallest corrected p |", "| --- |" * 6]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        some = [row for row in rows if row["kind"] == kind and row["tests"]]
        hits = sum(row["p"] < ALPHA for row in some)
        largest, least = max(max(row["z"]) for row in some), min(row["p"] for row in some)
        tests = sum(row["tests"] for row in some)
        lines.append(
            f"| {kind} | {len(some)} | {tests:.1e} | {hits} | {largest:.2f} | {least:.1e} |"
        )
    return lines


def variant_cases() -> Iterator[dict[str, Any]]:
    write, writer = _writer()
    for name, rgb in photographs()[:12]:
        for variant in Variant:
            for mark in PUBLIC_MARKS[::2]:
                marked = write(rgb, mark, variant)
                for codec in ("PNG", "JPEG 95 4:2:0", "JPEG 90 4:2:0", "WebP 90"):
                    yield {
                        "case": f"{name}/{variant.value}/{mark.id}/{codec}", "codec": codec,
                        "written": variant.value, "mark": mark.id, "writer": writer, "cut": marked,
                    }  # fmt: skip


def variants(row: dict[str, Any]) -> dict[str, Any]:
    readings = read_marks(saved(row.pop("cut"), row["codec"]))
    reading = next(r for r in readings if r.mark == row["mark"])
    named = [reading.variant, *reading.alternatives] if reading.present else []
    return row | {"named": named}


def variants_table(rows: list[dict[str, Any]]) -> list[str]:
    lines = [f"written by {rows[0]['writer']}", ""]
    lines += ["| codec | written as | named alone | among several | wrong | not found |"]
    lines += ["| --- |" * 6]
    table: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    wrong: Counter[str] = Counter()
    for row in rows:
        what = "missed" if not row["named"] else "wrong"
        if row["written"] in row["named"]:
            what = "alone" if len(row["named"]) == 1 else "several"
        elif row["named"]:
            wrong[f"{row['codec']}: {row['written']} as {' or '.join(row['named'])}"] += 1
        table[row["codec"], row["written"]][what] += 1
    for (codec, written), count in sorted(table.items()):
        cells = " | ".join(str(count[k]) for k in ("alone", "several", "wrong", "missed"))
        lines.append(f"| {codec} | {written} | {cells} |")
    return [*lines, *(f"{what}: {n}" for what, n in wrong.items())]


MODES = {
    "recall": (recall_cases, recall, recall_table),
    "null": (null_cases, null, null_table),
    "variants": (variant_cases, variants, variants_table),
}


def main(mode: str, journal: Path, every: int = 1) -> None:
    cases, measure, table = MODES[mode]
    rows = (
        [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
    )
    done = {row["case"] for row in rows}
    with journal.open("a", encoding="utf-8") as stream:
        for number, case in enumerate(cases()):
            if number % every or case["case"] in done:
                continue
            rows.append(measure(case))
            stream.write(json.dumps(rows[-1]) + "\n")
            stream.flush()
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
