"""A folder whose pictures went through a resize, a crop and JPEG: ``scan`` finds both marks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import load_settings
from lightkeeper.evidence.watermark import lattice
from lightkeeper.evidence.watermark.rooted import MarkKey, MarkSecret
from lightkeeper.storage.keys import KeyRing
from lightkeeper.testing import photo_like

DATA = Path(__file__).parents[1] / "data" / "rooted"
PAYLOAD = 0xC0FFEE0042


def chain(rgb: NDArray[np.uint8], target: Path) -> None:
    """As a platform does: smaller, cropped to four fifths of the area, JPEG 80 with 4:2:0."""
    picture = Image.fromarray(rgb)
    width, height = (round(side * 0.7) for side in picture.size)
    small = picture.resize((width, height), Image.Resampling.LANCZOS)
    left, top = round(width * 0.035), round(height * 0.05)
    box = (left, top, left + round(width * 0.8**0.5), top + round(height * 0.8**0.5))
    small.crop(box).save(target, "JPEG", quality=80, subsampling=2)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return int(ended.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Pictures, a registry that was exported for them, the secret, and a policy that names both."""
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("LIGHTKEEPER_MARK_ENTRIES", f"sqlite:///{tmp_path / 'marks.db'}")
    monkeypatch.setenv("LIGHTKEEPER_KEYS", str(tmp_path / "service.keys"))
    load_settings.cache_clear()
    keys = KeyRing.open(tmp_path / "service.keys", create=True)
    key = MarkKey(label="copy-0", bits=bytes.fromhex("5a3c96e1f00d"))
    held = MarkSecret(name="studio", extractor=(DATA / "extractor.onnx").read_bytes(), keys=(key,))
    held.write(tmp_path / "studio.lkmark", b"pass")
    (tmp_path / "studio.pass").write_text("pass\n")
    with Image.open(DATA / "marked-0.jpg") as rooted:
        both = lattice.embed(np.asarray(rooted), PAYLOAD)
    Image.fromarray(both).save(tmp_path / "published.png")
    words = ("--organisation", "Studio A", "--model", "Harbour", "--period", "2026-03")
    entries = ("mark", "entries")
    assert run(*entries, "add", tmp_path / "published.png", "--registry", "A", *words) == Exit.OK
    out = ("--out", tmp_path / "a.marks", "--with-sketches", "--keys", tmp_path / "service.keys")
    assert run(*entries, "export", "--registry", "A", *out) == Exit.OK
    public = keys.signing_key().public_key().public_bytes_raw().hex()
    (tmp_path / "policy.toml").write_text(
        'tier = "model"\nmark_secret = "studio.lkmark"\nmark_passphrase = "studio.pass"\n'
        f'[[mark_registry]]\nfile = "a.marks"\nkey = "{public}"\n'
    )
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    photograph = photo_like(11, width=512, height=384)
    chain(both, pictures / "both.jpg")
    chain(lattice.embed(photograph, PAYLOAD), pictures / "copied.jpg")
    chain(photograph, pictures / "plain.jpg")
    yield tmp_path
    load_settings.cache_clear()


def test_a_scan_finds_both_marks_after_a_real_chain(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    options = ("--policy", folder / "policy.toml", "--jobs", 1, "--jsonl", "-")
    assert run("scan", folder / "pictures", *options) == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    rows = {Path(row["file"]).stem: row for row in map(json.loads, lines)}
    found = {
        name: [told(f) for f in row["findings"] if "mark" in f["examiner"]]
        for name, row in rows.items()
    }
    assert found["plain"] == []
    mark, entry, rooted = found["both"]
    # The chain resizes, so that the quick look of the tier of pixels does not read it.
    assert (mark["examiner"], mark["payload"]) == ("open-mark-search", PAYLOAD)
    assert (entry["standing"], entry["conflict"]) == ("registered", None)
    assert rooted["examiner"] == "rooted-marks"
    assert "'copy-0'" in rooted["summary"]
    mark, entry = found["copied"]
    assert (mark["supports"], entry["standing"]) == (None, "copied")
    assert entry["conflict"] == "copied-mark"
    priority = {name: row["assessment"]["routing"]["priority"] for name, row in rows.items()}
    assert min(priority.values()) == priority["plain"]
    assert priority["copied"] >= priority["both"]


def told(finding: dict[str, Any]) -> dict[str, Any]:
    details = finding["details"] or {}
    return {**finding, "payload": details.get("payload"), "standing": details.get("standing")}
