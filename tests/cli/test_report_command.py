"""``lightkeeper report`` end to end, over a real data base."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lightkeeper.cases.desk import Desk, Rules
from lightkeeper.cases.people import Actor, Role
from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._settings import load_settings
from lightkeeper.reporting.outbox import PreparedReport, Receipt, Step, Submission, SubmissionState
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.keys import KeyRing
from lightkeeper.testing.cases import MemoryVault, new_case

Capture = pytest.CaptureFixture[str]
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
PROGRAM = Actor(id="p", name="p", roles=frozenset({Role.INTAKE}), is_person=False)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LIGHTKEEPER_CONFIG", "")
    monkeypatch.setenv("LIGHTKEEPER_CASES", f"sqlite:///{tmp_path / 'cases.db'}")
    monkeypatch.setenv("LIGHTKEEPER_KEYS", str(tmp_path / "service.keys"))
    load_settings.cache_clear()
    ring = KeyRing.open(tmp_path / "service.keys", create=True)
    open_cases(f"sqlite:///{tmp_path / 'cases.db'}", audit_key=ring.audit_key()).close()
    yield tmp_path
    load_settings.cache_clear()


def _keep(home: Path, state: SubmissionState, *receipts: Receipt, **known: Any) -> str:
    """A submission of a case of its own."""
    key = KeyRing.open(home / "service.keys").audit_key()
    store = open_cases(f"sqlite:///{home / 'cases.db'}", audit_key=key)
    try:
        desk = Desk(store, MemoryVault(), clock=lambda: NOW, rules=Rules())
        case = desk.open_case(PROGRAM, new_case())
        submission = Submission(
            id=f"s-{state}",
            case=case.id,
            state=state,
            prepared=PreparedReport(report_xml=b"<report>umbrella</report>", files=()),
            prepared_by="rob",
            prepared_at=NOW,
            **known,
        )
        with store.writing() as unit:
            unit.add_submission(submission)
            for receipt in receipts:
                unit.add_receipt(submission.id, receipt)
    finally:
        store.close()
    return submission.id


def _receipt(status: int, code: int | None) -> Receipt:
    return Receipt(
        at=NOW,
        step=Step.SUBMIT,
        item=None,
        status=status,
        code=code,
        request_id="r-1",
        body=b"umbrella",
    )


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["report", "status", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_an_empty_outbox_needs_nobody(capsys: Capture) -> None:
    assert _run() == Exit.OK
    assert capsys.readouterr().out == "0 drafts, 0 waiting, 0 unfinished, 0 dead.\n"


def test_a_report_on_its_way_needs_nobody_until_its_deadline_is_near(
    home: Path, capsys: Capture
) -> None:
    opened = {"report_id": "77", "opened_at": NOW - HOUR, "confirmed_at": NOW - HOUR}
    _keep(home, SubmissionState.CONFIRMED, _receipt(200, 0), **opened)
    assert _run("--json") == Exit.OK
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert datetime.fromisoformat(row["deadline"]) == NOW + 23 * HOUR
    assert (row["receiver_number"], row["answers"]) == ("77", 1)
    assert _run() == Exit.OK
    out = capsys.readouterr().out
    assert "number 77" in out
    assert "0 drafts, 0 waiting, 1 unfinished, 0 dead." in out
    assert "umbrella" not in out


def test_a_deadline_within_two_hours_needs_a_person(home: Path) -> None:
    opened = {"report_id": "77", "opened_at": NOW - 23 * HOUR, "confirmed_at": NOW}
    _keep(home, SubmissionState.CONFIRMED, **opened)
    assert _run() == Exit.PERSON_NEEDED


def test_what_should_have_been_sent_hours_ago_needs_a_person(home: Path, capsys: Capture) -> None:
    _keep(home, SubmissionState.CONFIRMED, confirmed_at=NOW, next_attempt=NOW - 3 * HOUR)
    assert _run() == Exit.PERSON_NEEDED
    assert "restored backup" in capsys.readouterr().out


def test_what_waits_for_its_next_attempt_needs_nobody(home: Path, capsys: Capture) -> None:
    _keep(home, SubmissionState.CONFIRMED, confirmed_at=NOW - 9 * HOUR, next_attempt=NOW - HOUR)
    assert _run() == Exit.OK
    assert "restored" not in capsys.readouterr().out


@pytest.mark.parametrize("state", [SubmissionState.DRAFT, SubmissionState.DEAD])
def test_a_draft_and_a_dead_report_need_a_person(
    home: Path, capsys: Capture, state: SubmissionState
) -> None:
    _keep(home, state, problem="the receiver\x1b[2J refuses the password")
    assert _run() == Exit.PERSON_NEEDED
    out = capsys.readouterr().out
    assert "refuses the password" in out
    assert "\x1b" not in out


def test_the_receipts_of_a_report_are_shown(home: Path, capsys: Capture) -> None:
    report = _keep(home, SubmissionState.FINISHED, _receipt(0, None), _receipt(200, 0))
    assert _run(report) == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert "no answer" in lines[1]
    assert "status 200, code 0  request r-1" in lines[2]
    assert _run(report, "--json") == Exit.OK
    row = json.loads(capsys.readouterr().out)
    assert [each["status"] for each in row["receipts"]] == [0, 200]


def test_finished_reports_are_not_listed(home: Path, capsys: Capture) -> None:
    _keep(home, SubmissionState.FINISHED, finished_at=NOW)
    assert _run("--json") == Exit.OK
    assert capsys.readouterr().out == ""


def test_a_report_that_is_not_there_is_a_failure(capsys: Capture) -> None:
    assert _run("nothing") == Exit.FAILED
    assert "no such report" in capsys.readouterr().err
