"""The whole PIXELS tier on one-megapixel JPEGs, against the four tools that it replaces.

CPU time of one process: other work on the machine changes it little. Tools take turns picture by
picture, so that a slow minute falls on all of them.
"""

from __future__ import annotations

import io
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.assessment import assess
from lightkeeper.evidence import Tier, examine
from lightkeeper.evidence.watermark import lattice
from lightkeeper.hashing import media_digests, pdq
from lightkeeper.media import open_media
from lightkeeper.scan import Policy, default_examiners
from lightkeeper.testing import photo_like

REPEATS = 7
_NO_OPEN_MARK = frozenset({"open-mark", "open-mark-search"})
MESSAGES = {
    "sd-v1": ("bytes", b"StableDiffusionV1"),
    "sd-v2": ("bytes", b"SDV2"),
    "invokeai": ("bytes", b"InvokeAI"),
    "sdxl": ("bits", "101100111110110010010000011110111011000110011110"),
    "flux1": ("bits", "1010101111111010000111100111001111010100101110"),
}


def run() -> str:
    plain = [_jpeg(photo_like(seed, width=1024, height=1024)) for seed in range(5)]
    marked = [
        _jpeg(lattice.embed(photo_like(seed, width=1024, height=1024), 0x5A17C0DE1E55))
        for seed in range(5)
    ]
    policy = Policy()
    whole, without = _lightkeeper(policy), _lightkeeper(replace(policy, without=_NO_OPEN_MARK))
    peers = _peers()
    tools = {"ours": whole, "without": without, "pillow": _decode, **peers}
    spent = _medians(tools, plain)
    ours, pillow = spent["ours"], spent["pillow"]
    with_mark = _medians({"ours": whole, "pillow": _decode}, marked)
    total = sum(spent[name] for name in peers)
    looked = ", ".join(e.name for e in default_examiners(policy) if e.tier <= Tier.PIXELS)
    rows = [
        "## Whole PIXELS tier, 1 MP JPEG",
        "",
        f"{len(plain)} drawn pictures of 1024×1024, JPEG 90, median of {REPEATS} runs, CPU time:",
        f"digests, PDQ with dihedral set, assessment, and the examiners {looked}.",
        "",
        "| what | ms | ratio to Lightkeeper |",
        "| --- | --- | --- |",
        f"| Lightkeeper, PIXELS tier | {ours:.1f} | 1 |",
        *(f"| {name} | {spent[name]:.1f} | {spent[name] / ours:.1f} |" for name in peers),
        f"| the peers together | {total:.1f} | **{total / ours:.1f}** |",
        f"| one Pillow decode | {pillow:.1f} | {pillow / ours:.2f} |",
        "",
        f"The whole tier costs **{ours / pillow:.1f}** Pillow decodes, "
        f"{spent['without'] / pillow:.1f} without the open mark, and "
        f"{with_mark['ours'] / with_mark['pillow']:.1f} on pictures that carry it.",
        "",
    ]
    return "\n".join(rows)


def _decode(content: bytes) -> object:
    return Image.open(io.BytesIO(content)).convert("RGB").load()


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _lightkeeper(policy: Policy) -> Callable[[bytes], object]:
    examiners = default_examiners(policy)

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


def _medians(
    tools: dict[str, Callable[[bytes], object]], pictures: list[bytes]
) -> dict[str, float]:
    """Milliseconds of CPU time for one picture."""
    times: dict[str, list[float]] = {name: [] for name in tools}
    for tool in tools.values():
        for content in pictures[:2]:
            tool(content)
    for _ in range(REPEATS):
        for content in pictures:
            for name, tool in tools.items():
                started = time.process_time()
                tool(content)
                times[name].append((time.process_time() - started) * 1e3)
    return {name: statistics.median(spent) for name, spent in times.items()}
