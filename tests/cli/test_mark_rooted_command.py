from __future__ import annotations

import json
from pathlib import Path

import pytest

from lightkeeper.cli import main
from lightkeeper.evidence.watermark.rooted import MarkKey, MarkSecret

DATA = Path(__file__).parents[1] / "data" / "rooted"
KEYS = ("5a3c96e1f00d", "c3a5690f1e78")


@pytest.fixture
def secret(tmp_path):
    pytest.importorskip("onnxruntime")
    keys = tuple(MarkKey(label=f"copy-{k}", bits=bytes.fromhex(b)) for k, b in enumerate(KEYS))
    held = MarkSecret(name="studio", extractor=(DATA / "extractor.onnx").read_bytes(), keys=keys)
    held.write(tmp_path / "s.lkmark", b"pass")
    (tmp_path / "pass").write_text("pass\n")
    return [str(tmp_path / "s.lkmark")], ["--passphrase-file", str(tmp_path / "pass")]


def _run(capsys, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["mark", *arguments])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def test_detect_tells_marks_and_no_bits(secret, capsys):
    path, opened = secret
    files = [str(DATA / "marked-0.jpg"), str(DATA / "plain.jpg"), str(DATA / "absent.jpg")]
    code, out, _ = _run(capsys, "detect", *path, *files, *opened, "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [m["label"] for m in rows[0]["marks"] if m["present"]] == ["copy-0"]
    assert not any(m["present"] for m in rows[1]["marks"])
    assert "error" in rows[2]
    assert code != 0
    assert KEYS[0] not in out


def test_identify_names_the_copy_or_none(secret, capsys):
    path, opened = secret
    files = [str(DATA / f"{name}.jpg") for name in ("marked-1", "plain")]
    code, out, _ = _run(capsys, "identify", *path, *files, *opened)
    assert code == 0
    assert "copy 'copy-1' of 2" in out.splitlines()[0]
    assert "none of 2 copies" in out.splitlines()[1]


def test_keygen_adds_keys_and_keeps_the_others(secret, capsys):
    path, opened = secret
    code, _, err = _run(capsys, "keygen", *path, "copy-2", "copy-3", *opened)
    assert code == 0
    held = MarkSecret.open(Path(path[0]), b"pass")
    assert [key.label for key in held.keys] == ["copy-0", "copy-1", "copy-2", "copy-3"]
    assert held.keys[0].bits.hex() == KEYS[0]
    assert all(key.bits.hex() not in err for key in held.keys)
    code, _, err = _run(capsys, "keygen", *path, "copy-2", *opened)
    assert code == 3 or "taken" in err


def test_the_demonstration_is_named_so(secret, capsys, tmp_path):
    _, opened = secret
    path = tmp_path / "demo.lkmark"
    code, _, _ = _run(capsys, "keygen", str(path), "shown", "--demonstration", *opened)
    assert code == 0
    held = MarkSecret.open(path, b"pass")
    assert held.demonstration
    assert held.training
    code, out, _ = _run(capsys, "detect", str(path), str(DATA / "marked-0.jpg"), *opened)
    assert code == 0
    assert "no mark of these keys found" in out


def test_a_wrong_passphrase_and_a_missing_one_are_errors(secret, capsys, tmp_path):
    path, _ = secret
    (tmp_path / "wrong").write_text("wrong\n")
    file = str(DATA / "plain.jpg")
    wrong = ("--passphrase-file", str(tmp_path / "wrong"))
    code, _, err = _run(capsys, "detect", *path, file, *wrong)
    assert code != 0
    assert "does not open" in err
    code, _, err = _run(capsys, "detect", *path, file)
    assert code != 0
    assert "no passphrase" in err


def test_a_scan_looks_only_where_a_policy_names_the_secret(secret, tmp_path):
    from lightkeeper.evidence import Tier
    from lightkeeper.scan import Policy
    from lightkeeper.scan._examiners import default_examiners

    assert secret
    plain = {e.name for e in default_examiners(Policy(tier=Tier.MODEL))}
    assert "rooted-marks" not in plain
    policy = tmp_path / "policy.toml"
    policy.write_text('mark_secret = "s.lkmark"\nmark_passphrase = "pass"\n')
    named = {e.name: e for e in default_examiners(Policy.from_toml(policy))}
    assert named["rooted-marks"].unavailable() is None
