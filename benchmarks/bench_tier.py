"""The whole PIXELS tier on one-megapixel JPEGs, against the four tools that it replaces.

CPU time of one process: other work on the machine changes it little. Tools take turns picture by
picture, so that a slow minute falls on all of them.
"""

from __future__ import annotations

import io
import os
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

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
    plain = {"drawn, 1024×1024": _drawn(), "photographs, 1254×836": _photographs()}
    plain = {name: pictures for name, pictures in plain.items() if pictures}
    marked = {
        name: [lattice.embed(rgb, 0x5A17C0DE1E55) for rgb in pictures]
        for name, pictures in plain.items()
    }
    policy = Policy()
    whole, without = _lightkeeper(policy), _lightkeeper(replace(policy, without=_NO_OPEN_MARK))
    peers = _peers()
    tools = {"ours": whole, "without": without, "pillow": _decode, **peers}
    spent = {name: _medians(tools, list(map(_jpeg, plain[name]))) for name in plain}
    with_mark = {
        name: _medians({"ours": whole, "pillow": _decode}, list(map(_jpeg, marked[name])))
        for name in plain
    }
    total = {name: sum(spent[name][peer] for peer in peers) for name in plain}
    lines = {
        "Lightkeeper, PIXELS tier": {n: spent[n]["ours"] for n in plain},
        "the same without the open mark": {n: spent[n]["without"] for n in plain},
        "the same on pictures that carry it": {n: with_mark[n]["ours"] for n in plain},
        **{peer: {n: spent[n][peer] for n in plain} for peer in peers},
        "the peers together": total,
        "one Pillow decode": {n: spent[n]["pillow"] for n in plain},
    }
    counts = " and ".join(f"{len(pictures)} {name}" for name, pictures in plain.items())
    rows = [
        "## Whole PIXELS tier, 1 MP JPEG",
        "",
        f"{counts} (Kodak, enlarged), JPEG 90, median of {REPEATS} runs, CPU time of one thread:",
        "digests, PDQ with dihedral set, all examiners of the tier, assessment.",
        "",
        f"Examiners: {', '.join(f'`{name}`' for name in examined())}.",
        "",
        "| what | " + " | ".join(f"{name}: ms | Pillow decodes" for name in plain) + " |",
        "| --- |" + " --- | --- |" * len(plain),
        *(
            f"| {what} | "
            + " | ".join(f"{ms[n]:.1f} | {ms[n] / spent[n]['pillow']:.1f}" for n in plain)
            + " |"
            for what, ms in lines.items()
        ),
        "",
        "The peers take "
        + ", ".join(f"**{total[n] / spent[n]['ours']:.1f}×** as long ({n})" for n in plain)
        + ".",
        "",
    ]
    return "\n".join(rows)


def examined() -> list[str]:
    """Name and version of every examiner that the tier runs; the page says which were measured."""
    return [
        f"{e.name} {e.version}"
        for e in default_examiners(Policy())
        if e.tier <= Tier.PIXELS and e.unavailable() is None
    ]


def _drawn() -> list[NDArray[np.uint8]]:
    return [photo_like(seed, width=1024, height=1024) for seed in range(5)]


def _photographs() -> list[NDArray[np.uint8]]:
    folder = Path(os.environ.get("LIGHTKEEPER_SHARED", "../shared")) / "data" / "photos"
    paths = sorted(folder.rglob("*kodim*.png"))[:5]
    return [np.asarray(Image.open(path).convert("RGB").resize((1254, 836))) for path in paths]


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
        import cv2
        from imwatermark import WatermarkDecoder
        from sd_parsers import ParserManager
        from threatexchange.signal_type.pdq.signal import PdqSignal

    cv2.setNumThreads(1)
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
