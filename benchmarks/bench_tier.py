"""The whole PIXELS tier on one-megapixel JPEGs, against the four tools that it replaces."""

from __future__ import annotations

import io
import os
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
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
    sets = {"drawn, 1024×1024": _drawn(), "photographs, 1254×836": _photographs()}
    pictures = {name: jpegs for name, jpegs in sets.items() if jpegs}
    tools = {
        "Lightkeeper, PIXELS tier": _lightkeeper(),
        **_peers(),
        "one Pillow decode": lambda b: Image.open(io.BytesIO(b)).convert("RGB").load(),
    }
    ours, *peers, pillow = ({n: _median(t, p) for n, p in pictures.items()} for t in tools.values())
    whole = {name: sum(peer[name] for peer in peers) for name in pictures}
    measured = [ours, *peers, whole, pillow]
    names = [*list(tools)[:-1], "the peers together", list(tools)[-1]]
    rows = [
        "## Whole PIXELS tier, 1 MP JPEG",
        "",
        f"{len(sets['drawn, 1024×1024'])} drawn pictures and {len(sets['photographs, 1254×836'])}",
        "photographs (Kodak, enlarged), JPEG 90, CPU time of one thread, median of",
        f"{REPEATS} runs: digests, PDQ with dihedral set, all examiners of the tier, assessment.",
        "",
        f"Examiners: {', '.join(f'`{name}`' for name in examined())}.",
        "",
        "| what | " + " | ".join(f"{name}: ms | to Lightkeeper" for name in pictures) + " |",
        "| --- |" + " --- | --- |" * len(pictures),
        *(
            f"| {what} | "
            + " | ".join(f"{ms[name]:.1f} | {ms[name] / ours[name]:.2f}" for name in pictures)
            + " |"
            for what, ms in zip(names, measured, strict=True)
        ),
        "",
        "The whole tier costs "
        + ", ".join(f"**{ours[n] / pillow[n]:.1f}** Pillow decodes ({n})" for n in pictures)
        + "; the peers take "
        + ", ".join(f"**{whole[n] / ours[n]:.1f}×** as long ({n})" for n in pictures)
        + ".",
        "",
    ]
    return "\n".join(rows)


def examined() -> list[str]:
    """Name and version of every examiner that the tier runs; the page says which were measured."""
    examiners = default_examiners(Policy())
    return [
        f"{e.name} {e.version}"
        for e in examiners
        if e.tier <= Tier.PIXELS and e.unavailable() is None
    ]


def _drawn() -> list[bytes]:
    return [_jpeg(photo_like(seed, width=1024, height=1024)) for seed in range(5)]


def _photographs() -> list[bytes]:
    folder = Path(os.environ.get("LIGHTKEEPER_SHARED", "../shared")) / "data" / "photos"
    paths = sorted(folder.rglob("*kodim*.png"))[:5]
    return [_jpeg(np.asarray(Image.open(p).convert("RGB").resize((1254, 836)))) for p in paths]


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
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


def _median(tool: Callable[[bytes], object], pictures: list[bytes]) -> float:
    for content in pictures[:2]:
        tool(content)
    times = []
    for _ in range(REPEATS):
        for content in pictures:
            started = time.process_time()
            tool(content)
            times.append((time.process_time() - started) * 1e3)
    return statistics.median(times)
