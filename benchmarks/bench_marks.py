"""The open mark: bit accuracy and detection after every change, its null, its time; and peers.

Every reading is one line of a journal (``LIGHTKEEPER_JOURNAL``, a folder outside the repository),
so that a run can be stopped and taken up again:
``python bench_marks.py rows|peers|null|gate|visible|table``.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.evidence.watermark import lattice
from lightkeeper.evidence.watermark.lattice import _code, _read, _soft, _sync
from lightkeeper.evidence.watermark.lattice._kernels import fold, luma, whiten
from lightkeeper.evidence.watermark.lattice._pattern import pattern, slot_signs
from lightkeeper.testing import photo_like, synthetic_like

Picture = NDArray[np.uint8]
SHARED = Path(os.environ.get("LIGHTKEEPER_SHARED", Path(__file__).parents[2] / "shared")) / "data"
JOURNAL = Path(os.environ.get("LIGHTKEEPER_JOURNAL", "."))
PAYLOADS = (0x0123456789AB, 0xFEDCBA987654, 0x5A17C0DE1E55, 0xA0B1C2D3E4F5)
# COCO pictures without people, and photographs that scikit-image ships.
_COCO = (5, 7, 8, 10, 15, 16, 20, 21, 22)
_SCIKIT = ("brick", "chelsea", "coffee", "grass", "gravel", "hubble_deep_field", "ihc", "rocket")
OTHERS = (77, 9)
# rivaGan takes two seconds a picture: its rows are those that the issue names.
CHIEF = (
    "none", "brightness 2", "contrast 2", "crop .1", "resize .7", "resize .5", "resize .3",
    "JPEG80 4:2:0", "JPEG50 4:2:0", "blur 1", "screenshot-like", "rotation 5", "half replaced",
)  # fmt: skip
NULL_CROPS = 6000


def held_out() -> list[tuple[str, Picture]]:
    """28 pictures of 512×512; Kodak 15 is a portrait and left out."""
    import skimage

    kodak = sorted((SHARED / "photos").glob("kodim*.png"))
    # The left 512 pixels of these were looked at when the mark's parameters were chosen.
    pictures = [(f"kodak/{p.stem}", _pixels(p)[:512, -512:]) for p in kodak if p.stem != "kodim15"]
    coco = sorted((SHARED / "detection/real/lightly-ai+coco128_yolo").glob("*"))
    pictures += [(f"coco/{coco[i].stem}", _square(coco[i])) for i in _COCO]
    shipped = Path(skimage.__file__).parent / "data"
    files = [next(shipped.glob(f"{name}.*")) for name in _SCIKIT]
    return pictures + [(f"scikit/{p.stem}", _square(p)) for p in files]


def _pixels(path: Path) -> Picture:
    return np.asarray(Image.open(path).convert("RGB"))


def _square(path: Path) -> Picture:
    image = Image.open(path).convert("RGB")
    factor = 512 / min(image.size)
    size = [max(512, round(side * factor)) for side in image.size]
    rgb = np.asarray(image.resize((size[0], size[1]), Image.Resampling.BICUBIC))
    top, left = (rgb.shape[0] - 512) // 2, (rgb.shape[1] - 512) // 2
    return np.ascontiguousarray(rgb[top : top + 512, left : left + 512])


def _jpeg(rgb: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(buffer))


def _resized(rgb: Picture, across: float, down: float | None = None) -> Picture:
    size = round(rgb.shape[1] * across), round(rgb.shape[0] * (down or across))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def _turned(rgb: Picture, degrees: float) -> Picture:
    return np.asarray(Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC))


def _blurred(rgb: Picture, sigma: float) -> Picture:
    x = np.arange(-4, 5)
    kernel = np.exp(-(x**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(rgb.astype(float), ((4, 4), (4, 4), (0, 0)), mode="edge")
    down = sum(w * padded[i : i + rgb.shape[0]] for i, w in enumerate(kernel))
    both = sum(w * down[:, i : i + rgb.shape[1]] for i, w in enumerate(kernel))
    return np.clip(np.rint(both), 0, 255).astype(np.uint8)


def _brighter(rgb: Picture, factor: float) -> Picture:
    return np.clip(np.rint(rgb * float(factor)), 0, 255).astype(np.uint8)


def _contrast(rgb: Picture, factor: float) -> Picture:
    mean = (rgb @ np.array([0.299, 0.587, 0.114])).mean()
    return np.clip(np.rint((rgb - mean) * factor + mean), 0, 255).astype(np.uint8)


def _crop(rgb: Picture, share: float) -> Picture:
    """A share of the area, off centre and off every grid."""
    height, width = (round(side * share**0.5) for side in rgb.shape[:2])
    top, left = (rgb.shape[0] - height) * 3 // 8, (rgb.shape[1] - width) * 5 // 8
    return rgb[top : top + height, left : left + width]


def _half(rgb: Picture, other: Picture) -> Picture:
    return np.concatenate([rgb[:, : rgb.shape[1] // 2], other[:, rgb.shape[1] // 2 :]], axis=1)


CHANGES: dict[str, Callable[[Picture, Picture], Picture]] = {
    "none": lambda a, b: a,
    "brightness 2": lambda a, b: _brighter(a, 2),
    "contrast 2": lambda a, b: _contrast(a, 2),
    "crop .1": lambda a, b: _crop(a, 0.1),
    "crop 128 px": lambda a, b: _crop(a, 1 / 16),
    "resize .7": lambda a, b: _resized(a, 0.7),
    "resize .5": lambda a, b: _resized(a, 0.5),
    "resize .3": lambda a, b: _resized(a, 0.3),
    "resize .5 and back": lambda a, b: _resized(_resized(a, 0.5), 2),
    "resize 2": lambda a, b: _resized(a, 2),
    "JPEG80 4:2:0": lambda a, b: _jpeg(a, 80),
    "JPEG50 4:2:0": lambda a, b: _jpeg(a, 50),
    "blur 1": lambda a, b: _blurred(a, 1),
    "screenshot-like": lambda a, b: _jpeg(_resized(a, 0.7)[9:309, 5:305], 80),
    "rotation 5": lambda a, b: _turned(a, 5),
    "rotation 30": lambda a, b: _turned(a, 30),
    "rotation 90": lambda a, b: np.rot90(a),
    "rotation 180": lambda a, b: np.rot90(a, 2),
    "flip": lambda a, b: a[:, ::-1],
    "aspect .8": lambda a, b: _resized(a, 0.8, 1.0),
    "aspect 1.5": lambda a, b: _resized(a, 1.2, 0.8),
    "half replaced": _half,
    "crop .4, resize .6, JPEG80": lambda a, b: _jpeg(_resized(_crop(a, 0.4), 0.6), 80),
    "rotation 7, resize .7, JPEG80": lambda a, b: _jpeg(_resized(_turned(a, 7), 0.7), 80),
    "another mark on top": lambda a, b: lattice.embed(a[7:, 4:], OTHERS[0]),
    "two other marks on top": lambda a, b: lattice.embed(
        lattice.embed(a, OTHERS[0])[3:, 5:], OTHERS[1]
    ),
    "rotation 12, another mark": lambda a, b: lattice.embed(_turned(a, 12), OTHERS[0]),
}


def attempt(rgb: Picture) -> tuple[float, int, float]:
    """Best synchronisation's z, likeliest payload (checked or not) and its raw slots' values."""
    best: tuple[float, int, Any] = (0.0, 0, np.zeros(len(pattern().coded)))
    for window in _read._windows(rgb):
        values = whiten(window)
        for basis in _read._bases(values):
            tile, _ = _sync.synchronise(np.fft.fft2(fold(values, np.linalg.inv(basis))), basis)
            if tile is None or tile.z <= best[0]:
                continue
            slots = _soft.slot_values(tile)
            best = tile.z, _code.words(_soft.coded_values(slots))[0] >> 16, slots
        break
    return best


def rows() -> None:
    """Our own mark over all payloads, pictures and changes; all marks with the first payload."""
    pictures = held_out()
    lattice.warm_up()
    done = {tuple(r["key"]) for r in _journal("rows")}
    with _open("rows") as out:
        for payload, (i, (name, rgb)) in product(PAYLOADS, enumerate(pictures)):
            left = [change for change in CHANGES if (name, payload, change) not in done]
            if not left:
                continue
            marked = lattice.embed(rgb, payload)
            decibels = 10 * np.log10(255**2 / np.mean((marked.astype(float) - rgb) ** 2))
            for change in left:
                seen = np.ascontiguousarray(CHANGES[change](marked, pictures[i - 1][1]))
                row = {"key": (name, payload, change), "psnr": decibels, **_seen(seen, payload)}
                if payload == PAYLOADS[0] or _on_top(change):
                    every = {reading.payload for reading in lattice.read_all(seen)}
                    row["all"] = payload in every and _on_top(change) <= every
                    row["ghosts"] = len(every - {payload, *_on_top(change)})
                out.write(json.dumps(row) + "\n")
                out.flush()


def _seen(rgb: Picture, payload: int) -> dict[str, Any]:
    started = time.process_time()
    reading = lattice.read(rgb)
    spent = (time.process_time() - started) * 1e3
    if reading is not None and reading.payload == payload:
        raw = 1 - reading.corrected / max(reading.slots, 1)
        return {"found": True, "bits": 48, "raw": raw, "z": reading.score, "ms": spent}
    z, guess, slots = attempt(rgb)
    used = slots != 0
    raw = float(np.mean(slots[used] * slot_signs(payload)[used] > 0))
    right = 48 - (guess ^ payload).bit_count()
    return {"found": False, "bits": right, "raw": raw, "z": z, "ms": spent}


def visible() -> None:
    """What the mark adds where it is seen first, in grey levels of deviation, over all pictures."""
    from scipy.ndimage import maximum_filter

    smooth, edges, psnr = [], [], []
    for _, rgb in held_out():
        before = luma(np.ascontiguousarray(rgb))
        change = luma(lattice.embed(rgb, PAYLOADS[0])) - before
        blocks = [a.reshape(32, 16, 32, 16).std(axis=(1, 3)).ravel() for a in (before, change)]
        smooth.append(blocks[1][np.argsort(blocks[0])[:102]].mean())
        slope = np.hypot(*np.gradient(before))
        flat = (maximum_filter(slope, 13) > 25) & (maximum_filter(slope, 3) < 3)
        edges.append(change[flat].std() if flat.sum() > 50 else np.nan)
        psnr.append(10 * np.log10(255**2 / np.mean(change**2)))
    print(f"smoothest tenth of blocks: mean {np.mean(smooth):.2f}; flat beside edges: "
          f"{np.nanmean(edges):.2f}; PSNR of luma {min(psnr):.1f} to {max(psnr):.1f}")  # fmt: skip


def _on_top(change: str) -> set[int]:
    """Payloads of the marks that a change puts upon ours."""
    count = 2 if change.startswith("two other") else "another mark" in change
    return set(OTHERS[:count])


def peers() -> None:
    """dwtDctSvd and blind-watermark (48 bits), rivaGan (32 bits): all pictures, one payload."""
    pictures = held_out()
    message = [int(b) for b in f"{PAYLOADS[2]:048b}"]
    done = {tuple(r["key"]) for r in _journal("peers")}
    with _open("peers") as out:
        for peer, make in (("dwtDctSvd", _svd), ("blind-watermark", _blind), ("rivaGan", _riva)):
            write, read = make()
            bits = message[:32] if peer == "rivaGan" else message
            changes = [c for c in CHANGES if not _on_top(c) and (peer != "rivaGan" or c in CHIEF)]
            for i, (name, rgb) in enumerate(pictures):
                left = [change for change in changes if (peer, name, change) not in done]
                marked = write(rgb, bits) if left else rgb
                for change in left:
                    apply = CHANGES[change]
                    seen = np.ascontiguousarray(apply(marked, pictures[i - 1][1]))
                    started = time.process_time()
                    try:
                        got = read(seen, len(bits))
                        share = float(np.mean(np.asarray(got)[: len(bits)] == np.asarray(bits)))
                    except Exception:
                        # Each of them refuses small pictures in a way of its own.
                        share = 0.5
                    row = {
                        "key": (peer, name, change),
                        "share": share,
                        "ms": (time.process_time() - started) * 1e3,
                        "psnr": 10 * np.log10(255**2 / np.mean((marked.astype(float) - rgb) ** 2)),
                    }
                    out.write(json.dumps(row) + "\n")
                    out.flush()


def _imwatermark(method: str) -> tuple[Callable[..., Picture], Callable[..., Any]]:
    from imwatermark import WatermarkDecoder, WatermarkEncoder

    if method == "rivaGan":
        WatermarkEncoder.loadModel()
        WatermarkDecoder.loadModel()

    def write(rgb: Picture, bits: list[int]) -> Picture:
        encoder = WatermarkEncoder()
        encoder.set_watermark("bits", bits)
        marked = encoder.encode(np.ascontiguousarray(rgb[..., ::-1]), method)
        return np.ascontiguousarray(np.asarray(marked, np.uint8)[..., ::-1])

    def read(rgb: Picture, bits: int) -> Any:
        decoder = WatermarkDecoder("bits", bits)
        return decoder.decode(np.ascontiguousarray(rgb[..., ::-1]), method)

    return write, read


def _svd() -> tuple[Callable[..., Picture], Callable[..., Any]]:
    return _imwatermark("dwtDctSvd")


def _riva() -> tuple[Callable[..., Picture], Callable[..., Any]]:
    return _imwatermark("rivaGan")


def _blind() -> tuple[Callable[..., Picture], Callable[..., Any]]:
    from blind_watermark import WaterMark

    def write(rgb: Picture, bits: list[int]) -> Picture:
        mark = WaterMark(password_img=1, password_wm=1)
        mark.read_img(img=np.ascontiguousarray(rgb[..., ::-1]))
        mark.read_wm(np.asarray(bits, bool), mode="bit")
        marked = np.clip(np.rint(mark.embed()), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(marked[..., ::-1])

    def read(rgb: Picture, bits: int) -> Any:
        mark = WaterMark(password_img=1, password_wm=1)
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        return np.asarray(mark.extract(embed_img=bgr, wm_shape=bits, mode="bit")) > 0.5

    return write, read


def unmarked() -> Iterator[tuple[str, Picture]]:
    """Crops of photographs, generated pictures, drawn pictures, plots, halftones and textures."""
    rng = np.random.default_rng(20)
    files = [
        *sorted((SHARED / "photos").glob("kodim*.png")),
        *sorted((SHARED / "detection").rglob("*.jpg")),
        *sorted((SHARED / "detection").rglob("*.png")),
        *sorted((SHARED / "pdq" / "labelme-subset").rglob("*.jpg")),
    ]
    drawn = (photo_like, synthetic_like)
    for n in range(NULL_CROPS):
        side = int(rng.choice([128, 192, 256, 384, 512]))
        kind = n % 5
        if kind < 3 and files:
            rgb = _pixels(files[int(rng.integers(len(files)))])
            group = "photographs and generated pictures"
        elif kind == 3:
            rgb = drawn[n % 2](n, width=side, height=side)
            group = "drawn pictures"
        else:
            rgb = _periodic(rng, side)
            group = "plots, halftones, weaves, grids"
        top, left = (int(rng.integers(max(s - side, 0) + 1)) for s in rgb.shape[:2])
        crop = np.ascontiguousarray(rgb[top : top + side, left : left + side])
        if min(crop.shape[:2]) < 64:
            continue
        if n % 7 == 1:
            crop = _jpeg(crop, int(rng.choice([30, 50, 80])))
        elif n % 7 == 2:
            crop = _resized(crop, float(rng.uniform(0.6, 1.8)))
        yield group, crop


def _periodic(rng: np.random.Generator, side: int) -> Picture:
    y, x = np.mgrid[:side, :side].astype(float)
    angle, period = rng.uniform(0, np.pi), rng.uniform(3, 70)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kind = int(rng.integers(5))
    shade = photo_like(int(rng.integers(1000)), width=side, height=side).astype(float)
    wave = np.cos(2 * np.pi * u / period) + np.cos(2 * np.pi * v / period)
    if kind == 0:
        picture = np.where(128 + 60 * wave > shade.mean(axis=2), 20.0, 235.0)[..., None]
    elif kind == 1:
        picture = 128 + 30 * wave[..., None] + rng.normal(0, 4, (side, side, 1))
    elif kind == 2:
        picture = np.full((side, side, 1), 255.0)
        picture[np.minimum(u % period, v % period) < 1.5] = 40
    elif kind == 3:
        # A random tile, repeated: the same lattice as the mark's, but for what it carries.
        n = int(rng.integers(16, 90))
        tile = rng.normal(128, 25, (n, n, 1))
        picture = np.tile(tile, (side // n + 1, side // n + 1, 1))[:side, :side]
    else:
        picture = np.full((side, side, 1), 250.0)
        curve = side / 2 + side / 3 * np.sin(2 * np.pi * x[0] / (3 * period))
        for k, top in enumerate(curve):
            picture[int(top) - 1 : int(top) + 2, k] = 60
        picture[:, :: max(8, int(period))] = 200
    return np.clip(picture + np.zeros(3), 0, 255).astype(np.uint8)


def null() -> None:
    """Readings at alpha 1, synchronisation and fixed payloads over unmarked crops."""
    lattice.warm_up()
    fixed = np.stack([slot_signs(p * 2654435761 % 2**48) for p in range(1, 201)])
    done = len(_journal("null"))
    with _open("null") as out:
        for n, (group, crop) in enumerate(unmarked()):
            if n < done:
                continue
            started = time.process_time()
            reading = lattice.read(crop)
            spent = time.process_time() - started
            z, word, slots = attempt(crop)
            size = float(np.linalg.norm(slots)) or 1.0
            hard = ((slots * fixed) > 0).sum(axis=1) / max(np.count_nonzero(slots), 1)
            row = {
                "group": group,
                "side": min(crop.shape[:2]),
                "found": reading is not None,
                "z": z,
                "payload_z": float(slots @ slot_signs(word)) / size,
                "checked": _code.decode(_soft.coded_values(slots)) is not None,
                "fixed_z": [round(float(v), 3) for v in fixed @ slots / size],
                "fixed_hard": float(hard.max()),
                "ms": spent * 1e3,
            }
            out.write(json.dumps(row) + "\n")
            out.flush()


def gate(most: int = 400) -> None:
    """What the tier of pixels misses: the quick look beside the search, size unchanged.

    Pictures of all kinds and sizes, a payload each; strengths of the changes are drawn, so that
    they lie on nobody's grid. Where the quick look reads the payload the search is not asked, since
    it begins with that look.
    """
    lattice.warm_up()
    done = {row["key"][0] for row in _journal("gate")}
    files = _gate_files()
    np.random.default_rng(3).shuffle(files)  # type: ignore[arg-type]
    before = np.zeros((64, 64, 3), np.uint8)
    with _open("gate") as out:
        for i, path in enumerate(files[:most]):
            rgb, other = _pixels(path), before
            before = rgb
            name = str(path.relative_to(SHARED))
            if name in done:
                continue
            rng = np.random.default_rng(i)
            if rgb.shape[0] * rgb.shape[1] > 4e6:
                rgb = np.ascontiguousarray(rgb[:1800, :2200])
            payload = int(rng.integers(2**48))
            for change, seen in _same_size(lattice.embed(rgb, payload), other, rng):
                picture = np.ascontiguousarray(seen)
                quick = {reading.payload for reading in lattice.read_at_own_size(picture)}
                every = set(quick)
                if payload not in quick:
                    every |= {reading.payload for reading in lattice.read_all(picture)}
                row = {
                    "key": (name, change),
                    "mp": rgb.shape[0] * rgb.shape[1] / 1e6,
                    "own": payload in quick,
                    "full": payload in every,
                    "others": len(every - {payload}),
                }
                out.write(json.dumps(row) + "\n")
                out.flush()


def _gate_files() -> list[Path]:
    kinds = {".png", ".jpg", ".jpeg", ".webp"}
    folders = (
        "detection", "metadata", "credentials", "c2pa", "pdq/labelme-subset", "photos",
        "pdq/bridge-mods",
    )  # fmt: skip
    files = []
    for path in (path for folder in folders for path in sorted((SHARED / folder).rglob("*"))):
        if path.suffix.lower() not in kinds or not path.is_file():
            continue
        try:
            width, height = Image.open(path).size
        except OSError:
            continue
        if min(width, height) >= 256 and width * height <= 13e6:
            files.append(path)
    return files


def _same_size(
    rgb: Picture, other: Picture, rng: np.random.Generator
) -> Iterator[tuple[str, Picture]]:
    """Changes that leave the mark's size, their strengths drawn."""
    height, width = rgb.shape[:2]
    yield "none", rgb
    yield "brightness .5-2", _brighter(rgb, rng.uniform(0.5, 2))
    yield "contrast .6-2", _contrast(rgb, rng.uniform(0.6, 2))
    yield "JPEG 75-96", _saved(rgb, int(rng.integers(75, 97)), int(rng.integers(0, 3)))
    yield "JPEG 40-74", _jpeg(rgb, int(rng.integers(40, 75)))
    yield "JPEG 25-39", _jpeg(rgb, int(rng.integers(25, 40)))
    yield "WebP 40-90", _saved(rgb, int(rng.integers(40, 91)), None)
    yield "blur .6-1.4", _blurred(rgb, rng.uniform(0.6, 1.4))
    noise = rng.normal(0, rng.uniform(2, 10), rgb.shape)
    yield "noise 2-10", np.clip(rgb + noise, 0, 255).astype(np.uint8)
    share = rng.uniform(0.1, 0.6) ** 0.5
    rows, columns = max(130, round(height * share)), max(130, round(width * share))
    top = int(rng.integers(0, height - rows + 1))
    left = int(rng.integers(0, width - columns + 1))
    crop = np.ascontiguousarray(rgb[top : top + rows, left : left + columns])
    yield "crop .1-.6", crop
    yield "crop .1-.6, JPEG 60-90", _jpeg(crop, int(rng.integers(60, 91)))
    fitted = np.asarray(Image.fromarray(other).resize((width, height)))
    halves = rgb.copy()
    if rng.integers(2):
        halves[:, width // 2 :] = fitted[:, width // 2 :]
    else:
        halves[: height // 2] = fitted[: height // 2]
    yield "half replaced", halves
    yield "half replaced, JPEG 60-90", _jpeg(halves, int(rng.integers(60, 91)))
    mirrored = rgb[:, ::-1] if rng.integers(2) else rgb
    yield "flip, quarter turn", np.rot90(mirrored, int(rng.integers(4)))


def _saved(rgb: Picture, quality: int, subsampling: int | None) -> Picture:
    """As a JPEG, or as WebP where there is no subsampling to choose."""
    buffer = io.BytesIO()
    if subsampling is None:
        Image.fromarray(rgb).save(buffer, "WEBP", quality=quality)
    else:
        Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(buffer).convert("RGB"))


def _gate_lines() -> list[str]:
    rows_ = _journal("gate")
    if not rows_:
        return []
    by: dict[str, list[Any]] = defaultdict(list)
    for row in rows_:
        by[row["key"][1]].append(row)
    lines = [
        "| change | n | the search reads | missed in the tier of pixels (95 % interval) | "
        "over .5 MP |",
        "| --- | --- | --- | --- | --- |",
    ]
    for change, got in [*by.items(), ("all", rows_)]:
        read = [row for row in got if row["full"]]
        missed = [row for row in read if not row["own"]]
        low, high = interval(len(missed), len(read))
        large = [row["own"] for row in read if row["mp"] > 0.5]
        lines.append(
            f"| {change} | {len(got)} | {len(read)} | {len(missed)} ({100 * low:.1f}–"
            f"{100 * high:.1f} %) | {large.count(False)} of {len(large)} |"
        )
    others = sum(row["others"] for row in rows_)
    return [*lines, "", f"Payloads that nobody wrote: {others} of {len(rows_):,}."]


def interval(hits: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's 95 % interval."""
    from scipy.stats import beta

    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, n - hits + 1))
    return low, 1.0 if hits == n else float(beta.ppf(0.975, hits + 1, n - hits))


