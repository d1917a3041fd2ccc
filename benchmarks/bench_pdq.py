"""PDQ against pdqhash (pixels to hash) and threatexchange (JPEG bytes to hash)."""

from __future__ import annotations

import io
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image
from threatexchange.signal_type.pdq.pdq_hasher import pdq_from_bytes

from lightkeeper.hashing import PdqVariant, distance_bits, pdq, pdq_of_rgb, warm_up
from lightkeeper.media import Media, open_media
from lightkeeper.testing import photo_like, synthetic_like

SIZES = {"512²": (512, 512), "1 MP": (1024, 1024), "12 MP": (4032, 3024)}
PICTURES = 3
REPEATS = 7
SCALES = {"300-600": (480, 360), "1024": (1024, 768), "2000": (2000, 1500), "4000": (4000, 3000)}

SHARED = Path(os.environ.get("LIGHTKEEPER_SHARED", "../shared")) / "data"
CAMERA = SHARED / "pdq" / "exif-rotn" / "exif-rotn-3.jpg"
DRAWINGS = (photo_like, synthetic_like)

Measured = dict[str, float]


def run() -> str:
    warm_up()
    times = {size: _times(_drawn_jpegs(*shape)) for size, shape in SIZES.items()}
    if CAMERA.exists():
        times["12 MP, camera"] = _times([CAMERA.read_bytes()])
    return "\n".join(
        [
            "## PDQ",
            "",
            f"CPU time of one thread, median of {REPEATS} runs over {PICTURES} drawn pictures, as",
            "JPEG of quality 90, and over a photograph of a camera where one is at hand.",
            "",
            "| | " + " | ".join(times) + " |",
            "| --- |" + " --- |" * len(times),
            *_time_rows(times),
            "",
            "Distance of `FAST` from `EXACT`, in bits, from JPEG bytes (hashes of quality ≥ 50).",
            "",
            "| pictures | count | decode | median | 95 % | max |",
            "| --- | --- | --- | --- | --- | --- |",
            *_distance_rows(),
            "",
        ]
    )


def _drawn_jpegs(width: int, height: int) -> list[bytes]:
    return [_jpeg(photo_like(seed, width=width, height=height)) for seed in range(PICTURES)]


def _times(contents: list[bytes]) -> Measured:
    pixels = [np.asarray(Image.open(io.BytesIO(content))) for content in contents]
    tools: dict[str, tuple[Callable, list]] = {
        "pdqhash, pixels": (pdqhash.compute, pixels),
        "EXACT, pixels": (pdq_of_rgb, pixels),
        "Pillow decode": (lambda c: Image.open(io.BytesIO(c)).load(), contents),
        "threatexchange, JPEG": (pdq_from_bytes, contents),
        "EXACT, JPEG": (lambda c: pdq(open_media(c), variant=PdqVariant.EXACT), contents),
        "FAST, JPEG": (lambda c: pdq(open_media(c)), contents),
    }
    spent: dict[str, list[float]] = {name: [] for name in tools}
    for _ in range(REPEATS):
        for name, (tool, inputs) in tools.items():
            started = time.process_time()
            for item in inputs:
                tool(item)
            spent[name].append((time.process_time() - started) * 1000 / len(inputs))
    return {name: statistics.median(values) for name, values in spent.items()}


def _time_rows(times: dict[str, Measured]) -> Iterator[str]:
    for name in next(iter(times.values())):
        cells = (f"{measured[name]:.2f} ms" for measured in times.values())
        yield f"| {name} | " + " | ".join(cells) + " |"
    for ours, peer in (
        ("EXACT, pixels", "pdqhash, pixels"),
        ("EXACT, JPEG", "threatexchange, JPEG"),
        ("FAST, JPEG", "threatexchange, JPEG"),
    ):
        cells = (f"**{measured[peer] / measured[ours]:.1f}×**" for measured in times.values())
        yield f"| {ours} against {peer.split(',')[0]} | " + " | ".join(cells) + " |"


def _distance_rows() -> Iterator[str]:
    for name, (width, height) in SCALES.items():
        drawn = [draw(s, width=width, height=height) for draw in DRAWINGS for s in range(4)]
        yield _distance_row(f"drawn, {name} px", [open_media(_jpeg(rgb)) for rgb in drawn])
    photographs = [np.asarray(Image.open(p).convert("RGB")) for p in SHARED.glob("photos/*.png")]
    if not photographs:
        yield "| photographs | 0 | LIGHTKEEPER_SHARED is absent | | | |"
        return
    yield _distance_row("photographs, 768 px", [open_media(_jpeg(rgb)) for rgb in photographs])
    for width in (1024, 2000, 4000):
        enlarged = (_jpeg(_resized(rgb, width)) for rgb in photographs)
        yield _distance_row(f"photographs, enlarged to {width} px", map(open_media, enlarged))
    large = [path for path in sorted(SHARED.rglob("*.jpg")) if _is_large(path)]
    yield _distance_row("JPEG files ≥ 2000 px as they are", map(open_media, large))


def _distance_row(name: str, pictures: Iterator[Media] | list[Media]) -> str:
    distances, decodes = [], set()
    for media in pictures:
        fast, exact = pdq(media), pdq(media, variant=PdqVariant.EXACT)
        if exact.quality >= 50:
            distances.append(distance_bits(fast, exact))
            decodes.add(fast.variant.rpartition("-")[2])
    middle, most = statistics.median(distances), max(distances)
    high = float(np.percentile(distances, 95))
    decode = ", ".join(sorted(decodes))
    return f"| {name} | {len(distances)} | {decode} | {middle:.0f} | {high:.0f} | {most} |"


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _resized(rgb: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    size = (width, round(width * rgb.shape[0] / rgb.shape[1]))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))


def _is_large(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            return max(image.size) >= 2000 and image.format == "JPEG"
    except OSError:
        return False
