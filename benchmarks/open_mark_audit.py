"""The open mark rooted in decoders, and what others can do with it.

``python open_mark_audit.py rooted|audit|tuned|table``; rows go to a journal (LIGHTKEEPER_JOURNAL).
``LIGHTKEEPER_AUTOENCODERS`` names folders, separated by colons, each with an autoencoder and, where
its decoder was rooted, ``open.safetensors`` of ``lightkeeper mark root-open`` (5a17c0de1e55).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench_marks import CHANGES, SHARED, Picture, attempt, held_out, interval
from lightkeeper.evidence.watermark import lattice
from lightkeeper.evidence.watermark.auditing import AuditRow, open_mark_audit
from lightkeeper.generators.rooting import load_generator
from lightkeeper.generators.rooting._pictures import training_pictures
from lightkeeper.generators.rooting._train import Crops
from lightkeeper.generators.rooting.open_mark import read_open
from lightkeeper.generators.rooting.open_mark._outlet import outlet_of

JOURNAL = Path(os.environ.get("LIGHTKEEPER_JOURNAL", ".")) / "open-mark-audit.jsonl"
PAYLOAD = 0x5A17C0DE1E55
ROWS = ("none", "crop .1", "resize .5", "JPEG80 4:2:0", "JPEG50 4:2:0", "screenshot-like")
SIDE, AVERAGED = 256, 200
STEPS = (1, 3, 10, 30, 100)


def folders() -> list[Path]:
    """The autoencoders."""
    return [Path(name) for name in os.environ["LIGHTKEEPER_AUTOENCODERS"].split(":")]


def decoding(folder: Path, change: Callable[[Any], Any] | None = None) -> Callable[..., Picture]:
    """A round trip through the rooted decoder of a folder, once changed; or the original one."""
    loaded = load_generator(folder)
    decoder = None
    if change is not None:
        decoder = read_open(loaded, folder / "open.safetensors")
        change(decoder)

    def decode(rgb: Picture) -> Picture:
        x = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            out = loaded.generator.decode(loaded.generator.encode(x), decoder)
        whole = (out.clamp(0, 1) * 255).round()[0]
        return np.ascontiguousarray(whole.permute(1, 2, 0).numpy().astype(np.uint8))

    return decode


def _half_precision(decoder: Any) -> None:
    for tensor in decoder.state_dict().values():
        tensor.copy_(tensor.half().float())


def _no_constants(decoder: Any) -> None:
    outlet_of(decoder).constants.zero_()


def _load(state: dict[str, Any], decoder: Any) -> None:
    decoder.load_state_dict(state)


def _merged(decoder: Any) -> None:
    outlet_of(decoder).constants.mul_(0.5)


def rooted() -> None:
    """Bits and readings of rooted decoders' pictures after changes."""
    pictures = held_out()
    for folder in folders():
        plain, marking = decoding(folder), decoding(folder, lambda decoder: None)
        for name, rgb in pictures:
            key = ["rooted", folder.name, name]
            if any(row["key"] == key for row in _journal()):
                continue
            before, marked = plain(rgb), marking(rgb)
            error = np.mean((before.astype(float) - marked) ** 2)
            row: dict[str, Any] = {"key": key, "psnr": 10 * np.log10(255**2 / error), "rows": {}}
            for change in ROWS:
                seen = np.ascontiguousarray(CHANGES[change](marked, rgb))
                reading = lattice.read(seen)
                found = reading is not None and reading.payload == PAYLOAD
                bits = 48 if found else 48 - (attempt(seen)[1] ^ PAYLOAD).bit_count()
                row["rows"][change] = (found, bits / 48)
            _keep(row)


def audit() -> None:
    """The audit over 200 crops of photographs (the last overlap others) and 24 more."""
    files = sorted((SHARED / "detection" / "real").rglob("*.jpg"))
    crops = [crop for place in (0.5, 0.0) for path in files for crop in _crop(path, place)]
    crops = crops[:AVERAGED]
    targets = [rgb[128 : 128 + SIDE, 128 : 128 + SIDE] for _, rgb in held_out()][:24]
    changes = {f"round trip through {f.name}": decoding(f) for f in folders()}
    decoders = {}
    for f in folders():
        if not (f / "open.safetensors").is_file():
            continue
        decoders[f"{f.name}, rooted"] = decoding(f, lambda decoder: None)
        decoders[f"{f.name}, weights in half precision"] = decoding(f, _half_precision)
        decoders[f"{f.name}, mean of rooted and original weights"] = decoding(f, _merged)
        decoders[f"{f.name}, constants set to zero"] = decoding(f, _no_constants)
    print(len(crops), "averaged,", len(targets), "targets", file=sys.stderr)
    rows = open_mark_audit(crops, targets=targets, changes=changes, decoders=decoders)
    for row in rows:
        _keep({"key": ["audit", row.name], "row": asdict(row)})


