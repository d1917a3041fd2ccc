"""Both marks end to end, by the commands that an operator has: root, mark, register, scan.

``python benchmarks/demonstrate_marks.py OUT`` roots the demonstration autoencoder with the
published extractor, lets it decode pictures, gives each the open mark with an entry of a registry,
and sends them through resizing, cropping and JPEG; then ``lightkeeper scan`` looks at the folder.
It prints a table and leaves everything in OUT. It needs torch and scikit-image; with
``LIGHTKEEPER_SHARED`` it takes held-out photographs (none is copied into the project), without it
drawn textures.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from lightkeeper.cli import main as lightkeeper
from lightkeeper.generators.rooting import load_generator
from lightkeeper.generators.rooting._pictures import draw_texture
from lightkeeper.generators.rooting._root import Generator
from lightkeeper.storage.keys import KeyRing
from rooted_mark import held_out, unmarked

Picture = np.ndarray[Any, np.dtype[np.uint8]]
WORDS = ("--organisation", "Studio A", "--model", "Harbour", "--period", "2026-03")
CHAINS = ("one", "two")
"""Of a platform that makes pictures smaller, crops and saves them; and of two in a row."""
_FEW = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=2.0, help="of one core, to root")
    options = parser.parse_args()
    torch.set_num_threads(1)
    out: Path = options.out
    (out / "scanned").mkdir(parents=True, exist_ok=True)
    os.environ["LIGHTKEEPER_MARK_ENTRIES"] = f"sqlite:///{out / 'marks.db'}"
    os.environ["LIGHTKEEPER_KEYS"] = str(out / "service.keys")
    KeyRing.open(out / "service.keys", create=True)
    pictures, others = _pictures()
    rooted = _rooted(out, options.minutes, others)
    for number, picture in enumerate(pictures):
        _publish(out, number, rooted, picture, others[number % len(others)])
    rows = _scanned(out)
    print(_table(rows, len(pictures)))


def _pictures() -> tuple[list[Picture], list[Picture]]:
    """Those that are decoded and marked, and others, which a mark is copied onto."""
    if "LIGHTKEEPER_SHARED" not in os.environ:
        return [draw_texture(900 + k) for k in range(_FEW)], [
            draw_texture(950 + k) for k in range(30)
        ]
    others = [p for p in unmarked() if min(p.shape[:2]) >= 320]
    return held_out()[:_FEW], others[: 5 * _FEW]


def _run(*arguments: object) -> str:
    told = io.StringIO()
    code: object = None
    try:
        with contextlib.redirect_stdout(told):
            lightkeeper(list(map(str, arguments)))
    except SystemExit as ended:
        code = ended.code
    if code:
        raise SystemExit(f"lightkeeper {' '.join(map(str, arguments))} ended with {code}")
    return told.getvalue()


def _rooted(out: Path, minutes: float, others: list[Picture]) -> Generator:
    """The demonstration autoencoder, with a decoder that draws the mark of one key."""
    source = Path(str(resources.files("lightkeeper.generators.rooting") / "demonstration"))
    secret, opened = out / "demo.lkmark", ("--passphrase-file", out / "demo.pass")
    model = out / "rooted"
    if not model.is_dir():
        (out / "demo.pass").write_text("demonstration\n", encoding="utf-8")
        calibration = out / "calibration"
        calibration.mkdir(exist_ok=True)
        for number, picture in enumerate(others):
            Image.fromarray(picture).save(calibration / f"{number:03}.png")
        asked = ("--demonstration", "--photographs", calibration, *opened)
        _run("mark", "keygen", secret, "copy-1", *asked)
        file = out / "small-kl.safetensors"
        _run("mark", "root", secret, source, "copy-1", file, "--minutes", minutes, *opened)
        model.mkdir()
        file.rename(model / file.name)
    return load_generator(model).generator


def _decoded(generator: Generator, picture: Picture) -> Picture:
    height, width = (side // 16 * 16 for side in picture.shape[:2])
    rgb = torch.from_numpy(picture[:height, :width].copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        out = generator.decoder(generator.encode(rgb))[0].permute(1, 2, 0).numpy()
    whole: Picture = np.clip(np.rint(out * 255), 0, 255).astype(np.uint8)
    return whole


def _publish(out: Path, number: int, rooted: Generator, picture: Picture, other: Picture) -> None:
    decoded = out / "decoded" / f"{number:02}.png"
    marked = out / "marked" / f"{number:02}.png"
    if not marked.is_file():
        for file in (decoded, marked):
            file.parent.mkdir(exist_ok=True)
        Image.fromarray(_decoded(rooted, picture)).save(decoded)
        made = _run("mark", "entries", "make", decoded, marked, "--registry", "A", *WORDS, "--json")
        payload = json.loads(made)["payload"]
        for name, pixels in (("other", other), ("plain", picture)):
            Image.fromarray(pixels).save(out / f"{name}.png")
        copied = out / "copied.png"
        _run("mark", "embed", out / "other.png", copied, "--payload", payload, "--force")
        sources = {"marked": marked, "copied": copied, "plain": out / "plain.png"}
        for kind, file in sources.items():
            with Image.open(file) as opened:
                rgb = opened.convert("RGB")
            for chain in CHAINS:
                _chain(rgb, chain).save(
                    out / "scanned" / f"{kind}-{chain}-{number:02}.jpg", quality=80, subsampling=2
                )


def _chain(picture: Image.Image, name: str) -> Image.Image:
    if name == "two":
        first = io.BytesIO()
        picture.resize(_scaled(picture, 0.85), Image.Resampling.BICUBIC).save(first, "JPEG")
        picture = Image.open(first).convert("RGB")
    small = picture.resize(_scaled(picture, 0.7), Image.Resampling.LANCZOS)
    width, height = _scaled(small, 0.8**0.5)
    left, top = (small.width - width) // 3, (small.height - height) // 2
    return small.crop((left, top, left + width, top + height))


def _scaled(picture: Image.Image, by: float) -> tuple[int, int]:
    return round(picture.width * by), round(picture.height * by)


def _scanned(out: Path) -> list[dict[str, Any]]:
    registry = out / "a.marks"
    written = ("--out", registry, "--force", "--with-sketches", "--keys", out / "service.keys")
    _run("mark", "entries", "export", "--registry", "A", *written)
    public = KeyRing.open(out / "service.keys").signing_key().public_key().public_bytes_raw()
    (out / "policy.toml").write_text(
        'tier = "model"\nmark_secret = "demo.lkmark"\nmark_passphrase = "demo.pass"\n\n'
        f'[[mark_registry]]\nfile = "a.marks"\nkey = "{public.hex()}"\n',
        encoding="utf-8",
    )
    asked = ("--policy", out / "policy.toml", "--jobs", 1, "--jsonl", out / "rows.jsonl")
    _run("scan", out / "scanned", *asked)
    return [json.loads(line) for line in (out / "rows.jsonl").open(encoding="utf-8")]


def _table(rows: list[dict[str, Any]], number: int) -> str:
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        kind, chain, _ = Path(row["file"]).stem.split("-")
        marks = {f["examiner"] for f in row["findings"] if f["claim"] == "carries-mark"}
        told = {(f["details"] or {}).get("standing") for f in row["findings"]} - {None}
        for what in (*marks, *told, *(["both"] if len(marks) > 1 else [])):
            counts[kind, chain, what] += 1
    columns = ("open-mark", "registered", "copied", "cannot-be-told", "rooted-marks", "both")
    lines = [
        "| picture | chain | of | " + " | ".join(columns) + " |",
        "| --- " * (3 + len(columns)) + "|",
    ]
    for kind in ("marked", "copied", "plain"):
        for chain in CHAINS:
            cells = " | ".join(str(counts[kind, chain, column]) for column in columns)
            lines.append(f"| {kind} | {chain} | {number} | {cells} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