def table() -> str:
    """What the journals hold, as Markdown."""
    ours: dict[str, list[Any]] = defaultdict(list)
    for row in _journal("rows"):
        ours[row["key"][2]].append(row)
    theirs: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in _journal("peers"):
        theirs[row["key"][0], row["key"][2]].append(row)
    names = sorted({peer for peer, _ in theirs})
    heads = (
        "change", "n", "bits right", "slots right", "first read (95 % interval)", "all read",
        "others", "ms", *names,
    )  # fmt: skip
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    for change in CHANGES:
        if not (got := ours[change]):
            continue
        hits = sum(r["found"] for r in got)
        low, high = interval(hits, len(got))
        cells = [
            change,
            str(len(got)),
            f"{np.mean([r['bits'] for r in got]) / 48:.4f}",
            f"{np.mean([r['raw'] for r in got]):.3f}",
            f"{hits / len(got):.3f} ({low:.3f}–{high:.3f})",
            f"{np.mean([r['all'] for r in got if 'all' in r]):.3f}",
            str(sum(r.get("ghosts", 0) for r in got)),
            f"{np.median([r['ms'] for r in got]):.1f}",
        ]
        for peer in names:
            shares = [r["share"] for r in theirs[peer, change]]
            cells.append(f"{np.mean(shares):.3f}" if shares else "–")
        lines.append("| " + " | ".join(cells) + " |")
    psnr = [r["psnr"] for r in _journal("rows")]
    if psnr:
        lines += ["", f"PSNR of ours: least {min(psnr):.2f}, mean {np.mean(psnr):.2f} dB."]
    for peer in names:
        got = [r for (p, _), rs in theirs.items() if p == peer for r in rs]
        lines.append(
            f"{peer}: {len({r['key'][1] for r in got})} pictures, "
            f"PSNR {np.mean([r['psnr'] for r in got]):.1f} dB, "
            f"{np.median([r['ms'] for r in got]):.0f} ms."
        )
    return "\n".join([*lines, "", *_null_lines(), "", *_gate_lines()])


