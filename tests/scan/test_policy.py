from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lightkeeper.assessment import Strength
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Tier
from lightkeeper.scan import Condition, Policy, ScanRow, default_examiners
from lightkeeper.scan._policy import EXAMINER_NAMES


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


def test_a_file_sets_every_part_of_a_policy(policy_file: Path) -> None:
    policy_file.write_text(
        """
        tier = "deep"
        alpha = 1e-8
        worker_memory_mib = 512
        marks = "own-marks.toml"
        trust_anchors = "/etc/anchors.pem"
        fail_on = ["conflict", "generated:strong"]
        sets = ["umbrellas", "bicycles"]
        [examiners]
        stealth = false
        provenance = true
        [limits]
        max_seconds = 3
        max_pixels = 1000
        [detectors]
        plugins = ["umbrella.toml"]
        autoencoders = ["/var/bicycle"]
        [cascade]
        sampling_rate = 0.5
        sampling_key = "secret"
        stage = [{name = "plugin:umbrella", seconds = 2}]
        """
    )
    policy = Policy.from_toml(policy_file)
    assert policy.tier is Tier.DEEP
    assert policy.alpha == 1e-8
    assert policy.worker_memory == 512 << 20
    assert policy.marks == policy_file.parent / "own-marks.toml"
    assert policy.trust_anchors == Path("/etc/anchors.pem")
    assert policy.without == {"stealth"}
    assert (policy.limits.max_seconds, policy.limits.max_pixels) == (3, 1000)
    assert policy.plugins == (policy_file.parent / "umbrella.toml",)
    assert policy.autoencoders == (Path("/var/bicycle"),)
    assert policy.cascade is not None
    assert [stage.name for stage in policy.cascade.stage] == ["plugin:umbrella"]
    assert policy.sampling_key == policy_file.parent / "secret"
    assert policy.sets == ("umbrellas", "bicycles")
    assert policy.fail_on == (Condition("conflict"), Condition("generated", Strength.STRONG))


def test_what_a_file_leaves_out_stays_as_it_was(policy_file: Path) -> None:
    policy_file.write_text('tier = "bytes"')
    base = Policy(alpha=1e-9, without=frozenset({"rivagan"}))
    assert Policy.from_toml(policy_file, base=base) == replace(base, tier=Tier.BYTES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 1", "unknown key 'colour'"),
        ('tier = "deepest"', "key 'tier' must be one of bytes, pixels, model, deep"),
        ("tier = 2", "key 'tier' must be str"),
        ("[examiners]\ntarot = true", "unknown key 'examiners.tarot'"),
        ("[examiners]\nstealth = 0", "key 'examiners.stealth' must be bool"),
        ("[limits]\nmax_luck = 1", "unknown key 'limits.max_luck'"),
        ("[limits]\nmax_bytes = -1", "key 'limits.max_bytes' must be positive"),
        ("[limits]\nmax_bytes = true", "key 'limits.max_bytes' must be int"),
        ("[limits]\nmax_bytes = 1.5", "key 'limits.max_bytes' must be int"),
        ("alpha = 2.0", "key 'alpha' must lie between 0 and 1"),
        ("worker_memory_mib = 1", "key 'worker_memory_mib' must be at least 128"),
        ('fail_on = "sunshine"', "'sunshine' is not a condition"),
        ('fail_on = ["conflict:strong"]', "'conflict' takes no strength"),
        ('fail_on = ["generated:very"]', "'very' is not a strength"),
        ("sets = 1", "key 'sets' must be str"),
        ("sets = [1]", "key 'sets' must be str"),
        ("detectors = 1", "key 'detectors' must be dict"),
        (
            "[detectors]\ntarot = []",
            "unknown key 'detectors.tarot'; known are autoencoders, plugins",
        ),
        ('[detectors]\nplugins = "a.toml"', "key 'detectors.plugins' must be list"),
        ("[detectors]\nplugins = [1]", "key 'detectors.plugins' must be str"),
        ("cascade = 1", "key 'cascade' must be dict"),
        ("cascade = {}", "stage"),
        ("tier = ", "policy file"),
    ],
)
def test_a_wrong_file_is_refused_by_key_and_name(policy_file: Path, text: str, words: str) -> None:
    policy_file.write_text(text)
    with pytest.raises(InvalidConfiguration) as refusal:
        Policy.from_toml(policy_file)
    assert words in str(refusal.value)
    assert str(policy_file) in str(refusal.value)


def test_an_absent_file_is_refused(policy_file: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"policy\.toml"):
        Policy.from_toml(policy_file)


def test_every_examiner_answers_to_the_name_that_a_policy_uses() -> None:
    assert [e.name for e in default_examiners(Policy())] == list(EXAMINER_NAMES)


def test_an_examiner_that_is_switched_off_is_not_made() -> None:
    names = [e.name for e in default_examiners(Policy(without=frozenset({"stealth"})))]
    assert "stealth" not in names
    assert len(names) == len(EXAMINER_NAMES) - 1


def test_a_fingerprint_tells_what_could_change_a_row(tmp_path: Path) -> None:
    marks = tmp_path / "marks.toml"
    marks.write_text("one")
    policy = Policy(marks=marks)
    same = policy.fingerprint({"a": "1", "b": "2"})
    assert policy.fingerprint({"b": "2", "a": "1"}) == same
    assert replace(policy, fail_on=(Condition("error"),)).fingerprint({"a": "1", "b": "2"}) == same
    assert policy.fingerprint({"a": "1", "b": "3"}) != same
    assert replace(policy, sets=("all",)).fingerprint({"a": "1", "b": "2"}) != same
    assert replace(policy, tier=Tier.DEEP).fingerprint({"a": "1", "b": "2"}) != same
    marks.write_text("two")
    assert policy.fingerprint({"a": "1", "b": "2"}) != same


def row(origin: str = "generated", strength: str = "moderate support", **more: object) -> ScanRow:
    assessment = {"origin": origin, "strength": strength, "conflicts": more.pop("conflicts", [])}
    return ScanRow(file="a.png", assessment=assessment, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("generated", True),
        ("generated:weak", True),
        ("generated:moderate", True),
        ("generated:moderately-strong", False),
        ("captured", False),
        ("conflict", False),
        ("error", False),
        ("known", False),
    ],
)
def test_a_condition_is_met_from_its_strength_on(text: str, met: bool) -> None:
    assert Condition.parse(text).met_by(row()) is met


def test_other_conditions_look_at_other_parts_of_a_row() -> None:
    assert Condition("conflict").met_by(row(conflicts=[{"code": "size-mismatch"}]))
    assert Condition("known").met_by(row(findings=[{"basis": "known"}]))
    benign = [{"basis": "known", "claim": "known-benign"}]
    assert not Condition("known").met_by(row(findings=benign))
    lead = [{"basis": "asserted", "claim": "known-material"}]
    assert not Condition("known").met_by(row(findings=lead))
    failed = ScanRow.failed("a.png", "timeout", "It took long.")
    assert Condition("error").met_by(failed)
    assert not Condition("undetermined").met_by(failed)
