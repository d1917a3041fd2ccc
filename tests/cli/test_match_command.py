"""A planted set, met through ``lightkeeper match`` and ``lightkeeper scan --sets``."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lightkeeper.cli import main
from lightkeeper.cli._exit import Exit
from lightkeeper.errors import MatchError
from lightkeeper.hashing import digests, pdq_of_rgb, warm_up
from lightkeeper.matching import Entry, EntryLabels, HashSet, Mention, SetOrigin, SetState
from lightkeeper.testing import photo_like

pytest.importorskip("sqlalchemy")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIGHTKEEPER = (sys.executable, "-m", "lightkeeper")
KNOWN = photo_like(31, width=480, height=360)
HARMLESS = photo_like(32, width=480, height=360)


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Desk:
    """A store, its index and a folder of pictures."""

    def __init__(self, folder: Path) -> None:
        from lightkeeper.storage import open_store

        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.url = f"sqlite:///{folder / 'sets.db'}"
        self.index = folder / "index"
        self.store = open_store(self.url)

    def fill(self, name: str, *entries: Entry, **fields: Any) -> None:
        self.store.create_set(HashSet(name=name, owner="an owner", purpose="a test", **fields))
        self.store.upsert(name, entries, source="desk", now=NOW)
        self.follow()

    def follow(self) -> None:
        from lightkeeper.matching.index import IndexWriter, sync

        with IndexWriter(self.index) as writer:
            sync(self.store, writer)

    def picture(self, name: str, pixels: Any) -> Path:
        path = self.folder / name
        Image.fromarray(np.ascontiguousarray(pixels)).save(path)
        return path

    def run(self, *arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        settings = {"LIGHTKEEPER_STORE": self.url, "LIGHTKEEPER_INDEX": str(self.index)}
        return subprocess.run(
            [*LIGHTKEEPER, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            timeout=120,
            env=os.environ | settings,
            **options,
        )

    def run_match(self, *arguments: str | Path, **options: Any) -> Done:
        """In this process, which is faster; a scan needs workers and so one of its own."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        places = ["--store", self.url, "--index", str(self.index)]
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "stdin", io.StringIO(options.get("input", "")))
            try:
                main(["match", *map(str, arguments), *places])
            except SystemExit as end:
                code = int(end.code or 0)
        return Done(code, out.getvalue(), err.getvalue())

    def match(self, *arguments: str | Path, **options: Any) -> list[dict[str, Any]]:
        done = self.run_match("--json", *arguments, **options)
        assert done.returncode == Exit.OK, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    warm_up()
    desk = Desk(tmp_path_factory.mktemp("desk"))
    umbrella = desk.picture("umbrella.png", KNOWN)
    desk.fill(
        "umbrellas",
        Entry(
            kind="pdq",
            value=pdq_of_rgb(KNOWN).hex,
            quality=100,
            labels=EntryLabels(industry_class="B2"),
            mentions=(Mention("desk", "case-7", NOW),),
        ),
        Entry(kind="sha256", value=digests(umbrella.read_bytes()).sha256),
        origin=SetOrigin.GENERATED,
    )
    desk.fill("harmless", Entry(kind="pdq", value=pdq_of_rgb(HARMLESS).hex), negative=True)
    desk.fill("opaque", Entry(kind="photodna", value="AQID"), origin=SetOrigin.PHOTOGRAPHED)
    desk.fill("copies", Entry(kind="pdq", value=pdq_of_rgb(HARMLESS).hex))
    desk.picture("harmless.png", HARMLESS)
    desk.picture("mirrored.png", KNOWN[:, ::-1])
    desk.picture("stranger.png", photo_like(33, width=480, height=360))
    framed = np.zeros((500, 480, 3), np.uint8)
    framed[70:430] = KNOWN
    desk.picture("framed.png", framed)
    yield desk
    desk.store.close()


def test_a_file_is_met_by_its_digest_and_its_picture(desk: Desk) -> None:
    (row,) = desk.match("umbrella.png")
    assert (row["query"], row["kind"], row["leads"], row["benign"]) == (
        "umbrella.png",
        "file",
        [],
        [],
    )
    by_file, by_picture = sorted(row["matches"], key=lambda m: m["kind"] == "pdq")
    assert (by_file["set"], by_file["origin"], by_file["kind"]) == (
        "umbrellas",
        "generated",
        "sha256",
    )
    assert by_picture["distance_bits"] == 0
    assert by_picture["transform"] == "identity"
    assert by_picture["source_id"] == "case-7"
    assert by_picture["labels"]["industry_class"] == "B2"
    assert isinstance(by_picture["entry"], int)