def tuned() -> None:
    """Readings while a rooted decoder is trained further, on clean pictures alone."""
    for folder in folders():
        loaded = load_generator(folder)
        decoder = read_open(loaded, folder / "open.safetensors").train().requires_grad_(True)
        crops = Crops(training_pictures(60, seed=30_000))
        optimizer = torch.optim.AdamW(decoder.parameters(), 5e-4)
        pictures = [rgb[128 : 128 + SIDE, 128 : 128 + SIDE] for _, rgb in held_out()][:24]
        for step in range(1, max(STEPS) + 1):
            rgb = crops.draw(4, 192)
            with torch.no_grad():
                latent = loaded.generator.encode(rgb)
            loss = (loaded.generator.decode(latent, decoder) - rgb).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step not in STEPS:
                continue
            decode = decoding(folder, partial(_load, decoder.state_dict()))
            found, right = [], 0
            for rgb_ in pictures:
                seen = decode(rgb_)
                reading = lattice.read(seen)
                found.append(reading is not None and reading.payload == PAYLOAD)
                right += 48 if found[-1] else 48 - (attempt(seen)[1] ^ PAYLOAD).bit_count()
            name = f"{folder.name}, {step} steps on clean pictures"
            bits = right / 48 / len(pictures)
            row = AuditRow.of(name, found, bits, "of a rooted decoder")
            _keep({"key": ["audit", name], "row": asdict(row)})


def _crop(path: Path, place: float) -> Iterator[Picture]:
    from PIL import Image

    rgb = np.asarray(Image.open(path).convert("RGB"))
    top, left = (int(place * (side - SIDE)) for side in rgb.shape[:2])
    if min(rgb.shape[:2]) >= SIDE:
        yield np.ascontiguousarray(rgb[top : top + SIDE, left : left + SIDE])


def table() -> None:
    """The journal, as Markdown."""
    rows = _journal()
    for name in dict.fromkeys(r["key"][1] for r in rows if r["key"][0] == "rooted"):
        of = [r for r in rows if r["key"][:2] == ["rooted", name]]
        psnr = [r["psnr"] for r in of]
        print(f"\n{name}: PSNR {min(psnr):.1f} to {max(psnr):.1f}, mean {np.mean(psnr):.1f} dB\n")
        print("| change | n | bits right | read (95 % interval) |\n| --- | --- | --- | --- |")
        for change in ROWS:
            got = [r["rows"][change] for r in of]
            hits = sum(found for found, _ in got)
            low, high = interval(hits, len(got))
            bits = np.mean([b for _, b in got])
            print(f"| {change} | {len(got)} | {bits:.4f} | {hits / len(got):.3f} "
                  f"({low:.3f}–{high:.3f}) |")  # fmt: skip
    print("\n| what is done | n | bits right | share (95 % interval) | of |\n| " + "--- | " * 5)
    for r in (r["row"] for r in rows if r["key"][0] == "audit"):
        bits = "–" if r["bits"] is None else f"{r['bits']:.3f}"
        share = f"{r['read']:.3f} ({r['low']:.3f}–{r['high']:.3f})"
        print(f"| {r['name']} | {r['n']} | {bits} | {share} | {r['note'] or 'read'} |")


def _journal() -> list[Any]:
    return (
        [json.loads(line) for line in JOURNAL.read_text().splitlines()] if JOURNAL.exists() else []
    )


def _keep(row: dict[str, Any]) -> None:
    with JOURNAL.open("a") as out:
        out.write(json.dumps(row, default=float) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    lattice.warm_up()
    {"rooted": rooted, "audit": audit, "tuned": tuned, "table": table}[sys.argv[1]]()
