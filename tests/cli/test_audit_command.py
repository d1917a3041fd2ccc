"""``lightkeeper audit`` end to end, over the real store."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import CaseError
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.keys import KeyRing

Capture = pytest.CaptureFixture[str]
START = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A service's folder, with an audit of six events about two cases."""
    monkeypatch.setenv("LIGHTKEEPER_CASES", f"sqlite:///{tmp_path / 'cases.db'}")
    monkeypatch.setenv("LIGHTKEEPER_KEYS", str(tmp_path / "service.keys"))
    load_settings.cache_clear()
    KeyRing.open(tmp_path / "service.keys", create=True)
    _append(tmp_path, 6)
    yield tmp_path
    load_settings.cache_clear()


def _append(home: Path, count: int) -> None:
    key = KeyRing.open(home / "service.keys").audit_key()
    store = open_cases(f"sqlite:///{home / 'cases.db'}", audit_key=key)
    try:
        with store.writing() as writer:
            writer.append(
                [
                    EventDraft(
                        at=START + timedelta(seconds=number),
                        actor="lead\x1b[31m",
                        action=Action.READ,
                        object=f"case:{number % 2}",
                        case=f"case-{number % 2}",
                        details={"reason": "umbrella"},
                    )
                    for number in range(count)
                ]
            )
    finally:
        store.close()


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["audit", *map(str, arguments)])
    return int(ended.value.code or 0)


def _sql(home: Path, *statements: str) -> None:
    """What somebody does who owns the data base: its triggers stop nobody of that kind."""
    with closing(sqlite3.connect(home / "cases.db")) as connection:
        for (name,) in list(
            connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ):
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _verified(capture: Capture, *arguments: object) -> dict[str, Any]:
    _run("verify", "--json", *arguments)
    told: dict[str, Any] = json.loads(capture.readouterr().out)
    return told


def test_an_untouched_audit_is_intact(capsys: Capture) -> None:
    assert _run("verify") == Exit.OK
    out = capsys.readouterr().out
    assert out == "The audit is intact: 6 events, sealed by this key file.\n"


@pytest.mark.parametrize(
    ("statement", "flaw", "sequence"),
    [
        ("UPDATE case_event SET actor = 'somebody' WHERE sequence = 3", "changed", 3),
        ("UPDATE case_event SET at = at + 1 WHERE sequence = 2", "changed", 2),
        ("UPDATE case_event SET action = 'listed' WHERE sequence = 2", "changed", 2),
        ("UPDATE case_event SET object = 'case:9' WHERE sequence = 2", "changed", 2),
        ("UPDATE case_event SET case_id = NULL WHERE sequence = 2", "changed", 2),
        ("UPDATE case_event SET details = '{}' WHERE sequence = 2", "changed", 2),
        ("UPDATE case_event SET details = details || ' ' WHERE sequence = 2", "changed", 2),
        ("UPDATE case_event SET previous = zeroblob(32) WHERE sequence = 4", "broken-link", 4),
        ("UPDATE case_event SET digest = zeroblob(32) WHERE sequence = 4", "changed", 4),
        ("DELETE FROM case_event WHERE sequence = 1", "missing", 2),
        ("DELETE FROM case_event WHERE sequence = 4", "missing", 5),
        ("DELETE FROM case_event WHERE sequence = 6", "end-differs", 6),
        ("DELETE FROM case_event", "end-differs", 1),
        ("UPDATE case_event SET sequence = 0 WHERE sequence = 3", "out-of-order", 0),
        ("UPDATE case_event SET sequence = 9 WHERE sequence = 3", "missing", 4),
        ("UPDATE case_head SET mac = zeroblob(32)", "head-forged", 6),
        ("UPDATE case_head SET sequence = 0", "head-missing", 6),
        (
            "INSERT INTO case_event SELECT -1, at, actor, action, object, case_id, details, "
            "previous, digest FROM case_event WHERE sequence = 1",
            "out-of-order",
            -1,
        ),
    ],
)
def test_any_altered_row_is_found_with_its_number(
    home: Path, capsys: Capture, statement: str, flaw: str, sequence: int
) -> None:
    _sql(home, statement)
    told = _verified(capsys)
    assert told["intact"] is False
    assert {"flaw": flaw, "sequence": sequence} in told["breaks"]
    assert _run("verify") == Exit.ALTERED
    assert f"event {sequence}: " in capsys.readouterr().out