@pytest.mark.parametrize(
    ("file", "transform"),
    [("mirrored.png", "flip-horizontal"), ("framed.png", "unletterboxed")],
)
def test_a_changed_copy_is_met_and_the_change_is_named(
    desk: Desk, file: str, transform: str
) -> None:
    (row,) = desk.match(file)
    (match,) = row["matches"]
    assert match["transform"] == transform
    assert match["distance_bits"] <= 4


def test_a_benign_picture_is_shown_with_what_it_suppresses(desk: Desk) -> None:
    (row,) = desk.match("harmless.png")
    assert row["matches"] == []
    assert [m["set"] for m in row["benign"]] == ["harmless"]
    assert [m["set"] for m in row["suppressed"]] == ["copies"]
    (row,) = desk.match("harmless.png", "--sets", "copies,umbrellas")
    assert [m["set"] for m in row["matches"]] == ["copies"]


def test_a_lead_is_shown_apart_until_a_person_confirms_it(desk: Desk) -> None:
    lead = Entry(kind="sha1", value="5" * 40)
    desk.fill("seeds", lead, needs_confirmation=True)
    (row,) = desk.match(lead.value)
    assert row["matches"] == []
    assert [m["set"] for m in row["leads"]] == ["seeds"]
    assert "lead       seeds" in desk.run_match(lead.value, "--fail-on", "match").stdout
    desk.store.confirm("seeds", [(lead.kind, lead.value)], person="a reviewer", now=NOW)
    desk.follow()
    (row,) = desk.match(lead.value)
    assert (len(row["matches"]), row["leads"]) == (1, [])


def test_hashes_are_told_apart_by_their_length(desk: Desk) -> None:
    sha256 = digests((desk.folder / "umbrella.png").read_bytes()).sha256
    pdq = pdq_of_rgb(KNOWN).hex
    rows = desk.match(pdq.upper(), sha256, "ab" * 16, "cd" * 20, "0" * 64)
    either = "sha256-or-pdq"
    assert [row["kind"] for row in rows] == [either, either, "md5", "sha1", either]
    assert [len(row["matches"]) for row in rows] == [1, 1, 0, 0, 0]


def test_a_kind_that_is_named_is_taken_as_it_is(desk: Desk) -> None:
    (row,) = desk.match("AQID", "--kind", "photodna")
    assert row["matches"][0]["set"] == "opaque"
    (row,) = desk.match("0" * 64, "--kind", "pdq")
    assert (row["kind"], row["matches"]) == ("pdq", [])
    done = desk.run_match("abc", "--kind", "pdq")
    assert done.returncode == Exit.FAILED
    assert "PDQ" in done.stderr


def test_queries_come_from_standard_input_in_their_order(desk: Desk) -> None:
    pdq = pdq_of_rgb(KNOWN).hex
    rows = desk.match("-", input=f"stranger.png\n{pdq}\n\nmirrored.png\n")
    assert [row["query"] for row in rows] == ["stranger.png", pdq, "mirrored.png"]
    assert [len(row["matches"]) for row in rows] == [0, 1, 1]


def test_the_exit_code_tells_of_a_match_only_where_that_is_asked_for(desk: Desk) -> None:
    assert desk.run_match("umbrella.png").returncode == Exit.OK
    done = desk.run_match("umbrella.png", "--fail-on", "match")
    assert done.returncode == Exit.MATCHED
    assert desk.run_match("stranger.png", "--fail-on", "match").returncode == Exit.OK
    assert desk.run_match("harmless.png", "--fail-on", "match").returncode == Exit.OK


def test_a_person_reads_set_origin_entry_and_distance(desk: Desk) -> None:
    done = desk.run_match("mirrored.png", "stranger.png", pdq_of_rgb(KNOWN).hex)
    assert "match      umbrellas (generated), entry 1, desk: case-7, pdq, " in done.stdout
    assert "flip-horizontal, industry class: B2" in done.stdout
    assert "stranger.png  no match" in done.stdout
    assert "(as sha256 and as pdq)" in done.stdout