def _null_lines() -> list[str]:
    rows_ = _journal("null")
    if not rows_:
        return []
    z = np.array([r["z"] for r in rows_])
    fixed = np.array([r["fixed_z"] for r in rows_])
    payload = np.array([r["payload_z"] for r in rows_])
    rate = (fixed > 2.326).mean(axis=0)
    lines = [
        f"{len(rows_):,} unmarked crops: {sum(r['found'] for r in rows_)} readings; "
        f"check passed by chance {sum(r['checked'] for r in rows_)} times.",
        "",
        "| group | crops | sync z: median, 99 %, largest | payload z: 99 %, largest |",
        "| --- | --- | --- | --- |",
    ]
    groups = np.array([r["group"] for r in rows_])
    for group in [*dict.fromkeys(groups.tolist()), "all"]:
        of = (groups == group) | (group == "all")
        lines.append(
            f"| {group} | {of.sum()} | {np.median(z[of]):.2f}, {np.quantile(z[of], 0.99):.2f}, "
            f"{z[of].max():.2f} | {np.quantile(payload[of], 0.99):.2f}, {payload[of].max():.2f} |"
        )
    x = (z**2 + payload**2) / 2
    top = np.sort(x)[-len(x) // 10 :]
    scale = float((top - top[0]).mean())
    lines += [
        "",
        f"Half the sum of squares: 90 % {top[0]:.1f}, largest {x.max():.1f}; beyond its 90 % "
        f"quantile exponential with scale {scale:.2f}.",
        f"Fixed payloads (200): z deviation {fixed.std():.3f}, largest {fixed.max():.2f}; share of "
        f"crops above 2.33 (0.0100 expected): mean {rate.mean():.4f}, worst payload "
        f"{rate.max():.4f}.",
        f"Time: median {np.median([r['ms'] for r in rows_]):.1f} ms.",
    ]
    return lines


def _journal(name: str) -> list[Any]:
    path = JOURNAL / f"marks-{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _open(name: str) -> Any:
    return (JOURNAL / f"marks-{name}.jsonl").open("a")


def run() -> str:
    """The table of a finished journal, and times of this machine."""
    return "\n".join(["## The open mark", "", table(), "", *_times(), ""])


def _times() -> list[str]:
    lattice.warm_up()
    clean = photo_like(3)
    marked = lattice.embed(clean, PAYLOADS[0])
    turned = _turned(marked, 20)
    large = np.asarray(Image.fromarray(clean).resize((4000, 3000)))
    cases: dict[str, Callable[[], object]] = {
        "embed, 512²": lambda: lattice.embed(clean, PAYLOADS[0]),
        "read, marked and untransformed, 512²": lambda: lattice.read(marked),
        "read, marked and turned by 20°, 512²": lambda: lattice.read(turned),
        "read, unmarked, 512²": lambda: lattice.read(clean),
        "own size only, unmarked, 512²": lambda: lattice.read_at_own_size(clean),
        "own size only, unmarked, 12 megapixels": lambda: lattice.read_at_own_size(large),
        "read, unmarked, 12 megapixels": lambda: lattice.read(large),
    }
    rows_ = ["| what | ms of CPU time, one thread |", "| --- | --- |"]
    for name, case in cases.items():
        case()
        spent = []
        for _ in range(7):
            started = time.process_time()
            case()
            spent.append((time.process_time() - started) * 1e3)
        rows_.append(f"| {name} | {np.median(spent):.1f} |")
    return rows_


if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) > 1 else "table"
    if command == "table":
        print(run())
    else:
        commands = {"rows": rows, "peers": peers, "null": null, "gate": gate, "visible": visible}
        commands[command]()
