from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Basis, Claim, Finding, Hypothesis, Tier
from lightkeeper.evidence.detectors.plugins import DetectorScore
from lightkeeper.evidence.detectors.plugins._manifest import Role
from lightkeeper.media import Media
from lightkeeper.scan import Policy, ScanRow, default_examiners, scan_file

CASCADE = """
tier = "deep"
[cascade]
{more}
[[cascade.stage]]
name = "small"
seconds = 1
on = ["conflict", "user-report", "known-material", "sampled"]
[[cascade.stage]]
name = "large"
seconds = 5
on = ["known-material", "routing-signal"]
after = "small"
at_least = 0.7
"""


class StandIn:
    """Finds what it is told to, and remembers that it was asked."""

    version = "1"

    def __init__(self, name: str, *found: Finding, tier: Tier = Tier.DEEP, lacks: str = "") -> None:
        self.name, self.tier, self._found, self._lacks = name, tier, found, lacks
        self.asked = 0

    def unavailable(self) -> str | None:
        return self._lacks or None

    def examine(self, media: Media) -> Sequence[Finding]:
        del media
        self.asked += 1
        return self._found


def finding(claim: Claim, basis: Basis = Basis.ASSERTED, **more: Any) -> Finding:
    common = {"summary": "Seen.", "examiner": "e", "version": "1", "source": claim.value}
    return Finding(claim=claim, basis=basis, **(common | more))


def scored(score: float, role: Role = Role.DETECTOR) -> Finding:
    details = DetectorScore("d", "1", "none stated", role, score, "logit", None)
    return finding(Claim.DETECTOR_SCORE, Basis.MEASURED, details=details)


KNOWN = finding(Claim.KNOWN_MATERIAL, Basis.KNOWN)
CONFLICT = finding(Claim.CONTRADICTION, conflict="size-mismatch")
GENERATED = finding(Claim.GENERATED, supports=Hypothesis.GENERATED)
CAMERA = finding(Claim.CAPTURED, supports=Hypothesis.CAPTURED)


@pytest.fixture
def policy(tmp_path: Path) -> Callable[..., Policy]:
    def read(more: str = "", **changes: Any) -> Policy:
        path = tmp_path / "policy.toml"
        path.write_text(CASCADE.format(more=more))
        return replace(Policy.from_toml(path), **changes)

    return read


def run(
    file: str, policy: Policy, *cheap: Finding, small: float | None = None
) -> tuple[ScanRow, list[str]]:
    """The row, and the costly examiners that looked."""
    stages = [
        StandIn("small", *([] if small is None else [scored(small)])),
        StandIn("large"),
    ]
    row = scan_file(file, [StandIn("cheap", *cheap, tier=Tier.BYTES), *stages], policy)
    assert row.failures == []
    return row, [stage.name for stage in stages if stage.asked]


def reasons(row: ScanRow) -> dict[str, str]:
    assert row.assessment is not None
    return {n["examiner"]: n["reason"] for n in row.assessment["not_examined"]}


@pytest.fixture
def picture(draw: Callable[..., str]) -> str:
    return draw("umbrella.png")


def test_without_a_trigger_nothing_costly_looks_and_the_row_says_so(
    picture: str, policy: Callable[..., Policy]
) -> None:
    row, looked = run(picture, policy(), GENERATED)
    assert looked == []
    why = "The cascade left it out: no trigger of it was met."
    assert reasons(row) == {"small": why, "large": why}


@pytest.mark.parametrize(
    ("cheap", "changes", "looked"),
    [
        pytest.param([KNOWN], {}, ["small", "large"], id="known material"),
        pytest.param([CONFLICT], {}, ["small"], id="a conflict in the metadata"),
        pytest.param([GENERATED, CAMERA], {}, ["small"], id="findings that disagree"),
        pytest.param([], {"reported": True}, ["small"], id="a report"),
        pytest.param([scored(0.9, Role.ROUTING)], {}, ["large"], id="a routing signal"),
        pytest.param([scored(0.9)], {}, [], id="a detector's score is no routing signal"),
    ],
)
def test_a_trigger_lets_its_stages_look(
    picture: str,
    policy: Callable[..., Policy],
    cheap: list[Finding],
    changes: dict[str, Any],
    looked: list[str],
) -> None:
    assert run(picture, policy(**changes), *cheap)[1] == looked


def test_a_stage_may_wait_for_the_score_of_an_earlier_one(
    picture: str, policy: Callable[..., Policy]
) -> None:
    assert run(picture, policy(reported=True), small=0.8)[1] == ["small", "large"]
    assert run(picture, policy(reported=True), small=0.6)[1] == ["small"]


def test_what_the_budget_of_one_item_does_not_allow_is_left_out_and_said_so(
    picture: str, policy: Callable[..., Policy]
) -> None:
    row, looked = run(picture, policy("budget = {seconds_per_item = 4}"), KNOWN)
    assert looked == ["small"]
    assert reasons(row) == {
        "large": "The cascade left it out: the budget of one item does not allow it."
    }