def test_a_file_that_is_no_picture_is_met_by_its_digest_and_has_its_error(
    desk: Desk, tmp_path: Path
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("an umbrella")
    desk.fill("notes", Entry(kind="md5", value=digests(note.read_bytes()).md5))
    done = desk.run_match("--json", note, tmp_path / "absent.png")
    assert done.returncode == Exit.PARTIAL
    found, absent = map(json.loads, done.stdout.splitlines())
    assert found["matches"][0]["set"] == "notes"
    assert found["error"]["code"] == "unsupported-media"
    assert absent["error"]["code"] == "unreadable"
    shown = desk.run_match(note)
    assert "same md5" in shown.stdout
    assert "note.txt:" in shown.stderr


def test_a_set_that_is_not_there_ends_both_commands(desk: Desk) -> None:
    arguments = ("umbrella.png", "--sets", "bicycles")
    for done in (desk.run_match(*arguments), desk.run("scan", *arguments)):
        assert done.returncode == Exit.FAILED
        assert "there is no set 'bicycles'" in done.stderr


def test_where_no_store_is_its_place_is_named(tmp_path: Path) -> None:
    for command in (["match", "a.png"], ["scan", "a.png", "--sets", "all"]):
        done = subprocess.run(
            [*LIGHTKEEPER, *command],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "XDG_DATA_HOME": str(tmp_path)},
        )
        assert done.returncode == Exit.FAILED
        assert f"there is no store at {tmp_path}" in done.stderr


def scan_rows(desk: Desk, *arguments: str | Path) -> dict[str, dict[str, Any]]:
    done = desk.run("scan", "--jsonl", "-", "--quiet", "--jobs", "1", *arguments)
    assert done.returncode == Exit.OK, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["file"]: row for row in rows}


def known(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for finding in row["findings"] if finding["claim"].startswith("known-")]


def test_a_scan_finds_what_its_sets_hold(desk: Desk, tmp_path: Path) -> None:
    files = ["umbrella.png", "mirrored.png", "framed.png", "harmless.png", "stranger.png"]
    parquet, html = tmp_path / "rows.parquet", tmp_path / "report.html"
    rows = scan_rows(desk, *files, "--sets", "all", "--parquet", parquet, "--html", html)
    sources = {file: [f["source"] for f in known(row)] for file, row in rows.items()}
    assert sources == {
        "umbrella.png": ["hash:sha256", "pixels:pdq"],
        "mirrored.png": ["pixels:pdq"],
        "framed.png": ["pixels:pdq"],
        "harmless.png": ["pixels:pdq"],
        "stranger.png": [],
    }
    assert rows["umbrella.png"]["assessment"]["origin"] == "generated"
    assert rows["umbrella.png"]["assessment"]["labels"]["computer_generated"]["basis"] == "known"
    assert rows["harmless.png"]["findings"][-1]["claim"] == "known-benign"
    priorities = {file: row["assessment"]["routing"]["priority"] for file, row in rows.items()}
    assert priorities["umbrella.png"] > priorities["stranger.png"] == priorities["harmless.png"]
    table = pq.read_table(parquet).to_pydict()
    assert dict(zip(table["file"], table["known_sets"], strict=True))["umbrella.png"] == [
        "umbrellas"
    ]
    page = html.read_text(encoding="utf-8")
    assert "known in umbrellas" in page
    assert "benign in harmless" in page


def test_a_scan_without_sets_looks_nothing_up(desk: Desk) -> None:
    assert known(scan_rows(desk, "umbrella.png")["umbrella.png"]) == []


