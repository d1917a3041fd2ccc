"""The whole PIXELS tier on one-megapixel JPEGs, against the four tools that it replaces."""

from __future__ import annotations

import io
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
from PIL import Image

from lightkeeper.assessment import assess
from lightkeeper.evidence import Tier, examine
from lightkeeper.hashing import media_digests, pdq
from lightkeeper.media import open_media
from lightkeeper.scan import Policy, default_examiners
from lightkeeper.testing import photo_like

REPEATS = 7
MESSAGES = {
    "sd-v1": ("bytes", b"StableDiffusionV1"),
    "sd-v2": ("bytes", b"SDV2"),
    "invokeai": ("bytes", b"InvokeAI"),
    "sdxl": ("bits", "101100111110110010010000011110111011000110011110"),
    "flux1": ("bits", "1010101111111010000111100111001111010100101110"),
}


def run() -> str:
    pictures = [_jpeg(seed) for seed in range(5)]
    ours = _median(_lightkeeper(), pictures)
    pillow = _median(lambda b: Image.open(io.BytesIO(b)).convert("RGB").load(), pictures)
    peers = {name: _median(tool, pictures) for name, tool in _peers().items()}
    total = sum(peers.values())
    rows = [
        "## Whole PIXELS tier, 1 MP JPEG",
        "",
        f"{len(pictures)} drawn pictures of 1024×1024, JPEG 90, median of {REPEATS} runs: digests,",
        "PDQ with dihedral set, metadata, provenance, public marks, assessment.",
        "",
        "| what | ms | ratio to Lightkeeper |",
        "| --- | --- | --- |",
        f"| Lightkeeper, PIXELS tier | {ours:.1f} | 1 |",
        *(f"| {name} | {ms:.1f} | {ms / ours:.1f} |" for name, ms in peers.items()),
        f"| the peers together | {total:.1f} | **{total / ours:.1f}** |",
        f"| one Pillow decode | {pillow:.1f} | {pillow / ours:.2f} |",
        "",
        f"The whole tier costs **{ours / pillow:.1f}** Pillow decodes.",
        "",
    ]
    return "\n".join(rows)


def _jpeg(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = photo_like(seed, width=1024, height=1024)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _lightkeeper() -> Callable[[bytes], object]:
    examiners = default_examiners(Policy())

    def whole(content: bytes) -> object:
        media = open_media(content)
        media_digests(media)
        pdq(media).dihedral()
        seen = examine(media, examiners, tier=Tier.PIXELS)
        return assess(seen.findings, not_examined=seen.not_examined)

    return whole


def _peers() -> dict[str, Callable[[bytes], object]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import c2pa
        from imwatermark import WatermarkDecoder
        from sd_parsers import ParserManager
        from threatexchange.signal_type.pdq.signal import PdqSignal

    manager = ParserManager()

    def credentials(content: bytes) -> object:
        try:
            return c2pa.Reader("image/jpeg", io.BytesIO(content)).json()
        except c2pa.C2paError:
            return None

    def marks(content: bytes) -> list[object]:
        found: list[object] = []
        for kind, message in MESSAGES.values():
            bgr = np.asarray(Image.open(io.BytesIO(content)))[..., ::-1]
            length = 8 * len(message) if kind == "bytes" else len(message)
            found.append(WatermarkDecoder(kind, length).decode(np.ascontiguousarray(bgr), "dwtDct"))
        return found

    return {
        "threatexchange 1.2.17, PDQ": PdqSignal.hash_from_bytes,
        "sd-parsers 0.6": lambda b: manager.parse(io.BytesIO(b)),
        "c2pa-python": credentials,
        "invisible-watermark 0.2.0, dwtDct, five messages": marks,
    }


def _median(tool: Callable[[bytes], object], pictures: list[bytes]) -> float:
    for content in pictures[:2]:
        tool(content)
    times = []
    for _ in range(REPEATS):
        for content in pictures:
            started = time.perf_counter()
            tool(content)
            times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times)
