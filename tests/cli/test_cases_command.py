"""``lightkeeper cases`` end to end, over a real data base and a real vault."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lightkeeper.cases.custody import verify_certificate
from lightkeeper.cases.item import Item
from lightkeeper.cases.record import Arising, Case, CaseState
from lightkeeper.cli import _import_run as import_run
from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.cli._import_lines import asks_for_review, lines_of
from lightkeeper.cli._import_plan import ImportPlan, Passed
from lightkeeper.cli._local_desk import local_desk, operator
from lightkeeper.cli._settings import load_settings
from lightkeeper.errors import OutputError
from lightkeeper.storage.cases import SqlCaseStore, open_cases
from lightkeeper.storage.keys import KeyRing

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("LIGHTKEEPER_CONFIG", "")
    monkeypatch.setenv("LIGHTKEEPER_CASES", f"sqlite:///{folder / 'cases.db'}")
    monkeypatch.setenv("LIGHTKEEPER_KEYS", str(folder / "service.keys"))
    monkeypatch.setenv("LIGHTKEEPER_VAULT", str(folder / "vault"))
    load_settings.cache_clear()
    ring = KeyRing.open(folder / "service.keys", create=True)
    open_cases(f"sqlite:///{folder / 'cases.db'}", audit_key=ring.audit_key()).close()
    handler = signal.getsignal(signal.SIGTERM)
    yield folder
    signal.signal(signal.SIGTERM, handler)
    load_settings.cache_clear()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Pictures of two senders, and one of nobody's."""
    folder = tmp_path / "inbox"
    for number, name in enumerate(("ann/a.png", "ann/deep/b.png", "bo/c.png", "d.png")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(number))
    return folder


def picture(number: int) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), (number, 40, 90)).save(made, "PNG")
    return made.getvalue()


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["cases", *map(str, arguments)])
    return int(ended.value.code or 0)


def _import(*arguments: object) -> int:
    return _run("import", *arguments, "--origin", "uploaded")


def _rows(capture: Capture) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capture.readouterr().out.splitlines()]


@contextmanager
def _store(home: Path) -> Iterator[SqlCaseStore]:
    key = KeyRing.open(home / "service.keys").audit_key()
    store = open_cases(f"sqlite:///{home / 'cases.db'}", audit_key=key, create=False)
    try:
        yield store
    finally:
        store.close()


def _kept(home: Path) -> dict[str, tuple[Case, tuple[Item, ...]]]:
    """Cases by the identifier of their subject."""
    with _store(home) as store, store.reading() as reader:
        opened = [event.case for event in reader.events() if event.action == "opened"]
        cases = [reader.case(case) for case in opened if case is not None]
        return {c.subject.identifier: (c, reader.items(c.id)) for c in cases if c is not None}


def _changed(home: Path, case: Case, **changes: Any) -> None:
    with _store(home) as store, store.writing() as writer:
        current = writer.lock_case(case.id)
        assert current is not None
        writer.save_case(replace(current, **changes))


def test_each_folder_directly_in_a_folder_is_a_case(home: Path, inbox: Path) -> None:
    assert _import(inbox) == Exit.OK
    kept = _kept(home)
    names = {name: {item.file_name for item in items} for name, (_, items) in kept.items()}
    assert names == {"ann": {"a.png", "deep/b.png"}, "bo": {"c.png"}, "inbox": {"d.png"}}
    case, (item,) = kept["bo"]
    assert (case.arising, case.intake, case.queue) == ("uploaded", "folder", "default")
    assert item.state == "waiting"


def test_one_subject_is_one_case_wherever_its_files_lie(home: Path, inbox: Path) -> None:
    options = ("--subject", "user-7", "--subject-kind", "user", "--queue", "urgent")
    assert _import(inbox / "ann", *options) == Exit.OK
    assert _import(inbox / "bo" / "c.png", *options) == Exit.OK
    ((case, items),) = _kept(home).values()
    assert (case.subject.kind, case.queue, len(items)) == ("user", "urgent", 3)


def test_the_same_file_twice_is_one_item(home: Path, inbox: Path, capsys: Capture) -> None:
    assert _import(inbox, inbox, "--json") == Exit.OK
    statuses = [row["status"] for row in _rows(capsys)]
    assert statuses == ["taken"] * 4 + ["known"] * 4
    (inbox / "bo" / "new.png").write_bytes(picture(9))
    assert _import(inbox, "--json") == Exit.OK
    assert [row["status"] for row in _rows(capsys)].count("taken") == 1
    assert sum(len(items) for _, items in _kept(home).values()) == 5