def test_a_policy_names_sets_and_a_condition_sees_matches(desk: Desk, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('sets = ["umbrellas"]\ntier = "bytes"\nfail_on = "known"\n')
    done = desk.run("scan", "umbrella.png", "--policy", policy)
    assert done.returncode == Exit.MATCHED
    assert "known in umbrellas" in done.stdout
    assert desk.run("scan", "mirrored.png", "--policy", policy).returncode == Exit.OK


def test_a_resumed_scan_looks_again_where_the_sets_have_changed(desk: Desk, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    arguments = ("stranger.png", "--sets", "all", "--resume", journal)
    first = scan_rows(desk, *arguments)["stranger.png"]
    assert scan_rows(desk, *arguments)["stranger.png"] == first
    stranger = pdq_of_rgb(photo_like(33, width=480, height=360)).hex
    desk.fill("strangers", Entry(kind="pdq", value=stranger))
    again = scan_rows(desk, *arguments)["stranger.png"]
    assert known(first) == []
    assert [f["details"]["set_name"] for f in known(again)] == ["strangers"]


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Desk]:
    """A desk of its own, whose counts no other test adds to."""
    desk = Desk(tmp_path / "counted")
    entries = [Entry(kind="pdq", value=pdq_of_rgb(KNOWN).hex, quality=100)]
    desk.fill("umbrellas", *entries, origin=SetOrigin.GENERATED)
    desk.fill("copies", *entries)
    desk.picture("umbrella.png", KNOWN)
    desk.picture("mirrored.png", KNOWN[:, ::-1])
    desk.picture("stranger.png", photo_like(33, width=480, height=360))
    yield desk
    desk.store.close()


def hours(desk: Desk, name: str) -> list[tuple[int, int]]:
    return [(hour.matches, hour.lookups) for hour in desk.store.match_history(name, since=NOW)]


def test_what_was_met_is_counted_an_entry_once(counted: Desk) -> None:
    counted.match("umbrella.png", "mirrored.png", "stranger.png", "ab" * 16, "--sets", "umbrellas")
    assert hours(counted, "umbrellas") == [(1, 4)]
    assert hours(counted, "copies") == []


def test_a_scan_counts_in_one_process_what_its_workers_met(counted: Desk) -> None:
    files = ("umbrella.png", "mirrored.png", "stranger.png")
    done = counted.run("scan", "--quiet", "--jobs", "2", "--sets", "all", *files)
    assert done.returncode == Exit.OK, done.stderr
    assert (hours(counted, "umbrellas"), hours(counted, "copies")) == ([(1, 3)], [(1, 3)])
    done = counted.run("scan", "--quiet", "--jobs", "1", *files)
    assert hours(counted, "umbrellas") == [(1, 3)]


def test_a_flood_is_told_and_nothing_is_parked(counted: Desk) -> None:
    for ago in range(1, 8):
        at = datetime.now(UTC) - timedelta(hours=ago)
        counted.store.count_matches("umbrellas", 1, 1_000, now=at)
    values = [random.Random(seed).randbytes(32).hex() for seed in range(200)]
    entries = [Entry(kind="pdq", value=value) for value in values]
    counted.store.upsert("umbrellas", entries, source="desk", now=NOW)
    counted.follow()
    near = int(pdq_of_rgb(KNOWN).hex, 16)
    for seed in range(100):
        places = random.Random(seed).sample(range(256), 30)
        values.append(f"{near ^ sum(1 << place for place in places):064x}")
    done = counted.run_match("-", "--kind", "pdq", input="\n".join(values))
    assert "The set umbrellas floods: 201 of its entries matched in an hour" in done.stderr
    assert "Entry 1 of the set umbrellas floods: it met 50 pictures in an hour" in done.stderr
    assert all(s.state.value == "active" for s in counted.store.sets())
    assert {e.state.value for e in counted.store.entries("umbrellas")} == {"active"}


def test_a_store_that_cannot_be_written_is_told_of_once_and_stops_nothing(
    counted: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MatchError("the store failed: it is read-only")

    monkeypatch.setattr("lightkeeper.storage._store.SqlSetStore.count_matches", fail)
    done = counted.run_match("umbrella.png", "--json")
    assert done.returncode == Exit.OK
    assert len(json.loads(done.stdout)["matches"]) == 2
    assert done.stderr == "Matches are not counted: the store failed: it is read-only\n"


def test_a_parked_set_or_entry_is_shown_as_such(counted: Desk) -> None:
    counted.store.set_state("copies", SetState.PARKED, reason="flood")
    (row,) = counted.match("umbrella.png")
    # It repeats what an active set holds.
    assert row["leads"] == []
    key = ("pdq", pdq_of_rgb(KNOWN).hex)
    counted.store.park("umbrellas", [key], reason="flood", now=NOW)
    done = counted.run_match("umbrella.png", "--fail-on", "match")
    assert done.returncode == Exit.OK
    assert "lead       copies (unknown), entry 2, set parked" in done.stdout
    assert "lead       umbrellas (generated), entry 1, entry parked" in done.stdout
