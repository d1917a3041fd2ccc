"""Public marks: detection by mark, variant and codec, false findings, time against a peer."""

from __future__ import annotations

import io
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.evidence.watermark import PUBLIC_MARKS, Mark, Variant, embed, read_marks
from lightkeeper.media import open_media
from lightkeeper.testing import photo_like

REPEATS = 9
WRITTEN = (
    Variant.UINT8_BGR,
    Variant.FLOAT32_BGR,
    Variant.FLOAT32_RGB,
    Variant.UINT8_BGR_SVD,
    Variant.FLOAT32_BGR_SVD,
)
CODECS: dict[str, dict[str, Any]] = {
    "PNG": {"format": "PNG", "compress_level": 1},
    "JPEG 95 4:2:0": {"format": "JPEG", "quality": 95, "subsampling": 2},
    "JPEG 90 4:2:0": {"format": "JPEG", "quality": 90, "subsampling": 2},
    "WebP 90": {"format": "WEBP", "quality": 90, "method": 2},
}
SHARED = Path(os.environ.get("LIGHTKEEPER_SHARED", Path(__file__).parents[2] / "shared")) / "data"


def run() -> str:
    photographs = sorted((SHARED / "photos").glob("kodim*.png"))
    sections = ["## Public marks", ""]
    if photographs:
        stored = [np.asarray(Image.open(path).convert("RGB")) for path in photographs]
        sections += _rates("12 Kodak photographs as they are (768×512)", stored)
        sections += _rates(
            "the same, cut square and enlarged to 1024", [_square(a) for a in stored]
        )
        sections += _false_findings()
    else:
        drawn = [photo_like(seed, width=768, height=512) for seed in range(6)]
        sections += ["Third-party photographs are absent: drawn pictures instead.", ""]
        sections += _rates("six drawn pictures", drawn)
    return "\n".join([*sections, *_times(), ""])


def _square(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = min(rgb.shape[:2])
    image = Image.fromarray(rgb[:side, :side])
    return np.asarray(image.resize((1024, 1024), Image.Resampling.LANCZOS))


def _rates(title: str, pictures: Iterable[NDArray[np.uint8]]) -> list[str]:
    """Share of pictures on which the mark is present; embedded by the reference where installed."""
    write, writer = _writer()
    found: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    others = cases = 0
    for rgb in pictures:
        for variant in WRITTEN:
            for mark in PUBLIC_MARKS:
                marked = Image.fromarray(write(rgb, mark, variant))
                for codec, options in CODECS.items():
                    buffer = io.BytesIO()
                    marked.save(buffer, **options)
                    present = {
                        r.mark for r in read_marks(open_media(buffer.getvalue())) if r.present
                    }
                    found[variant.value, codec, mark.id].append(mark.id in present)
                    others += len(present - {mark.id})
                    cases += 1
    ids = [mark.id for mark in PUBLIC_MARKS]
    rows = [
        f"Detection on {title}, at one false finding per million pictures; embedded by {writer}.",
        f"Marks found that were not written: {others} in {cases:,} cases.",
        "",
        "| written as | codec | " + " | ".join(ids) + " | all |",
        "| --- | --- |" + " --- |" * (len(ids) + 1),
    ]
    for variant in WRITTEN:
        for codec in CODECS:
            rates = [statistics.mean(found[variant.value, codec, name]) for name in ids]
            cells = " | ".join(f"{rate:.2f}" for rate in [*rates, statistics.mean(rates)])
            rows.append(f"| {variant.value} | {codec} | {cells} |")
    return [*rows, ""]


def _writer() -> tuple[Callable[[Any, Mark, Variant], NDArray[np.uint8]], str]:
    try:
        from imwatermark import WatermarkEncoder
    except ImportError:
        return lambda rgb, mark, variant: embed(rgb, mark, variant=variant), "Lightkeeper"

    def write(rgb: NDArray[np.uint8], mark: Mark, variant: Variant) -> NDArray[np.uint8]:
        encoder = WatermarkEncoder()
        encoder.set_watermark("bits", list(mark.bits))
        channels = rgb[..., ::-1] if "bgr" in variant.value else rgb
        number = np.uint8 if variant.value.startswith("uint8") else np.float32
        marked = encoder.encode(np.ascontiguousarray(channels).astype(number), variant.method.value)
        marked = np.clip(np.rint(marked), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(marked[..., ::-1] if "bgr" in variant.value else marked)

    return write, "invisible-watermark 0.2.0"


def _false_findings() -> list[str]:
    paths = [
        *sorted((SHARED / "photos").glob("kodim*.png")),
        *sorted((SHARED / "detection" / "real").rglob("*.jpg")),
        *sorted((SHARED / "pdq" / "labelme-subset").rglob("*.jpg")),
        *sorted((SHARED / "pdq" / "bridge-mods").glob("*.jpg")),
    ]
    rows = []
    for name, rescaled in (("as stored", False), ("with re-scalings", True)):
        read = [read_marks(open_media(path), rescaled=rescaled) for path in paths]
        read = [readings for readings in read if readings]
        hits = sum(reading.present for readings in read for reading in readings)
        largest = max(reading.z for readings in read for reading in readings)
        tests = sum(readings[0].tests for readings in read)
        smallest = min(reading.p_value for readings in read for reading in readings)
        rows.append(
            f"| {name} | {len(read)} | {tests:,} | {hits} | {largest:.2f} | {smallest:.4f} |"
        )
    return [
        "Unmarked photographs of at least 65,536 pixels (no hit in n bounds the rate at 3/n):",
        "",
        "| what | pictures | tests | hits | largest z | smallest corrected p |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _times() -> list[str]:
    rgb = photo_like(1, width=1024, height=1024)
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=90)
    content = buffer.getvalue()
    ours = _median(lambda: read_marks(_decoded(content)), before=lambda: _decoded(content))
    rows = [f"| Lightkeeper: 5 messages × 8 variants | {ours:.1f} | 1 |"]
    try:
        from imwatermark import WatermarkDecoder
    except ImportError:
        rows.append("| invisible-watermark is not installed | | |")
    else:
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        for method in ("dwtDct", "dwtDctSvd"):
            decoder = WatermarkDecoder("bits", 48)
            theirs = _median(lambda d=decoder, m=method: d.decode(bgr, m))
            rows.append(
                f"| invisible-watermark, {method}, 1 message × 1 variant | {theirs:.1f} "
                f"| {theirs / ours:.1f} (**{theirs / ours * 20:.0f}** for 5 × 4) |"
            )
    return [
        "Time on decoded pixels of 1024×1024, JPEG 90 4:2:0:",
        "",
        "| what | ms | ratio |",
        "| --- | --- | --- |",
        *rows,
    ]


def _decoded(content: bytes) -> Any:
    media = open_media(content)
    media.raster()
    return media


def _median(tool: Callable[[], object], *, before: Callable[[], object] | None = None) -> float:
    """Median in ms; the time of ``before``, which ``tool`` repeats, is taken off."""
    tool()
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        tool()
        spent = time.process_time() - started
        if before is not None:
            started = time.process_time()
            before()
            spent -= time.process_time() - started
        times.append(spent * 1e3)
    return statistics.median(times)
