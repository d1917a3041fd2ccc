"""Registry of marked pictures: honest copies, copied marks, and what telling them apart costs.

``python benchmarks/bench_mark_registry.py JOURNAL`` appends to a journal and can be stopped;
``run()`` measures a small part. Pictures are marked and read with the open mark, a copied one by
marking the other picture with the same payload: whoever lifts a mark does no better.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.evidence.watermark.lattice import embed, read
from lightkeeper.evidence.watermark.registry import Fingerprint, Likeness, compare
from lightkeeper.testing import photo_like, synthetic_like

Pixels = NDArray[np.uint8]
SHARED = Path(os.environ.get("LIGHTKEEPER_SHARED", Path(__file__).parents[2] / "shared")) / "data"
FOLDERS = (
    "detection/real/BIDS+BSDS500",
    "detection/real/Oldpel+flower_photos",
    "detection/gen/dcsan+imagen",
    "photos",
)
PORTRAITS = frozenset({"kodim04", "kodim15", "kodim18"})
DRAWN = 30
SIDE = 768
COPIES = 2
UNREAD = "unread"


def pictures() -> list[str]:
    """Names of all pictures, in an order that is always the same."""
    files = [
        str(path)
        for folder in FOLDERS
        for path in sorted((SHARED / folder).glob("*"))
        if path.stem not in PORTRAITS and path.suffix in (".png", ".jpg")
    ]
    names = [*files, *(f"drawn-{i}" for i in range(DRAWN))]
    np.random.default_rng(1).shuffle(names)
    return names


def load(name: str) -> Pixels:
    if name.startswith("drawn-"):
        seed = int(name[6:])
        return (photo_like if seed % 2 else synthetic_like)(seed)
    image = Image.open(name).convert("RGB")
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def resized(rgb: Pixels, across: float, down: float) -> Pixels:
    size = max(8, round(rgb.shape[1] * across)), max(8, round(rgb.shape[0] * down))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def jpeg(rgb: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(buffer).convert("RGB"))


def rotated(rgb: Pixels, degrees: float) -> Pixels:
    return np.asarray(Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC))


def crop(rgb: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    height, width = (max(1, int(side * share**0.5)) for side in rgb.shape[:2])
    y = int(rng.integers(0, rgb.shape[0] - height + 1))
    x = int(rng.integers(0, rgb.shape[1] - width + 1))
    return rgb[y : y + height, x : x + width]


def brighter(rgb: Pixels) -> Pixels:
    return np.clip(rgb.astype(np.int32) * 2, 0, 255).astype(np.uint8)


def contrasted(rgb: Pixels) -> Pixels:
    mean = float(rgb.mean())
    return np.clip((rgb - mean) * 2 + mean, 0, 255).astype(np.uint8)


def screenshot(rgb: Pixels) -> Pixels:
    small = resized(rgb, 0.73, 0.73)
    canvas = np.full((rgb.shape[0], rgb.shape[1] + 100, 3), 235, np.uint8)
    canvas[:14] = 60
    canvas[20 : 20 + small.shape[0], 60 : 60 + small.shape[1]] = small
    return jpeg(canvas, 85)


def half(rgb: Pixels, other: Pixels) -> Pixels:
    mixed = rgb.copy()
    width = rgb.shape[1]
    mixed[:, : width // 2] = np.asarray(Image.fromarray(other).resize((width, rgb.shape[0])))[
        :, : width // 2
    ]
    return mixed


def honest(rgb: Pixels, other: Pixels, rng: np.random.Generator) -> Iterator[tuple[str, Pixels]]:
    """Copies of a picture."""
    yield "none", rgb
    yield "JPEG 50", jpeg(rgb, 50)
    yield "brightness 2", brighter(rgb)
    yield "contrast 2", contrasted(rgb)
    yield "resize .5", resized(rgb, 0.5, 0.5)
    yield "resize .3", resized(rgb, 0.3, 0.3)
    yield "aspect .8", resized(rgb, 0.8, 1.0)
    yield "mirrored", rgb[:, ::-1]
    yield "turned by 90°", np.rot90(rgb)
    yield "rotation 5°", rotated(rgb, 5)
    yield "rotation 30°", rotated(rgb, 30)
    inner = tuple(slice(side // 4, 3 * side // 4) for side in rgb.shape[:2])
    yield "rotation 30°, its inner quarter", rotated(rgb, 30)[inner]
    for share in (0.8, 0.5, 0.25, 0.1, 0.05):
        yield f"crop to {share:g} of the area", crop(rgb, share, rng)
    chain = resized(jpeg(crop(resized(rgb, 0.7, 0.7), 0.6, rng), 80), 0.8, 0.8)
    yield "resize, crop .6, JPEG 80, resize", chain
    yield "screenshot with a frame", screenshot(rgb)
    yield "half replaced", half(rgb, other)


def copied(rgb: Pixels, rng: np.random.Generator) -> Iterator[tuple[str, Pixels]]:
    """Another picture under the mark, at geometries that its copier may choose."""
    yield "as it is", rgb
    yield "resize .6", resized(rgb, 0.6, 0.6)
    scale = float(rng.uniform(0.5, 1.5))
    turned = rotated(rgb, float(rng.uniform(-180, 180)))
    yield "any rotation, scale .5-1.5", resized(turned, scale, scale)
    for share in (0.5, 0.25, 0.1):
        yield f"crop to {share:g} of the area", crop(rgb, share, rng)


def rows(names: list[str], done: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    for place, name in enumerate(names):
        if done(name):
            continue
        rng = np.random.default_rng(place)
        payload = int(rng.integers(1 << 48))
        rgb = embed(load(name), payload)
        own = Fingerprint.of(rgb)
        trials = [("honest", *t) for t in honest(rgb, load(names[(place + 7) % len(names)]), rng)]
        for step in range(COPIES):
            other = embed(load(names[(place + 1 + 31 * step) % len(names)]), payload)
            trials += [("copied", *trial) for trial in copied(other, rng)]
        made = [[kind, change, *judged(shown, payload, own)] for kind, change, shown in trials]
        yield {"picture": Path(name).name, "trials": made}


def judged(shown: Pixels, payload: int, own: Fingerprint) -> tuple[str, int, float, float]:
    """Likeness, distance, z and milliseconds of one comparison; ``unread`` without a mark."""
    shown = np.ascontiguousarray(shown)
    reading = read(shown)
    if reading is None or reading.payload != payload:
        return UNREAD, 0, 0.0, 0.0
    matrix = np.array(reading.transform.matrix).reshape(2, 2)
    started = time.process_time()
    found = compare(shown, own, matrix=matrix)
    spent = (time.process_time() - started) * 1e3
    return found.likeness.value, found.pdq_distance, found.z, round(spent, 1)


def table(found: list[dict[str, Any]]) -> str:
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    costs, largest = [], 0.0
    for row in found:
        for kind, change, likeness, _, z, spent in row["trials"]:
            counts[kind, change][likeness] += 1
            costs += [spent] if likeness != UNREAD else []
            largest = max(largest, z if kind == "copied" else 0.0)
    lines = [
        f"{len(found)} pictures; CPU {np.median(costs):.0f} ms in the median, "
        f"{np.quantile(costs, 0.99):.0f} in the 99th percentile; "
        f"largest z of a copied mark {largest:.1f}",
        "",
        "| | pairs | mark unread | matches | does not match | cannot be told |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for (kind, change), counter in counts.items():
        shown = " | ".join(str(counter[name]) for name in (UNREAD, *Likeness))
        lines.append(f"| {kind}: {change} | {counter.total()} | {shown} |")
    return "\n".join(lines)


def run() -> str:
    """A small part of it, on drawn pictures alone where there are no others."""
    return "\n".join(
        ["## Registry of marks", "", table(list(rows(pictures()[:24], lambda _: False)))]
    )


def main() -> None:
    journal = Path(sys.argv[1])
    found = (
        [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
    )
    known = {row["picture"] for row in found}
    with journal.open("a") as stream:
        for row in rows(pictures(), lambda name: Path(name).name in known):
            stream.write(json.dumps(row) + "\n")
            stream.flush()
            found.append(row)
    print(table(found))


if __name__ == "__main__":
    main()