def test_another_user_who_imports_the_same_opens_no_other_case(
    home: Path, inbox: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _import(inbox) == Exit.OK
    cases = {case.id for case, _ in _kept(home).values()}
    capsys.readouterr()
    relief = replace(operator(), id="local:relief")
    monkeypatch.setattr("lightkeeper.cli._local_desk.operator", lambda: relief)
    (inbox / "bo" / "new.png").write_bytes(picture(9))
    assert _import(inbox, "--json") == Exit.OK
    assert sorted(row["status"] for row in _rows(capsys)) == ["known"] * 4 + ["taken"]
    kept = _kept(home)
    assert {case.id for case, _ in kept.values()} == cases
    with _store(home) as store, store.reading() as reader:
        last = list(reader.events(case=kept["bo"][0].id))[-1]
    assert (last.action, last.actor) == ("item-added", "local:relief")


def test_every_act_is_in_the_audit_under_the_name_of_the_user(home: Path, inbox: Path) -> None:
    _import(inbox / "bo")
    _run("list")
    case = next(iter(_kept(home).values()))[0]
    _run("show", case.id)
    with _store(home) as store, store.reading() as reader:
        events = list(reader.events())
    assert [event.action for event in events] == ["opened", "item-added", "listed", "read"]
    assert {event.actor for event in events} == {operator().id}
    assert operator().id.startswith("local:")


def test_files_are_encrypted_and_copied_nowhere_else(home: Path, inbox: Path) -> None:
    _import(inbox)
    contents = [path.read_bytes() for path in inbox.rglob("*.png")]
    assert len(contents) == 4
    for path in home.rglob("*"):
        if path.is_file():
            stored = path.read_bytes()
            assert not any(content in stored for content in contents), path


def test_hostile_files_are_refused_one_by_one(
    home: Path, inbox: Path, tmp_path: Path, capsys: Capture
) -> None:
    (inbox / "empty.png").touch()
    (inbox / "link.png").symlink_to(home / "service.keys")
    os.mkfifo(tmp_path / "pipe.png")
    (inbox / "escape\x1b[2J.png").write_bytes(b"no picture")
    (inbox / os.fsdecode(b"\xff.png")).write_bytes(b"no picture")
    assert _import(inbox, tmp_path / "pipe.png", tmp_path / "none.png", "/dev/zero") == 3
    shown = capsys.readouterr()
    for words in ("empty.png: it is empty", "link.png: it is a link", "none.png: No such file"):
        assert words in shown.err
    assert "pipe.png: it is not a regular file" in shown.err
    assert "/dev/zero: it is not a regular file" in shown.err
    assert "6 taken in, 0 known already, 5 refused" in shown.err
    assert "\x1b" not in shown.err + shown.out


def test_a_file_of_more_than_the_limit_is_refused(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("LIGHTKEEPER_LIMITS__MAX_BYTES", "20")
    load_settings.cache_clear()
    assert _import(inbox / "bo") == Exit.PARTIAL
    assert "more than 20 bytes" in capsys.readouterr().err


def test_other_files_of_a_folder_are_counted_and_taken_once_they_are_named(
    home: Path, inbox: Path, capsys: Capture
) -> None:
    (inbox / "bo" / "notes.txt").write_text("about an umbrella")
    assert _import(inbox / "bo") == Exit.OK
    assert "1 other files passed over" in capsys.readouterr().err
    assert _import(inbox / "bo" / "notes.txt") == Exit.OK
    assert [item.file_name for item in _kept(home)["bo"][1]] == ["c.png", "notes.txt"]


def test_a_full_case_is_followed_by_the_next(
    home: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(import_run, "MOST_ITEMS", 3)
    assert _import(inbox, "--subject", "all") == Exit.OK
    capsys.readouterr()
    assert _import(inbox, "--subject", "all", "--json") == Exit.OK
    rows = _rows(capsys)
    assert {row["status"] for row in rows} == {"known"}
    assert [rows.count(row) for row in rows] == [1] * 4
    assert len({row["case"] for row in rows}) == 2


def test_what_comes_after_a_report_opens_the_next_case(home: Path, inbox: Path) -> None:
    _import(inbox / "bo")
    case, _ = _kept(home)["bo"]
    _changed(home, case, state=CaseState.REPORTED)
    assert _import(inbox / "bo") == Exit.OK
    assert _kept(home)["bo"][0].id == case.id
    (inbox / "bo" / "new.png").write_bytes(picture(9))
    assert _import(inbox / "bo") == Exit.OK
    after, items = _kept(home)["bo"]
    assert after.id != case.id
    assert [item.file_name for item in items] == ["new.png"]


def test_what_was_destroyed_is_not_taken_in_again(
    home: Path, inbox: Path, tmp_path: Path, capsys: Capture
) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_text('{"prompt": "a red umbrella"}\n')
    _import(inbox / "bo", lines, "--subject", "bo")
    case, _ = _kept(home)["bo"]
    _changed(home, case, state=CaseState.CLOSED)
    assert _run("destroy", case.id, "--reason", "asked for", "--yes") == Exit.OK
    capsys.readouterr()
    assert _import(inbox / "bo", lines, "--subject", "bo", "--json") == Exit.PARTIAL
    assert [row["error"]["code"] for row in _rows(capsys)] == ["destroyed"] * 2
    assert _kept(home).keys() == {"bo"}


def test_an_import_that_is_killed_goes_on_where_it_stopped(
    home: Path, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:03}.png").write_bytes(picture(number))
    command = [sys.executable, "-m", "lightkeeper", "cases", "import", str(folder)]
    command += ["--origin", "uploaded", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    before = len(_kept(home)["many"][1])
    assert 0 < before < 60
    assert _import(folder, "--json") == Exit.OK
    statuses = [row["status"] for row in _rows(capsys)]
    assert (statuses.count("known"), statuses.count("taken")) == (before, 60 - before)
    assert len({item.file_name for item in _kept(home)["many"][1]}) == 60


def test_two_imports_of_the_same_at_once_take_each_file_once(home: Path, inbox: Path) -> None:
    plan = ImportPlan(
        paths=[str(inbox)],
        origin=Arising.UPLOADED,
        queue="default",
        subject="all",
        subject_kind=None,
        every_row=False,
    )
    with local_desk(None, None, None) as local:
        runs = [import_run.ImportRun(local, plan, most_bytes=1 << 20) for _ in range(2)]
        for found in plan.found(Passed()):
            for run in runs:
                run.take(found)
    assert [(run.tally.taken, run.tally.known) for run in runs] == [(4, 0), (0, 4)]
    assert len(_kept(home)["all"][1]) == 4


def test_an_interrupt_is_said_with_what_is_done(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_run.ImportRun, "take", stop)
    assert _import(inbox) == Exit.INTERRUPTED
    assert "run it again to go on" in capsys.readouterr().err


def test_a_data_base_that_fails_ends_the_run_and_blames_no_file(
    home: Path, inbox: Path, capsys: Capture
) -> None:
    assert _import(inbox, "--cases", f"sqlite:///{home / 'none.db'}") == Exit.FAILED
    assert "there is no store" in capsys.readouterr().err


# JSON lines


def _scan_row(file: Path, **known: Any) -> dict[str, Any]:
    import hashlib

    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {
        "schema": "lightkeeper.scan/1",
        "file": str(file),
        "status": "ok",
        "digests": {"sha256": digest},
        "findings": [],
        "assessment": {"origin": "undetermined", "routing": {"priority": 50}},
    } | known


def _lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_of_a_scan_the_rows_are_taken_that_ask_for_a_person(
    home: Path, inbox: Path, tmp_path: Path, capsys: Capture
) -> None:
    files = sorted(inbox.rglob("*.png"))
    lines = _lines(
        tmp_path / "scan.jsonl",
        _scan_row(files[0], findings=[{"claim": "known-material"}]),
        _scan_row(files[1]),
        _scan_row(files[2], status="error", assessment=None),
        _scan_row(files[3], assessment={"origin": "captured"}),
    )
    assert _import(lines) == Exit.OK
    shown = capsys.readouterr().err
    assert "2 taken in" in shown
    assert "2 rows asked for nobody (1 of files that could not be examined)" in shown
    assert {case.intake for case, _ in _kept(home).values()} == {"scan"}
    assert _import(lines, "--all", "--json") == Exit.OK
    assert [row["status"] for row in _rows(capsys)].count("taken") == 2


@pytest.mark.parametrize(
    ("known", "asks"),
    [
        ({}, False),
        ({"findings": [{"claim": "stripped"}]}, False),
        ({"findings": [{"claim": "known-benign"}]}, False),
        ({"findings": [{"claim": "known-material"}]}, True),
        ({"findings": [{"claim": "parameters"}]}, True),
        ({"findings": [{"claim": "carries-mark"}]}, True),
        ({"assessment": {"origin": "generated"}}, True),
        ({"assessment": {"routing": {"priority": 51}}}, True),
        ({"assessment": {"routing": {"priority": 50}}}, False),
        ({"assessment": None}, False),
    ],
)
def test_what_asks_for_a_person_is_stated(known: dict[str, Any], asks: bool) -> None:
    assert asks_for_review({"findings": [], "assessment": None} | known) is asks


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(findings=JSON, assessment=JSON)
def test_no_row_of_a_stranger_fails_to_be_read(findings: Any, assessment: Any) -> None:
    row = {"findings": findings, "assessment": assessment}
    if isinstance(findings, (list, type(None))):
        assert asks_for_review(row) in {True, False}
    assert asks_for_review({"findings": [findings], "assessment": assessment}) in {True, False}


def test_a_file_that_is_not_the_one_that_was_scanned_is_refused(
    home: Path, inbox: Path, tmp_path: Path, capsys: Capture
) -> None:
    row = _scan_row(inbox / "d.png")
    lines = _lines(tmp_path / "scan.jsonl", row | {"file": str(home / "service.keys")})
    assert _import(lines, "--all") == Exit.PARTIAL
    assert "not the file that was scanned" in capsys.readouterr().err
    assert _kept(home) == {}


def test_prompts_become_cases_without_any_file(home: Path, tmp_path: Path, capsys: Capture) -> None:
    lines = tmp_path / "prompts.jsonl"
    lines.write_text(
        '{"prompt": "a red umbrella", "subject": "user-1"}\n'
        '{"prompt": "a bicycle", "subject": "user-1", "facts": {"model": "m"}}\n'
        '{"text": "about a b\\u0000at"}\n\n'
        '{"prompt": "half \\ud83d"}\nnot json\n[]\n{"prompt": ""}\n{"subject": "a"}\n'
        '{"prompt": "a", "facts": {"a": 1}}\n{"schema": "lightkeeper.scan/2"}\n'
        + "[" * 100_000
        + "\n"
    )
    options = ("--origin", "prompt-only", "--subject-kind", "user")
    assert _run("import", lines, *options) == Exit.PARTIAL
    kept = _kept(home)
    assert kept.keys() == {"user-1", "prompts.jsonl"}
    case, items = kept["user-1"]
    assert (case.arising, case.subject.kind) == ("prompt-only", "user")
    assert [(item.text, item.facts) for item in items] == [
        ("a red umbrella", {}),
        ("a bicycle", {"model": "m"}),
    ]
    assert kept["prompts.jsonl"][1][0].text == "about a b\0at"
    shown = capsys.readouterr()
    assert f"{lines}:5: the line spells half a character" in shown.err
    assert "3 taken in, 0 known already, 8 refused" in shown.err
    assert "umbrella" not in shown.err + shown.out
    assert _run("import", lines, *options) == Exit.PARTIAL
    assert "0 taken in, 3 known already" in capsys.readouterr().err


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_are_lines(tmp_path_factory: pytest.TempPathFactory, raw: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(b"\n".join(raw))
    for line in lines_of(path, every_row=True):
        assert line.problem or line.text or line.file


# List, show, due, destroy


def test_cases_are_listed_with_the_most_urgent_first(
    inbox: Path, tmp_path: Path, capsys: Capture
) -> None:
    _import(inbox / "bo")
    lines = _lines(tmp_path / "p.jsonl", {"prompt": "a red umbrella", "subject": "x\x1b[2J"})
    _run("import", lines, "--origin", "prompt-only")
    capsys.readouterr()
    assert _run("list", "--json") == Exit.OK
    rows = _rows(capsys)
    assert [row["arising"] for row in rows] == ["uploaded", "prompt-only"]
    assert _run("list", "--origin", "prompt-only", "--limit", "1") == Exit.OK
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split()[:2] == ["case", "score"]
    assert "prompt-only" in line
    assert "\x1b" not in line
    assert _run("list", "--state", "closed", "--json") == Exit.OK
    assert _rows(capsys) == []


def test_a_case_is_shown_with_its_reasons_and_without_its_texts(
    home: Path, inbox: Path, tmp_path: Path, capsys: Capture
) -> None:
    lines = _lines(tmp_path / "p.jsonl", {"prompt": "a red umbrella"})
    _import(inbox / "bo", lines, "--subject", "bo")
    case, _ = _kept(home)["bo"]
    capsys.readouterr()
    assert _run("show", case.id, "--explain") == Exit.OK
    out = capsys.readouterr().out
    assert "+40 It was uploaded" in out
    assert "14 characters" in out
    assert "umbrella" not in out
    assert _run("show", case.id, "--json") == Exit.OK
    (row,) = _rows(capsys)
    assert [item["text"] for item in row["contents"]] == [None, "a red umbrella"]
    assert "vault" not in json.dumps(row)
    assert _run("show", "nothing") == Exit.FAILED


def test_cases_past_their_retention_are_listed_and_ask_for_a_person(
    home: Path, inbox: Path, capsys: Capture
) -> None:
    _import(inbox)
    assert _run("due") == Exit.OK
    past = datetime.now(UTC) - timedelta(days=1)
    kept = _kept(home)
    _changed(home, kept["bo"][0], state=CaseState.REPORTED, preserve_until=past)
    _changed(home, kept["ann"][0], state=CaseState.REPORTED, preserve_until=past, hold="a court")
    capsys.readouterr()
    assert _run("due", "--json") == Exit.PERSON_NEEDED
    assert [row["subject"]["identifier"] for row in _rows(capsys)] == ["bo"]
    assert _run("due") == Exit.PERSON_NEEDED
    assert "! retention over" in capsys.readouterr().out


def test_destruction_is_confirmed_and_certified(
    home: Path, inbox: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _import(inbox / "bo")
    case, _ = _kept(home)["bo"]
    arguments = ("destroy", case.id, "--reason", "its time is over")
    assert _run(*arguments, "--yes") == Exit.FAILED
    assert "nobody has decided" in capsys.readouterr().err
    _changed(home, case, state=CaseState.CLOSED)
    file = tmp_path / "certificate.json"
    blank = ("destroy", case.id, "--reason", " ", "--yes", "--certificate")
    assert _run(*blank, file) == Exit.FAILED
    assert not file.exists()
    assert _run(*arguments, "--yes", "--certificate", tmp_path / "none" / "c.json") == Exit.FAILED
    assert _kept(home)["bo"][0].state is CaseState.CLOSED
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert _run(*arguments, "--certificate", file) == Exit.USAGE
    assert not file.exists()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{case.id}\n"))
    assert _run(*arguments, "--certificate", file) == Exit.OK
    made = json.loads(file.read_text())
    key = KeyRing.open(home / "service.keys").signing_key().public_key()
    verify_certificate(made, key)
    assert made["by"]["id"] == operator().id
    assert not [path for path in (home / "vault" / "content").rglob("*") if path.is_file()]
    assert _kept(home)["bo"][0].state is CaseState.DESTROYED
    assert _run(*arguments, "--yes", "--certificate", file) == Exit.FAILED
    assert json.loads(file.read_text()) == made


def test_a_certificate_that_cannot_be_written_is_printed_and_never_lost(
    home: Path, inbox: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _import(inbox / "bo")
    case, _ = _kept(home)["bo"]
    _changed(home, case, state=CaseState.CLOSED)
    capsys.readouterr()

    def full(target: Path, content: bytes) -> None:
        if content:
            raise OutputError(f"cannot write {target}: No space left on device")

    monkeypatch.setattr("lightkeeper.cli.cases.write_whole", full)
    file = tmp_path / "certificate.json"
    assert _run("destroy", case.id, "--reason", "over", "--yes", "--certificate", file) != Exit.OK
    told = capsys.readouterr()
    key = KeyRing.open(home / "service.keys").signing_key().public_key()
    verify_certificate(json.loads(told.out), key)
    assert "No space left" in told.err


def test_before_its_time_a_case_goes_only_on_the_request_of_law_enforcement(
    home: Path, inbox: Path, capsys: Capture
) -> None:
    _import(inbox / "bo")
    case, _ = _kept(home)["bo"]
    later = datetime.now(UTC) + timedelta(days=100)
    _changed(home, case, state=CaseState.REPORTED, preserve_until=later)
    arguments = ("destroy", case.id, "--reason", "order 7", "--yes")
    assert _run(*arguments) == Exit.FAILED
    assert "has to be kept until" in capsys.readouterr().err
    assert _run(*arguments, "--law-enforcement") == Exit.OK
    assert json.loads(capsys.readouterr().out)["request"] == "order 7"
