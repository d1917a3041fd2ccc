"""``mark keygen --keyed``, ``embed --secret``, ``detect``, and a scan, on what they made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from lightkeeper.cli import main
from lightkeeper.evidence import Tier
from lightkeeper.evidence.watermark.rooted import MarkKey, MarkSecret
from lightkeeper.scan import Policy, default_examiners
from lightkeeper.testing import photo_like


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pass").write_text("pass\n")
    Image.fromarray(photo_like(1, width=400, height=300)).save(tmp_path / "in.png")
    return tmp_path


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["mark", *map(str, arguments)])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def _opened(folder: Path) -> tuple[str, str]:
    return "--passphrase-file", str(folder / "pass")


def _keygen(capsys: pytest.CaptureFixture[str], folder: Path, *labels: str) -> tuple[int, str]:
    secret = folder / "own.lkmark"
    code, _, err = _run(capsys, "keygen", secret, *labels, "--keyed", *_opened(folder))
    return code, err


def _embed(
    capsys: pytest.CaptureFixture[str], folder: Path, *more: object, out: str = "out.png"
) -> tuple[int, str]:
    code, _, err = _run(
        capsys, "embed", folder / "in.png", folder / out, "--payload", "c0ffee",
        "--secret", folder / "own.lkmark", *_opened(folder), *more,
    )  # fmt: skip
    return code, err


def test_what_was_embedded_is_detected_by_its_key_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _keygen(capsys, folder, "prints", "web")[0] == 0
    code, err = _embed(capsys, folder, "--key", "web")
    assert code == 0
    assert "keyed mark 'web' 000000c0ffee" in err
    files = folder / "out.png", folder / "in.png"
    detect = "detect", folder / "own.lkmark", *files, *_opened(folder)
    code, out, _ = _run(capsys, *detect, "--json")
    rows = [json.loads(line)["marks"] for line in out.splitlines()]
    assert [(m["label"], m["present"]) for m in rows[0]] == [("prints", False), ("web", True)]
    assert rows[0][1]["payload"] == "000000c0ffee"
    assert not any(m["present"] for m in rows[1])
    _, out, _ = _run(capsys, *detect)
    assert "carries the keyed mark 'web' (payload 000000c0ffee" in out.splitlines()[0]
    assert "no mark of these keys" in out.splitlines()[1]


def test_keys_are_added_and_told_nowhere(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _keygen(capsys, folder, "prints")
    first = MarkSecret.open(folder / "own.lkmark", b"pass")
    code, err = _keygen(capsys, folder, "web")
    held = MarkSecret.open(folder / "own.lkmark", b"pass")
    assert code == 0
    assert [key.label for key in held.lattice] == ["prints", "web"]
    assert held.lattice[0] == first.lattice[0]
    assert len({key.key for key in held.lattice}) == 2
    told = err + repr(held) + repr(held.lattice)
    assert not any(key.key.hex() in told or repr(key.key) in told for key in held.lattice)
    assert _keygen(capsys, folder, "web")[0] != 0


def test_both_kinds_of_marks_live_in_one_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = MarkKey.draw("copy-0")
    MarkSecret(name="s", extractor=b"network", keys=(key,)).write(folder / "own.lkmark", b"pass")
    assert _keygen(capsys, folder, "web")[0] == 0
    held = MarkSecret.open(folder / "own.lkmark", b"pass")
    assert held.keys == (key,)
    assert held.extractor == b"network"
    assert [one.label for one in held.lattice] == ["web"]


def test_a_wrong_choice_of_key_names_the_right_ones(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _keygen(capsys, folder, "prints", "web")
    for more in ((), ("--key", "absent")):
        code, err = _embed(capsys, folder, *more)
        assert code != 0
        assert "prints, web" in err
    assert not (folder / "out.png").exists()
    MarkSecret(name="none").write(folder / "own.lkmark", b"pass")
    code, err = _embed(capsys, folder)
    assert code != 0
    assert "keygen --keyed" in err
    code, _, err = _run(
        capsys, "embed", folder / "in.png", folder / "o.png", "--payload", "1", "--key", "web"
    )
    assert code != 0
    assert "--secret" in err


def test_keys_of_the_keyed_mark_take_no_extractor(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = "keygen", folder / "new.lkmark", "a", "--keyed", "--demonstration"
    code, _, err = _run(capsys, *arguments, *_opened(folder))
    assert code != 0
    assert "no extractor" in err
    assert not (folder / "new.lkmark").exists()


def test_a_scan_looks_where_the_policy_names_the_secret(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _keygen(capsys, folder, "web")
    _embed(capsys, folder)
    policy = folder / "policy.toml"
    policy.write_text(
        'tier = "model"\nmark_secret = "own.lkmark"\nmark_passphrase = "pass"\n'
        "[examiners]\nrivagan = false\n"
    )
    examiners = {e.name: e for e in default_examiners(Policy.from_toml(policy))}
    assert "keyed-marks" in examiners
    # Where the file holds no key of a rooted mark, nobody is told that none could be looked for.
    assert "rooted-marks" not in examiners
    capsys.readouterr()
    options = "--policy", str(policy), "--jobs", "1", "--jsonl", "-"
    with pytest.raises(SystemExit):
        main(["scan", str(folder / "out.png"), *options])
    row = json.loads(capsys.readouterr().out.splitlines()[0])
    (finding,) = [f for f in row["findings"] if f["examiner"] == "keyed-marks"]
    assert finding["basis"] == "public-mark"
    assert finding["details"]["payload"] == 0xC0FFEE


def test_both_examiners_of_one_secret_halve_its_share(folder: Path) -> None:
    pytest.importorskip("onnxruntime")
    extractor = Path(__file__).parents[1] / "data" / "rooted" / "extractor.onnx"
    from lightkeeper.evidence.watermark.keyed import LatticeKey

    held = MarkSecret(
        name="s", extractor=extractor.read_bytes(), keys=(MarkKey.draw("copy-0"),),
        lattice=(LatticeKey.draw("web"),),
    )  # fmt: skip
    held.write(folder / "own.lkmark", b"pass")
    policy = Policy(
        tier=Tier.MODEL, mark_secret=folder / "own.lkmark", mark_passphrase=folder / "pass"
    )
    owners = "rooted-marks", "keyed-marks"
    alphas = [e._alpha for e in default_examiners(policy) if e.name in owners]
    # Public, open, the open mark's search, rivaGan's, and one share for both of an owner's.
    assert alphas == [pytest.approx(1e-6 / 5 / 2)] * 2
