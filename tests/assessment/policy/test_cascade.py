from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.assessment import Conflict
from lightkeeper.assessment.policy import Cascade, CascadePolicy, Signals, Stage, Trigger
from lightkeeper.assessment.policy._cascade import Allowance
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Basis, Claim, Finding
from lightkeeper.evidence.detectors.plugins import DetectorScore
from lightkeeper.evidence.detectors.plugins._manifest import Role

TEXT = """
sampling_rate = 0.01
[budget]
seconds_per_item = 4
[[stage]]
name = "marks"
seconds = 0.1
[[stage]]
name = "small"
seconds = 1
on = ["conflict", "user-report", "sampled"]
[[stage]]
name = "deep"
seconds = 2
on = ["known-material"]
after = "small"
at_least = 0.7
"""


@pytest.fixture
def policy(tmp_path: Path) -> CascadePolicy:
    path = tmp_path / "policy.toml"
    path.write_text(TEXT)
    return CascadePolicy.from_toml(path)


def signals(*triggers: Trigger) -> Signals:
    return Signals(frozenset({Trigger.ALWAYS, *triggers}))


def stages(policy: CascadePolicy, found: Signals, small: float | None = None) -> list[str]:
    cascade, scores = Cascade(policy), {}
    while (stage := cascade.plan(found, scores).next) is not None:
        scores[stage.name] = small if stage.name == "small" else None
    return list(scores)


def test_without_a_trigger_only_what_always_runs_is_run(policy: CascadePolicy) -> None:
    assert stages(policy, signals()) == ["marks"]


@pytest.mark.parametrize(
    ("trigger", "small", "expected"),
    [
        (Trigger.CONFLICT, 0.6, ["marks", "small"]),
        (Trigger.USER_REPORT, 0.7, ["marks", "small", "deep"]),
        (Trigger.SAMPLED, None, ["marks", "small"]),
        (Trigger.KNOWN_MATERIAL, None, ["marks", "deep"]),
    ],
)
def test_a_trigger_or_a_score_opens_the_next_stage(
    policy: CascadePolicy, trigger: Trigger, small: float | None, expected: list[str]
) -> None:
    assert stages(policy, signals(trigger), small) == expected


@given(
    st.sets(st.sampled_from(list(Trigger))),
    st.sets(st.sampled_from(list(Trigger))),
    st.none() | st.floats(0, 1),
)
def test_more_signals_never_mean_fewer_stages(
    some: set[Trigger], more: set[Trigger], small: float | None
) -> None:
    every = tuple(Stage(name=f"{t}", seconds=0.1, on=(t,)) for t in Trigger)
    small_policy = CascadePolicy(
        stage=(
            *every,
            Stage(name="small", seconds=0.1),
            Stage(name="z", seconds=0.1, after="small"),
        )
    )
    few = stages(small_policy, Signals(frozenset(some)), small)
    assert set(few) <= set(stages(small_policy, Signals(frozenset(some | more)), small))


def test_what_does_not_run_says_why(policy: CascadePolicy) -> None:
    plan = Cascade(policy).plan(signals(), {"marks": None})
    assert [(o.stage, o.reason) for o in plan.omitted] == [
        ("small", "no trigger of it was met"),
        ("deep", "no trigger of it was met"),
    ]


def test_the_hour_leaves_out_what_no_longer_fits_into_it(policy: CascadePolicy) -> None:
    cascade = Cascade(policy, allowance=Allowance(left=1.05))
    plan = cascade.plan(signals(Trigger.CONFLICT), {"marks": None})
    assert plan.next is None
    assert [(o.stage, o.reason, o.for_the_hour) for o in plan.omitted] == [
        ("small", "the budget of this hour is spent", True),
        ("deep", "no trigger of it was met", False),
    ]
    # What a stage took counts in the place of what it was expected to take.
    cascade.took(policy.stage[0], 0.02)
    assert cascade.plan(signals(Trigger.CONFLICT), {"marks": None}).next == policy.stage[1]


def test_a_stage_that_turns_out_slow_no_longer_fits_an_item(policy: CascadePolicy) -> None:
    cascade = Cascade(policy, allowance=Allowance(measured={"deep": 3.95}))
    plan = cascade.plan(signals(Trigger.KNOWN_MATERIAL), {"marks": None})
    assert plan.next is None
    assert plan.omitted[-1].reason == "the budget of one item does not allow it"
    assert not plan.omitted[-1].for_the_hour


def test_a_plan_says_what_made_a_stage_run(policy: CascadePolicy) -> None:
    cascade = Cascade(policy)
    found = signals(Trigger.KNOWN_MATERIAL, Trigger.SAMPLED)
    assert cascade.plan(found, {"marks": None}).because == ("sampled",)
    both = cascade.plan(found, {"marks": None, "small": 0.9}).because
    assert both == ("known-material", "score of small")


def finding(claim: Claim, details: Any = None) -> Finding:
    return Finding(
        claim=claim,
        basis=Basis.KNOWN,
        summary="",
        examiner="e",
        version="1",
        source="s",
        details=details,
    )


def routing(score: float, role: Role = Role.ROUTING) -> Finding:
    details = DetectorScore("lamp", "1", "MIT", role, score, "probability", None)
    return finding(Claim.DETECTOR_SCORE, details)


@pytest.mark.parametrize(
    ("findings", "more", "expected"),
    [
        ([], {}, set()),
        ([finding(Claim.KNOWN_MATERIAL)], {}, {Trigger.KNOWN_MATERIAL}),
        ([routing(0.5)], {}, {Trigger.ROUTING_SIGNAL}),
        ([routing(0.49)], {}, set()),
        ([routing(0.9, Role.DETECTOR)], {}, set()),
        ([], {"reported": True}, {Trigger.USER_REPORT}),
        ([], {"conflicts": [Conflict("c", "s", ())]}, {Trigger.CONFLICT}),
    ],
)
def test_triggers_are_read_off_what_is_known(
    findings: list[Finding], more: dict[str, Any], expected: set[Trigger]
) -> None:
    policy = CascadePolicy(stage=(Stage(name="a", seconds=1),))
    found = Signals.of(findings, more.pop("conflicts", []), policy, item=b"i", salt=b"s", **more)
    assert found.triggers == {Trigger.ALWAYS, *expected}


def test_sampling_is_stable_for_an_item_and_unknown_without_the_salt() -> None:
    policy = CascadePolicy(stage=(Stage(name="a", seconds=1),), sampling_rate=0.25)

    def drawn(salt: bytes) -> list[bool]:
        items = (str(n).encode() for n in range(2000))
        return [
            Trigger.SAMPLED in Signals.of([], [], policy, item=i, salt=salt).triggers for i in items
        ]

    assert drawn(b"one") == drawn(b"one")
    assert 0.21 < sum(drawn(b"one")) / 2000 < 0.29
    both = sum(a and b for a, b in zip(drawn(b"one"), drawn(b"two"), strict=True))
    assert 0.04 < both / 2000 < 0.09


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stage = []", "it has no stage"),
        ("mood = 1", "mood"),
        ('[[stage]]\nname = "a"\nseconds = 0', "seconds"),
        ('[[stage]]\nname = "a"\nseconds = 1\non = ["whim"]', "whim"),
        ('[[stage]]\nname = "a"\nseconds = 1\nafter = "b"', "does not come before it"),
        ('[[stage]]\nname = "a"\nseconds = 1\n' * 2, "twice"),
        ("[", "cascade policy"),
    ],
)
def test_a_wrong_policy_is_refused_with_the_reason(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(InvalidConfiguration, match=words):
        CascadePolicy.from_toml(path)
