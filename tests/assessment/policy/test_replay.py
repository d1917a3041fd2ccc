"""A cascade over the rows of a scan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lightkeeper.assessment.policy import CascadePolicy, read_scan, replay
from lightkeeper.cli._exit import Exit
from lightkeeper.cli.detector import app
from lightkeeper.errors import InvalidConfiguration

POLICY = """
routing_at = 0.5
budget = { seconds_per_item = 30 }
[[stage]]
name = "plugin:umbrella"
seconds = 2
on = ["known-material", "conflict", "routing-signal", "user-report"]
[[stage]]
name = "reconstruction-deep"
seconds = 20
on = ["known-material"]
after = "plugin:umbrella"
at_least = 0.7
[[stage]]
name = "plugin:large"
seconds = 15
on = ["known-material"]
"""


def row(name: str, *findings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schema": "lightkeeper.scan/1", "file": name, "findings": list(findings)} | more


def scored(examiner: str, score: float, role: str = "detector") -> dict[str, Any]:
    details = {"score": score, "role": role}
    return {"claim": "detector-score", "examiner": examiner, "details": details, "new": [1]}


KNOWN = {"claim": "known-material", "examiner": "matching"}
ROWS = [
    row("plain.png", scored("plugin:umbrella", 0.9)),
    row("known.png", KNOWN, scored("plugin:umbrella", 0.1)),
    row("routed.png", scored("plugin:shown", 0.6, "routing"), scored("plugin:umbrella", 0.8)),
    row("conflict.png", scored("plugin:umbrella", 0.2), assessment={"conflicts": [{"code": "c"}]}),
    row("unseen.png", KNOWN, assessment={"not_examined": [
        {"examiner": "plugin:umbrella", "reason": "r"}]}),
    row("broken.png", status="error"),
]  # fmt: skip


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)) + "\n\n")
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "cascade.toml"
    path.write_text(POLICY)
    return path


def test_a_stage_is_met_where_its_trigger_or_the_score_before_it_says_so(
    scan: Path, policy: Path
) -> None:
    done = replay(read_scan(scan), CascadePolicy.from_toml(policy))
    umbrella, deep, large = done.stages
    assert (done.files, done.errors) == (6, 1)
    assert (umbrella.reached, umbrella.untriggered, umbrella.unknown) == (4, 1, 1)
    # Known material twice, and the score of the routed one; .9 was never asked for.
    assert (deep.reached, deep.untriggered, deep.seconds) == (3, 2, 60.0)
    assert (large.reached, large.over_budget, large.untriggered) == (0, 2, 3)
    assert done.seconds_per_file == pytest.approx((4 * 2 + 60) / 5)


def test_more_reasons_never_mean_fewer_stages(scan: Path, policy: Path) -> None:
    rules = CascadePolicy.from_toml(policy)
    plain, reported = (replay(read_scan(scan), rules, reported=r) for r in (False, True))
    assert reported.stages[0].reached == 5
    for before, after in zip(plain.stages[:2], reported.stages[:2], strict=True):
        assert after.reached >= before.reached


def test_the_sample_is_that_of_the_deployments_secret(tmp_path: Path) -> None:
    path = tmp_path / "scan.jsonl"
    rows = [row(f"{k}.png", digests={"sha256": f"{k:064x}", "md5": "x"}) for k in range(400)]
    path.write_text("\n".join(map(json.dumps, rows)))
    file = tmp_path / "cascade.toml"
    file.write_text('sampling_rate=0.1\n[[stage]]\nname="a"\nseconds=1\non=["sampled"]\n')
    rules = CascadePolicy.from_toml(file)
    counts = [replay(read_scan(path), rules, salt=salt).stages[0].reached for salt in (b"1", b"2")]
    assert all(15 < count < 80 for count in counts)
    assert counts[0] == replay(read_scan(path), rules, salt=b"1").stages[0].reached


def test_a_scan_is_simulated_by_the_command_with_a_scans_own_policy(
    scan: Path, policy: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "policy.toml"
    whole.write_text('tier = "deep"\n' + POLICY.replace("[[stage]]", "[[cascade.stage]]").replace(
        "routing_at", "[cascade]\nrouting_at"))  # fmt: skip
    answers = []
    for given in (policy, whole):
        done = CliRunner().invoke(app, ["simulate", str(scan), "--policy", str(given), "--json"])
        assert done.exit_code == Exit.OK, done.output
        answers.append(json.loads(done.stdout))
    assert answers[0] == answers[1]
    told = CliRunner().invoke(app, ["simulate", str(scan), "--policy", str(policy)])
    assert "plugin:umbrella          4 of 5 reach it, 8.0 s" in told.stdout
    assert "1 on which it did not look in this scan" in told.stdout


def test_labels_say_what_of_either_kind_reaches_a_stage(
    scan: Path, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "path,label,generator\nplain.png,generated,a\nrouted.png,generated,a\n"
        "conflict.png,real,\nknown.png,real,\n"
    )
    command = ["simulate", str(scan), "--policy", str(policy), "--labels", str(labels)]
    done = CliRunner().invoke(app, command)
    assert "1 of 2 generated, 2 of 2 real" in done.stdout
    labels.write_text("path,label\nother.png,real\n")
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, InvalidConfiguration)
    assert "labels no file" in str(refused.exception)


@pytest.mark.parametrize(
    "line", ["[", "[1]", '{"file": "a"}', '{"schema": "x", "file": "a"}', "[" * 100_000,
             '{"schema": "lightkeeper.scan/1", "file": 3}'],
)  # fmt: skip
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "scan.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n" + line + "\n")
    with pytest.raises(InvalidConfiguration, match="line 2"):
        list(read_scan(path))


def test_what_is_missing_is_said(scan: Path, tmp_path: Path) -> None:
    for arguments, words in (
        ([str(scan)], "needs a cascade"),
        ([str(tmp_path / "none.jsonl"), "--policy", str(scan)], "TOML|policy"),
        ([str(tmp_path / "matrix.csv")], "costly stage"),
    ):
        done = CliRunner().invoke(app, ["simulate", *arguments])
        assert isinstance(done.exception, InvalidConfiguration)
        assert any(word in str(done.exception) for word in words.split("|"))
