from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from lightkeeper.cli import main
from lightkeeper.evidence.watermark.auditing import AuditRow
from lightkeeper.evidence.watermark.rooted import MarkKey, MarkSecret

DATA = Path(__file__).parents[1] / "data" / "rooted"
PACKAGE = "lightkeeper.generators.rooting"


ROWS = (
    AuditRow(name="as it is", n=3, bits=1.0, read=1.0, low=0.29, high=1.0),
    AuditRow(
        name="copied: mean of 1",
        n=3,
        bits=0.9,
        read=0.667,
        low=0.094,
        high=0.992,
        note="31.0 dB <from> before",
    ),
)


@pytest.fixture
def asked(monkeypatch):
    """The nets stand aside: what the command asks for, and what it was told was done."""
    seen: list[dict[str, object]] = []

    def audit_files(key, reader, source, rooted, **options):
        seen.append({"label": key.label, **options})
        yield from (row for row in ROWS if row.name not in options["done"])

    package, command, audit = (ModuleType(n) for n in (PACKAGE, "_command", "audit"))
    package.__path__ = []  # type: ignore[attr-defined]
    command.audit_files = audit_files  # type: ignore[attr-defined]
    audit.copied_share = lambda rows: max(  # type: ignore[attr-defined]
        (r.high for r in rows if r.name.startswith("copied")), default=None
    )
    for name, module in (("", package), ("._command", command), (".audit", audit)):
        monkeypatch.setitem(sys.modules, PACKAGE + name, module)
    return seen


@pytest.fixture
def arguments(tmp_path):
    key = MarkKey(label="copy-0", bits=bytes.fromhex("5a3c96e1f00d"))
    held = MarkSecret(name="studio", extractor=(DATA / "extractor.onnx").read_bytes(), keys=(key,))
    held.write(tmp_path / "s.lkmark", b"pass")
    (tmp_path / "pass").write_text("pass\n")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for k in range(4):
        (folder / f"{k}.jpg").write_bytes((DATA / "plain.jpg").read_bytes())
    paths = [str(tmp_path / name) for name in ("s.lkmark", "autoencoder")]
    return [
        "audit", *paths, "copy-0", str(tmp_path / "rooted.safetensors"),
        "--pictures", str(folder), "--passphrase-file", str(tmp_path / "pass"),
    ]  # fmt: skip


def _run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["mark", *arguments])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def test_rows_are_told_and_kept_and_gone_on_from(arguments, asked, capsys, tmp_path):
    journal = ["--journal", str(tmp_path / "rows.jsonl")]
    code, out, _ = _run(capsys, *arguments, *journal)
    assert code == 0
    assert out.splitlines()[1].startswith("copied: mean of 1: bits 0.900, read 0.667 (0.094 to")
    assert len(asked[0]["pictures"]) == 4
    with (tmp_path / "rows.jsonl").open("a") as stream:
        stream.write('{"label": "copy-0", "na')
    code, out, _ = _run(capsys, *arguments, *journal, "--json")
    assert code == 0
    assert asked[1]["done"] == {row.name for row in ROWS}
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["name"] for row in rows] == [row.name for row in ROWS]
    assert set(rows[0]) == {"name", "n", "bits", "read", "low", "high", "note"}


def test_the_page_is_whole_and_says_that_it_proves_nothing(arguments, asked, capsys, tmp_path):
    page = tmp_path / "card.html"
    code, _, _ = _run(capsys, *arguments, "--html", str(page))
    assert code == 0
    text = page.read_text()
    assert "no proof of origin" in text
    assert "&lt;from&gt;" in text
    assert "<script" not in text
    assert "5a3c96e1f00d" not in text


def test_a_row_without_bits_is_told_too():
    from lightkeeper.cli._mark_card import audit_line

    row = {"name": "a", "n": 2, "bits": None, "read": 0.5, "low": 0.01, "high": 0.99, "note": ""}
    assert audit_line(row) == "a: bits –, read 0.500 (0.010 to 0.990, n 2)"


def test_copying_is_recorded_only_when_asked(arguments, asked, capsys, tmp_path):
    path = tmp_path / "s.lkmark"
    _run(capsys, *arguments)
    assert MarkSecret.open(path, b"pass").copied is None
    code, _, err = _run(capsys, *arguments, "--record")
    assert code == 0
    assert "0.992" in err
    held = MarkSecret.open(path, b"pass")
    assert held.copied == 0.992
    assert held.keys[0].label == "copy-0"


def test_too_few_pictures_and_a_missing_extra_are_errors(arguments, asked, capsys, monkeypatch):
    Path(arguments[6], "0.jpg").unlink()
    code, _, err = _run(capsys, *arguments)
    assert code != 0
    assert "4 are needed" in err
    monkeypatch.setitem(sys.modules, f"{PACKAGE}._command", None)
    code, _, err = _run(capsys, *arguments)
    assert code != 0
    assert "train" in err
