"""The rooted mark: distortions, nulls per key and the attacks of its audit, as one JSON line each.

It needs what was trained (a folder with ``kit.npz``, ``autoencoder.pt`` and ``root_K.pt``) and
the third-party pictures of ``LIGHTKEEPER_SHARED``; none of them is copied.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter

from lightkeeper.evidence.watermark.rooted import (
    MarkKey,
    RootedReader,
    detect,
)
from lightkeeper.evidence.watermark.rooted._calibration import calibrate
from lightkeeper.evidence.watermark.rooted._statistics import agreement, chance, soft_bits
from lightkeeper.generators.rooting import SmallDecoder, SmallEncoder, export_extractor, unpack

SHARED = Path(os.environ.get("LIGHTKEEPER_SHARED", Path(__file__).parents[2] / "shared")) / "data"
REAL = SHARED / "detection" / "real"
Picture = np.ndarray[Any, np.dtype[np.uint8]]


def held_out() -> list[Picture]:
    """Eleven Kodak pictures at 512 px and thirteen flowers or scenes at 320; no portraits."""
    kodak = sorted((SHARED / "photos").glob("kodim*.png"))
    found = [_middle(path, 512) for path in kodak if path.stem != "kodim15"]
    for path in sorted((REAL / "Oldpel+flower_photos").rglob("*.*")):
        with Image.open(path) as opened:
            if min(opened.size) >= 320 and len(found) < 24:
                found.append(_middle(path, 320))
    return found


def unmarked() -> list[Picture]:
    """Photographs for nulls, none of them held out."""
    paths = sorted(
        p for d in ("BIDS+BSDS500", "lightly-ai+coco128_yolo") for p in (REAL / d).rglob("*.*")
    )
    pictures = []
    for path in paths:
        with Image.open(path) as opened:
            pictures.append(np.asarray(opened.convert("RGB")))
    return pictures


def _middle(path: Path, side: int) -> Picture:
    with Image.open(path) as opened:
        rgb = np.asarray(opened.convert("RGB"))
    side = min(side, *rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    return rgb[top : top + side, left : left + side]


def jpeg(rgb: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(buffer))


def resized(rgb: Picture, x: float, y: float | None = None) -> Picture:
    size = (round(rgb.shape[1] * x), round(rgb.shape[0] * (y or x)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def cropped(rgb: Picture, share: float, rng: np.random.Generator) -> Picture:
    down, over = (round(side * math.sqrt(share)) for side in rgb.shape[:2])
    top = int(rng.integers(rgb.shape[0] - down + 1))
    left = int(rng.integers(rgb.shape[1] - over + 1))
    return rgb[top : top + down, left : left + over]


def _levels(rgb: Picture, factor: float, about: float) -> Picture:
    return (
        np.clip(about + (rgb.astype(np.float32) - about) * factor, 0, 255).round().astype(np.uint8)
    )


def _grey(rgb: Picture) -> float:
    return float((rgb @ np.array([0.299, 0.587, 0.114])).mean())


def _blurred(rgb: Picture, sigma: float) -> Picture:
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(sigma)))


def _turned(rgb: Picture, degrees: float) -> Picture:
    turned = Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC)
    side = rgb.shape[0]
    angle = math.radians(degrees)
    inner = int(side / (abs(math.cos(angle)) + abs(math.sin(angle)))) // 2 * 2
    start = (side - inner) // 2
    return np.asarray(turned)[start : start + inner, start : start + inner]


def _half(rgb: Picture, other: Picture) -> Picture:
    mixed = rgb.copy()
    wide = rgb.shape[1] // 2
    mixed[:, wide:] = np.asarray(Image.fromarray(other).resize((rgb.shape[1], rgb.shape[0])))[
        :, wide:
    ]
    return mixed


Change = Callable[[Picture, Picture, np.random.Generator], Picture]
CHANGES: dict[str, Change] = {
    "none": lambda a, o, g: a,
    "brightness 2": lambda a, o, g: _levels(a, 2, 0),
    "contrast 2": lambda a, o, g: _levels(a, 2, _grey(a)),
    "crop 0.1": lambda a, o, g: cropped(a, 0.1, g),
    "crop 0.5": lambda a, o, g: cropped(a, 0.5, g),
    "resize .7": lambda a, o, g: resized(a, 0.7),
    "resize .5": lambda a, o, g: resized(a, 0.5),
    "resize .3": lambda a, o, g: resized(a, 0.3),
    "resize .6": lambda a, o, g: resized(a, 0.6),
    "JPEG 80 4:2:0": lambda a, o, g: jpeg(a, 80),
    "JPEG 50 4:2:0": lambda a, o, g: jpeg(a, 50),
    "blur 1": lambda a, o, g: _blurred(a, 1),
    "blur 2": lambda a, o, g: _blurred(a, 2),
    # Of a size drawn anew for each picture, so that it is none of those that are searched.
    "screenshot": lambda a, o, g: jpeg(cropped(resized(a, g.uniform(0.5, 0.95)), 0.8, g), 80),
    "any size": lambda a, o, g: resized(a, math.exp(g.uniform(math.log(0.33), math.log(1.35)))),
    "any turn to 10": lambda a, o, g: _turned(a, g.uniform(-10, 10)),
    "mirrored": lambda a, o, g: a[:, ::-1],
    "rotation 5": lambda a, o, g: _turned(a, 5),
    "rotation 30": lambda a, o, g: _turned(a, 30),
    "aspect .8": lambda a, o, g: resized(a, 0.8, 1),
    "half replaced": lambda a, o, g: _half(a, o),
}


class Bench:
    """The nets of one folder, and a journal."""

    def __init__(self, folder: Path) -> None:
        torch.set_num_threads(1)
        self.folder = folder
        _, extractor = unpack((folder / "kit.npz").read_bytes())
        self.extractor = extractor
        self.reader = RootedReader(export_extractor(extractor))
        state = torch.load(folder / "autoencoder.pt", weights_only=True)
        self.encoder, self.original = SmallEncoder(), SmallDecoder()
        self.encoder.load_state_dict(state["encoder"])
        self.original.load_state_dict(state["decoder"])
        self.journal = folder / "evaluation.jsonl"

    def decoder(self, name: str) -> tuple[Any, MarkKey]:
        state = torch.load(self.folder / f"{name}.pt", weights_only=True)
        decoder = SmallDecoder()
        decoder.load_state_dict(state["decoder"])
        bits = np.packbits(state["key"].numpy().astype(np.uint8)).tobytes()
        return decoder.eval(), MarkKey(label=name, bits=bits)

    def decode(self, decoder: Any, rgb: Picture) -> Picture:
        side = [length // 8 * 8 for length in rgb.shape[:2]]
        with torch.no_grad():
            x = torch.from_numpy(rgb[: side[0], : side[1]].copy()).permute(2, 0, 1)[None] / 255
            out = decoder(self.encoder(x)[0])[0].clamp(0, 1)
        return (out.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)

    def write(self, row: dict[str, Any]) -> None:
        with self.journal.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def null(self, limit: int = 1500) -> np.ndarray[Any, Any]:
        """Looks at unmarked photographs and their crops, kept for every key."""
        path = self.folder / "null.npy"
        if path.exists():
            return np.load(path)
        rng = np.random.default_rng(7)
        pictures, rows = unmarked(), []
        began = time.process_time()
        while len(rows) < limit and time.process_time() - began < 150:
            a = pictures[int(rng.integers(len(pictures)))]
            # The way a photograph may have come: cut, made smaller, saved again, or as it is.
            side = int(rng.choice([128, 192, 256, 320]))
            side = min(side, *a.shape[:2])
            top, left = (int(rng.integers(n - side + 1)) for n in a.shape[:2])
            a = a[top : top + side, left : left + side]
            draw = rng.random()
            if draw < 0.3:
                a = jpeg(a, int(rng.integers(50, 96)))
            elif draw < 0.5:
                a = resized(a, float(rng.uniform(0.5, 1.0)))
            scale = float(rng.choice([1.0, 1.0, 0.7, 0.5, 0.3]))
            looks = self.reader.look(a, scales=(scale,), mirrored=(bool(rng.random() < 0.5),))
            rows += [look.logits for look in looks]
        logits = np.stack(rows)
        np.save(path, logits)
        return logits


def chances(logits: Any, key: MarkKey) -> Any:
    soft = soft_bits(logits)
    totals = agreement(soft, [key])[:, 0]
    return np.array([chance(float(t), s) for t, s in zip(totals, soft, strict=True)])


def psnr(a: Picture, b: Picture) -> float:
    return float(-10 * np.log10(((a.astype(np.float64) - b) ** 2).mean() / 255**2 + 1e-12))


def distortions(bench: Bench, name: str) -> None:
    decoder, key = bench.decoder(name)
    null = bench.null()
    # Half of the null calibrates, the other half is a check of it.
    halves = np.arange(len(null)) % 2 == 0
    calibration = calibrate(chances(null[halves], key))
    key = MarkKey(label=name, bits=key.bits, calibration=calibration)
    check = [calibration.p_value(float(p)) for p in chances(null[~halves], key)]
    bench.write({
        "kind": "null", "key": name, "n": len(null), "mean": calibration.mean,
        "deviation": calibration.deviation, "tail": calibration.tail,
        "largest": calibration.largest, "check": len(check),
        "below": {str(a): sum(p < a for p in check) for a in (1e-1, 1e-2, 1e-3, 1e-4, 1e-6)},
    })  # fmt: skip
    pictures = held_out()
    plain = [bench.decode(bench.original, a) for a in pictures]
    marked = [bench.decode(decoder, a) for a in pictures]
    distance = [psnr(a, b) for a, b in zip(marked, plain, strict=True)]
    bench.write({
        "kind": "quality", "key": name, "psnr": round(float(np.mean(distance)), 2),
        "least": round(min(distance), 2), "n": len(pictures),
    })  # fmt: skip
    for change, apply in CHANGES.items():
        rng = np.random.default_rng(11)
        matches, present, seconds = [], [], []
        for place, rgb in enumerate(marked):
            changed = apply(rgb, plain[(place + 5) % len(plain)], rng)
            began = time.process_time()
            reading = detect(bench.reader.search(changed, [key]), [key])
            seconds.append(time.process_time() - began)
            matches.append(reading[0].matches / 48 if reading else 0.5)
            present.append(bool(reading and reading[0].present))
        bench.write({
            "kind": "change", "key": name, "change": change,
            "bits": round(float(np.mean(matches)), 4),
            "large": round(float(np.mean(matches[:11])), 4), "found": int(sum(present)),
            "n": len(present), "ms": round(1e3 * float(np.median(seconds[:11])), 1),
        })  # fmt: skip


def others(bench: Bench, names: list[str]) -> None:
    """Keys on the original decoder's pictures and on those of other copies."""
    pictures = held_out()
    null = bench.null()
    keys = []
    for name in names:
        _, key = bench.decoder(name)
        keys.append(MarkKey(label=name, bits=key.bits, calibration=calibrate(chances(null, key))))
    for name in ["original", *names]:
        decoder = bench.original if name == "original" else bench.decoder(name)[0]
        wrong = [k for k in keys if k.label != name]
        readings = [
            r
            for a in pictures
            for r in detect(bench.reader.search(bench.decode(decoder, a), wrong), wrong)
        ]
        bench.write({
            "kind": "others", "decoder": name, "tests": len(readings),
            "mean": round(float(np.mean([r.z for r in readings])), 3),
            "largest": round(max(r.z for r in readings), 3),
            "least": min(r.p_value for r in readings), "found": sum(r.present for r in readings),
        })  # fmt: skip


if __name__ == "__main__":
    bench_ = Bench(Path(sys.argv[1]))
    for name_ in sys.argv[2:]:
        if name_.startswith("others:"):
            others(bench_, name_.removeprefix("others:").split(","))
        else:
            distortions(bench_, name_)
