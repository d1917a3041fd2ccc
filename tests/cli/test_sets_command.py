"""``lightkeeper sets`` end to end, over SQLite and the index."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import load_settings
from lightkeeper.hashing import pdq_of_rgb
from lightkeeper.matching.index import IndexReader
from lightkeeper.testing import photo_like

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LIGHTKEEPER_STORE", f"sqlite:///{tmp_path / 'sets.db'}")
    monkeypatch.setenv("LIGHTKEEPER_INDEX", str(tmp_path / "index"))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["sets", *map(str, arguments)])
    return int(ended.value.code or 0)


def _create(name: str = "lamps", *options: str, origin: str = "generated") -> None:
    fixed = ("--owner", "Keepers", "--purpose", "tests", "--origin", origin)
    assert _run("create", name, *fixed, *options) == Exit.OK


def _json(capture: Capture) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capture.readouterr().out.splitlines()]


def _pdq(seed: int) -> str:
    bits = np.zeros(256, np.uint8)
    bits[np.random.default_rng(seed).permutation(256)[:128]] = 1
    return np.packbits(bits).tobytes().hex()


def _list(tmp_path: Path, *seeds: int, name: str = "list.jsonl", extra: str = "") -> Path:
    path = tmp_path / name
    lines = [json.dumps({"kind": "pdq", "value": _pdq(s), "source_id": f"id{s}"}) for s in seeds]
    path.write_text("\n".join([*lines, extra]), encoding="utf-8")
    return path


def _import(path: Path, *options: str, name: str = "lamps", source: str = "ORG") -> int:
    return _run("import", name, path, "--source", source, "--quiet", *options)


def _revision(tmp_path: Path) -> int:
    return IndexReader(tmp_path / "index").revision


def test_a_set_is_created_listed_and_shown(capsys: Capture) -> None:
    _create("lamps", "--radius", "20", "--negative", "--quota", "9", "--terms", "as agreed")
    capsys.readouterr()
    assert _run("list", "--json") == Exit.OK
    (row,) = _json(capsys)
    assert row == {
        "name": "lamps",
        "owner": "Keepers",
        "purpose": "tests",
        "origin": "generated",
        "scheme": None,
        "handling": "TLP:AMBER+STRICT",
        "terms": "as agreed",
        "expires_after_days": None,
        "radius_bits": 20,
        "minimum_quality": 50,
        "negative": True,
        "needs_confirmation": False,
        "quota_per_source": 9,
        "state": "active",
    }
    assert _run("list") == Exit.OK
    assert "negative" in capsys.readouterr().out
    assert _run("show", "lamps") == Exit.OK
    assert "as agreed" in capsys.readouterr().out


def test_a_name_that_is_taken_or_no_name_is_refused(capsys: Capture) -> None:
    _create()
    options = ("--owner", "K", "--purpose", "p", "--origin", "generated")
    assert _run("create", "lamps", *options) == Exit.FAILED
    for name in ("Lamps", "a b", "", "-" * 3, "a" * 65, "a/b", "all"):
        assert _run("create", *options, "--", name) == Exit.FAILED
    assert "letters, digits" in capsys.readouterr().err


def test_a_store_that_is_not_there_is_an_error_and_is_not_made(
    tmp_path: Path, capsys: Capture
) -> None:
    assert _run("list") == Exit.FAILED
    assert not (tmp_path / "sets.db").exists()
    assert "there is no store" in capsys.readouterr().err


def test_an_import_shows_the_difference_applies_it_and_the_index_follows(
    tmp_path: Path, capsys: Capture
) -> None:
    _create()
    capsys.readouterr()
    path = _list(tmp_path, 1, 2, 3)
    assert _import(path, "--dry-run", "--json") == Exit.OK
    (row,) = _json(capsys)
    seconds = row.pop("seconds")
    assert seconds >= 0
    assert row == {
        "set": "lamps",
        "file": str(path),
        "format": "jsonl",
        "source": "ORG",
        "applied": False,
        "rows": 3,
        "added": 3,
        "changed": 0,
        "unchanged": 0,
        "withdrawn": 0,
        "rejected": 0,
        "reasons": {},
    }
    assert not (tmp_path / "index").exists()
    assert _import(path, "--json") == Exit.OK
    before, after = _json(capsys)
    assert (before["applied"], after["applied"]) == (False, True)
    assert after["added"] == 3
    assert _revision(tmp_path) == 3
    assert _run("diff", "lamps", path, "--source", "ORG", "--json") == Exit.OK
    assert _json(capsys)[0]["unchanged"] == 3


def test_yes_applies_without_comparing(tmp_path: Path, capsys: Capture) -> None:
    _create()
    capsys.readouterr()
    assert _import(_list(tmp_path, 1), "--yes", "--json") == Exit.OK
    (row,) = _json(capsys)
    assert (row["applied"], row["added"]) == (True, 1)


def test_junk_and_broken_rows_go_to_the_reject_file_which_only_its_owner_reads(
    tmp_path: Path, capsys: Capture
) -> None:
    _create()
    capsys.readouterr()
    drawn = pdq_of_rgb(np.repeat(_ramp()[..., None], 3, axis=2))
    junk = [
        {"kind": "pdq", "value": "0" * 64},
        {"kind": "pdq", "value": _pdq(9), "quality": 20},
        {"kind": "md5", "value": "d41d8cd98f00b204e9800998ecf8427e"},
        {"kind": "pdq", "value": drawn.hex},
    ]
    extra = "\n".join([*map(json.dumps, junk), "lamp"])
    rejects = tmp_path / "rejects.jsonl"
    code = _import(_list(tmp_path, 1, extra=extra), "--json", "--yes", "--rejects", str(rejects))
    assert code == Exit.PARTIAL
    (row,) = _json(capsys)
    assert (row["rows"], row["added"], row["rejected"]) == (6, 1, 5)
    lines = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert {line["line"]: line["reason"] for line in lines} == {
        2: "not-128-ones",
        3: "low-quality",
        4: "famous-junk",
        5: "collides-with-benign",
        6: "not-json",
    }
    assert row["reasons"] == {line["reason"]: 1 for line in lines}
    assert json.loads(next(line["raw"] for line in lines if line["line"] == 3)) == junk[1]
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600


def test_more_ones_are_granted_to_a_list_where_a_person_says_so(
    tmp_path: Path, capsys: Capture
) -> None:
    _create()
    value = int(_pdq(3), 16)
    for _ in range(3):
        value &= value - 1  # without its lowest one
    path = _list(tmp_path, 1, extra=json.dumps({"kind": "pdq", "value": f"{value:064x}"}))
    capsys.readouterr()
    assert _import(path, "--yes", "--json") == Exit.PARTIAL
    assert _json(capsys)[0]["reasons"] == {"not-128-ones": 1}
    assert _import(path, "--yes", "--json", "--ones-off", "3") == Exit.OK
    assert _json(capsys)[0]["added"] == 1
    assert _run("verify", "lamps") == Exit.MATCHED
    assert _run("verify", "lamps", "--ones-off", "3") == Exit.OK


def _ramp() -> np.ndarray[Any, Any]:
    x = np.mgrid[0:256, 0:256][1].astype(np.float32) / 256
    return np.clip(128 + 90 * x, 0, 255).astype(np.uint8)


def test_an_entry_near_a_benign_picture_of_the_operator_is_junk(
    tmp_path: Path, capsys: Capture
) -> None:
    _create()
    picture = photo_like(3, width=300, height=200)
    (tmp_path / "benign").mkdir()
    Image.fromarray(picture).save(tmp_path / "benign" / "umbrella.png")
    value = pdq_of_rgb(picture).hex
    path = tmp_path / "list.jsonl"
    path.write_text(json.dumps({"kind": "pdq", "value": value}))
    assert _import(path, "--yes") == Exit.OK
    capsys.readouterr()
    assert _run("verify", "--json") == Exit.OK
    assert _json(capsys)[0]["junk"] == 0
    assert _run("verify", "--json", "--benign", tmp_path / "benign") == Exit.MATCHED
    out = capsys.readouterr().out
    assert value not in out
    (row,) = [json.loads(line) for line in out.splitlines()]
    assert row["numbers"] == [{"number": 1, "reason": "collides-with-benign"}]
    assert row["reasons"] == {"collides-with-benign": 1}


def test_a_whole_list_withdraws_what_it_lacks_within_a_limit(
    tmp_path: Path, capsys: Capture
) -> None:
    _create()
    assert _import(_list(tmp_path, *range(20)), "--yes") == Exit.OK
    short = _list(tmp_path, *range(15), name="short.jsonl")
    assert _import(short, "--complete", "--yes") == Exit.FAILED
    assert "5 of the source's 20 entries" in capsys.readouterr().err
    assert _import(short, "--complete", "--most-withdrawn", "25", "--json") == Exit.OK
    assert [row["withdrawn"] for row in _json(capsys)] == [5, 5]
    cut = _list(tmp_path, *range(14), extra="x" * 70_000, name="cut.jsonl")
    assert _import(cut, "--complete", "--yes") == Exit.FAILED
    assert "damaged" in capsys.readouterr().err
    assert _import(cut, "--complete", "--yes", "--force") == Exit.PARTIAL
    capsys.readouterr()
    assert _run("stats", "lamps", "--json") == Exit.OK
    (row,) = _json(capsys)
    assert row["states"] == {"active": 14, "withdrawn": 6}
    assert row["kinds"] == {"pdq": 20}


@pytest.mark.parametrize("export_format", ["jsonl", "csv"])
def test_an_export_imports_into_an_equal_set(
    tmp_path: Path, capsys: Capture, export_format: str
) -> None:
    _create()
    _create("copy")
    assert _import(_list(tmp_path, 1, 2, 3), "--yes") == Exit.OK
    assert _run("withdraw", "lamps", _pdq(2), "--reason", "test") == Exit.OK
    output = tmp_path / f"out.{export_format}"
    assert _run("export", "lamps", "-o", output, "--format", export_format) == Exit.OK
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("*.part")] == []
    assert _import(output, "--yes", name="copy") == Exit.OK
    capsys.readouterr()
    assert _run("show", "copy", "--hashes", "--json") == Exit.OK
    _, *entries = _json(capsys)
    assert sorted(entry["value"] for entry in entries) == sorted([_pdq(1), _pdq(3)])
    assert {entry["mentions"][0]["source_id"] for entry in entries} == {"id1", "id3"}


def test_a_delta_carries_additions_and_withdrawals_to_a_copy(
    tmp_path: Path, capsys: Capture
) -> None:
    _create()
    _create("copy")
    assert _import(_list(tmp_path, 1, 2), "--yes") == Exit.OK
    capsys.readouterr()
    assert _run("export", "lamps") == Exit.OK
    head, *entries = _json(capsys)
    assert len(entries) == 2
    full = tmp_path / "full.jsonl"
    full.write_text("\n".join(map(json.dumps, [head, *entries])))
    assert _import(full, "--yes", name="copy") == Exit.OK
    assert _run("withdraw", "lamps", _pdq(1), "--reason", "a lamp after all") == Exit.OK
    assert _import(_list(tmp_path, 3), "--yes") == Exit.OK
    delta = tmp_path / "delta.jsonl"
    assert _run("export", "lamps", "--since", head["revision"], "-o", delta) == Exit.OK
    capsys.readouterr()
    assert _import(delta, "--yes", "--json", name="copy") == Exit.OK
    (row,) = _json(capsys)
    assert (row["added"], row["withdrawn"]) == (1, 1)
    assert _run("export", "lamps", "--since", "someday") == Exit.FAILED
    assert _run("export", "lamps", "--since", "2020-01-01") == Exit.OK


def test_no_output_names_a_hash_unless_asked(tmp_path: Path, capsys: Capture) -> None:
    _create()
    path = _list(tmp_path, 1, extra='{"kind":"pdq","value":"%s"}' % ("0" * 64))
    rejects = tmp_path / "rejects.jsonl"
    assert _run("import", "lamps", path, "--source", "ORG", "--rejects", rejects) == Exit.PARTIAL
    _run("show", "lamps")
    _run("list")
    _run("stats")
    _run("verify")
    _run("withdraw", "lamps", _pdq(1), "--reason", "test")
    _run("withdraw", "lamps", _pdq(1)[:-1], "--reason", "test")
    told = "".join(capsys.readouterr())
    assert _pdq(1)[:16] not in told
    assert "0" * 16 not in told
    assert _run("show", "lamps", "--hashes") == Exit.OK
    assert _pdq(1) in capsys.readouterr().out


def test_leads_are_confirmed_by_a_person_or_a_second_source(
    tmp_path: Path, capsys: Capture
) -> None:
    _create("lamps", "--needs-confirmation")
    assert _import(_list(tmp_path, 1, 2, 3), "--yes") == Exit.OK
    assert _run("confirm", "lamps", f"pdq:{_pdq(1)}", "--person", "A. Keeper") == Exit.OK
    assert _import(_list(tmp_path, 2), "--yes", source="Other") == Exit.OK
    capsys.readouterr()
    assert _run("stats", "--json") == Exit.OK
    (row,) = _json(capsys)
    assert row["states"] == {"active": 2, "seed": 1}
    assert row["sources"] == {"ORG": 3, "Other": 1}


def test_hashes_may_come_from_standard_input(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _create()
    assert _import(_list(tmp_path, 1, 2, 3), "--yes") == Exit.OK
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{_pdq(1)}\n\n{_pdq(2).upper()}\n"))
    capsys.readouterr()
    assert _run("withdraw", "lamps", "-", "--reason", "test", "--json") == Exit.OK
    assert _json(capsys) == [{"set": "lamps", "withdrawn": 2}]


def test_an_entry_is_parked_until_a_person_confirms_it(tmp_path: Path, capsys: Capture) -> None:
    _create()
    assert _import(_list(tmp_path, 1, 2), "--yes") == Exit.OK
    capsys.readouterr()
    assert _run("park", "lamps", _pdq(1), "--reason", "meets everything", "--json") == Exit.OK
    assert _json(capsys) == [{"set": "lamps", "parked": 1}]
    assert _import(_list(tmp_path, 1, 2), "--yes", source="ANOTHER") == Exit.OK
    capsys.readouterr()
    assert _run("stats", "lamps", "--json") == Exit.OK
    (row,) = _json(capsys)
    assert (row["states"], row["floods"]) == ({"active": 1, "parked": 1}, None)
    assert _run("confirm", "lamps", _pdq(1), "--person", "a reviewer", "--json") == Exit.OK
    assert _json(capsys) == [{"set": "lamps", "confirmed": 1}]


def test_a_set_is_parked_released_and_merged_only_with_its_like(
    tmp_path: Path, capsys: Capture
) -> None:
    _create()
    _create("everything")
    _create("photos", origin="photographed")
    assert _import(_list(tmp_path, 1, 2), "--yes") == Exit.OK
    capsys.readouterr()
    assert _run("merge", "lamps", "photos") == Exit.FAILED
    assert "never merged" in capsys.readouterr().err
    assert _run("park", "lamps", "--reason", "flood", "--json") == Exit.OK
    assert _json(capsys)[0]["state"] == "parked"
    assert _run("release", "lamps", "--reason", "looked at", "--json") == Exit.OK
    assert _json(capsys)[0]["state"] == "active"
    assert _run("merge", "lamps", "everything", "--json") == Exit.OK
    assert _json(capsys) == [
        {
            "from": "lamps",
            "into": "everything",
            "entries": 2,
            "added": 2,
            "changed": 0,
            "unchanged": 0,
            "rejected": 0,
            "leads_left": 0,
        }
    ]
    assert _run("show", "lamps", "--json") == Exit.OK
    assert _json(capsys)[0]["state"] == "parked"


def test_a_mapped_list_is_imported(tmp_path: Path, capsys: Capture) -> None:
    _create()
    path, mapping = tmp_path / "lamps.txt", tmp_path / "mapping.toml"
    path.write_text(f"{_pdq(1)}\n{_pdq(2)}\n")
    mapping.write_text('[csv]\nheader = false\n[columns]\n1 = "value"\n[constants]\nkind = "pdq"\n')
    capsys.readouterr()
    assert _import(path, "--mapping", str(mapping), "--yes", "--json") == Exit.OK
    assert _json(capsys)[0]["added"] == 2


def test_members_of_an_xml_list_speak_for_themselves(tmp_path: Path, capsys: Capture) -> None:
    _create()
    path = tmp_path / "list.xml"
    hashes = f"<fingerprints><pdq>{_pdq(1)}</pdq></fingerprints>"
    path.write_text(
        "<queryResult xmlns='https://hashsharing.ncmec.org/hashsharing/v2'><images>"
        f"<image><member id='4'/><id>a</id>{hashes}</image>"
        f"<image><member id='5'/><id>b</id>{hashes}</image>"
        "</images></queryResult>"
    )
    assert _import(path, "--yes", source="NCMEC") == Exit.OK
    path.write_text(
        "<queryResult><images><deletedImage><member id='4'/><id>a</id></deletedImage>"
        "</images></queryResult>"
    )
    capsys.readouterr()
    assert _import(path, "--json", source="NCMEC") == Exit.OK
    assert [row["withdrawn"] for row in _json(capsys)] == [0, 0]
    path.write_text(path.read_text().replace("'4'/><id>a", "'5'/><id>b"))
    assert _import(path, "--json", source="NCMEC") == Exit.OK
    assert _json(capsys)[-1]["withdrawn"] == 1


def test_a_person_at_a_terminal_is_asked(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _create()
    path = _list(tmp_path, 1)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert _import(path) == Exit.FAILED
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert _import(path) == Exit.OK
    assert "added" in capsys.readouterr().out


def test_who_took_an_entry_back_is_not_named_for_it_any_more(
    tmp_path: Path, capsys: Capture
) -> None:
    _create()
    path = _list(tmp_path, 1)
    assert _import(path, "--yes") == Exit.OK
    assert _import(path, "--yes", source="Other") == Exit.OK
    gone = tmp_path / "gone.jsonl"
    gone.write_text(json.dumps({"kind": "pdq", "value": _pdq(1), "state": "withdrawn"}))
    assert _import(gone, "--yes") == Exit.OK
    capsys.readouterr()
    assert _run("stats", "--json") == Exit.OK
    assert _json(capsys)[0]["sources"] == {"Other": 1}
    assert _import(gone, "--dry-run", "--json", source="Other") == Exit.OK
    assert _json(capsys)[0]["withdrawn"] == 1