def test_a_row_says_what_made_each_stage_look(picture: str, policy: Callable[..., Policy]) -> None:
    row, _ = run(picture, policy(reported=True), CONFLICT, small=0.8)
    assert row.stages == [
        {"stage": "small", "because": ["conflict", "user-report"]},
        {"stage": "large", "because": ["score of small"]},
    ]
    assert run(picture, policy())[0].stages == []


def test_an_examiner_that_is_no_stage_always_looks(
    picture: str, policy: Callable[..., Policy]
) -> None:
    other = StandIn("other")
    scan_file(picture, [other], policy())
    assert other.asked == 1


def test_what_cannot_look_says_why_and_costs_no_budget(
    picture: str, policy: Callable[..., Policy]
) -> None:
    small, large = StandIn("small", lacks="It needs weights."), StandIn("large")
    cheap = StandIn("cheap", KNOWN, tier=Tier.BYTES)
    rules = policy("budget = {seconds_per_item = 5}")
    row = scan_file(picture, [cheap, small, large], rules)
    assert (small.asked, large.asked) == (0, 1)
    assert reasons(row) == {"small": "It needs weights."}
    row = scan_file(picture, [cheap, small, large], replace(rules, tier=Tier.PIXELS))
    assert "belongs to the tier deep" in reasons(row)["large"]


def test_a_sample_is_drawn_by_content_and_key_and_stays_the_same(
    draw: Callable[..., str], policy: Callable[..., Policy], tmp_path: Path
) -> None:
    files = [draw(f"{n}.png", n) for n in range(24)]

    def sample(key: bytes) -> list[str]:
        name = f"{key[:1].decode()}.key"
        (tmp_path / name).write_bytes(key)
        rules = policy(f'sampling_rate = 0.5\nsampling_key = "{name}"')
        return [file for file in files if run(file, rules)[1] == ["small"]]

    first = sample(b"a" * 32)
    assert 0 < len(first) < len(files)
    assert sample(b"a" * 32) == first
    assert sample(b"b" * 32) != first


OTHERS = (KNOWN, CONFLICT, CAMERA, scored(0.9, Role.ROUTING), scored(0.2))
MADE = (
    GENERATED,
    finding(Claim.PARAMETERS, supports=Hypothesis.GENERATED),
    finding(Claim.CARRIES_MARK, Basis.PUBLIC_MARK, supports=Hypothesis.GENERATED),
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
@given(st.sets(st.sampled_from(OTHERS)), st.sets(st.sampled_from(MADE), min_size=1))
def test_evidence_of_generation_lowers_no_priority_and_takes_no_stage(
    picture: str, policy: Callable[..., Policy], others: set[Finding], made: set[Finding]
) -> None:
    rules = policy()
    before, looked_before = run(picture, rules, *others)
    after, looked_after = run(picture, rules, *others, *made)
    assert before.assessment is not None
    assert after.assessment is not None
    assert set(looked_before) <= set(looked_after)
    assert after.assessment["routing"]["priority"] >= before.assessment["routing"]["priority"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("sampling_rate = 0.1", "cascade.sampling_rate' needs cascade.sampling_key"),
        ("budget = {seconds_per_hour = 60}", "a scan keeps no hourly budget"),
        ("colour = 1", "colour"),
        ("budget = 3", "budget"),
    ],
)
def test_a_wrong_cascade_is_refused_by_key_and_file(
    policy: Callable[..., Policy], more: str, words: str
) -> None:
    with pytest.raises(InvalidConfiguration) as refusal:
        policy(more)
    assert words in str(refusal.value)
    assert "policy.toml" in str(refusal.value)


def test_a_stage_names_a_costly_examiner_of_the_policy(policy: Callable[..., Policy]) -> None:
    with pytest.raises(InvalidConfiguration, match="stage small is no costly examiner"):
        default_examiners(policy())


def test_a_key_that_is_no_secret_is_an_error_and_never_a_sample(
    picture: str, policy: Callable[..., Policy], tmp_path: Path
) -> None:
    (tmp_path / "short.key").write_bytes(b"short")
    rules = policy('sampling_rate = 0.5\nsampling_key = "short.key"')
    row = scan_file(picture, [StandIn("small")], rules)
    assert row.error is not None
    assert "at least 16 bytes" in row.error["message"]


def test_a_changed_cascade_or_key_makes_other_rows(
    policy: Callable[..., Policy], tmp_path: Path
) -> None:
    (tmp_path / "a.key").write_bytes(b"a" * 32)
    more = 'sampling_rate = 0.5\nsampling_key = "a.key"'
    one = policy(more).fingerprint({})
    assert policy(more).fingerprint({}) == one
    assert policy(more, reported=True).fingerprint({}) != one
    assert policy(more.replace("0.5", "0.4")).fingerprint({}) != one
    (tmp_path / "a.key").write_bytes(b"b" * 32)
    assert policy(more).fingerprint({}) != one
