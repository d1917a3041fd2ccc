"""Let costly examiners look only at what gives reason to, as a policy's cascade says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from lightkeeper.assessment import assess
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Examination, NotExamined, examine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lightkeeper.assessment.policy import Cascade, CascadePolicy, Signals
    from lightkeeper.assessment.policy._cascade import Allowance
    from lightkeeper.assessment.policy._hour_book import StageRun
    from lightkeeper.evidence import Examiner, Finding
    from lightkeeper.media import Media
    from lightkeeper.scan._policy import Policy


@dataclass(frozen=True, slots=True)
class Staging:
    """What a cascade may spend on one item, and what it did."""

    allowance: Allowance | None = None
    """Without one, stages are planned with declared times: a row depends on its file alone."""
    because: list[dict[str, Any]] = field(default_factory=list)
    """Stages that ran, with what made them run."""
    runs: list[StageRun] = field(default_factory=list)
    """The same with their time, and those that the hour's budget left out."""


def examine_in_stages(
    media: Media, examiners: Sequence[Examiner], policy: Policy, staging: Staging | None = None
) -> Examination:
    """Examine one medium; what the cascade leaves out is listed as not examined, with why.

    Examiners that are no stage always look. More findings of any kind never mean fewer stages.
    """
    rules = policy.cascade
    stages = {stage.name for stage in rules.stage} if rules else set()
    # Those that cannot look anyway say so themselves, and cost no budget.
    waiting = {
        e.name: e
        for e in examiners
        if e.name in stages and e.tier <= policy.tier and e.unavailable() is None
    }
    free = [e for e in examiners if e.name not in waiting]
    seen = examine(media, free, tier=policy.tier)
    if rules is None or not waiting:
        return seen
    return _staged(media, seen, waiting, rules, policy, staging or Staging())


def _staged(
    media: Media,
    seen: Examination,
    waiting: dict[str, Examiner],
    rules: CascadePolicy,
    policy: Policy,
    staging: Staging,
) -> Examination:
    from lightkeeper.assessment.policy._hour_book import StageRun

    cascade = _for_one_item(rules, waiting, staging)
    scores: dict[str, float | None] = {}
    while True:
        plan = cascade.plan(_signals(media, seen, rules, policy), scores)
        if plan.next is None:
            break
        name = plan.next.name
        began = time.monotonic()
        new = examine(media, [waiting[name]], tier=policy.tier)
        run = StageRun(name, time.monotonic() - began)
        if staging.allowance is not None:
            cascade.took(plan.next, run.seconds)
        staging.runs.append(run)
        staging.because.append({"stage": name, "because": list(plan.because)})
        scores[name] = _score(new.findings)
        seen = _joined(seen, new)
    staging.runs.extend(StageRun(o.stage, 0.0, True) for o in plan.omitted if o.for_the_hour)
    left_out = tuple(
        NotExamined(omission.stage, f"The cascade left it out: {omission.reason}.")
        for omission in plan.omitted
    )
    return _joined(seen, Examination((), (), left_out))


def _for_one_item(rules: CascadePolicy, waiting: dict[str, Examiner], staging: Staging) -> Cascade:
    from lightkeeper.assessment.policy import Cascade

    present = tuple(stage for stage in rules.stage if stage.name in waiting)
    here = msgspec.structs.replace(rules, stage=present)
    return Cascade(here, allowance=staging.allowance)


def _signals(media: Media, seen: Examination, rules: CascadePolicy, policy: Policy) -> Signals:
    from lightkeeper.assessment.policy import Signals
    from lightkeeper.hashing import media_digests

    return Signals.of(
        seen.findings,
        assess(seen.findings).conflicts,
        rules,
        item=media_digests(media).sha256.encode(),
        salt=sampling_secret(policy.sampling_key) if policy.sampling_key else b"",
        reported=policy.reported,
    )


def _score(findings: Sequence[Finding]) -> float | None:
    """What a stage gave; a decoder's grid counts by its contrast."""
    from lightkeeper.evidence.detectors.plugins import DetectorScore
    from lightkeeper.evidence.detectors.reconstruction._finding import DecoderGrid

    given = [f.details.score for f in findings if isinstance(f.details, DetectorScore)]
    given += [f.details.contrast for f in findings if isinstance(f.details, DecoderGrid)]
    return max(given, default=None)


def _joined(one: Examination, other: Examination) -> Examination:
    return Examination(
        one.findings + other.findings,
        one.failures + other.failures,
        one.not_examined + other.not_examined,
    )


@cache
def sampling_secret(path: Path) -> bytes:
    """The content of a sampling key.

    Raises
    ------
    InvalidConfiguration
        It cannot be read, or is too short to be a secret.
    """
    try:
        secret = path.read_bytes()
    except OSError as error:
        raise InvalidConfiguration(f"cannot read {path}: {error.strerror}") from error
    if len(secret) < 16:
        raise InvalidConfiguration(f"{path}: a sampling key has at least 16 bytes")
    return secret
