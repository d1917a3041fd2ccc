from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stand_in_examiners

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence import Tier
from lightkeeper.media import Limits
from lightkeeper.scan import Policy, ScanRow, scan

Draw = Callable[..., str]


def scanned(files: list[str], *, seconds: float = 20.0, jobs: int = 2) -> list[ScanRow]:
    policy = Policy(tier=Tier.BYTES, limits=Limits(max_seconds=seconds))
    return list(scan(files, policy, jobs=jobs, build=stand_in_examiners.build))


def test_rows_come_in_the_order_of_the_files(draw: Draw) -> None:
    files = [draw(f"{n:03}.png", n) for n in range(40)]
    rows = scanned(files)
    assert [row.file for row in rows] == files
    assert [row.findings[0]["summary"] for row in rows[:2]] == [
        "Looked at 000.png.",
        "Looked at 001.png.",
    ]
    assert {row.status for row in rows} == {"ok"}


def test_a_dying_worker_costs_one_row_and_the_scan_goes_on(draw: Draw) -> None:
    names = ["a.png", "crash1.png", "b.png", "quit.png", "crash2.png", "c.png", "d.png"]
    rows = scanned([draw(name, n) for n, name in enumerate(names)])
    codes = {Path(row.file).name: row.error and row.error["code"] for row in rows}
    assert codes == {
        name: "worker-died" if name[0] in "cq" and len(name) > 5 else None for name in names
    }
    assert "signal 11" in str(rows[1].error)
    assert "exit status 7" in str(rows[3].error)


def test_a_hanging_file_is_given_up_at_the_time_limit(draw: Draw) -> None:
    files = [draw("hang.png"), *(draw(f"{n}.png", n) for n in range(6))]
    started = time.monotonic()
    rows = scanned(files, seconds=0.5)
    assert rows[0].error == {"code": "timeout", "message": "It took more than 0.5 s."}
    assert [row.status for row in rows[1:]] == ["ok"] * 6
    assert time.monotonic() - started < 20


def test_memory_beyond_the_bound_is_an_error_of_that_file(draw: Draw) -> None:
    rows = scanned([draw("greedy.png"), draw("a.png", 1)], jobs=1)
    assert [f["code"] for f in rows[0].failures] == ["out-of-memory"]
    assert rows[1].failures == []


def test_an_unreadable_or_foreign_file_is_a_row_with_an_error(draw: Draw, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a list of lighthouses")
    rows = scanned([str(tmp_path / "absent.png"), str(tmp_path / "notes.txt"), draw("a.png")])
    assert [row.error and row.error["code"] for row in rows] == [
        "unreadable",
        "unsupported-media",
        None,
    ]
    assert rows[1].digests is not None
    assert rows[1].assessment is None


def test_a_wrong_configuration_ends_the_scan_before_the_first_file(draw: Draw) -> None:
    policy = Policy(tier=Tier.BYTES, marks=Path("mine.toml"))
    with pytest.raises(InvalidConfiguration, match=r"mine\.toml: no such mark"):
        list(scan([draw("a.png")], policy, jobs=1, build=stand_in_examiners.build_wrongly))


def test_a_slow_file_does_not_let_rows_pile_up(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightkeeper.scan._scan._WINDOW", 4)
    files = [draw("hang.png"), *(draw(f"{n}.png", n) for n in range(20))]
    taken: list[str] = []

    def watched() -> Iterator[str]:
        for file in files:
            taken.append(file)
            yield file

    policy = Policy(tier=Tier.BYTES, limits=Limits(max_seconds=0.5))
    rows = scan(watched(), policy, jobs=2, build=stand_in_examiners.build)
    assert next(rows).error is not None
    assert len(taken) <= 6
    assert len(list(rows)) == 20


def test_a_replacement_that_cannot_start_is_replaced_itself(draw: Draw, tmp_path: Path) -> None:
    files = [draw(name, n) for n, name in enumerate(["a.png", "quit.png", "b.png", "c.png"])]
    policy = Policy(tier=Tier.BYTES, marks=tmp_path / "starts")
    build = stand_in_examiners.build_dying_on_second_start
    rows = list(scan(files, policy, jobs=1, build=build))
    assert [row.error and row.error["code"] for row in rows] == [None, "worker-died", None, None]
    assert (tmp_path / "starts").read_text() == "xxx"


def test_a_scan_ends_where_no_worker_can_start_any_more(draw: Draw, tmp_path: Path) -> None:
    files = [draw("quit.png"), draw("a.png", 1)]
    policy = Policy(tier=Tier.BYTES, marks=tmp_path / "starts")
    with pytest.raises(EvidenceError, match="died while it started"):
        list(scan(files, policy, jobs=1, build=stand_in_examiners.build_once))