def test_a_cut_audit_takes_no_event_that_would_seal_the_cut(home: Path, capsys: Capture) -> None:
    _sql(
        home,
        "DELETE FROM case_event WHERE sequence > 4",
        "UPDATE case_head SET sequence = 4,"
        " digest = (SELECT digest FROM case_event WHERE sequence = 4)",
    )
    assert _verified(capsys)["breaks"] == [{"flaw": "head-forged", "sequence": 4}]
    with pytest.raises(CaseError, match="end of the audit was altered"):
        _append(home, 1)
    assert _verified(capsys)["events"] == 4


def test_an_anchor_tells_of_a_history_that_was_rolled_back(home: Path, capsys: Capture) -> None:
    earlier = (home / "cases.db").read_bytes()
    _append(home, 2)
    assert _run("anchor") == Exit.OK
    anchors = home / "anchors.jsonl"
    anchors.write_text(capsys.readouterr().out)
    assert _run("verify", "--anchor", anchors) == Exit.OK
    assert "through 1 anchors" in capsys.readouterr().out
    _append(home, 1)
    assert _verified(capsys, "--anchor", anchors)["intact"] is True
    for path in home.glob("cases.db*"):
        path.unlink()
    (home / "cases.db").write_bytes(earlier)
    assert _verified(capsys)["intact"] is True
    told = _verified(capsys, "--anchor", anchors)
    assert told["breaks"] == [{"flaw": "anchor-missing", "sequence": 8}]


def test_no_anchor_is_given_of_an_altered_audit(home: Path, capsys: Capture) -> None:
    _sql(home, "UPDATE case_event SET actor = 'somebody' WHERE sequence = 3")
    assert _run("anchor") == Exit.ALTERED
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "event 3: a field was changed" in shown.err


def test_a_case_is_told_apart(home: Path, capsys: Capture) -> None:
    assert _run("verify", "--case", "case-1") == Exit.OK
    assert "Case case-1: 3 events, none of them is where" in capsys.readouterr().out
    _sql(home, "UPDATE case_event SET actor = 'somebody' WHERE sequence = 3")
    assert _verified(capsys, "--case", "case-0")["case"]["altered"] == [3]
    assert _verified(capsys, "--case", "case-1")["case"]["altered"] == []


def test_cases_without_any_audit_are_a_finding(
    home: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sql(home, "DELETE FROM case_event", "UPDATE case_head SET sequence = 0")
    assert _run("verify") == Exit.OK
    monkeypatch.setattr("lightkeeper.storage.cases._store.SqlUnit.count", lambda *_, **__: 1)
    assert _run("verify") == Exit.ALTERED
    assert "there are cases, and no event" in capsys.readouterr().out
    assert _verified(capsys)["intact"] is False


def test_another_key_file_does_not_pass(home: Path, capsys: Capture) -> None:
    KeyRing.open(home / "other.keys", create=True)
    assert _run("verify", "--keys", home / "other.keys") == Exit.ALTERED
    assert "not of this key file" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "\n", "{}", "umbrella\n", "\xff"])
def test_a_file_without_anchors_does_not_pass_for_a_comparison(
    home: Path, capsys: Capture, content: str
) -> None:
    (home / "anchors").write_bytes(content.encode("latin-1"))
    assert _run("verify", "--anchor", home / "anchors") == Exit.FAILED
    assert "anchor" in capsys.readouterr().err


def test_events_are_shown_as_lines_and_as_json(capsys: Capture) -> None:
    assert _run("show", "--case", "case-1") == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "reason=umbrella" in lines[0]
    assert "\x1b" not in lines[0]
    assert _run("show", "--json", "--after", 4, "--limit", 1) == Exit.OK
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["sequence"], row["action"], row["case"]) == (5, "read", "case-0")
    assert row["at"] == "2026-05-04T09:30:04+00:00"
    assert len(row["digest"]) == 64


def test_nothing_is_made_where_nothing_is(home: Path, capsys: Capture) -> None:
    assert _run("verify", "--cases", f"sqlite:///{home / 'none.db'}") == Exit.FAILED
    assert _run("verify", "--keys", home / "none.keys") == Exit.FAILED
    assert not (home / "none.db").exists()
    assert not (home / "none.keys").exists()


def test_a_key_file_that_others_may_read_is_refused(home: Path, capsys: Capture) -> None:
    (home / "service.keys").chmod(0o644)
    assert _run("verify") == Exit.FAILED
    assert "chmod 600" in capsys.readouterr().err
