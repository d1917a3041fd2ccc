"""What a cascade would have done with the files of a scan in which its stages looked at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from lightkeeper.assessment.policy._cascade import Cascade
from lightkeeper.assessment.policy._policy import CascadePolicy, Trigger
from lightkeeper.assessment.policy._signals import Signals, sampled
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Claim
from lightkeeper.evidence.detectors.plugins._manifest import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_LONGEST_LINE = 64 << 20


class _Finding(msgspec.Struct, frozen=True, kw_only=True):
    claim: str
    examiner: str = ""
    details: Any = None

    def number(self, key: str) -> float | None:
        value = self.details.get(key) if isinstance(self.details, dict) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return float(value)


class _NotExamined(msgspec.Struct, frozen=True, kw_only=True):
    examiner: str


class _Assessment(msgspec.Struct, frozen=True, kw_only=True):
    conflicts: tuple[Any, ...] = ()
    not_examined: tuple[_NotExamined, ...] = ()


class _Failure(msgspec.Struct, frozen=True, kw_only=True):
    examiner: str


class _Digests(msgspec.Struct, frozen=True, kw_only=True):
    sha256: str = ""


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """What a row of a scan says that a cascade goes by."""

    schema: str
    file: str
    status: str = "ok"
    digests: _Digests | None = None
    findings: tuple[_Finding, ...] = ()
    failures: tuple[_Failure, ...] = ()
    assessment: _Assessment | None = None


@dataclass(slots=True)
class StageReplay:
    """One stage over all files of a scan."""

    stage: str
    reached: int = 0
    seconds: float = 0.0
    """Of all files that reached it, as declared."""
    untriggered: int = 0
    over_budget: int = 0
    unknown: int = 0
    """Files that reached it, on which it did not look in that scan: what its score would have set
    off is not in the count."""
    generated: int = 0
    """Of those that reached it, by their labels."""
    real: int = 0


@dataclass(frozen=True, slots=True)
class Replay:
    """Every stage, and how many files there were."""

    files: int
    errors: int
    """Files that the scan could not examine; no stage has them."""
    generated: int
    real: int
    stages: tuple[StageReplay, ...]
    seconds_per_file: float = field(default=0.0)


def read_scan(path: Path) -> Iterator[Scanned]:
    """Rows of a scan's JSON lines.

    Raises
    ------
    InvalidConfiguration
        It cannot be read, or a line is no row of a scan; the message names the line.
    """
    decoder = msgspec.json.Decoder(Scanned)
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), b""), 1):
                if not line.strip():
                    continue
                try:
                    row = decoder.decode(line)
                except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
                    raise InvalidConfiguration(
                        f"{path}, line {number}: no row of a scan: {str(error)[:120]}",
                        hint="write one with lightkeeper scan --jsonl",
                    ) from error
                if not row.schema.startswith("lightkeeper.scan/"):
                    raise InvalidConfiguration(f"{path}, line {number}: no row of a scan")
                yield row
    except OSError as error:
        raise InvalidConfiguration(f"cannot read {path}: {error.strerror}") from error


def replay(
    rows: Iterable[Scanned],
    policy: CascadePolicy,
    *,
    salt: bytes = b"",
    reported: bool = False,
    labels: Mapping[str, bool] | None = None,
) -> Replay:
    """Plan every file's stages with the scores that a scan has found.

    Parameters
    ----------
    rows : iterable of Scanned
        Of a scan in which the stages looked at every file: without a cascade, or with stages that
        run always.
    salt : bytes
        Of the deployment; with another one, others are sampled.
    labels : mapping, optional
        Whether a file is generated, by its name in the row.
    """
    cascade = Cascade(policy)
    found = {stage.name: StageReplay(stage.name) for stage in policy.stage}
    files = errors = generated = real = 0
    for row in rows:
        files += 1
        if row.status != "ok":
            errors += 1
            continue
        label = (labels or {}).get(row.file)
        generated += label is True
        real += label is False
        _plan(row, cascade, found, label, salt=salt, reported=reported)
    spent = sum(stage.seconds for stage in found.values())
    return Replay(
        files, errors, generated, real, tuple(found.values()), spent / max(1, files - errors)
    )


def _plan(
    row: Scanned,
    cascade: Cascade,
    found: dict[str, StageReplay],
    label: bool | None,
    *,
    salt: bytes,
    reported: bool,
) -> None:
    absent = {e.examiner for e in (row.assessment.not_examined if row.assessment else ())}
    absent |= {failure.examiner for failure in row.failures}
    scores: dict[str, float | None] = {}
    while True:
        signals = _signals(row, cascade.policy, scores, found, salt=salt, reported=reported)
        plan = cascade.plan(signals, scores)
        if plan.next is None:
            break
        stage = found[plan.next.name]
        stage.reached += 1
        stage.seconds += plan.next.seconds
        stage.unknown += stage.stage in absent
        stage.generated += label is True
        stage.real += label is False
        scores[stage.stage] = _score(row, stage.stage)
    for omission in plan.omitted:
        if "trigger" in omission.reason:
            found[omission.stage].untriggered += 1
        else:
            found[omission.stage].over_budget += 1


def _score(row: Scanned, stage: str) -> float | None:
    given = [
        value
        for finding in row.findings
        if finding.examiner == stage
        for key in ("score", "contrast")
        if (value := finding.number(key)) is not None
    ]
    return max(given, default=None)


def _signals(
    row: Scanned,
    policy: CascadePolicy,
    scores: Mapping[str, float | None],
    stages: Mapping[str, StageReplay],
    *,
    salt: bytes,
    reported: bool,
) -> Signals:
    """Triggers of what would have been seen by now; conflicts are those of the whole row."""
    seen = [f for f in row.findings if f.examiner not in stages or f.examiner in scores]
    triggers = {Trigger.ALWAYS}
    if reported:
        triggers.add(Trigger.USER_REPORT)
    if row.assessment and row.assessment.conflicts:
        triggers.add(Trigger.CONFLICT)
    if any(f.claim == Claim.KNOWN_MATERIAL for f in seen):
        triggers.add(Trigger.KNOWN_MATERIAL)
    if any(_routes(f, policy) for f in seen):
        triggers.add(Trigger.ROUTING_SIGNAL)
    if row.digests and sampled(row.digests.sha256.encode(), salt, policy):
        triggers.add(Trigger.SAMPLED)
    return Signals(frozenset(triggers))


def _routes(finding: _Finding, policy: CascadePolicy) -> bool:
    details = finding.details
    if not isinstance(details, dict) or details.get("role") != Role.ROUTING:
        return False
    score = finding.number("score")
    return score is not None and score >= policy.routing_at
